//! What is in a directory: read whole, then sorted by inode number, which is the order in which most file systems have the
//! inodes on the disk. GNU cp does the same, so that `-v` names files in the same order.

use crate::sys::facts::Kind;
use rustix::fs::{self, FileType, RawDir, SeekFrom};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt as _;

/// What is in a directory. A million entries take 16 MB, and their names besides.
#[derive(Debug, Default)]
pub(in crate::cp) struct Listing {
    entries: Vec<Entry>,
    names: Vec<u8>,
}

#[derive(Debug)]
struct Entry {
    inode: u64,
    name: u32,
    length: u16,
    kind: Kind,
}

impl Entry {
    fn name<'n>(&self, names: &'n [u8]) -> &'n OsStr {
        let from = self.name as usize;
        OsStr::from_bytes(&names[from..from + usize::from(self.length)])
    }
}

impl Listing {
    /// Reads it with getdents64(2) by way of `buffer`.
    ///
    /// # Errors
    /// What getdents64(2) says; EOVERFLOW for more than 4 GiB of names.
    pub(super) fn read(directory: BorrowedFd<'_>, buffer: &mut [MaybeUninit<u8>]) -> Result<Listing, Errno> {
        // It was opened before the destination was made, which may lie in it. btrfs shows what came since then only after a
        // rewind (GNU's cp/into-self on btrfs, Linux 6.18); what cannot be rewound is read as it is.
        let _ = fs::seek(directory, SeekFrom::Start(0));
        let mut listing = Listing::default();
        let mut entries = RawDir::new(directory, buffer);
        while let Some(entry) = entries.next() {
            let entry = match entry {
                // The directory itself is gone: POSIX wants that to be its end, and readdir(3) of glibc makes it so.
                Err(Errno::NOENT) => break,
                entry => entry?,
            };
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                listing.push(entry.ino(), entry.file_type(), name)?;
            }
        }
        listing.entries.sort_by_key(|entry| entry.inode);
        Ok(listing)
    }

    fn push(&mut self, inode: u64, file_type: FileType, name: &[u8]) -> Result<(), Errno> {
        let at = u32::try_from(self.names.len()).map_err(|_| Errno::OVERFLOW)?;
        let length = u16::try_from(name.len()).map_err(|_| Errno::NAMETOOLONG)?;
        self.names.extend_from_slice(name);
        self.entries.push(Entry { inode, name: at, length, kind: Kind::from_type(file_type) });
        Ok(())
    }

    /// Keeps the entries for which `keep` is true; the kind is `Kind::Other` where the file system does not tell it.
    pub(in crate::cp) fn retain(&mut self, mut keep: impl FnMut(&OsStr, Kind) -> bool) {
        let Listing { entries, names } = self;
        entries.retain(|entry| keep(entry.name(names), entry.kind));
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The name of an entry and its kind; `Kind::Other` where the file system does not tell it.
    pub(super) fn entry(&self, at: usize) -> (&OsStr, Kind) {
        let entry = &self.entries[at];
        (entry.name(&self.names), entry.kind)
    }

    /// Whether there is a directory among these entries.
    pub(super) fn has_directory(&self, range: Range<usize>) -> bool {
        self.entries[range].iter().any(|entry| entry.kind == Kind::Directory)
    }
}
