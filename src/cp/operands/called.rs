//! The names of operands, and which of them one file system or another takes for the same.

use super::super::Run;
use super::super::names;
use super::Several;
use crate::sys::facts::FileSystem;
use rustix::fs::{self, IFlags, Mode, OFlags, RawDir};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

/// Entries of the directory that are read beside as many as there are operands. Reading one takes 0.16 µs, looking up an operand
/// and its destination 1.2 (getdents64 of 100,000 entries, stat and fstatat of as many names; ext4, Linux 6.18, Intel).
const MORE_ENTRIES: usize = 1000;

/// Bytes of a directory that are read at once.
const LISTED_AT_ONCE: usize = 32 * 1024;

/// FS_CASEFOLD_FL of linux/fs.h: in this directory names are one that are the same text to Unicode, however it is written.
const CASE_FOLDED: IFlags = IFlags::from_bits_retain(0x4000_0000);

/// The names of all operands.
#[derive(Debug)]
pub(super) struct Called {
    /// Whatever their case: how many have one, and the last that has it.
    names: HashMap<Vec<u8>, (u32, usize)>,
    /// To the file system, names are one only if they are the same bytes, or differ by case alone.
    by_bytes: bool,
}

impl Called {
    /// Those of these operands.
    pub(super) fn by(run: &Run<'_>, several: &Several<'_>) -> Called {
        let mut called: HashMap<_, (u32, usize)> = HashMap::with_capacity(several.len());
        let mut plain = true;
        for at in 0..several.len() {
            let name = names::last_component(several.source(run, at));
            plain = plain && is_plain(name);
            let (count, last) = called.entry(one_case(name)).or_default();
            (*count, *last) = (*count + 1, at);
        }
        Called { names: called, by_bytes: plain || goes_by_bytes(several.directory) }
    }

    /// Whether no other operand has the name of this one, or one that could be the same to the file system, and it names
    /// something in its directory.
    pub(super) fn alone(&self, source: &OsStr) -> bool {
        let name = names::last_component(source);
        let only = self.names.get(&one_case(name)).is_some_and(|(count, _)| *count == 1);
        only && !names::ends_in_dots(source) && (self.by_bytes || is_plain(name))
    }

    /// Whether the directory can be read, has not many more entries than there are operands, and none by the names of those
    /// from `first` on.
    pub(super) fn none_is_in(&self, directory: BorrowedFd<'_>, first: usize) -> bool {
        let Ok(directory) = open(directory) else { return false };
        let mut buffer = Box::<[u8]>::new_uninit_slice(LISTED_AT_ONCE);
        let mut entries = RawDir::new(directory, &mut buffer);
        for _ in 0..self.names.len() + MORE_ENTRIES {
            let name = match entries.next() {
                None => return true,
                Some(Err(_)) => return false,
                Some(Ok(entry)) => one_case(OsStr::from_bytes(entry.file_name().to_bytes())),
            };
            if self.names.get(&name).is_some_and(|(_, last)| *last >= first) {
                return false;
            }
        }
        false
    }
}

/// The directory, open to be read.
fn open(directory: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    fs::openat(directory, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// Whether two names in this directory are one only if they are the same bytes, or differ by case alone. `false` where that is
/// not known.
fn goes_by_bytes(directory: BorrowedFd<'_>) -> bool {
    let Ok(directory) = open(directory) else { return false };
    let folds = fs::ioctl_getflags(&directory).map_or(true, |flags| flags.contains(CASE_FOLDED));
    !folds && FileSystem::of(&directory).is_ok_and(FileSystem::names_are_bytes)
}

/// Whether any file system takes other names for this one only if they differ by case. To some, letters with accents can be
/// written in two ways, dots and spaces at the end do not count, and what has a tilde may be the short name of a longer one
/// (FAT).
fn is_plain(name: &OsStr) -> bool {
    name.as_bytes().is_ascii()
        && !name.as_bytes().ends_with(b".")
        && !name.as_bytes().ends_with(b" ")
        && !name.as_bytes().contains(&b'~')
}

/// A name as a file system has it to which `a` and `A` are one: FAT, exFAT, a directory with the attribute F (chattr(1)).
fn one_case(name: &OsStr) -> Vec<u8> {
    let bytes = name.as_bytes();
    if bytes.is_ascii() { bytes.to_ascii_lowercase() } else { name.to_string_lossy().to_lowercase().into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_by_case_alone_are_one() {
        let one = |name: &str| one_case(OsStr::new(name));
        assert_eq!(one("README"), one("readme"));
        assert_eq!(one("ÄRGER"), one("ärger"));
        assert_ne!(one("a"), one("ä"));
        assert_ne!(one_case(OsStr::from_bytes(b"\xff")), one("a"));
    }

    #[test]
    fn a_name_that_may_be_another_ones_is_not_plain() {
        for (name, plain) in [("a b.txt", true), (".a", true), ("LONGNA~1.TXT", false), ("a.", false), ("a ", false)] {
            assert_eq!(is_plain(OsStr::new(name)), plain, "{name}");
        }
        assert!(
            !is_plain(OsStr::new("\u{e9}")) && !is_plain(OsStr::new("e\u{301}")),
            "one letter, written in two ways"
        );
    }
}
