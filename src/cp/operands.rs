//! Which source goes to which destination. Several that go into one directory are copied side by side where that pays and
//! makes no difference ([`abreast`], [`independent`]).

mod abreast;
mod called;
mod independent;
mod order;

use super::decide::There;
use super::entry::{self, Known};
use super::file::{self, Attempt};
use super::location::Location;
use super::names;
use super::options::{Make, PARENTS_WANT_A_DIRECTORY, Target};
use super::source::{Hint, Source};
use super::workers::{LONG, Load};
use super::{Run, backup, parents, safety, source, tree};
use crate::report::quote::shell_always;
use crate::sys::facts::Facts;
use crate::sys::text::strerror;
use rustix::fs::{self, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

/// Copies each operand to where it goes.
pub(super) fn each(run: &mut Run<'_>) {
    let options = run.options;
    let operands = &options.operands;
    match (&options.target, operands.as_slice()) {
        (Target::Directory(directory), sources) => match open_directory(directory) {
            Ok(opened) => into(run, sources, directory, place(&opened)),
            Err(errno) => {
                let text = format!("target directory {}: {}", shell_always(directory), strerror(errno));
                run.messages.error(text);
            }
        },
        (Target::NoDirectory, [source, to]) => {
            single(run, source, to, Known::default());
        }
        (Target::LastOperand, [source, to]) => one(run, source, to),
        (_, [sources @ .., directory]) => match open_directory(directory) {
            Ok(opened) => into(run, sources, directory, place(&opened)),
            Err(errno) => {
                run.messages.error(format!("target {}: {}", shell_always(directory), strerror(errno)));
            }
        },
        (_, []) => {} // the command line was refused for it
    }
}

/// SOURCE DEST: a destination that is new need not be looked at, so creating it is tried first.
fn one(run: &mut Run<'_>, source: &OsStr, to: &OsStr) {
    let (from, plain) = (Location::plain(source), Location::plain(to));
    let mut known = Known::default();
    let at_once = run.options.make == Make::Copy && !run.options.recursive && run.options.backup.is_none();
    let here = names::is_working_directory(to);
    let at_once = at_once && !run.options.dry_run && !here;
    if at_once && !run.options.parents && !run.options.strip_trailing_slashes {
        let Some(opened) = source::look_at_source(run, &from, true, Hint::default()) else { return };
        match file::copy_if_new(run, &from, &plain, None, opened) {
            Attempt::Done => return,
            Attempt::NotNew(opened) => known.source = Some(opened),
        }
    }
    // As the last operand an empty name is that of nothing, if symbolic links are followed; with -T it was not looked up.
    let there = if to.is_empty() { Ok(There::Nothing) } else { plain.look() };
    if (here || there.as_ref().is_ok_and(There::is_directory))
        && let Ok(directory) = open_directory(to)
    {
        let source = as_taken(run, source);
        if run.options.parents {
            return parents::copy(run, source, to, place(&directory), &mut false);
        }
        let inside = Location::inside(place(&directory), to, source);
        return copy(run, &Location::plain(source), &inside, known);
    }
    if run.options.parents {
        let called = run.options.called.as_encoded_bytes();
        let hint = [b"\nTry '", called, b" --help' for more information."].concat();
        return run.messages.error([PARENTS_WANT_A_DIRECTORY.as_bytes(), &hint].concat());
    }
    known.there = Some(there);
    single(run, source, to, known);
}

/// A destination that is no directory. With `-f` and `--backup`, a file that is copied to its own name is copied to the
/// name of its backup.
fn single(run: &mut Run<'_>, source: &OsStr, to: &OsStr, mut known: Known<'_>) {
    let (from, plain) = (Location::plain(source), Location::plain(to));
    if let Some(backup) = run.options.backup.as_ref().filter(|_| run.options.force && source == to)
        && fs::stat(source).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_file())
    {
        known.there = None;
        known.is_backup = true;
        return copy(run, &from, &backup::place(&plain, backup), known);
    }
    copy(run, &from, &plain, known);
}

/// Sources that go into one directory.
struct Several<'s> {
    sources: &'s [OsString],
    /// The directory, as it was named.
    name: &'s OsStr,
    directory: BorrowedFd<'s>,
}

impl<'s> Several<'s> {
    fn len(&self) -> usize {
        self.sources.len()
    }

    /// The source of this number, as it is taken.
    fn source(&self, run: &Run<'_>, at: usize) -> &'s OsStr {
        as_taken(run, &self.sources[at])
    }

    fn takes_long(&self, run: &Run<'_>, source: &Source) -> bool {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = || {
            let opened = fs::openat(self.directory, ".", flags, Mode::empty())?; // it may be the working directory, which has none
            Facts::of(&opened).map(|facts| (opened, facts.device))
        };
        let into = |(opened, device): (OwnedFd, u64)| run.takes_long(source, (opened.as_fd(), device));
        source.facts.size >= LONG && directory().is_ok_and(into)
    }

    /// The source and the destination of this number.
    fn places(&self, run: &Run<'_>, at: usize) -> (Location<'s>, Location<'s>) {
        let source = self.source(run, at);
        (Location::plain(source), Location::inside(self.directory, self.name, source))
    }
}

impl Several<'_> {
    /// Copies the source of this number, which nothing is known of.
    fn copy(&self, run: &mut Run<'_>, at: usize) {
        let (from, to) = self.places(run, at);
        copy(run, &from, &to, Known::default());
    }
}

fn into(run: &mut Run<'_>, sources: &[OsString], name: &OsStr, directory: BorrowedFd<'_>) {
    if let Some(account) = &mut run.account {
        account.watch(sources.len() > 1);
    }
    let several = Several { sources, name, directory };
    if run.options.parents {
        let mut new = false;
        return (0..several.len())
            .for_each(|at| parents::copy(run, several.source(run, at), name, directory, &mut new));
    }
    let possible = abreast::is_possible(run) && several.len() > 1;
    let mut load = Load::default();
    for at in 0..several.len() {
        let left = several.len() - at - 1;
        if possible && abreast::is_worth_it(load.weight(left)) {
            return abreast::rest(run, &several, at, load);
        }
        let (from, to) = several.places(run, at);
        let mut known = Known::default();
        // The size of a file says what is to come before it is copied.
        let hint = Hint { kind: None, may_stay: run.options.may_leave() };
        if possible && let Ok(source) = source::look(run, &from, true, hint) {
            let foreseen = load.with(source.facts.size);
            if several.takes_long(run, &source) && abreast::is_worth_it(foreseen.weight(left)) {
                return abreast::rest(run, &several, at, foreseen);
            }
            known.source = Some(source);
        }
        run.moved = 0;
        copy(run, &from, &to, known);
        load = load.with(run.moved);
    }
}

/// Copies an operand, and fills the directory if it is one.
pub(super) fn copy(run: &mut Run<'_>, from: &Location<'_>, to: &Location<'_>, known: Known<'_>) {
    run.into_itself = false;
    safety::begin(run, to);
    let directory = entry::copy(run, from, to, known);
    run.come_upon();
    if let Some(directory) = directory {
        tree::fill(run, from, to, directory);
    }
}

/// The operand as `--strip-trailing-slashes` has it.
fn as_taken<'s>(run: &Run<'_>, source: &'s OsStr) -> &'s OsStr {
    if run.options.strip_trailing_slashes { names::stripped(source) } else { source }
}

/// A directory to copy into; `None` is the working directory, which need not be searchable to be named, as with GNU. Its
/// contents need not be readable, so it is opened as a mere place (O_PATH).
fn open_directory(name: &OsStr) -> Result<Option<OwnedFd>, Errno> {
    if names::is_working_directory(name) {
        return Ok(None);
    }
    match fs::open(name, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
        Ok(opened) => Ok(Some(opened)),
        // It may be the name of a closed descriptor, where nothing is.
        Err(Errno::NOTDIR) => Err(Facts::at(fs::CWD, name, true).err().unwrap_or(Errno::NOTDIR)),
        Err(errno) => Err(errno),
    }
}

fn place(directory: &Option<OwnedFd>) -> BorrowedFd<'_> {
    directory.as_ref().map_or(fs::CWD, |directory| directory.as_fd())
}
