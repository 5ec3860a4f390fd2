//! GNU's long option names: they decide what an abbreviation on a command line means.

/// GNU's long names of one program, in the order of its table, in which `--=` lists them (cp and cat 9.10).
///
/// An abbreviation means here what it means there because the list is complete. What is not in it is ours and must be
/// spelled in full.
#[derive(Debug)]
pub struct GnuNames {
    /// The names.
    pub all: &'static [&'static str],
    /// Pairs that mean the same: an abbreviation of both is not ambiguous.
    pub synonyms: &'static [(&'static str, &'static str)],
}

/// GNU cp's.
pub const GNU_CP: GnuNames = GnuNames {
    all: &[
        "archive",
        "attributes-only",
        "backup",
        "copy-contents",
        "debug",
        "dereference",
        "force",
        "interactive",
        "link",
        "no-clobber",
        "no-dereference",
        "no-preserve",
        "no-target-directory",
        "one-file-system",
        "parents",
        "path",
        "preserve",
        "recursive",
        "remove-destination",
        "sparse",
        "reflink",
        "strip-trailing-slashes",
        "suffix",
        "symbolic-link",
        "target-directory",
        "update",
        "verbose",
        "keep-directory-symlink",
        "context",
        "help",
        "version",
    ],
    synonyms: &[("parents", "path")],
};

/// GNU cat's.
pub const GNU_CAT: GnuNames = GnuNames {
    all: &[
        "number-nonblank",
        "number",
        "squeeze-blank",
        "show-nonprinting",
        "show-ends",
        "show-tabs",
        "show-all",
        "help",
        "version",
    ],
    synonyms: &[],
};
