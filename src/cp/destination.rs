//! The place a copy goes to: a directory that is open and a name in it.

use super::decide::There;
use super::names;
use crate::sys::facts::{Facts, Kind};
use rustix::fs::{self, Access, AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// The place a copy goes to.
pub(super) struct Destination<'a> {
    pub(super) directory: BorrowedFd<'a>,
    pub(super) name: OsString,
    /// As it is shown to the user.
    pub(super) shown: OsString,
}

impl<'a> Destination<'a> {
    /// The name as given.
    pub(super) fn plain(name: &OsStr) -> Destination<'a> {
        Destination { directory: fs::CWD, name: name.to_os_string(), shown: name.to_os_string() }
    }

    /// DIRECTORY/basename of SOURCE; trailing slashes of both do not count, and a basename `..` is taken as `.`.
    pub(super) fn inside(directory: &'a OwnedFd, directory_name: &OsStr, source: &OsStr) -> Destination<'a> {
        let mut last = names::last_component(source);
        if last == ".." {
            last = OsStr::new(".");
        }
        let mut shown = directory_name.to_os_string();
        if !directory_name.as_bytes().ends_with(b"/") {
            shown.push("/");
        }
        shown.push(last);
        Destination { directory: directory.as_fd(), name: last.to_os_string(), shown }
    }

    /// Another name in the same directory.
    pub(super) fn beside(&self, last: &OsStr) -> Destination<'a> {
        Destination {
            directory: self.directory,
            name: names::beside(&self.name, last),
            shown: names::beside(&self.shown, last),
        }
    }

    /// A new file, or EEXIST: never through a symbolic link, and with no more permission than `mode` less the umask.
    pub(super) fn create(&self, mode: u32) -> Result<OwnedFd, Errno> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        fs::openat(self.directory, &self.name, flags, Mode::from_raw_mode(mode & 0o777)).map_err(|errno| {
            // open(2) says EISDIR for a name that ends in a slash and does not exist; it is no directory.
            if errno == Errno::ISDIR && self.ends_in_slash() { Errno::NOTDIR } else { errno }
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

    /// What is there, symbolic links followed.
    pub(super) fn look(&self) -> Result<There, Errno> {
        match fs::statat(self.directory, &self.name, AtFlags::empty()) {
            Ok(stat) => Ok(There::File(Facts::from_stat(&stat))),
            Err(errno @ (Errno::NOENT | Errno::LOOP)) => match self.facts() {
                Ok(facts) if errno == Errno::LOOP && facts.kind == Kind::Symlink => Ok(There::Loop),
                Ok(_) => Ok(There::DanglingLink),
                Err(Errno::NOENT) => Ok(There::Nothing),
                Err(errno) => Err(errno),
            },
            Err(errno) => Err(errno),
        }
    }

    /// What is there, be it a symbolic link.
    pub(super) fn look_at_name(&self) -> Result<There, Errno> {
        match self.facts() {
            Ok(facts) => Ok(There::File(facts)),
            Err(Errno::NOENT) => Ok(There::Nothing),
            Err(errno) => Err(errno),
        }
    }

    /// The facts of what the name is, be it a symbolic link.
    pub(super) fn facts(&self) -> Result<Facts, Errno> {
        let stat = fs::statat(self.directory, &self.name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(Facts::from_stat(&stat))
    }

    /// Removes the name.
    pub(super) fn remove(&self) -> Result<(), Errno> {
        fs::unlinkat(self.directory, &self.name, AtFlags::empty())
    }

    /// Gives it the other's name, in place of what is there.
    pub(super) fn rename(&self, other: &Destination<'_>) -> Result<(), Errno> {
        fs::renameat(self.directory, &self.name, other.directory, &other.name)
    }

    /// Gives it the other's name if nothing has it.
    pub(super) fn rename_if_free(&self, other: &Destination<'_>) -> Result<(), Errno> {
        fs::renameat_with(self.directory, &self.name, other.directory, &other.name, RenameFlags::NOREPLACE)
    }

    /// Whether the directory it would stand in is there.
    pub(super) fn has_place(&self) -> bool {
        fs::statat(self.directory, names::parent(&self.name), AtFlags::empty()).is_ok()
    }

    /// Whether it may be opened for writing, as far as its permissions go.
    pub(super) fn is_writable(&self) -> bool {
        fs::accessat(self.directory, &self.name, Access::WRITE_OK, AtFlags::EACCESS).is_ok()
    }

    pub(super) fn ends_in_slash(&self) -> bool {
        self.name.as_bytes().ends_with(b"/")
    }
}
