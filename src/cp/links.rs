//! Links instead of copies: hard ones, symbolic ones, and copies of symbolic links.

use super::attributes::{self, Handle, Opened};
use super::first_names::First;
use super::location::Location;
use super::options::{Keep, Make, Update};
use super::{Run, names, tree};
use crate::report::interrupt;
use crate::report::quote::{shell_always, shell_if_needed};
use crate::sys::facts::{Facts, Kind};
use crate::sys::temporary;
use crate::sys::text::strerror;
use crate::sys::thread;
use rustix::fs::{self, AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

/// More than threads have numbers (PID_MAX_LIMIT, include/linux/threads.h of Linux: 2²²).
const MOST_THREADS: u32 = 1 << 22;

/// Another name of the file `from`, or of what it leads to.
pub(super) fn hard(run: &mut Run<'_>, from: &Location<'_>, followed: bool, to: &Location<'_>, replace: bool) -> bool {
    let flags = if followed { AtFlags::SYMLINK_FOLLOW } else { AtFlags::empty() };
    let link = |to: &Location<'_>| fs::linkat(from.directory, &*from.name, to.directory, &*to.name, flags);
    let put = put(run, to, replace, link);
    said(run, put, || format!("cannot create hard link {} to {}", to.quoted(), from.quoted()))
}

/// Another name of what this run made of another name of the source.
pub(super) fn to_first(run: &mut Run<'_>, first: &First, to: &Location<'_>) -> bool {
    let (base, _) = to.from_base();
    // It can be a symbolic link where it was there before and stayed, or with -s.
    let flags = if run.options.follows(to.operand) { AtFlags::SYMLINK_FOLLOW } else { AtFlags::empty() };
    let name = first.below.as_ref().map_or(&first.way, |(_, name)| name);
    let link = |from: BorrowedFd<'_>| put(run, to, true, |to| fs::linkat(from, name, to.directory, &*to.name, flags));
    let put = match &first.below {
        None => link(base),
        Some((inside, _)) if to.in_tree() == Some((&first.way, inside)) => link(to.directory),
        Some((inside, _)) => directory_of(run, (&first.way, inside), to).and_then(|directory| link(directory.as_fd())),
    };
    if put == Ok(Put::Over) && run.options.verbose {
        run.messages.print(format!("removed {}", to.quoted()));
    }
    said(run, put, || format!("cannot create hard link {} to {}", to.quoted(), shell_always(&first.shown)))
}

/// The directory that a first name is in, below an operand. From the operand on no symbolic link is followed, even if somebody
/// has put one there meanwhile, and the way may be longer than a path can be.
fn directory_of(run: &Run<'_>, (way, inside): (&OsStr, &OsStr), to: &Location<'_>) -> Result<OwnedFd, Errno> {
    let opened;
    let root = match to.root {
        Some((root, _)) if to.in_tree().is_some_and(|(root, _)| root == way) => root,
        _ => {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let way = if way.is_empty() { OsStr::new(".") } else { way };
            opened = fs::openat(to.from_base().0, way, flags, Mode::empty())?;
            opened.as_fd()
        }
    };
    tree::beneath(root, inside, OFlags::PATH, run.options.keep_directory_symlink)
}

/// Whether the source's name would mean something else in a link at `to`. If the directory of `to` is not there, creating the
/// link says so, unless the directory would have been made by then (`in_new`).
pub(super) fn means_nothing_there(from: &Location<'_>, to: &Location<'_>, in_new: bool) -> bool {
    let elsewhere = || in_new || !names::is_in_working_directory(to.directory, &to.name) && to.has_place();
    !from.shown().as_bytes().starts_with(b"/") && elsewhere()
}

/// The sentence that it would.
pub(super) fn only_here(to: &Location<'_>) -> String {
    format!("{}: can make relative symbolic links only in current directory", shell_if_needed(&to.shown()))
}

/// A symbolic link to the source's name, which means something only in the directory where it was typed.
pub(super) fn symbolic(
    run: &mut Run<'_>,
    from: &Location<'_>,
    to: &Location<'_>,
    source: &Facts,
    replace: bool,
) -> bool {
    let name = from.shown();
    if means_nothing_there(from, to, false) {
        run.messages.error(only_here(to));
        return false;
    }
    let link = |to: &Location<'_>| fs::symlinkat(&*name, to.directory, &*to.name);
    let put = put(run, to, replace, link);
    said(run, put, || format!("cannot create symbolic link {} to {}", to.quoted(), shell_always(&name)))
        && dressed(run, from, to, &Facts { kind: Kind::Symlink, ..*source }, Permissions::AsMade)
}

/// A symbolic link as `from` is one, with what is kept of it. `taken_for_free`: nobody has looked what is there.
pub(super) fn same(
    run: &mut Run<'_>,
    from: &Location<'_>,
    to: &Location<'_>,
    source: &Facts,
    replace: bool,
    taken_for_free: bool,
) -> bool {
    let target = match fs::readlinkat(from.directory, &*from.name, Vec::new()) {
        Ok(target) => target,
        Err(errno) => {
            run.messages.error(format!("cannot read symbolic link {}: {}", from.quoted(), strerror(errno)));
            return false;
        }
    };
    let link = |to: &Location<'_>| fs::symlinkat(target.as_c_str(), to.directory, &*to.name);
    // As with GNU cp: with -u a link of the same text will do (that --attributes-only left in its place), if it was seen.
    let will_do = |to: &Location<'_>| {
        run.options.update == Update::Older
            && !taken_for_free
            && fs::readlinkat(to.directory, &*to.name, Vec::new()).is_ok_and(|there| there == target)
    };
    let put = match put(run, to, replace, link) {
        Err(Errno::EXIST) if will_do(to) => Ok(Put::New),
        put => put,
    };
    let put = said(run, put, || format!("cannot create symbolic link {}", to.quoted()));
    put && dressed(run, from, to, source, Permissions::AsMade)
}

/// The permissions of something new that is not opened, if the source's are not kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Permissions {
    /// Those that it was made with.
    AsMade,
    /// These beside. What the umask or a default access control list has left of the others stays.
    Beside(u32),
    /// These.
    Exactly(u32),
}

impl Permissions {
    /// Which are to be set, where it was made with those of `made`.
    fn to_set(self, made: &Facts) -> Option<u32> {
        match self {
            Permissions::Beside(more) if made.mode & more != more => Some(made.mode & 0o777 | more),
            Permissions::AsMade | Permissions::Beside(_) => None,
            Permissions::Exactly(mode) => Some(mode),
        }
    }
}

/// Sets the attributes of something new that is not opened: a link or a special file.
pub(super) fn dressed(
    run: &mut Run<'_>,
    from: &Location<'_>,
    to: &Location<'_>,
    source: &Facts,
    permissions: Permissions,
) -> bool {
    if !run.options.preserve.any_attribute() && permissions == Permissions::AsMade {
        return true;
    }
    let place = |location: &Location<'_>, how| -> Result<OwnedFd, Errno> {
        fs::openat(location.directory, &*location.name, OFlags::PATH | OFlags::CLOEXEC | how, Mode::empty())
    };
    // Somebody else may have put something else there meanwhile.
    let opened = place(to, OFlags::NOFOLLOW).and_then(|fd| {
        let facts = Facts::of(&fd)?;
        let is_ours =
            facts.kind == source.kind && (facts.raw_device == source.raw_device || facts.kind == Kind::Symlink);
        if is_ours { Ok((fd, facts)) } else { Err(Errno::STALE) }
    });
    let (fd, facts) = match opened {
        Ok(opened) => opened,
        Err(errno) => {
            run.messages.error(format!("cannot stat {}: {}", to.quoted(), strerror(errno)));
            return false;
        }
    };
    let preserve = run.options.preserve;
    let extended = preserve.xattr != Keep::No || preserve.context != Keep::No;
    let lists = extended || run.options.preserve.mode && source.kind != Kind::Symlink;
    let changes_hands = preserve.ownership && (run.identity.is_root || facts.owner == source.owner);
    let origin = lists.then(|| {
        let followed = source.kind != Kind::Symlink && run.options.follows(from.operand);
        let fd = place(from, if followed { OFlags::empty() } else { OFlags::NOFOLLOW })?;
        // The same of the source. A link to it (-s) is no copy of what the name leads to.
        let is_source = run.options.make == Make::SymbolicLink || Facts::of(&fd)?.same_file(source);
        if is_source { Ok(Opened::Place(fd)) } else { Err(Errno::STALE) }
    });
    let pair = attributes::Pair {
        source,
        leads: false,
        from: origin.as_ref().map(Opened::handle),
        from_location: from,
        to,
        handle: Handle::Place(fd.as_fd()),
        new: true,
        // As with GNU these bits stay as they were made; a change of owner clears set-user-ID.
        mode: permissions.to_set(&facts).map(|mode| mode | facts.mode & if changes_hands { 0o3000 } else { 0o7000 }),
    };
    attributes::set(run, &pair)
}

/// Removes what is there; what goes wrong has been said.
pub(super) fn remove(run: &mut Run<'_>, to: &Location<'_>) -> Result<(), ()> {
    match to.remove() {
        Ok(()) if run.options.verbose => run.messages.print(format!("removed {}", to.quoted())),
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => {
            run.messages.error(format!("cannot remove {}: {}", to.quoted(), strerror(errno)));
            return Err(());
        }
    }
    Ok(())
}

/// How a link came to its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Put {
    /// Nothing was there.
    New,
    /// What was there is gone.
    Over,
}

/// Makes a link; if a name is taken and is to give way, the link is made beside it and renamed over it, so that the name
/// is never missing.
fn put(
    run: &Run<'_>,
    to: &Location<'_>,
    replace: bool,
    link: impl Fn(&Location<'_>) -> Result<(), Errno>,
) -> Result<Put, Errno> {
    match link(to) {
        Err(Errno::EXIST) if replace => {}
        other => return other.map(|()| Put::New).map_err(|errno| to.not_made(errno)),
    }
    if !run.options.strictly_gnu {
        interrupt::tidy();
    }
    let mut number = first_number();
    let (aside, mut noted) = loop {
        let aside = to.beside(OsStr::new(&format!("Cu{number:06x}")));
        match temporary::make(aside.directory, &aside.name.clone(), || link(&aside)) {
            Ok(((), noted)) => break (aside, noted),
            Err(Errno::EXIST) => number = number.wrapping_add(MOST_THREADS),
            Err(errno) => return Err(errno),
        }
    };
    // Still there if renaming failed, or if both were names of one file already (rename(2)).
    let (renamed, removed) = noted.end(|| Ok((aside.rename(to), aside.remove())))?;
    match removed {
        Ok(()) | Err(Errno::NOENT) => renamed.map(|()| Put::Over),
        Err(errno) => Err(renamed.err().unwrap_or(errno)),
    }
}

/// The number in the names of a worker's temporary links: its own, not the process's. With that, a worker could make its link
/// under the name that another has just renamed away, and the other would then remove it as its own leftover.
fn first_number() -> u32 {
    thread::number().cast_unsigned()
}

fn said<T>(run: &mut Run<'_>, made: Result<T, Errno>, what: impl FnOnce() -> String) -> bool {
    if let Err(errno) = made {
        run.messages.error(format!("{}: {}", what(), strerror(errno)));
    }
    made.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_make_links_beside_others_by_different_names() {
        let theirs = std::thread::spawn(|| [0, 1].map(|tries| first_number() + tries * MOST_THREADS)).join();
        let theirs = theirs.expect("it ends");
        assert!(first_number() < MOST_THREADS && !theirs.contains(&first_number()));
        assert_ne!(theirs[0], theirs[1]);
    }
}
