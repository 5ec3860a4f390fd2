//! Opens a directory of a tree once more: for another worker, or after its descriptor was closed.

use super::super::directory::Id;
use crate::sys::facts::Facts;
use rustix::fs::{self, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

/// Bytes of the longest path that a call takes (PATH_MAX with its NUL, limits.h).
const LONGEST: usize = 4095;

/// Opens the directory at the end of `way` from `root`, which must still be the one with this device and inode number.
/// `followed`: symbolic links on the way are followed, as they were the first time.
///
/// # Errors
/// What the calls say; ESTALE if it is another directory.
pub(super) fn from_root(
    root: BorrowedFd<'_>,
    way: &OsStr,
    flags: OFlags,
    followed: bool,
    id: Id,
) -> Result<OwnedFd, Errno> {
    checked(beneath(root, way, flags, followed)?, id)
}

/// Opens the directory at the end of `way` from `root`, whichever it is; `followed` as [`from_root`].
///
/// # Errors
/// What the calls say; ELOOP or ENOTDIR where a symbolic link is on the way, and they are not followed.
pub(in crate::cp) fn beneath(
    root: BorrowedFd<'_>,
    way: &OsStr,
    flags: OFlags,
    followed: bool,
) -> Result<OwnedFd, Errno> {
    if way.is_empty() {
        return open(root, b".", flags, followed);
    }
    match at_once(root, way, flags, followed) {
        // Kernels before 5.6, sandboxes that do not know openat2(2), ways that are too long.
        Err(Errno::NOSYS | Errno::PERM | Errno::NAMETOOLONG | Errno::AGAIN) => by_steps(root, way, flags, followed),
        opened => opened,
    }
}

/// The directory above `child`.
///
/// # Errors
/// As [`from_root`].
pub(super) fn above(child: BorrowedFd<'_>, flags: OFlags, id: Id) -> Result<OwnedFd, Errno> {
    checked(open(child, b"..", flags, false)?, id)
}

/// Whether `directory` is the one of this device and inode number, or lies in it. Where that cannot be found out: yes.
pub(super) fn is_within(directory: BorrowedFd<'_>, id: Id) -> bool {
    let mut above: Option<OwnedFd> = None;
    let mut last = None;
    loop {
        let here = above.as_ref().map_or(directory, |fd| fd.as_fd());
        match Facts::of(here) {
            Ok(facts) if facts.id() == id => return true,
            Ok(facts) if last == Some(facts.id()) => return false, // the root is above itself
            Ok(facts) => last = Some(facts.id()),
            Err(_) => return true,
        }
        match open(here, b"..", OFlags::PATH, false) {
            Ok(fd) => above = Some(fd),
            Err(_) => return true,
        }
    }
}

fn checked(fd: OwnedFd, id: Id) -> Result<OwnedFd, Errno> {
    if Facts::of(&fd)?.id() == id { Ok(fd) } else { Err(Errno::STALE) }
}

fn at_once(root: BorrowedFd<'_>, way: &OsStr, flags: OFlags, followed: bool) -> Result<OwnedFd, Errno> {
    if way.len() > LONGEST {
        return Err(Errno::NAMETOOLONG);
    }
    if followed {
        return open(root, way.as_bytes(), flags, true);
    }
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    fs::openat2(root, way, flags | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty(), resolve)
}

fn by_steps(root: BorrowedFd<'_>, way: &OsStr, flags: OFlags, followed: bool) -> Result<OwnedFd, Errno> {
    let mut names = way.as_bytes().split(|byte| *byte == b'/').peekable();
    let mut reached: Option<OwnedFd> = None;
    while let Some(name) = names.next() {
        let from = reached.as_ref().map_or(root, |fd| fd.as_fd());
        // The directories on the way are only gone through.
        let how = if names.peek().is_some() { OFlags::PATH } else { flags };
        reached = Some(open(from, name, how, followed)?);
    }
    reached.ok_or(Errno::NOENT)
}

fn open(from: BorrowedFd<'_>, name: &[u8], flags: OFlags, followed: bool) -> Result<OwnedFd, Errno> {
    let no_follow = if followed { OFlags::empty() } else { OFlags::NOFOLLOW };
    let flags = flags | OFlags::DIRECTORY | OFlags::CLOEXEC | no_follow;
    fs::openat(from, OsStr::from_bytes(name), flags, Mode::empty())
}
