//! One source to one destination: opened, copied, closed, and said.
//!
//! Nothing is opened blocking by surprise: the source is opened with O_NONBLOCK, and only if it turns out to be no regular
//! file, and is to be read all the same, opened again as GNU opens it (a FIFO is waited for). Nothing of the destination is cut before both open
//! descriptors are known to be different files.

use super::Run;
use super::decide::{Action, Circumstances, Refusal, There, decide};
use super::destination::Destination;
use super::operands::last_component;
use crate::report::{debug, explain, failure, quote::shell_always};
use crate::sys::descriptor::close;
use crate::sys::facts::{Facts, Kind};
use crate::sys::pipe;
use crate::sys::text::strerror;
use crate::transfer::{self, Failure, Plan, Trail, by_reference, endpoint};
use rustix::fs::{self, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};
use std::ffi::OsStr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// A source whose facts are known and which is, if it could be, open.
pub(super) struct Source {
    facts: Facts,
    opened: Result<OwnedFd, Errno>,
}

/// What was found out before a copy begins.
#[derive(Default)]
pub(super) struct Known {
    /// The source.
    pub(super) source: Option<Source>,
    /// What stands at the destination.
    pub(super) there: Option<Result<There, Errno>>,
}

/// A sink that is open.
struct Sink {
    fd: OwnedFd,
    /// What it is, if that had to be asked.
    facts: Option<Facts>,
    created: bool,
    /// An existing file was cut to nothing.
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

/// Copies to a destination that is looked at first.
pub(super) fn copy(run: &mut Run<'_>, name: &OsStr, to: &Destination<'_>, known: Known) {
    let Some(mut source) = known.source.or_else(|| look_at_source(run, name)) else { return };
    let there = match known.there.unwrap_or_else(|| to.look()) {
        Ok(there) => there,
        Err(errno) if errno == Errno::NOTDIR && !ends_in_slash(to) => There::Nothing, // creating it says why not
        Err(errno) => {
            return run.messages.error(format!("cannot stat {}: {}", shell_always(&to.shown), strerror(errno)));
        }
    };
    let circumstances = Circumstances {
        posixly_correct: there == There::DanglingLink && std::env::var_os("POSIXLY_CORRECT").is_some(),
        just_created: run.created.has_made(&there, &to.name),
        again: source.facts.kind != Kind::Directory && copied_before(run, &source.facts, name),
    };
    let action = decide(&source.facts, &there, circumstances);
    if let Action::Refuse(refusal) = action {
        return refuse(run, refusal, name, to);
    }
    if run.options.verbose {
        run.messages.print(format!("{} -> {}", shell_always(name), shell_always(&to.shown)));
    }
    if source.facts.kind != Kind::Regular {
        source.opened = open_waiting(name, source.facts.kind, source.opened);
    }
    let from = match &source.opened {
        Ok(from) => from,
        Err(errno) => {
            let text = format!("cannot open {} for reading: {}", shell_always(name), strerror(*errno));
            return run.messages.error(text);
        }
    };
    match open_sink(run, action, &source.facts, to) {
        Ok(Some(sink)) => {
            let said = Ends { name, from, source: &source.facts, to, sink: &sink }.copy(run);
            said.close(run, source.opened, sink.fd, name, to);
        }
        Ok(None) => refuse(run, Refusal::SameFile, name, to),
        Err(text) => {
            run.messages.error(text);
            if run.options.debug {
                run.messages.print(debug::line(None));
            }
        }
    }
}

fn ends_in_slash(to: &Destination<'_>) -> bool {
    use std::os::unix::ffi::OsStrExt as _;
    to.name.as_bytes().ends_with(b"/")
}

/// Whether this source was copied before under the same name; if not, it is noted.
fn copied_before(run: &mut Run<'_>, source: &Facts, name: &OsStr) -> bool {
    let before = run.created.names_of(source).any(|seen| same_name(seen, name));
    if !before {
        run.created.note_source(source, name);
    }
    before
}

/// Whether two names of one file are the same entry of the same directory (`f` and `./f`), and not two hard links.
fn same_name(one: &OsStr, other: &OsStr) -> bool {
    let directory = |name| {
        let above = Path::new(name).parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::lstat(above).map(|stat| (stat.st_dev, stat.st_ino))
    };
    one == other || (last_component(one) == last_component(other) && directory(one) == directory(other))
}

/// Opens the source, or at least stats it; says so if there is none.
fn look_at_source(run: &mut Run<'_>, name: &OsStr) -> Option<Source> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = fs::open(name, flags, Mode::empty());
    let facts = match &opened {
        Ok(fd) => Facts::of(fd),
        // Not readable, a socket, a leased file: what it is decides what is said.
        Err(_) => fs::stat(name).map(|stat| Facts::from_stat(&stat)),
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

/// Opens as GNU does.
fn reopen(name: &OsStr) -> Result<OwnedFd, Errno> {
    fs::open(name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}

/// Opens the sink, and cuts it if there was something in it. `None`: it is the source.
fn open_sink(run: &mut Run<'_>, action: Action, source: &Facts, to: &Destination<'_>) -> Result<Option<Sink>, String> {
    let cannot_create = |errno| format!("cannot create regular file {}: {}", shell_always(&to.shown), strerror(errno));
    let create = || to.create(source.mode).map(|fd| Some(Sink::new(fd))).map_err(cannot_create);
    match action {
        Action::CreateThroughLink => {
            return to.create_through_link(source.mode).map(|fd| Some(Sink::new(fd))).map_err(cannot_create);
        }
        Action::Overwrite => {}
        _ => return create(),
    }
    let fd = match to.open() {
        Ok(fd) => fd,
        Err(Errno::NOENT) => return create(), // it went away since it was looked at
        Err(_) if run.options.force => {
            to.remove().map_err(|errno| format!("cannot remove {}: {}", shell_always(&to.shown), strerror(errno)))?;
            if run.options.verbose {
                run.messages.print(format!("removed {}", shell_always(&to.shown)));
            }
            return create();
        }
        Err(errno) => return Err(cannot_create(errno)),
    };
    let mut facts = Facts::of(&fd).map_err(cannot_create)?;
    if facts.same_file(source) {
        return Ok(None);
    }
    let replaced = facts.kind == Kind::Regular && facts.size > 0;
    if facts.kind == Kind::Regular {
        // An empty one too: its times have to move (`cp /dev/null stamp`), and blocks kept behind its end have to go.
        retry_on_intr(|| fs::ftruncate(&fd, 0)).map_err(cannot_create)?;
        (facts.size, facts.allocated) = (0, 0);
    }
    Ok(Some(Sink { fd, facts: Some(facts), created: false, replaced }))
}

fn refuse(run: &mut Run<'_>, refusal: Refusal, name: &OsStr, to: &Destination<'_>) {
    let to_link = refusal == Refusal::JustCreated && to.is_link();
    let (from, to) = (shell_always(name), shell_always(&to.shown));
    let text = match refusal {
        Refusal::OmitDirectory => format!("-r not specified; omitting directory {from}"),
        Refusal::SameFile => format!("{from} and {to} are the same file"),
        Refusal::OverwriteDirectory => format!("cannot overwrite directory {to} with non-directory {from}"),
        Refusal::DanglingLink => format!("not writing through dangling symlink {to}"),
        Refusal::JustCreated if to_link => format!("will not copy {from} through just-created symlink {to}"),
        Refusal::JustCreated => format!("will not overwrite just-created {to} with {from}"),
        Refusal::Again => {
            return run.messages.warn(format!("warning: source file {from} specified more than once"));
        }
    };
    run.messages.error(text);
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
}

impl Ends<'_> {
    fn copy(&self, run: &mut Run<'_>) -> Copied {
        let facts = match self.sink_facts(run) {
            Ok(facts) => facts,
            Err(errno) => {
                let text = format!("cannot stat {}: {}", shell_always(&self.to.shown), strerror(errno));
                run.messages.error(text);
                return Copied { line: None, remove: false };
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
        let trail = transfer::copy(&ask, &plan, &run.learned, &mut run.scratch);
        if trail.is_complete() {
            run.created.note(&facts, &self.to.name);
        }
        if title.is_some() {
            let observed = explain::may_share_pages(&ask, &trail).then(|| by_reference::observe(self.name));
            explain::after(run.messages, &trail, observed);
        }
        self.say(run, &plan, &trail)
    }

    /// What the sink is. A new file is a regular file of size 0, and nothing else of it is of interest to a small copy:
    /// one fstat less.
    fn sink_facts(&self, run: &mut Run<'_>) -> Result<Facts, Errno> {
        if let Some(facts) = self.sink.facts {
            return Ok(facts);
        }
        if endpoint::is_small(self.source, &run.options.policy) && !run.created.is_watching() {
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
        Copied { line, remove: nothing_came && self.sink.created }
    }
}

impl Copied {
    /// Closes both ends, the sink first, whose errors are lost data.
    fn close(
        self,
        run: &mut Run<'_>,
        source: Result<OwnedFd, Errno>,
        sink: OwnedFd,
        name: &OsStr,
        to: &Destination<'_>,
    ) {
        if let Some(line) = self.line {
            run.messages.print(line);
        }
        if let Err(errno) = close(sink) {
            run.messages.error(format!("failed to close {}: {}", shell_always(&to.shown), strerror(errno)));
        }
        if let Ok(Err(errno)) = source.map(close) {
            run.messages.error(format!("failed to close {}: {}", shell_always(name), strerror(errno)));
        }
        if self.remove
            && let Err(errno) = to.remove()
        {
            run.messages.error(format!("cannot remove {}: {}", shell_always(&to.shown), strerror(errno)));
        }
    }
}
