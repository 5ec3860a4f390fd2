//! What was asked of `zccp`, after parsing: plain data that `cli` makes and everything below reads.

use super::exclude::Exclude;
use crate::engine::Policy;
use crate::report::foresee::{Excludes, Sources, Trees};
use crate::report::json;
use crate::report::watch::When;
use std::ffi::OsString;
use std::num::NonZero;

/// What GNU says of `--parents` with a destination that is no directory.
pub const PARENTS_WANT_A_DIRECTORY: &str = "with --parents, the destination must be a directory";

/// Where the copies go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// The last operand, a directory or a file: looked at when the copy starts.
    #[default]
    LastOperand,
    /// `-t DIRECTORY`
    Directory(OsString),
    /// `-T`: the last operand is a file, whatever it is now.
    NoDirectory,
}

/// Which existing destinations are replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Update {
    /// All.
    #[default]
    All,
    /// None; that one was there is no failure.
    None,
    /// None, and it is a failure.
    NoneFail,
    /// Those whose data was changed before the source's.
    Older,
}

/// What is made of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Make {
    /// A copy.
    #[default]
    Copy,
    /// `-l`: another name of it.
    HardLink,
    /// `-s`: a symbolic link to it.
    SymbolicLink,
}

/// Which symbolic links of the source are followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dereference {
    /// `-L`: all.
    #[default]
    Always,
    /// `-H`: operands only.
    Operands,
    /// `-P`, `-d`, `-a`: none.
    Never,
}

/// What a copy keeps of its source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preserve {
    /// Permissions, access control lists among them.
    pub mode: bool,
    /// `--no-preserve=mode`: a new file gets what the umask leaves of 0666 or 0777, whatever the source has.
    pub no_mode: bool,
    /// Owner and group.
    pub ownership: bool,
    /// Times of access and modification.
    pub timestamps: bool,
    /// Names of one file stay names of one file.
    pub links: bool,
    /// Extended attributes.
    pub xattr: Keep,
    /// The SELinux label.
    pub context: Keep,
}

/// Whether something is kept that not every file system can hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// No.
    #[default]
    No,
    /// Where it can be (`-a`); nothing is said where it cannot.
    Silently,
    /// Where it can be (`--preserve=all`): what goes wrong is said, but not that it is not supported, and it is no
    /// failure.
    Gladly,
    /// It is a failure where it cannot be (`--preserve=xattr`, `--preserve=context`).
    Required,
}

/// The SELinux label that new files get.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Label {
    /// What the kernel gives them.
    #[default]
    ByKernel,
    /// `-Z`: what the policy says of their names.
    ByPolicy,
    /// `--context=CTX`
    Given(OsString),
}

impl Preserve {
    /// Whether attributes are set once the contents are there.
    pub fn any_attribute(&self) -> bool {
        self.mode || self.ownership || self.timestamps || self.xattr != Keep::No || self.context != Keep::No
    }
}

/// How an existing destination is kept under another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// How the other name is chosen.
    pub numbering: Numbering,
    /// What a name without a number ends in.
    pub suffix: OsString,
}

/// How the name of a backup is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbering {
    /// Name and suffix.
    Simple,
    /// Numbered where there is a numbered one, simple otherwise.
    Existing,
    /// `name.~N~`, one more than the highest there is.
    Numbered,
}

/// What is to make a copy one that can be trusted (docs/safety.md).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Safety {
    /// `--atomic`: the new file appears whole or not at all.
    pub atomic: bool,
    /// `--resume`: what is there is compared and repaired.
    pub resume: bool,
    /// `--verify`: what is on the device is read back and compared.
    pub verify: bool,
    /// `--durable`: success means on the device.
    pub durable: bool,
}

/// What was asked of `zccp`; by default, what is done where no option says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The program's name as messages begin with it: the last component of `argv[0]`, as GNU has it.
    pub program: String,
    /// Named `cp`: GNU's to the letter, nothing extra on any stream.
    pub strictly_gnu: bool,
    /// SOURCE..., without the destination unless [`Target::LastOperand`] or [`Target::NoDirectory`], where it is last.
    pub operands: Vec<OsString>,
    /// `-t`, `-T` or neither.
    pub target: Target,
    /// `argv[0]`, all of it: prompts begin with it.
    pub called: OsString,
    /// `-i`: ask before an existing destination is replaced.
    pub ask: bool,
    /// `-n`, `-u`, `--update`
    pub update: Update,
    /// `-b`, `--backup`, `-S`
    pub backup: Option<Backup>,
    /// `--remove-destination`
    pub remove_destination: bool,
    /// `-l`, `-s`
    pub make: Make,
    /// `-H`, `-L`, `-P`, `-d`, `-a`
    pub dereference: Dereference,
    /// `-r`, `-R`, `-a`: directories are copied with what is in them.
    pub recursive: bool,
    /// `--copy-contents`: with `-r`, FIFOs and devices are read instead of made anew.
    pub copy_contents: bool,
    /// `--attributes-only`: no data.
    pub attributes_only: bool,
    /// `-p`, `--preserve`, `--no-preserve`, `-d`, `-a`
    pub preserve: Preserve,
    /// `--parents`: the directories of a source's name are made below the destination.
    pub parents: bool,
    /// `--exclude`: what of a tree is left out.
    pub exclude: Exclude,
    /// `-x`: what is mounted in a tree is not copied.
    pub one_file_system: bool,
    /// `--strip-trailing-slashes`
    pub strip_trailing_slashes: bool,
    /// `--keep-directory-symlink`: a directory may be copied into a symbolic link to one.
    pub keep_directory_symlink: bool,
    /// `-j`: threads that copy a tree, or many operands; `None`: as many as are of use.
    pub jobs: Option<NonZero<usize>>,
    /// `-Z`, `--context`
    pub label: Label,
    /// `--atomic`, `--resume`, `--verify`, `--durable`
    pub safety: Safety,
    /// `-f`: if an existing destination cannot be opened, remove it and try again.
    pub force: bool,
    /// `-v`: say what is done.
    pub verbose: bool,
    /// `--debug`: GNU's line about how each file was copied; implies `-v`.
    pub debug: bool,
    /// `--explain`: plan and trail of each file, on standard error.
    pub explain: bool,
    /// `--rate-limit`: bytes per second.
    pub rate_limit: Option<NonZero<u64>>,
    /// `-g`, `--progress`
    pub progress: When,
    /// `-q`: no progress, nothing said but errors and what was asked for.
    pub quiet: bool,
    /// `--json`
    pub json: Option<json::Target>,
    /// `--dry-run`: say what would be done, and touch nothing.
    pub dry_run: bool,
    /// `--engine`, `--reflink`, `--sparse`
    pub policy: Policy,
}

impl Options {
    /// The operands that are sources.
    pub fn sources(&self) -> &[OsString] {
        match self.target {
            Target::Directory(_) => &self.operands,
            Target::LastOperand | Target::NoDirectory => self.operands.split_last().map_or(&[], |(_, sources)| sources),
        }
    }

    /// The sources, as far as they can be looked at before they are copied.
    pub fn foreseeable(&'static self) -> Sources {
        let copies_data = self.make == Make::Copy && !self.attributes_only;
        let trees = match self.recursive && copies_data && !self.follows(false) {
            true => Trees::Walked { one_file_system: self.one_file_system },
            false => Trees::Unknown,
        };
        let excluded = (!self.exclude.is_empty()).then_some(&self.exclude as &dyn Excludes);
        Sources { operands: self.sources(), followed: self.follows(true), trees, told_of: true, excluded }
    }

    /// Whether what stands at a destination may stay as it is (`-u`, `-n`).
    pub fn may_leave(&self) -> bool {
        self.update != Update::All
    }

    /// Whether a symbolic link of the source is followed: an operand, or an entry of a tree.
    pub fn follows(&self, operand: bool) -> bool {
        match self.dereference {
            Dereference::Always => true,
            Dereference::Operands => operand,
            Dereference::Never => false,
        }
    }

    /// Whether FIFOs, sockets and devices are made anew instead of read.
    pub fn makes_special_files(&self) -> bool {
        self.recursive && !self.copy_contents
    }
}
