//! One source to one destination: opened, copied, closed, and said.
//!
//! Nothing is opened blocking by surprise: the source is opened with O_NONBLOCK, and only if it turns out to be no regular
//! file, and is to be read all the same, opened again as GNU opens it (a FIFO is waited for). Nothing of the destination is
//! cut before both open descriptors are known to be different files; the cutting is left to the copy, which first asks
//! whether there is room.

use super::decide::Product;
use super::destination::Destination;
use super::options::Make;
use super::{Run, links};
use crate::report::{debug, explain, failure, json, quote::shell_always};
use crate::sys::descriptor::close;
use crate::sys::facts::{Facts, Kind};
use crate::sys::pipe;
use crate::sys::text::strerror;
use crate::transfer::{self, Failure, Plan, Trail, by_reference, endpoint};
use rustix::fs::{self, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};

/// A source whose facts are known and which is, if it could be, open.
pub(super) struct Source {
    pub(super) facts: Facts,
    pub(super) opened: Result<OwnedFd, Errno>,
}

/// A sink that is open.
struct Sink {
    fd: OwnedFd,
    /// What it is, if that had to be asked.
    facts: Option<Facts>,
    created: bool,
    /// It is a file that was there, whose contents the copy replaces.
    replaced: bool,
}

impl Sink {
    fn new(fd: OwnedFd) -> Sink {
        Sink { fd, facts: None, created: true, replaced: false }
    }
}

/// What came of trying to make a new file.
pub(super) enum Attempt {
    /// All that could be done and said was.
    Done,
    /// Something is there: the destination has to be looked at.
    NotNew(Source),
}

/// Copies to a destination that is hoped not to exist, without looking at it first.
pub(super) fn copy_if_new(run: &mut Run<'_>, name: &OsStr, to: &Destination<'_>) -> Attempt {
    let Some(source) = look_at_source(run, name) else { return Attempt::Done };
    let Ok(from) = &source.opened else { return Attempt::NotNew(source) };
    if source.facts.kind != Kind::Regular {
        return Attempt::NotNew(source); // a directory is not for copying, and of the others some have to be waited for
    }
    match to.create(source.facts.mode) {
        Ok(fd) => {
            let sink = Sink::new(fd);
            let said = Ends { name, from, source: &source.facts, to, sink: &sink }.copy(run);
            said.close(run, source.opened, sink.fd, name, to);
            Attempt::Done
        }
        Err(_) => Attempt::NotNew(source),
    }
}

/// Copies the contents to a destination that was looked at; whether that went well.
pub(super) fn contents(
    run: &mut Run<'_>,
    name: &OsStr,
    to: &Destination<'_>,
    source: &mut Source,
    product: Product,
) -> bool {
    let mut opened = std::mem::replace(&mut source.opened, Err(Errno::BADF));
    if source.facts.kind != Kind::Regular && opened.as_ref().err() != Some(&Errno::NOENT) {
        opened = open_waiting(name, source.facts.kind, opened);
    }
    let from = match &opened {
        Ok(from) => from,
        Err(errno) => {
            let text = format!("cannot open {} for reading: {}", shell_always(name), strerror(*errno));
            run.messages.error(text);
            return false;
        }
    };
    match open_sink(run, product, &source.facts, to, name) {
        Ok(sink) => {
            let said = Ends { name, from, source: &source.facts, to, sink: &sink }.copy(run);
            said.close(run, opened, sink.fd, name, to)
        }
        Err(text) => {
            if let Some(text) = text {
                run.messages.error(text);
            }
            if run.options.debug {
                run.messages.print(debug::line(None));
            }
            false
        }
    }
}

/// Opens the source, or at least stats it; says so if there is none.
pub(super) fn look_at_source(run: &mut Run<'_>, name: &OsStr) -> Option<Source> {
    let followed = !run.options.no_dereference;
    let stat = || if followed { fs::stat(name) } else { fs::lstat(name) }.map(|stat| Facts::from_stat(&stat));
    let no_follow = if followed { OFlags::empty() } else { OFlags::NOFOLLOW };
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC | no_follow;
    let opened = match run.options.make {
        // Nobody who waits for a reader is to be woken by a rehearsal.
        Make::Copy if run.options.dry_run && !stat().is_ok_and(|facts| facts.kind == Kind::Regular) => Err(Errno::BADF),
        Make::Copy => fs::open(name, flags, Mode::empty()),
        Make::HardLink | Make::SymbolicLink => Err(Errno::BADF), // nothing is read
    };
    let facts = match &opened {
        Ok(fd) => Facts::of(fd),
        // Not readable, a socket, a symbolic link, a leased file: what it is decides what is said.
        Err(_) => stat(),
    };
    match facts {
        Ok(facts) => {
            let leased = facts.kind == Kind::Regular && matches!(opened, Err(Errno::AGAIN));
            Some(Source { facts, opened: if leased { reopen(name) } else { opened } })
        }
        Err(errno) => {
            run.messages.error(format!("cannot stat {}: {}", shell_always(name), strerror(errno)));
            None
        }
    }
}

/// A source that is no regular file, open as GNU opens it: a FIFO with a writer, a device without O_NONBLOCK.
fn open_waiting(name: &OsStr, kind: Kind, opened: Result<OwnedFd, Errno>) -> Result<OwnedFd, Errno> {
    match opened {
        // Opened once more it would wait for one more writer; the one that our opening woke may have written and gone.
        Ok(fd) if kind == Kind::Pipe => {
            fs::fcntl_setfl(&fd, fs::fcntl_getfl(&fd)? - OFlags::NONBLOCK)?;
            pipe::await_writer(&fd)?;
            Ok(fd)
        }
        opened => {
            drop(opened); // first, because some devices can be open once only
            reopen(name)
        }
    }
}

/// Whether the name of an open source still leads somewhere, after the way was cleared.
pub(super) fn still_there(name: &OsStr, source: &Facts) -> Result<(), Errno> {
    if source.kind == Kind::Symlink { Ok(()) } else { fs::stat(name).map(drop) }
}

/// Opens as GNU does.
fn reopen(name: &OsStr) -> Result<OwnedFd, Errno> {
    fs::open(name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}

/// Opens the sink; what is in it stays until the copy begins. An error without a text has been said.
fn open_sink(
    run: &mut Run<'_>,
    product: Product,
    source: &Facts,
    to: &Destination<'_>,
    name: &OsStr,
) -> Result<Sink, Option<String>> {
    let cannot_create =
        |errno| Some(format!("cannot create regular file {}: {}", shell_always(&to.shown), strerror(errno)));
    let create = || to.create(source.mode).map(Sink::new).map_err(cannot_create);
    match product {
        Product::ThroughLink => {
            return to.create_through_link(source.mode).map(Sink::new).map_err(cannot_create);
        }
        Product::Dangling => {
            return Err(Some(format!("not writing through dangling symlink {}", shell_always(&to.shown))));
        }
        Product::AfterRemoval => {
            links::remove(run, to).map_err(|()| None)?;
            return create();
        }
        Product::Contents => {}
        _ => return create(),
    }
    let fd = match to.open() {
        Ok(fd) => fd,
        Err(Errno::NOENT) => return create(), // it went away since it was looked at
        Err(_) if run.options.force => {
            links::remove(run, to).map_err(|()| None)?;
            return create();
        }
        Err(errno) => return Err(cannot_create(errno)),
    };
    let facts = Facts::of(&fd).map_err(cannot_create)?;
    if facts.same_file(source) {
        return Err(Some(format!("{} and {} are the same file", shell_always(name), shell_always(&to.shown))));
    }
    // An empty one is cut too: its times have to move (`cp /dev/null stamp`), and blocks kept behind its end have to go.
    let replaced = facts.kind == Kind::Regular;
    Ok(Sink { fd, facts: Some(facts), created: false, replaced })
}

/// Both ends, open.
struct Ends<'a> {
    name: &'a OsStr,
    from: &'a OwnedFd,
    source: &'a Facts,
    to: &'a Destination<'a>,
    sink: &'a Sink,
}

/// What is left to say and do once the descriptors are closed.
struct Copied {
    /// `--debug`'s line.
    line: Option<String>,
    /// The new file is to go: nothing came of it.
    remove: bool,
    /// All is there.
    complete: bool,
}

impl Ends<'_> {
    fn copy(&self, run: &mut Run<'_>) -> Copied {
        let facts = match self.sink_facts(run) {
            Ok(facts) => facts,
            Err(errno) => {
                let text = format!("cannot stat {}: {}", shell_always(&self.to.shown), strerror(errno));
                run.messages.error(text);
                return Copied { line: None, remove: false, complete: false };
            }
        };
        let source = endpoint::own(self.from.as_fd(), *self.source);
        let sink = endpoint::own(self.sink.fd.as_fd(), facts);
        let ask = endpoint::ask(source, sink, self.sink.replaced, &run.options.policy, &run.learned);
        let plan = Plan::of(&ask, &run.learned);
        let title =
            run.options.explain.then(|| format!("{} -> {}", shell_always(self.name), shell_always(&self.to.shown)));
        if let Some(title) = &title {
            explain::before(run.messages, title, &ask, &plan);
        }
        let counters = run.watch.counters();
        if run.alone {
            counters.expect(ask.expected.unwrap_or(0));
            counters.scanned();
        }
        run.watch.begin(self.name, ask.expected);
        let trail = transfer::copy(&ask, &plan, &run.learned, run.limit.as_ref(), &mut run.scratch, counters);
        run.watch.end(ask.expected, trail.bytes() + trail.holes);
        if let Some(json) = run.watch.json() {
            json.file(&json::File { source: self.name, destination: Some(&self.to.shown), trail: &trail });
        }
        if trail.is_complete() {
            run.account.note(self.to);
        }
        if title.is_some() {
            let observed = explain::may_share_pages(&ask, &trail).then(|| by_reference::observe(self.name));
            explain::after(run.messages, &trail, observed);
        }
        self.say(run, &plan, &trail)
    }

    /// What the sink is. A new file is a regular file of size 0, and nothing else of it is of interest to a small copy:
    /// one fstat less.
    fn sink_facts(&self, run: &Run<'_>) -> Result<Facts, Errno> {
        if let Some(facts) = self.sink.facts {
            return Ok(facts);
        }
        if endpoint::is_small(self.source, &run.options.policy) {
            return Ok(Facts { kind: Kind::Regular, size: 0, allocated: 0, ..*self.source });
        }
        Facts::of(&self.sink.fd)
    }

    fn say(&self, run: &mut Run<'_>, plan: &Plan, trail: &Trail) -> Copied {
        let nothing_came = trail.bytes() == 0
            && matches!(
                trail.failure,
                Some(
                    Failure::Clone(_)
                        | Failure::NoEngine
                        | Failure::Refused { .. }
                        | Failure::NoRoom { .. }
                        | Failure::TooLarge { .. }
                )
            );
        if let Some(failure) = &trail.failure {
            let mut text = failure::of_copy(failure, plan, self.name, &self.to.shown);
            let hint = failure::hint(failure, trail.bytes() + trail.holes).filter(|_| !run.options.strictly_gnu);
            if let Some(hint) = hint {
                text = format!("{text} {hint}");
            }
            run.messages.error(text);
        } else if let Some(shrank) = trail.shrank {
            let name = shell_always(self.name);
            run.messages.error(format!(
                "{name} became shorter while it was copied: {} of {} bytes were there",
                shrank.to, shrank.from
            ));
        }
        let line = run.options.debug.then(|| debug::line(Some((plan, trail, &run.options.policy))));
        let complete = trail.failure.is_none();
        Copied { line, remove: nothing_came && self.sink.created, complete }
    }
}

impl Copied {
    /// Closes both ends, the sink first, whose errors are lost data. Whether all went well.
    fn close(
        self,
        run: &mut Run<'_>,
        source: Result<OwnedFd, Errno>,
        sink: OwnedFd,
        name: &OsStr,
        to: &Destination<'_>,
    ) -> bool {
        let mut complete = self.complete;
        if let Some(line) = self.line {
            run.messages.print(line);
        }
        if let Err(errno) = close(sink) {
            complete = false;
            run.messages.error(format!("failed to close {}: {}", shell_always(&to.shown), strerror(errno)));
        }
        if let Ok(Err(errno)) = source.map(close) {
            complete = false;
            run.messages.error(format!("failed to close {}: {}", shell_always(name), strerror(errno)));
        }
        if self.remove
            && let Err(errno) = to.remove()
        {
            run.messages.error(format!("cannot remove {}: {}", shell_always(&to.shown), strerror(errno)));
        }
        complete
    }
}
