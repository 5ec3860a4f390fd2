//! The place a copy goes to: a directory that is open and a name in it.

use super::decide::There;
use crate::sys::facts::{Facts, Kind};
use rustix::fs::{self, AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsString;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

/// The place a copy goes to.
pub(super) struct Destination<'a> {
    pub(super) directory: BorrowedFd<'a>,
    pub(super) name: OsString,
    /// As it is shown to the user.
    pub(super) shown: OsString,
}

impl Destination<'_> {
    /// A new file, or EEXIST: never through a symbolic link, and with no more permission than `mode` less the umask.
    pub(super) fn create(&self, mode: u32) -> Result<OwnedFd, Errno> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        fs::openat(self.directory, &self.name, flags, Mode::from_raw_mode(mode & 0o777)).map_err(|errno| {
            // open(2) says EISDIR for a name that ends in a slash and does not exist; it is no directory.
            if errno == Errno::ISDIR && self.name.as_bytes().ends_with(b"/") { Errno::NOTDIR } else { errno }
        })
    }

    /// As [`Self::create`], but through a dangling symbolic link: POSIX wants it (POSIXLY_CORRECT).
    pub(super) fn create_through_link(&self, mode: u32) -> Result<OwnedFd, Errno> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC;
        fs::openat(self.directory, &self.name, flags, Mode::from_raw_mode(mode & 0o777))
    }

    /// What is there, opened for writing. Nothing is cut yet.
    pub(super) fn open(&self) -> Result<OwnedFd, Errno> {
        fs::openat(self.directory, &self.name, OFlags::WRONLY | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())
    }

    /// What is there.
    pub(super) fn look(&self) -> Result<There, Errno> {
        match fs::statat(self.directory, &self.name, AtFlags::empty()) {
            Ok(stat) => Ok(There::File(Facts::from_stat(&stat))),
            Err(Errno::NOENT) => match fs::statat(self.directory, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(_) => Ok(There::DanglingLink),
                Err(Errno::NOENT) => Ok(There::Nothing),
                Err(errno) => Err(errno),
            },
            Err(errno) => Err(errno),
        }
    }

    /// Whether the name is a symbolic link's.
    pub(super) fn is_link(&self) -> bool {
        fs::statat(self.directory, &self.name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| Facts::from_stat(&stat).kind == Kind::Symlink)
    }

    /// Removes the name.
    pub(super) fn remove(&self) -> Result<(), Errno> {
        fs::unlinkat(self.directory, &self.name, AtFlags::empty())
    }
}
