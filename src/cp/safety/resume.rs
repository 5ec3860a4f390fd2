//! `--resume`: what is there is opened and repaired, and the copy goes on where it ends.

use super::super::Run;
use super::super::location::Location;
use crate::engine::{Ask, Name};
use crate::report::safety as words;
use crate::sys::descriptor;
use crate::sys::facts::Facts;
use crate::transfer::resume::{self, Hopeless};
use crate::transfer::{Trail, endpoint};
use rustix::fs::{self, AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Instant;

/// Opens what is there for reading and writing, also where its permissions forbid that to its owner: a copy of a
/// read-only file is one from the start. They are as they were as soon as it is open.
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

/// Repairs what is there. What is left to be copied, a trail to begin with, and how many bytes of the source were there.
pub(in super::super) fn repair<'a>(
    run: &mut Run<'_>,
    ask: &Ask<'a>,
    title: Option<&str>,
) -> (Option<Ask<'a>>, Trail, u64) {
    let began = Instant::now();
    let repair = resume::repair(&ask.source, &ask.sink, ask.policy.sparse, super::meter(run));
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
