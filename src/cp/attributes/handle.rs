//! A file whose attributes are read or set: by its descriptor, or by one that is no more than a place (O_PATH), because
//! the file cannot be opened (a symbolic link, a device, a FIFO) or may not be read.

use super::super::location::Location;
use crate::sys::facts::{Facts, Timestamp};
use crate::sys::{descriptor, owner, xattr};
use rustix::fs::{self, AtFlags, CWD, Mode, Timespec, Timestamps, XattrFlags};
use rustix::io::Errno;
use std::ffi::CStr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

/// A file whose attributes are read or set.
#[derive(Clone, Copy, Debug)]
pub(in crate::cp) enum Handle<'a> {
    /// Open.
    Open(BorrowedFd<'a>),
    /// Open as a place only.
    Place(BorrowedFd<'a>),
    /// The working directory, as the destination of an empty name (`cp -r d ''`): as with GNU it gets an owner and times, and
    /// whatever is set by name fails (ENOENT).
    Nameless(BorrowedFd<'a>),
}

/// A file that was opened for its attributes.
#[derive(Debug)]
pub(in crate::cp) enum Opened {
    /// To be read as well.
    Readable(OwnedFd),
    /// As a place only.
    Place(OwnedFd),
}

impl Opened {
    /// The handle of what was to be opened, or why it could not be.
    pub(in crate::cp) fn handle(opened: &Result<Opened, Errno>) -> Result<Handle<'_>, Errno> {
        match opened {
            Ok(Opened::Readable(fd)) => Ok(Handle::Open(fd.as_fd())),
            Ok(Opened::Place(fd)) => Ok(Handle::Place(fd.as_fd())),
            Err(errno) => Err(*errno),
        }
    }
}

impl Handle<'_> {
    fn fd(&self) -> BorrowedFd<'_> {
        match self {
            Handle::Open(fd) | Handle::Place(fd) | Handle::Nameless(fd) => *fd,
        }
    }

    fn by_proc(&self) -> String {
        descriptor::name_in_proc(self.fd())
    }

    pub(in crate::cp) fn facts(&self) -> Result<Facts, Errno> {
        Facts::of(self.fd())
    }

    /// `to` is its name, for kernels before 5.8, which take no empty name where the place is a symbolic link.
    pub(super) fn set_times(&self, to: &Location<'_>, accessed: Timestamp, modified: Timestamp) -> Result<(), Errno> {
        let time = |(seconds, nanoseconds): Timestamp| Timespec { tv_sec: seconds, tv_nsec: nanoseconds.into() };
        let times = Timestamps { last_access: time(accessed), last_modification: time(modified) };
        match self {
            Handle::Open(fd) => fs::futimens(fd, &times),
            Handle::Place(fd) | Handle::Nameless(fd) => match fs::utimensat(fd, c"", &times, AtFlags::EMPTY_PATH) {
                Err(Errno::INVAL) => fs::utimensat(to.directory, &*to.name, &times, AtFlags::SYMLINK_NOFOLLOW),
                set => set,
            },
        }
    }

    pub(super) fn set_owner(&self, owner: Option<u32>, group: Option<u32>) -> Result<(), Errno> {
        owner::set(self.fd(), owner, group)
    }

    pub(in crate::cp) fn set_mode(&self, mode: u32) -> Result<(), Errno> {
        let mode = Mode::from_raw_mode(mode & 0o7777);
        match self {
            Handle::Open(fd) => fs::fchmod(fd, mode),
            Handle::Place(_) => fs::chmodat(CWD, self.by_proc(), mode, AtFlags::empty()),
            Handle::Nameless(_) => Err(Errno::NOENT),
        }
    }

    /// Removes the access control list; nothing is to be done where there is none, or can be none.
    pub(super) fn remove_list(&self) {
        let name = c"system.posix_acl_access";
        let _ = match self {
            Handle::Open(fd) => fs::fremovexattr(fd, name),
            Handle::Place(_) => fs::removexattr(self.by_proc(), name),
            Handle::Nameless(_) => Err(Errno::NOENT),
        };
    }

    /// The names of its extended attributes, each with a NUL behind it.
    pub(super) fn attributes(&self) -> Result<Vec<u8>, Errno> {
        xattr::whole(|buffer| match self {
            Handle::Open(fd) => fs::flistxattr(fd, buffer),
            Handle::Place(_) | Handle::Nameless(_) => fs::listxattr(self.by_proc(), buffer),
        })
    }

    pub(super) fn attribute(&self, name: &CStr) -> Result<Vec<u8>, Errno> {
        xattr::whole(|buffer| match self {
            Handle::Open(fd) => fs::fgetxattr(fd, name, buffer),
            Handle::Place(_) | Handle::Nameless(_) => fs::getxattr(self.by_proc(), name, buffer),
        })
    }

    pub(super) fn set_attribute(&self, name: &CStr, value: &[u8]) -> Result<(), Errno> {
        match self {
            Handle::Open(fd) => fs::fsetxattr(fd, name, value, XattrFlags::empty()),
            Handle::Place(_) => fs::setxattr(self.by_proc(), name, value, XattrFlags::empty()),
            Handle::Nameless(_) => Err(Errno::NOENT),
        }
    }
}
