//! A directory of the destination: made, or there already; open, and known to be the one that was made or looked at.

use super::attributes::{self, Handle};
use super::decide::There;
use super::entry::Entry;
use super::options::Dereference;
use super::source::Source;
use super::{Run, names, rehearse};
use crate::report::quote::shell_always;
use crate::sys::facts::{Facts, Kind};
use crate::sys::text::strerror;
use rustix::fs::{self, Mode, OFlags};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

/// Device and inode number.
pub(super) type Id = (u64, u64);

/// A directory that is to be filled.
#[derive(Debug)]
pub(super) struct Directory {
    /// The source's facts.
    pub(super) facts: Facts,
    /// The source, to be read; `None` if its contents are not copied: it is another file system, or cannot be read (which
    /// was said).
    pub(super) source: Option<OwnedFd>,
    pub(super) destination: OwnedFd,
    pub(super) id: Id,
    pub(super) finish: Finish,
}

/// What a directory of the destination is to get when everything is in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finish {
    /// It is open as a place only (O_PATH), because it was there and may not be readable.
    pub(super) is_place: bool,
    /// It was not there before.
    pub(super) new: bool,
    /// The permissions it is to have if the source's are not kept, and it has others.
    pub(super) mode: Option<u32>,
}

impl Finish {
    /// Whether there is anything to be done.
    pub(super) fn is_due(&self, run: &Run<'_>) -> bool {
        (self.mode.is_some() || run.options.preserve.any_attribute()) && !run.options.dry_run
    }

    pub(super) fn handle<'h>(&self, destination: BorrowedFd<'h>) -> Handle<'h> {
        if self.is_place { Handle::Place(destination) } else { Handle::Open(destination) }
    }
}

/// A name that something has got in the destination.
#[derive(Clone, Debug)]
struct Name {
    /// From the directory that the operands' names are looked up from.
    way: OsString,
    shown: OsString,
    /// It is a directory that was made, not an operand's.
    made: bool,
}

/// The directories that are operands, and those that were made in directories that were there: what a tree must not run
/// into again.
#[derive(Debug, Default)]
pub(super) struct Roots {
    known: Mutex<HashMap<Id, Name>>,
    /// Those that were there, in which others would be made (`--dry-run`).
    places: Mutex<Vec<Id>>,
}

impl Roots {
    fn get(&self, id: Id) -> Option<Name> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    fn note(&self, id: Id, name: Name) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_insert(name);
    }

    fn foresee(&self, id: Id) {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).push(id);
    }

    /// Whether a directory of the destination would have been made in this one.
    pub(super) fn is_foreseen_in(&self, id: Id) -> bool {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }

    fn forget(&self, id: Id) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

/// Makes the directory, or opens the one that is there. What goes wrong has been said.
/// `in_new`: the one it would be made in would be made as well (`--dry-run`).
pub(super) fn make(
    run: &mut Run<'_>,
    entry: &Entry<'_>,
    source: Source,
    there: &There,
    in_new: bool,
) -> Option<Directory> {
    let facts = source.facts;
    let known = entry.parent.is_some() || run.roots.get(facts.id()).is_some();
    if !may_be_entered(run, entry, &facts) {
        return None;
    }
    let existing = match there {
        There::File(there) if there.kind == Kind::Directory => Some(there.id()),
        _ => None,
    };
    let followed = run.options.follows(entry.parent.is_none());
    if existing.is_none() && !attributes::label_is_there(run, entry.from, followed) {
        return None;
    }
    let opened = match existing {
        Some(id) => open_existing(run, entry, id),
        None if run.options.dry_run => rehearse(run, entry, in_new),
        None => make_new(run, entry, &facts),
    };
    if opened.is_none() && !known {
        run.roots.forget(facts.id()); // it was not copied, so it may be copied yet
    }
    let (destination, now, finish) = opened?;
    let stays = run.options.one_file_system && entry.parent.is_some_and(|parent| parent.device() != facts.device);
    let source = if stays { None } else { readable(run, entry, source) };
    Some(Directory { facts, source, destination, id: now, finish })
}

/// Whether the source is no directory that this run has come from or is filling.
fn may_be_entered(run: &mut Run<'_>, entry: &Entry<'_>, facts: &Facts) -> bool {
    let operand = entry.parent.is_none();
    if let Some(earlier) = run.roots.get(facts.id()) {
        let (base, way) = entry.to.from_base();
        let (of, into) = match entry.parent {
            Some(parent) => parent.operand(),
            None => (entry.from.shown(), entry.to.shown()),
        };
        // By the path, as GNU has it: through a symbolic link it is another name. Where links are followed, that would never
        // end.
        let endless = earlier.made && run.options.dereference == Dereference::Always;
        let one_name = names::is_one_name_as_it_stands((fs::CWD, &entry.from.shown()), (base, &earlier.way));
        if endless || one_name == Some(true) {
            refuse_into_itself(run, (&of, &into));
            return false;
        }
        if names::is_one_name((base, &way), (base, &earlier.way)) {
            let of = shell_always(&of);
            run.messages.warn(format!("warning: source directory {of} specified more than once"));
            return false;
        }
        let led_here = match run.options.dereference {
            Dereference::Always => true,
            Dereference::Operands => operand,
            Dereference::Never => false,
        };
        if !led_here {
            let (to, earlier) = (entry.to.quoted(), shell_always(&earlier.shown));
            run.messages.error(format!("will not create hard link {to} to directory {earlier}"));
            return false;
        }
    } else if operand {
        run.roots.note(facts.id(), Name { way: entry.to.from_base().1, shown: entry.to.shown(), made: false });
    }
    if entry.parent.is_some_and(|parent| parent.comes_from(facts.id())) {
        run.messages.error(format!("cannot copy cyclic symbolic link {}", entry.from.quoted()));
        return false;
    }
    true
}

/// Nothing more of the operand is copied.
pub(super) fn refuse_into_itself(run: &mut Run<'_>, (of, into): (&OsStr, &OsStr)) {
    let (of, into) = (shell_always(of), shell_always(into));
    run.messages.error(format!("cannot copy a directory, {of}, into itself, {into}"));
    run.into_itself = true;
}

/// A directory that was there, and must still be the one that was looked at.
fn open_existing(run: &mut Run<'_>, entry: &Entry<'_>, id: Id) -> Option<(OwnedFd, Id, Finish)> {
    let no_follow = if run.options.keep_directory_symlink { OFlags::empty() } else { OFlags::NOFOLLOW };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | no_follow;
    let opened = fs::openat(entry.to.directory, entry.to.looked_up(), flags, Mode::empty());
    match opened.and_then(|fd| Facts::of(&fd).map(|facts| (fd, facts.id()))) {
        Ok((fd, now)) if now == id => Some((fd, id, Finish { is_place: true, new: false, mode: None })),
        Ok(_) | Err(Errno::NOTDIR | Errno::LOOP) => {
            let to = entry.to.quoted();
            run.messages.error(format!("skipping directory {to}, as it was replaced while being copied"));
            None
        }
        Err(errno) => {
            run.messages.error(format!("cannot access {}: {}", entry.to.quoted(), strerror(errno)));
            None
        }
    }
}

/// The directory that it would be made in, which stands for it (`--dry-run`).
fn rehearse(run: &mut Run<'_>, entry: &Entry<'_>, in_new: bool) -> Option<(OwnedFd, Id, Finish)> {
    let to = entry.to;
    let (place, facts) = match rehearse::directory(run, (to.directory, &to.name), &to.shown(), in_new) {
        Ok(place) => place,
        Err(errno) => {
            run.messages.error(format!("cannot create directory {}: {}", to.quoted(), strerror(errno)));
            return None;
        }
    };
    if !in_new {
        run.roots.foresee(facts.id());
    }
    Some((place, facts.id(), Finish { is_place: true, new: true, mode: None }))
}

fn make_new(run: &mut Run<'_>, entry: &Entry<'_>, facts: &Facts) -> Option<(OwnedFd, Id, Finish)> {
    let to = entry.to;
    let omitted = attributes::omitted(run.options, facts);
    // Its owner must be able to fill it, whatever its permissions are in the end.
    let mode = facts.mode & 0o1777 & !omitted | 0o700;
    let turn = run.groups.turn_for_directory();
    let made = fs::mkdirat(to.directory, &*to.name, Mode::from_raw_mode(mode));
    drop(turn);
    if let Err(errno) = made {
        let errno = to.not_made(errno);
        run.messages.error(format!("cannot create directory {}: {}", to.quoted(), strerror(errno)));
        return None;
    }
    let (fd, there) = match open_new(to.directory, &to.name) {
        Ok(opened) => opened,
        Err(errno) => {
            run.messages.error(format!("cannot stat {}: {}", to.quoted(), strerror(errno)));
            return None;
        }
    };
    run.groups.made(there.id());
    if run.options.verbose {
        run.messages.print(format!("{} -> {}", entry.from.quoted(), to.quoted()));
    }
    // The walk may meet it in a directory that was there; a new one it would meet first.
    if entry.parent.is_none_or(|parent| !parent.is_new()) {
        run.roots.note(there.id(), Name { way: to.from_base().1, shown: to.shown(), made: true });
    }
    let mode = mode_in_the_end(run, facts, &there);
    Some((fd, there.id(), Finish { is_place: false, new: true, mode }))
}

/// The permissions that a new directory is to have when it is filled and the source's are not kept; `None` if it has them.
pub(super) fn mode_in_the_end(run: &Run<'_>, source: &Facts, made: &Facts) -> Option<u32> {
    let umask = run.identity.umask;
    if run.options.preserve.no_mode {
        // Nothing of a default access control list is wanted either, so the mode is always set. GNU sets set-group-ID again,
        // and thereby clears the others.
        let special = if made.mode & 0o2000 != 0 { 0o2000 } else { made.mode & 0o1000 };
        return Some(0o777 & !umask | special);
    }
    restored(made, source.mode, attributes::omitted(run.options, source), umask)
}

/// The permissions that a directory is to have when it is filled: what was omitted of the model's is added again, and what its
/// owner got for the filling goes; `None` if it has them.
pub(super) fn restored(made: &Facts, model: u32, omitted: u32, umask: u32) -> Option<u32> {
    let has = made.mode & 0o7777;
    // Its owner's bits are those that the umask, or a default access control list, left of what it was made with.
    let wanted = has & (model | !0o700) | omitted & !umask;
    (wanted != has | 0o700).then_some(wanted)
}

/// What was made a moment ago, open to be filled, with the rights to do so even under an odd umask; its facts are those
/// that it was made with.
pub(super) fn open_new(directory: BorrowedFd<'_>, name: &OsStr) -> Result<(OwnedFd, Facts), Errno> {
    let open = |how| {
        let flags = how | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        fs::openat(directory, name, flags, Mode::empty())
    };
    let grant = |handle: Handle<'_>, facts: &Facts| match facts.mode & 0o700 {
        0o700 => Ok(()),
        _ => handle.set_mode(facts.mode | 0o700),
    };
    let fd = match open(OFlags::RDONLY) {
        Err(Errno::ACCESS) => {
            let place = open(OFlags::PATH)?;
            let facts = Facts::of(&place)?;
            grant(Handle::Place(place.as_fd()), &facts)?;
            return Ok((open(OFlags::RDONLY)?, facts));
        }
        opened => opened?,
    };
    let facts = Facts::of(&fd)?;
    grant(Handle::Open(fd.as_fd()), &facts)?;
    Ok((fd, facts))
}

/// The source, if it can be read.
fn readable(run: &mut Run<'_>, entry: &Entry<'_>, source: Source) -> Option<OwnedFd> {
    match source.opened {
        Ok(fd) => Some(fd),
        Err(errno) => {
            run.messages.error(format!("cannot access {}: {}", entry.from.quoted(), strerror(errno)));
            None
        }
    }
}
