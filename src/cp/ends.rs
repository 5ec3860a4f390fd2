//! The two ends of one copy, open: its contents moved, what is to be kept besides set, and all of it said.
//!
//! Most files of a tree go a short way of their own (`transfer::whole`).

use super::location::Location;
use super::safety;
use super::sink::{File, Sink};
use super::{Run, attributes};
use crate::engine::{Name, Reflink};
use crate::report::{debug, explain, failure, json};
use crate::sys::descriptor::close;
use crate::sys::facts::{Facts, Kind};
use crate::sys::text::strerror;
use crate::transfer::resume;
use crate::transfer::{self, Ask, Failure, Plan, Trail, by_reference, endpoint};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

/// Both ends, open.
pub(super) struct Ends<'a> {
    pub(super) from: &'a Location<'a>,
    pub(super) opened: &'a OwnedFd,
    pub(super) source: &'a Facts,
    pub(super) to: &'a Location<'a>,
    pub(super) sink: &'a Sink,
}

/// What is left to say and do once the descriptors are closed.
pub(super) struct Copied {
    /// `--debug`'s line.
    line: Option<String>,
    /// The new file is to go: nothing came of it.
    remove: bool,
    /// All is there.
    complete: bool,
    /// The source became shorter: all of it is there, and something is missing.
    short: bool,
    /// Extents were shared.
    cloned: bool,
}

impl Copied {
    /// There was nothing to move, and nothing is to be said.
    const NOTHING: Copied = Copied { line: None, remove: false, complete: true, short: false, cloned: false };
    /// It did not come to moving anything, which was said.
    const FAILED: Copied = Copied { complete: false, ..Copied::NOTHING };
}

impl Ends<'_> {
    /// Moves the contents, and sets what is to be kept besides.
    pub(super) fn copy(&self, run: &mut Run<'_>) -> Copied {
        let mut copied = if run.options.attributes_only || self.is_surely_empty(run) {
            run.note(self.to);
            Copied::NOTHING
        } else if let Some(copied) = self.copy_whole(run) {
            copied
        } else {
            self.move_contents(run)
        };
        if let File::Aside(aside) = &self.sink.file {
            copied.complete = copied.complete && !copied.short && aside.take_over(run, self.to);
        }
        let new = self.sink.is_new();
        if copied.complete && (attributes::are_set(run.options) && (new || run.options.preserve.any_attribute())) {
            let source = (self.source, self.opened.as_fd(), self.from);
            let pair = attributes::Pair::file(run, source, (self.sink.fd(), self.to), new);
            copied.complete = attributes::set(run, &pair);
        }
        if copied.complete {
            copied.complete = self.settled(run, copied.cloned);
        }
        copied
    }

    /// Read back and flushed, as far as that was asked for.
    fn settled(&self, run: &mut Run<'_>, cloned: bool) -> bool {
        let made = safety::Completed {
            from: self.from,
            source: (self.source, self.opened.as_fd()),
            to: self.to,
            sink: self.sink.fd(),
            cloned,
            device: self.sink.facts.is_some_and(|facts| facts.kind == Kind::Block),
            aside: matches!(self.sink.file, File::Aside(_)),
        };
        safety::settle(run, &made)
    }

    /// Whether nothing has to be read to know that there is nothing: an empty file on a file system whose sizes are true,
    /// to a new one. Only below an operand, where the file system is known by then.
    fn is_surely_empty(&self, run: &mut Run<'_>) -> bool {
        let silent = !run.options.debug && !run.options.explain && run.watch.json().is_none();
        let policy = &run.options.policy;
        let plain = policy.engines.is_empty() && policy.reflink != Reflink::Always;
        let empty = plain && self.source.kind == Kind::Regular && self.source.size == 0 && self.sink.created;
        silent && empty && self.is_one_of_many(run) && run.is_ended_by_a_short_read(self.source.device)
    }

    /// Copies a small file of several, of which nothing is to be said, to a new one. `None`: it is yet to be copied.
    fn copy_whole(&self, run: &mut Run<'_>) -> Option<Copied> {
        let silent = !run.options.debug && !run.options.explain && run.limit.is_none() && run.watch.json().is_none();
        let new = self.sink.created && self.is_one_of_many(run);
        if !silent || !new || !endpoint::is_small(self.source, &run.options.policy) {
            return None;
        }
        let size = self.source.size;
        run.watch.begin_small();
        let done = run.is_ended_by_a_short_read(self.source.device)
            && transfer::whole::copy(self.opened.as_fd(), self.sink.fd(), size, &mut run.scratch.small);
        if !done {
            return None;
        }
        run.come_upon();
        run.tally.copied(run.watch.counters(), size);
        run.note(self.to);
        if let Err(errno) = self.mind_target(run, size) {
            run.messages.error(format!("error writing {}: {}", self.to.quoted(), strerror(errno)));
            return Some(Copied::FAILED);
        }
        Some(Copied::NOTHING)
    }

    /// Whether it is a file of a tree, or one of several operands.
    fn is_one_of_many(&self, run: &Run<'_>) -> bool {
        !self.to.operand || !run.alone
    }

    /// A slow target is to have little in memory of small files too.
    fn mind_target(&self, run: &Run<'_>, bytes: u64) -> Result<(), Errno> {
        if !run.options.policy.considerate {
            return Ok(());
        }
        let sink = endpoint::own(self.sink.fd(), *self.source);
        run.learned.targets().wrote(&sink, bytes, run.watch.counters())
    }

    fn move_contents(&self, run: &mut Run<'_>) -> Copied {
        let facts = match self.sink_facts(run) {
            Ok(facts) => facts,
            Err(errno) => {
                run.messages.error(format!("cannot stat {}: {}", self.to.quoted(), strerror(errno)));
                return Copied::FAILED;
            }
        };
        let source = endpoint::own(self.opened.as_fd(), *self.source);
        let sink = endpoint::own(self.sink.fd(), facts);
        let mut ask = endpoint::ask(source, sink, self.sink.replaced, &run.options.policy, run.learned);
        if run.at_work > 1 && endpoint::is_big(&ask) {
            ask.processors = Some((run.learned.processors() / run.at_work).max(1));
        }
        let title = run.options.explain.then(|| format!("{} -> {}", self.from.quoted(), self.to.quoted()));
        let small = self.is_one_of_many(run) && endpoint::is_small(self.source, &run.options.policy);
        let expected = ask.expected;
        self.begin(run, &ask, small);
        let (rest, begun, compared) = match self.sink.resumed {
            true => safety::resume::repair(run, &ask, title.as_deref(), self.sink.whole),
            false => (Some(ask), Trail::default(), 0),
        };
        let Some(ask) = rest else {
            run.watch.end(expected, compared);
            self.tell_reader(run, &begun, (&Trail::default(), compared));
            if begun.is_complete() {
                run.note(self.to);
            }
            return self.say(run, &Plan::of(&ask, run.learned), &begun);
        };
        let plan = self.plan(run, &ask, small);
        if let Some(title) = &title {
            explain::before(run.messages, title, &ask, &plan);
        }
        let counters = run.watch.counters();
        if self.to.operand && run.alone {
            let flushed = run.options.safety.durable || self.sink.facts.is_some_and(|facts| facts.kind == Kind::Block);
            run.watch.look_at(self.sink.fd(), flushed);
        }
        let trail = transfer::copy(&ask, &plan, run.learned, run.limit, run.scratch, counters);
        run.moved += trail.bytes() - trail.by(Name::Reflink);
        run.watch.end(expected, compared + trail.bytes() + trail.holes);
        self.tell_reader(run, &trail, (&begun, compared));
        if trail.is_complete() {
            run.note(self.to);
        }
        if title.is_some() {
            let observed = explain::may_share_pages(&ask, &trail).then(|| by_reference::observe(&self.from.shown()));
            explain::after(run.messages, &trail, observed);
        }
        self.say(run, &plan, &trail)
    }

    /// Whoever reads `--json` is told what came of it.
    fn tell_reader(&self, run: &Run<'_>, trail: &Trail, before: (&Trail, u64)) {
        if let Some(json) = run.watch.json() {
            let (source, destination) = (&self.from.shown(), Some(&*self.to.shown()));
            let resumed = self.sink.resumed.then_some(before);
            json.file(&json::File { source, destination, trail, resumed });
        }
    }

    /// Whoever watches is told that it begins.
    fn begin(&self, run: &mut Run<'_>, ask: &Ask<'_>, small: bool) {
        let counters = run.watch.counters();
        counters.expect(ask.expected.unwrap_or(0));
        run.come_upon();
        run.tally.tell(counters);
        if self.to.operand && run.alone {
            counters.scanned();
        }
        if small {
            return run.watch.begin_small();
        }
        counters.resumable(resume::possible(&ask.source.facts, &ask.sink.facts).is_ok());
        run.watch.begin(&self.from.shown(), ask.expected);
    }

    /// The plan, which is the same for all small files of a job.
    fn plan(&self, run: &mut Run<'_>, ask: &Ask<'_>, small: bool) -> Rc<Plan> {
        let learned = run.learned;
        match small {
            true => Rc::clone(run.small_plan.get_or_insert_with(|| Rc::new(Plan::of(ask, learned)))),
            false => Rc::new(Plan::of(ask, learned)),
        }
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
        Facts::of(self.sink.fd())
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
            let mut text = failure::of_copy(failure, plan, &self.from.shown(), &self.to.shown());
            let hint = failure::hint(failure, trail.bytes() + trail.holes).filter(|_| !run.options.strictly_gnu);
            if let Some(hint) = hint {
                text = format!("{text} {hint}");
            }
            run.messages.error(text);
        } else if let Some(shrank) = trail.shrank {
            run.messages.error(failure::of_shrinking(&shrank, &self.from.quoted()));
        }
        let line = run.options.debug.then(|| debug::line(Some((plan, trail, &run.options.policy))));
        let complete = trail.failure.is_none();
        let remove = nothing_came && self.sink.created;
        let cloned = trail.by(Name::Reflink) > 0;
        Copied { line, remove, complete, short: trail.shrank.is_some(), cloned }
    }
}

impl Copied {
    /// Closes both ends, the sink first, whose errors are lost data. Whether all went well.
    pub(super) fn close(
        self,
        run: &mut Run<'_>,
        source: Result<OwnedFd, Errno>,
        sink: File,
        from: &Location<'_>,
        to: &Location<'_>,
    ) -> bool {
        let mut complete = self.complete;
        if to.operand && run.alone {
            if let File::Open(sink) = &sink {
                run.watch.ends(sink.as_fd(), false);
            }
            run.watch.look_away(); // only what was looked at: a lock for each file of a tree would be all workers'
        }
        if let Some(line) = self.line {
            run.messages.print(line);
        }
        match sink {
            File::Open(sink) => {
                if let Err(errno) = close(sink) {
                    complete = false;
                    run.messages.error(format!("failed to close {}: {}", to.quoted(), strerror(errno)));
                }
            }
            File::Aside(aside) => complete = aside.close(run, complete, to),
        }
        if let Ok(Err(errno)) = source.map(close) {
            complete = false;
            run.messages.error(format!("failed to close {}: {}", from.quoted(), strerror(errno)));
        }
        if self.remove
            && let Err(errno) = to.remove()
        {
            run.messages.error(format!("cannot remove {}: {}", to.quoted(), strerror(errno)));
        }
        complete
    }
}
