//! Where a replacement is to go: an open directory and a name in it.

use rustix::fs::{self, AtFlags, Mode, OFlags, StatxAttributes, StatxFlags};
use rustix::io::Errno;
use rustix::process;
use rustix::thread::{self, CapabilitySet};
use std::ffi::{OsStr, OsString};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// As many symbolic links are followed as the kernel follows (path_resolution(7)).
const LINKS: u32 = 40;

/// A directory that is open and a name in it.
#[derive(Debug)]
pub struct Destination {
    /// The directory.
    pub directory: OwnedFd,
    /// The name: no slash.
    pub name: OsString,
}

impl Destination {
    /// Where `path`, looked up from `directory`, leads to: a symbolic link at its end is followed, however many there are,
    /// whether there is anything at the last one's end or not.
    ///
    /// # Errors
    /// What open(2) and readlink(2) say; ELOOP after too many links; EISDIR where the path ends in `.` or `..`.
    pub fn of(directory: BorrowedFd<'_>, path: &OsStr) -> Result<Destination, Errno> {
        let mut destination = Destination::at(directory, path)?;
        for _ in 0..LINKS {
            match fs::readlinkat(&destination.directory, &destination.name, Vec::new()) {
                Ok(target) => {
                    let target = OsStr::from_bytes(target.as_bytes());
                    destination = Destination::at(destination.directory_fd(), target)?;
                }
                Err(Errno::INVAL | Errno::NOENT) => return Ok(destination), // no link, nothing
                Err(errno) => return Err(errno),
            }
        }
        Err(Errno::LOOP)
    }

    /// Where `path` itself is, be it a symbolic link.
    ///
    /// # Errors
    /// What open(2) says of the directory; EISDIR where the path ends in `.` or `..`.
    pub fn at(directory: BorrowedFd<'_>, path: &OsStr) -> Result<Destination, Errno> {
        let (parent, name) = split(path.as_bytes());
        if matches!(name, b"" | b"." | b"..") {
            return Err(if path.is_empty() { Errno::NOENT } else { Errno::ISDIR });
        }
        let parent = if parent.is_empty() { OsStr::new(".") } else { OsStr::from_bytes(parent) };
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        // A directory that may be searched but not read serves as well, but for its own flushing.
        let opened = match fs::openat(directory, parent, flags | OFlags::RDONLY, Mode::empty()) {
            Err(Errno::ACCESS) => fs::openat(directory, parent, flags | OFlags::PATH, Mode::empty()),
            other => other,
        };
        Ok(Destination { directory: opened?, name: OsString::from_vec(name.to_vec()) })
    }

    /// Whether what is there can be neither renamed nor removed, by us: its directory only grows (the attribute `a` of
    /// chattr(1)), or is sticky and both are others' (unlink(2), EPERM). Linux 4.11 tells; where it cannot be told, it is
    /// said that it can.
    pub fn stays(&self) -> bool {
        let flags = StatxFlags::MODE | StatxFlags::UID;
        let Ok(directory) = fs::statx(&self.directory, "", AtFlags::EMPTY_PATH, flags) else { return false };
        if directory.stx_attributes.contains(StatxAttributes::APPEND) {
            return true;
        }
        if !Mode::from_raw_mode(directory.stx_mode.into()).contains(Mode::SVTX) {
            return false;
        }
        let Ok(there) = fs::statat(&self.directory, &self.name, AtFlags::SYMLINK_NOFOLLOW) else { return false };
        let user = process::geteuid().as_raw();
        ![directory.stx_uid, there.st_uid].contains(&user) && !may_act_as_owner()
    }

    fn directory_fd(&self) -> BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(&self.directory)
    }
}

/// Whether the owner's rights are ours whoever it is (capabilities(7)).
fn may_act_as_owner() -> bool {
    thread::capabilities(None).map_or(true, |ours| ours.effective.contains(CapabilitySet::FOWNER))
}

/// What is before the last component, with its slash, and the last component.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    let begin = path[..end].iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    (&path[..begin], &path[begin..end])
}
