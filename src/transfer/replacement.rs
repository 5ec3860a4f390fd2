//! `--atomic`: a new file that takes the place of the old one whole, or not at all.
//!
//! It is written without a name where that can be (O_TMPFILE), so that nothing is left of it whatever happens, SIGKILL
//! included; elsewhere under a name beside the target's, `.NAME.zccp-new`. When all is written and flushed it gets that
//! name, if it has none yet, and from there the target's by rename(2): in between, and only there, SIGKILL leaves a
//! complete file of that name. The next replacement of the same target removes it. What is in use is told from what was
//! left behind by a lock (flock(2)) that goes with its owner, also across containers, where process ids mean nothing.

mod attributes;
mod destination;

pub use attributes::{Refused, take_over};
pub use destination::Destination;

use super::durable;
use crate::sys::descriptor;
use crate::sys::facts::{Facts, Kind};
use crate::sys::temporary::{self, Noted};
use rustix::fs::{self, AtFlags, FlockOperation, Mode, OFlags, RenameFlags};
use rustix::io::{Errno, retry_on_intr};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// Names that are tried for a temporary, and looked at for what a killed run left.
const SLOTS: u32 = 8;

/// What a temporary's name ends in.
pub const ENDING: &[u8] = b".zccp-new";

/// Bytes of the target's name that are in the temporary's: a name has at most 255 (NAME_MAX), and a character of it is
/// not to be cut in two.
const LONGEST: usize = 200;

/// A file that is to take the place of another.
#[derive(Debug)]
pub struct Replacement {
    destination: Destination,
    file: OwnedFd,
    /// The name it has until then, if it has one.
    aside: Option<Aside>,
}

/// A name beside the target's.
#[derive(Debug)]
struct Aside {
    name: OsString,
    /// A signal that ends the program removes it.
    noted: Noted<'static>,
}

/// Whether something may give way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Nothing was there, and if something is by now, it stays (EEXIST).
    Nothing,
    /// Nothing was there, and if something is by now, it gives way.
    Newcomer,
    /// What is there gives way.
    Old,
}

impl Replacement {
    /// Makes an empty file with permission bits `mode` less the umask, open for reading and writing, that is not seen at
    /// `destination` yet. What killed runs left there is removed.
    ///
    /// # Errors
    /// What open(2) says of the directory: EACCES, EROFS, ENOSPC.
    pub fn begin(destination: Destination, mode: u32) -> Result<Replacement, Errno> {
        remove_leftovers(&destination);
        let mode = Mode::from_raw_mode(mode & 0o777);
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        match fs::openat(&destination.directory, ".", flags, mode) {
            Ok(file) if can_be_linked(&file) => {
                let _ = lock(&file); // before it has a name; where there are no locks, nothing is ever taken for left behind
                Ok(Replacement { destination, file, aside: None })
            }
            // EOPNOTSUPP (vfat, NFS, FUSE), EISDIR and EINVAL (kernels and layers without it); of what else is wrong the
            // other way will say the same.
            Ok(_) | Err(_) => Replacement::named(destination, mode),
        }
    }

    fn named(destination: Destination, mode: Mode) -> Result<Replacement, Errno> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let mut slot = 1;
        while slot <= SLOTS {
            let name = name_aside(&destination.name, slot);
            let open = || fs::openat(&destination.directory, &name, flags, mode);
            match temporary::make_to_keep(destination.directory.as_fd(), &name, open) {
                Ok((file, noted)) => {
                    // Whoever looks for leftovers may have found it before it was locked.
                    let taken = lock(&file) == Err(Errno::WOULDBLOCK);
                    if !taken && Facts::of(&file).is_ok_and(|facts| facts.links > 0) {
                        return Ok(Replacement { destination, file, aside: Some(Aside { name, noted }) });
                    }
                }
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno),
            }
            slot += 1;
        }
        Err(Errno::BUSY)
    }

    /// The new file.
    pub fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Puts it in its place: flushed first, because a rename may reach the device before the data (xfs was seen to have an
    /// empty file after a power cut). `keep` comes between the two: whatever gives the old one another name. The
    /// descriptor is given back for its close to be checked.
    ///
    /// # Errors
    /// The step that failed; the old one stands, and nothing is left of the new (not of [`Unput::Entry`]).
    pub fn put(mut self, over: Over, keep: impl FnOnce() -> Result<(), Errno>) -> Result<OwnedFd, Unput> {
        if let Err(errno) = retry_on_intr(|| fs::fsync(&self.file)) {
            return Err(self.failed(Unput::Flush(errno)));
        }
        if let Err(errno) = keep() {
            return Err(self.failed(Unput::Backup(errno)));
        }
        let done = match (self.aside.take(), over) {
            (None, Over::Nothing) => self.link(&self.destination.name),
            (None, Over::Newcomer) => match self.link(&self.destination.name) {
                Err(Errno::EXIST) => self.go_aside_and_over(),
                other => other,
            },
            (None, Over::Old) => self.go_aside_and_over(),
            (Some(aside), over) => self.move_over(aside, over),
        };
        if let Err(errno) = done {
            return Err(self.failed(Unput::Name(errno)));
        }
        match durable::renamed(&self.file) {
            Ok(()) => Ok(self.file),
            Err(errno) => Err(Unput::Entry(errno)),
        }
    }

    /// It comes to nothing: the old one stands, and nothing is left of the new.
    ///
    /// # Errors
    /// The temporary's name could not be removed.
    pub fn abandon(self) -> Result<(), Errno> {
        match self.aside {
            Some(Aside { name, mut noted }) => {
                noted.end(|| fs::unlinkat(&self.destination.directory, &name, AtFlags::empty()))
            }
            None => Ok(()),
        }
    }

    fn failed(self, why: Unput) -> Unput {
        let _ = self.abandon(); // what went wrong first is what is told
        why
    }

    fn link(&self, name: &OsStr) -> Result<(), Errno> {
        // By AT_EMPTY_PATH it needs CAP_DAC_READ_SEARCH before Linux 6.10.
        fs::linkat(
            fs::CWD,
            descriptor::name_in_proc(self.file.as_fd()),
            &self.destination.directory,
            name,
            AtFlags::SYMLINK_FOLLOW,
        )
    }

    fn go_aside_and_over(&mut self) -> Result<(), Errno> {
        let aside = self.link_aside()?;
        self.move_over(aside, Over::Old)
    }

    fn move_over(&mut self, mut aside: Aside, over: Over) -> Result<(), Errno> {
        let moved = aside.noted.end(|| match over {
            Over::Nothing => self.rename_if_free(&aside.name),
            Over::Newcomer | Over::Old => self.rename(&aside.name),
        });
        if moved.is_err() {
            self.aside = Some(aside); // to be removed
        }
        moved
    }

    fn link_aside(&self) -> Result<Aside, Errno> {
        for slot in 1..=SLOTS {
            let name = name_aside(&self.destination.name, slot);
            match temporary::make_to_keep(self.destination.directory.as_fd(), &name, || self.link(&name)) {
                Ok(((), noted)) => return Ok(Aside { name, noted }),
                Err(Errno::EXIST) => {} // another replaces the same file at this moment
                Err(errno) => return Err(errno),
            }
        }
        Err(Errno::BUSY)
    }

    fn rename(&self, aside: &OsStr) -> Result<(), Errno> {
        fs::renameat(&self.destination.directory, aside, &self.destination.directory, &self.destination.name)
    }

    fn rename_if_free(&self, aside: &OsStr) -> Result<(), Errno> {
        let (directory, name) = (&self.destination.directory, &self.destination.name);
        match fs::renameat_with(directory, aside, directory, name, RenameFlags::NOREPLACE) {
            // File systems without RENAME_NOREPLACE (renameat2(2)): the second of two names is as good, and where there
            // are no hard links either (FAT is renamed above), it is looked first.
            Err(Errno::INVAL | Errno::NOSYS) => match fs::linkat(directory, aside, directory, name, AtFlags::empty()) {
                Ok(()) => fs::unlinkat(directory, aside, AtFlags::empty()),
                Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS) => {
                    match fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                        Ok(_) => Err(Errno::EXIST),
                        Err(_) => self.rename(aside),
                    }
                }
                Err(errno) => Err(errno),
            },
            other => other,
        }
    }
}

/// Why it was not put in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unput {
    /// Its data could not be written to the device (fsync(2)).
    Flush(Errno),
    /// The old one could not be given the name of its backup.
    Backup(Errno),
    /// It could not get its name (linkat(2), renameat(2)); EEXIST where nothing was to give way.
    Name(Errno),
    /// It has its name, and what the directory says of it could not be written to the device (FAT).
    Entry(Errno),
}

/// As much of a name as leaves room for [`ENDING`], and for a dot before it.
pub fn short(name: &OsStr) -> &[u8] {
    let bytes = name.as_bytes();
    let mut end = bytes.len().min(LONGEST);
    while end < bytes.len() && end > 0 && bytes[end] & 0xc0 == 0x80 {
        end -= 1; // inside of a UTF-8 character
    }
    &bytes[..end]
}

/// The name of a temporary: recognisable, hidden, and short enough.
fn name_aside(name: &OsStr, slot: u32) -> OsString {
    let mut temporary = [b".", short(name), ENDING].concat();
    if slot > 1 {
        temporary.extend(slot.to_string().bytes());
    }
    OsString::from_vec(temporary)
}

/// Whether an unnamed file can get a name in the end: by its name in /proc, which chroots may lack.
fn can_be_linked(file: &OwnedFd) -> bool {
    fs::stat(descriptor::name_in_proc(file.as_fd())).is_ok()
}

fn lock(file: &OwnedFd) -> Result<(), Errno> {
    retry_on_intr(|| fs::flock(file, FlockOperation::NonBlockingLockExclusive))
}

/// Removes temporaries of this target whose makers are gone. One that is locked is in use; one that cannot be locked for
/// another reason is left alone.
fn remove_leftovers(destination: &Destination) {
    for slot in 1..=SLOTS {
        let name = name_aside(&destination.name, slot);
        let _ = remove_if_left(&destination.directory, &name);
    }
}

fn remove_if_left(directory: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
    let look = || fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| Facts::from_stat(&stat));
    if look()?.kind != Kind::Regular {
        return Ok(()); // none of ours
    }
    let flags = OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = fs::openat(directory, name, flags | OFlags::RDONLY, Mode::empty())
        .or_else(|_| fs::openat(directory, name, flags | OFlags::WRONLY, Mode::empty()))?;
    lock(&file)?;
    // Locked, so its maker is gone, if the name still leads to it.
    if look()?.same_file(&Facts::of(&file)?) {
        fs::unlinkat(directory, name, AtFlags::empty())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
