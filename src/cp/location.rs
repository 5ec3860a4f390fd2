//! Where something is or is to be: a directory that is open, and a name in it. Sources and destinations alike; the path is
//! for showing only.

use super::decide::There;
use super::names;
use crate::report::quote::shell_always;
use crate::sys::facts::{Facts, Kind};
use crate::sys::start;
use rustix::fs::{self, Access, AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use rustix::process;
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// Where something is or is to be.
#[derive(Debug)]
pub(super) struct Location<'a> {
    pub(super) directory: BorrowedFd<'a>,
    /// From `directory` on. Of an operand it is a path, below that a single name.
    pub(super) name: Cow<'a, OsStr>,
    /// What stands before the name when it is shown.
    pub(super) above: Option<&'a OsStr>,
    /// `above` ends as it is shown, with the slashes that were typed (`--parents`).
    pub(super) spelled: bool,
    /// Where the operand's name is looked up from another directory: that one, and the way from it to `directory`.
    pub(super) base: Option<(BorrowedFd<'a>, &'a OsStr)>,
    /// Of an entry of a tree: the tree's root, and how many bytes of the base's way lead to it.
    pub(super) root: Option<(BorrowedFd<'a>, usize)>,
    /// It is an operand's, not that of an entry of a tree.
    pub(super) operand: bool,
}

impl<'a> Location<'a> {
    /// The name as given, from the working directory on.
    pub(super) fn plain(name: &'a OsStr) -> Location<'a> {
        Location {
            directory: fs::CWD,
            name: name.into(),
            above: None,
            spelled: false,
            base: None,
            root: None,
            operand: true,
        }
    }

    /// DIRECTORY/basename of SOURCE; trailing slashes of both do not count, and a basename `..` is taken as `.`.
    pub(super) fn inside(directory: BorrowedFd<'a>, directory_name: &'a OsStr, source: &'a OsStr) -> Location<'a> {
        let mut last = names::last_component(source);
        if last == ".." {
            last = OsStr::new(".");
        }
        Location {
            directory,
            name: last.into(),
            above: Some(directory_name),
            spelled: false,
            base: None,
            root: None,
            operand: true,
        }
    }

    /// Another name in the same directory.
    pub(super) fn beside(&self, last: &OsStr) -> Location<'a> {
        Location { name: names::beside(&self.name, last).into(), ..*self }
    }

    /// The way to it from the directory that the operand's name is looked up from.
    #[allow(clippy::wrong_self_convention, reason = "it is the way from the base, and makes nothing")]
    pub(super) fn from_base(&self) -> (BorrowedFd<'a>, OsString) {
        match self.base {
            None => (self.directory, self.name.clone().into_owned()),
            Some((base, way)) => (base, names::below(way, &self.name)),
        }
    }

    /// Of an entry of a tree: the way to the tree's root from the base, and from there to the directory it is in.
    pub(super) fn in_tree(&self) -> Option<(&'a OsStr, &'a OsStr)> {
        let (root, inside) = self.base?.1.as_bytes().split_at(self.root?.1);
        Some((OsStr::from_bytes(root), names::relative(OsStr::from_bytes(inside))))
    }

    /// As it is shown to the user, not quoted.
    pub(super) fn shown(&self) -> OsString {
        match self.above {
            None => self.name.clone().into_owned(),
            Some(above) if self.spelled => [above, &self.name].into_iter().collect(),
            Some(above) => names::below(above, &self.name),
        }
    }

    /// As it is shown to the user, quoted.
    pub(super) fn quoted(&self) -> String {
        shell_always(&self.shown())
    }

    /// A new file, or EEXIST: never through a symbolic link, and with no more permission than `mode` less the umask.
    /// `access`: to be written to alone, or read as well.
    pub(super) fn create(&self, mode: u32, access: OFlags) -> Result<OwnedFd, Errno> {
        let flags = access | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        fs::openat(self.directory, &*self.name, flags, Mode::from_raw_mode(mode & 0o777)).map_err(|errno| {
            // open(2) says EISDIR for a name that ends in a slash and does not exist; it is no directory.
            if errno == Errno::ISDIR && self.ends_in_slash() { Errno::NOTDIR } else { errno }
        })
    }

    /// As [`Self::create`], but through a dangling symbolic link: POSIX wants it (POSIXLY_CORRECT).
    pub(super) fn create_through_link(&self, mode: u32, access: OFlags) -> Result<OwnedFd, Errno> {
        let flags = access | OFlags::CREATE | OFlags::CLOEXEC;
        fs::openat(self.directory, &*self.name, flags, Mode::from_raw_mode(mode & 0o777))
    }

    /// What is there, opened for writing, or for what `access` says. Nothing is cut yet.
    pub(super) fn open_to_write(&self, access: OFlags) -> Result<OwnedFd, Errno> {
        fs::openat(self.directory, &*self.name, access | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())
    }

    /// What is there, opened for reading, with `flags` besides.
    pub(super) fn open_to_read(&self, flags: OFlags) -> Result<OwnedFd, Errno> {
        fs::openat(self.directory, &*self.name, OFlags::RDONLY | OFlags::CLOEXEC | flags, Mode::empty())
    }

    /// The name by which a destination is looked up: an empty one is the working directory, as with GNU. (Nothing can be made
    /// by an empty name.)
    pub(super) fn looked_up(&self) -> &OsStr {
        if self.name.is_empty() { OsStr::new(".") } else { &self.name }
    }

    /// What is there, symbolic links followed.
    pub(super) fn look(&self) -> Result<There, Errno> {
        match Facts::at(self.directory, self.looked_up(), true) {
            Ok(facts) => Ok(There::File(facts)),
            Err(errno @ (Errno::NOENT | Errno::LOOP)) => match self.facts(false) {
                Ok(facts) if errno == Errno::LOOP && facts.kind == Kind::Symlink => Ok(There::Loop),
                Ok(_) => Ok(There::DanglingLink),
                // A link on the way leads to itself: -f finds out that it cannot be removed, as with GNU.
                Err(Errno::LOOP) => Ok(There::Loop),
                Err(Errno::NOENT) => Ok(There::Nothing),
                Err(errno) => Err(errno),
            },
            Err(errno) => Err(errno),
        }
    }

    /// What is there, be it a symbolic link.
    pub(super) fn look_at_name(&self) -> Result<There, Errno> {
        match Facts::at(self.directory, self.looked_up(), false) {
            Ok(facts) => Ok(There::File(facts)),
            Err(Errno::NOENT) => Ok(There::Nothing),
            Err(errno) => Err(errno),
        }
    }

    /// The facts of what the name is or, `followed`, leads to.
    pub(super) fn facts(&self, followed: bool) -> Result<Facts, Errno> {
        Facts::at(self.directory, &self.name, followed)
    }

    /// Why nothing was made by this name, when the kernel said `errno`. The name that /proc has for a closed descriptor is
    /// taken, by what stands in there; to the user nothing is there, and nothing can be made.
    pub(super) fn not_made(&self, errno: Errno) -> Errno {
        let is_taken = || !start::was_any_closed() || self.facts(false) != Err(Errno::NOENT);
        if errno != Errno::EXIST || is_taken() { errno } else { Errno::NOENT }
    }

    /// Removes the name.
    pub(super) fn remove(&self) -> Result<(), Errno> {
        fs::unlinkat(self.directory, &*self.name, AtFlags::empty())
    }

    /// Gives it the other's name, in place of what is there.
    pub(super) fn rename(&self, other: &Location<'_>) -> Result<(), Errno> {
        fs::renameat(self.directory, &*self.name, other.directory, &*other.name)
    }

    /// Gives it the other's name if nothing has it.
    pub(super) fn rename_if_free(&self, other: &Location<'_>) -> Result<(), Errno> {
        fs::renameat_with(self.directory, &*self.name, other.directory, &*other.name, RenameFlags::NOREPLACE)
    }

    /// Whether the directory it would stand in is there.
    pub(super) fn has_place(&self) -> bool {
        fs::statat(self.directory, names::parent(&self.name), AtFlags::empty()).is_ok()
    }

    /// Whether its permissions let it be opened for writing: root's always do, whatever else is in the way. What has an empty
    /// name cannot be.
    pub(super) fn is_writable(&self) -> bool {
        process::geteuid().is_root()
            || fs::accessat(self.directory, &*self.name, Access::WRITE_OK, AtFlags::EACCESS).is_ok()
    }

    /// Whether the kernel will let it be written, and why not: EACCES, or EROFS where the file system is read-only.
    pub(super) fn may_be_written(&self) -> Result<(), Errno> {
        fs::accessat(self.directory, self.looked_up(), Access::WRITE_OK, AtFlags::EACCESS)
    }

    pub(super) fn ends_in_slash(&self) -> bool {
        self.name.as_bytes().ends_with(b"/")
    }
}
