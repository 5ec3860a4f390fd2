//! `--durable`: success means that it is on the device, the data and the names.
//!
//! One file: fsync(2) of the file, then of the directory that its name was put into. A tree: one syncfs(2) for each file
//! system, on a descriptor that was opened before the first byte was written, because it tells of the errors since then
//! (Linux 5.8; before that it tells of none, and there each file and directory is flushed by itself).
//!
//! After a write-back error the kernel may drop the pages and call them clean (PostgreSQL's "fsyncgate", 2018), so no
//! flush is ever tried a second time: once it has failed, the copy has failed.

use crate::sys::facts::FileSystem;
use rustix::fs;
use rustix::io::{Errno, retry_on_intr};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};

/// Data and everything else of a file.
///
/// # Errors
/// What fsync(2) says: EIO, ENOSPC and EDQUOT are lost data; EINVAL of what is on no device (pipes, ttys, /dev/null).
pub fn file(fd: impl AsFd) -> Result<(), Errno> {
    retry_on_intr(|| fs::fsync(fd.as_fd()))
}

/// The names in a directory. The descriptor is one that can be read (O_PATH is refused with EBADF).
///
/// # Errors
/// What fsync(2) says; where directories cannot be flushed by themselves (EINVAL), what syncfs(2) says.
pub fn directory(fd: impl AsFd) -> Result<(), Errno> {
    match retry_on_intr(|| fs::fsync(fd.as_fd())) {
        Err(Errno::INVAL) => retry_on_intr(|| fs::syncfs(fd.as_fd())),
        other => other,
    }
}

/// What the directory says of a file that was flushed and then renamed. FAT has a file's length and beginning there, and a
/// new name is that of an empty file until the inode is written again: flushing the directory alone made sure that a power
/// cut left nothing of the contents (seen of vfat, Linux 6.1). Elsewhere nothing has to be done.
///
/// # Errors
/// What fsync(2) says.
pub fn renamed(fd: impl AsFd) -> Result<(), Errno> {
    if FileSystem::of(fd.as_fd()) == Ok(FileSystem::Fat) { file(fd) } else { Ok(()) }
}

/// The file systems that a tree is written to, each opened before the first write to it.
#[derive(Debug)]
pub struct Tree {
    covered: Vec<Covered>,
    tells: bool,
}

#[derive(Debug)]
struct Covered {
    device: u64,
    fd: OwnedFd,
    /// What goes there, for messages.
    shown: OsString,
}

impl Tree {
    /// None yet.
    pub fn new() -> Tree {
        Tree::with(syncfs_tells_errors())
    }

    fn with(tells: bool) -> Tree {
        Tree { covered: Vec::new(), tells }
    }

    /// Before the first write to the file system called `device` (`st_dev`), which `directory`, just opened, is on.
    pub fn cover(&mut self, device: u64, directory: OwnedFd, shown: &OsStr) {
        if !self.covered.iter().any(|known| known.device == device) {
            self.covered.push(Covered { device, fd: directory, shown: shown.to_os_string() });
        }
    }

    /// Whether the flush will be heard to tell of what is written to that file system; if not, it has to be flushed file by
    /// file.
    pub fn covers(&self, device: u64) -> bool {
        self.tells && self.covered.iter().any(|known| known.device == device)
    }

    /// All that was written is on the devices; what is not: what syncfs(2) says of a file system that could not write
    /// something since it was opened, and what was to go there.
    pub fn flush(self) -> Vec<(Errno, OsString)> {
        let flush = |known: Covered| Some((retry_on_intr(|| fs::syncfs(&known.fd)).err()?, known.shown));
        self.covered.into_iter().filter_map(flush).collect()
    }
}

impl Default for Tree {
    fn default() -> Tree {
        Tree::new()
    }
}

/// Whether syncfs(2) tells of write-back errors: since Linux 5.8 (man page; commit 735e4ae5ba28).
fn syncfs_tells_errors() -> bool {
    tells(rustix::system::uname().release().to_str().unwrap_or_default())
}

fn tells(release: &str) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map_while(|part| part.parse::<u32>().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (5, 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn files_and_directories_are_flushed_and_pipes_are_not() {
        let here = File::open(env!("CARGO_MANIFEST_DIR")).expect("open");
        assert_eq!(directory(&here), Ok(()));
        assert_eq!(file(File::open("/proc/self/exe").expect("open")), Ok(()));
        let (reader, _writer) = rustix::pipe::pipe().expect("pipe");
        assert_eq!(file(&reader), Err(Errno::INVAL));
    }

    #[test]
    fn a_file_system_is_flushed_once_and_heard_only_where_it_tells() {
        let here = || OwnedFd::from(File::open(env!("CARGO_MANIFEST_DIR")).expect("open"));
        for tells in [true, false] {
            let mut tree = Tree::with(tells);
            assert!(!tree.covers(1));
            [1, 1, 2].into_iter().for_each(|device| tree.cover(device, here(), OsStr::new("to")));
            assert_eq!((tree.covers(1), tree.covers(2), tree.covers(3)), (tells, tells, false));
            assert_eq!(tree.covered.len(), 2);
            assert_eq!(tree.flush(), []);
        }
    }

    #[test]
    fn releases_are_read() {
        for (release, expected) in [
            ("5.8.0", true),
            ("5.8", true),
            ("5.7.19-generic", false),
            ("5.10.0-8-amd64", true),
            ("6.1", true),
            ("4.19.0", false),
            ("10.0", true),
            ("", false),
            ("x", false),
        ] {
            assert_eq!(tells(release), expected, "{release}");
        }
    }
}
