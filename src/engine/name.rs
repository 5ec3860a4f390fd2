//! The engines' names, as the kernel names the calls, and the user's allow-list of them.

use std::fmt;

/// One kernel path for moving bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Name {
    /// FICLONE: the two files share extents.
    Reflink,
    /// copy_file_range(2).
    CopyFileRange,
    /// sendfile(2).
    Sendfile,
    /// splice(2), through a private pipe where neither end is one.
    Splice,
    /// send(2) with MSG_ZEROCOPY.
    Zerocopy,
    /// write(2) from a mapping of the source.
    Mmap,
    /// read(2) and write(2).
    ReadWrite,
}

impl Name {
    /// Every engine, in the order they are listed to the user.
    pub const ALL: [Name; 7] =
        [Name::Reflink, Name::CopyFileRange, Name::Sendfile, Name::Splice, Name::Zerocopy, Name::Mmap, Name::ReadWrite];

    /// As it is written in `--engine` and in every report.
    pub fn as_str(self) -> &'static str {
        match self {
            Name::Reflink => "reflink",
            Name::CopyFileRange => "copy_file_range",
            Name::Sendfile => "sendfile",
            Name::Splice => "splice",
            Name::Zerocopy => "zerocopy",
            Name::Mmap => "mmap",
            Name::ReadWrite => "read_write",
        }
    }

    /// The engine of that name; `-` and `_` between words are the same.
    pub fn parse(text: &str) -> Option<Name> {
        let text = text.replace('-', "_");
        Name::ALL.into_iter().find(|name| name.as_str() == text)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
