//! `--resume`: what is there is opened and repaired, and the copy goes on where it ends.

use super::super::Run;
use super::super::directory::Id;
use super::super::location::Location;
use super::super::source::Source;
use crate::engine::{Ask, End, Name};
use crate::report::safety as words;
use crate::sys::descriptor;
use crate::sys::facts::Facts;
use crate::transfer::resume::{self, Hopeless, Repair};
use crate::transfer::{Trail, endpoint};
use rustix::fs::{self, AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Instant;

/// Opens what is there for reading and writing, even where its permissions do not let its owner: the copy of a read-only file
/// is read-only from the start. As soon as it is open the permissions are what they were.
pub(in super::super) fn open(to: &Location<'_>) -> Result<OwnedFd, Errno> {
    match to.open_to_write(OFlags::RDWR) {
        Err(Errno::ACCESS) => open_made_writable(to),
        other => other,
    }
}

fn open_made_writable(to: &Location<'_>) -> Result<OwnedFd, Errno> {
    let place = fs::openat(to.directory, &*to.name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    // By the descriptor, whatever becomes of the name.
    let name = descriptor::name_in_proc(place.as_fd());
    let mode = Mode::from_raw_mode(Facts::of(&place)?.mode & 0o7777);
    let set = |mode| fs::chmodat(fs::CWD, &name, mode, AtFlags::empty());
    set(mode | Mode::RUSR | Mode::WUSR).map_err(|_| Errno::ACCESS)?; // somebody else's
    let opened = fs::open(&name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty());
    set(mode)?;
    opened
}

/// Whether a copy to what is there can be resumed; why not, in words.
pub(in super::super) fn possible(from: (&Location<'_>, &Facts), to: (&Location<'_>, &Facts)) -> Result<(), String> {
    resume::possible(from.1, to.1).map_err(|why: Hopeless| words::hopeless(why, &from.0.shown(), &to.0.shown()))
}

/// Whether what is there holds the source's bytes already, by reading both. If not, what was read counts as additional work
/// for the progress line: it will be copied anew.
pub(in super::super) fn is_whole(run: &Run<'_>, source: &Source, to: &Location<'_>) -> Option<Id> {
    let from = source.opened.as_ref().ok()?;
    let there = to.open_to_read(OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY).ok()?;
    let facts = Facts::of(&there).ok()?;
    let end =
        |fd, facts: Facts| End { file_system: run.learned.file_system(fd, facts.device), ..endpoint::own(fd, facts) };
    let (from, sink) = (end(from.as_fd(), source.facts), end(there.as_fd(), facts));
    let (whole, compared) = resume::is_whole(&from, &sink, super::meter(run));
    if !whole {
        run.watch.counters().came_to(0, compared);
    }
    whole.then(|| facts.id())
}

/// Repairs what is there, unless it was found `whole`. What is left to be copied, a trail to begin with, and how many bytes
/// of the source were there.
pub(in super::super) fn repair<'a>(
    run: &mut Run<'_>,
    ask: &Ask<'a>,
    title: Option<&str>,
    whole: bool,
) -> (Option<Ask<'a>>, Trail, u64) {
    let began = Instant::now();
    let repair = match whole {
        true => Repair { compared: ask.sink.facts.size, ..Repair::default() },
        false => resume::repair(&ask.source, &ask.sink, ask.policy.sparse, super::meter(run)),
    };
    if let Some(title) = title {
        run.messages.note(format!("{title}\n{}", words::repaired(&repair)));
    }
    let (failure, shrank, wall) = (repair.failure, repair.shrank, began.elapsed());
    let mut trail = Trail { failure, shrank, wall, ..Trail::default() };
    trail.count(Name::ReadWrite, repair.rewritten);
    trail.holes = repair.punched;
    let rest = repair.missing_from.filter(|_| repair.is_sound()).map(|start| {
        let (mut source, mut sink) = (ask.source, ask.sink);
        (source.start, sink.start) = (start, start);
        endpoint::ask(source, sink, false, ask.policy, run.learned)
    });
    (rest, trail, repair.compared)
}
