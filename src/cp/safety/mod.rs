//! What is done, besides copying, for copies that can be trusted: they are resumed ([`resume`]), put in place whole
//! ([`atomic`]), read back, flushed. docs/safety.md says what each is worth.

pub(super) mod atomic;
mod flushes;
pub(super) mod resume;

pub(super) use flushes::Flushes;

use super::Run;
use super::location::Location;
use super::names;
use crate::engine::End;
use crate::report::safety as words;
use crate::sys::facts::{Facts, Kind};
use crate::transfer::in_step::Meter;
use crate::transfer::verify;
use crate::transfer::{durable, endpoint};
use rustix::fs::{self, Mode, OFlags};
use rustix::io::Errno;
use std::os::fd::{BorrowedFd, OwnedFd};

/// How a sink is opened: what is to be read back or compared is opened for reading too, so that no second opening is
/// needed, whatever becomes of the name and the permissions.
pub(super) fn access(run: &Run<'_>) -> OFlags {
    let safety = run.options.safety;
    if safety.verify || safety.resume { OFlags::RDWR } else { OFlags::WRONLY }
}

/// Opens what is there for writing, and for reading where that is needed and allowed.
pub(super) fn open_existing(run: &Run<'_>, to: &Location<'_>) -> Result<OwnedFd, Errno> {
    match to.open_to_write(access(run)) {
        // It may be written to and not read: reading it back will say so.
        Err(Errno::ACCESS) if run.options.safety.verify => to.open_to_write(OFlags::WRONLY),
        other => other,
    }
}

/// A copy that is complete, both descriptors open.
pub(super) struct Completed<'a> {
    pub(super) from: &'a Location<'a>,
    pub(super) source: (&'a Facts, BorrowedFd<'a>),
    pub(super) to: &'a Location<'a>,
    pub(super) sink: BorrowedFd<'a>,
    /// Extents were shared.
    pub(super) cloned: bool,
    /// The sink is a block device.
    pub(super) device: bool,
    /// It has no name yet; it is flushed before it gets one.
    pub(super) aside: bool,
}

/// Reads it back and flushes it, as far as that was asked for. Whether all went well; what did not has been said.
pub(super) fn settle(run: &mut Run<'_>, made: &Completed<'_>) -> bool {
    let safety = run.options.safety;
    if safety.verify || made.device || made.aside || safety.durable && !run.flushes.at_once() {
        run.watch.ends(made.sink, true);
    }
    if safety.verify && !verified(run, made) {
        return false;
    }
    // Errors of writing to a block device are told nowhere else.
    if made.device {
        return file_flushed(run, made);
    }
    if !safety.durable || made.aside {
        return true;
    }
    let covered = match Facts::of(made.sink) {
        Ok(facts) => facts.kind == Kind::Regular && run.flushes.covers(facts.device),
        Err(errno) => return said(run, words::flushing(errno, &made.to.shown())),
    };
    covered || file_flushed(run, made) && name_flushed(run, made.to)
}

fn file_flushed(run: &mut Run<'_>, made: &Completed<'_>) -> bool {
    match durable::file(made.sink) {
        Ok(()) => true,
        Err(errno) => said(run, words::flushing(errno, &made.to.shown())),
    }
}

/// The name is on the device, if it is to be and is not covered by a flush of the whole file system.
pub(super) fn name_flushed(run: &mut Run<'_>, to: &Location<'_>) -> bool {
    if !run.options.safety.durable {
        return true;
    }
    let flushed = directory_of(to).and_then(|directory| {
        let device = Facts::of(&directory)?.device;
        if run.flushes.covers(device) { Ok(()) } else { durable::directory(&directory) }
    });
    match flushed {
        Ok(()) => true,
        Err(errno) => said(run, words::flushing_directory(errno, &to.shown())),
    }
}

/// Flushes a backup, so that the flush of its directory does not lose what was renamed ([`durable::renamed`]). A tree is
/// flushed whole at the end.
pub(super) fn backup_flushed(run: &mut Run<'_>, kept: &Location<'_>) {
    if !run.options.safety.durable || run.flushes.at_once() {
        return;
    }
    // If it cannot be opened for reading, it cannot be flushed.
    if let Ok(fd) = kept.open_to_read(OFlags::NOFOLLOW | OFlags::NONBLOCK)
        && let Err(errno) = durable::renamed(&fd)
    {
        said(run, words::flushing(errno, &kept.shown()));
    }
}

/// The directory that a name stands in, open for reading.
fn directory_of(to: &Location<'_>) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    fs::openat(to.directory, names::parent(&to.name), flags, Mode::empty())
}

fn said(run: &mut Run<'_>, text: String) -> bool {
    run.messages.error(text);
    false
}

/// Reading back is told to whoever watches, and keeps to `--rate-limit`.
fn meter<'r>(run: &Run<'r>) -> Meter<'r> {
    Meter { counters: run.watch.counters(), limit: run.limit }
}

fn verified(run: &mut Run<'_>, made: &Completed<'_>) -> bool {
    let (from, to) = (made.from.shown(), made.to.shown());
    let sink = match Facts::of(made.sink) {
        Ok(sink) => sink,
        Err(errno) => return said(run, words::flushing(errno, &to)),
    };
    let end =
        |fd, facts: Facts| End { file_system: run.learned.file_system(fd, facts.device), ..endpoint::own(fd, facts) };
    let (source, sink) = (end(made.source.1, *made.source.0), end(made.sink, sink));
    let verified = verify::verify(&source, &sink, made.cloned, meter(run));
    if run.options.explain {
        run.messages.note(words::verified(&verified));
    }
    if let Some(text) = words::verification(&verified, &from, &to) {
        return said(run, text);
    }
    if let Some((doubt, text)) = words::doubt(&verified, &from, &to) {
        run.messages.doubt(doubt, format!("warning: {text}"));
    }
    true
}

/// Before anything is made for an operand: the file system it goes to is one that can be flushed at the end.
pub(super) fn begin(run: &Run<'_>, to: &Location<'_>) {
    if run.options.safety.durable && run.flushes.at_once() && run.flushes.cover(to) {
        run.watch.is_flushed();
    }
}

/// All is copied.
pub(super) fn end(run: &mut Run<'_>) {
    if run.options.safety.durable && run.flushes.at_once() {
        run.watch.flushes();
    }
    for (errno, shown) in run.flushes.flush() {
        run.messages.error(words::flushing(errno, &shown));
    }
    for (doubt, others) in run.messages.other_doubts() {
        run.messages.warn(format!("warning: {}", words::others(doubt, others)));
    }
}
