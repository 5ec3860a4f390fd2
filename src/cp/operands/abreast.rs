//! Operands that are copied side by side: those that follow one another and have nothing to do with each other
//! ([`independent`]), each by the worker that comes to it first. What is said of them is said in their order ([`Order`]).

use super::super::apart::{Processors, Spacing};
use super::super::decide::There;
use super::super::entry::{self, Known};
use super::super::file::{self, Attempt};
use super::super::options::Make;
use super::super::source::{self, Hint};
use super::super::workers::{self, Load, Shared, Staff, WORTH_A_WORKER};
use super::super::{Run, safety};
use super::Several;
use super::independent::{self, Found, Tie};
use super::order::Order;
use crate::sys::facts::Kind;
use rustix::fs::{self, Mode, OFlags};
use std::ops::Range;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Scope;

/// Whether several workers may copy operands. In a rehearsal one thread keeps account of what would be made.
pub(super) fn is_possible(run: &Run<'_>) -> bool {
    workers::most(run.options) > 1 && !run.options.dry_run
}

/// Whether what weighs so much is worth finding out what is independent.
pub(super) fn is_worth_it(weight: usize) -> bool {
    weight >= WORTH_A_WORKER
}

/// Copies the operands from `first` on, after some that came to `load`.
pub(super) fn rest(run: &mut Run<'_>, several: &Several<'_>, first: usize, mut load: Load) {
    let mut found = independent::of(run, several, first);
    let mut staff = None;
    let (mut at, mut after_tree) = (first, false);
    while at < several.len() {
        if std::mem::take(&mut after_tree) {
            found.look_again(run, several, at);
        }
        let independent = found.independent(at);
        if independent == 0 {
            several.copy(run, at);
            (at, after_tree) = (at + 1, run.options.recursive);
        } else {
            load = side_by_side(run, several, &found, at..at + independent, (load, &mut staff));
            at += independent;
        }
    }
}

/// Operands that are independent of each other.
struct Stretch<'s> {
    several: &'s Several<'s>,
    found: &'s Found,
    next: AtomicUsize,
    end: usize,
    /// Workers that are not done.
    at_work: AtomicUsize,
    /// Once several speak.
    order: OnceLock<Order>,
    processors: Processors,
}

fn side_by_side(
    run: &mut Run<'_>,
    several: &Several<'_>,
    found: &Found,
    operands: Range<usize>,
    (mut load, staff): (Load, &mut Option<Staff>),
) -> Load {
    // Of these, none could meet another.
    let account = run.account.take();
    let Range { start, end } = operands;
    let stretch = Stretch {
        several,
        found,
        next: AtomicUsize::new(start),
        end,
        at_work: AtomicUsize::new(1),
        order: OnceLock::new(),
        processors: Processors::new(),
    };
    safety::begin(run, &several.places(run, start).1);
    std::thread::scope(|scope| {
        let shared = Shared::of(run);
        let (mut workers, mut anchor) = (1, None);
        load = stretch.work(run, 0, load, &mut |run, at, load| {
            let worth = load.weight(end - at - 1) / WORTH_A_WORKER;
            if workers > worth {
                return;
            }
            // How many pay is not asked before it matters.
            let staff = staff.get_or_insert_with(|| Staff::new(run, found.devices.iter().copied()));
            if staff.wants_more(workers, || run.is_remote(found.devices.iter().copied())) {
                match stretch.start(scope, shared, run, (workers, at), &mut anchor) {
                    true => workers += 1,
                    false => *staff = Staff::alone(),
                }
            }
        });
    });
    run.account = account;
    if let Some(order) = stretch.order.into_inner() {
        for at in order.left() {
            several.copy(run, at);
            order.done(at, run.messages.take_record());
        }
        *run.messages = order.into_messages();
    }
    load
}

impl Stretch<'_> {
    /// Starts the worker of this number, by whom is about to copy the operand of number `at`; `false` if there is none to be
    /// had.
    fn start<'scope, 'r: 'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        shared: Shared<'r>,
        run: &mut Run<'_>,
        (number, at): (usize, usize),
        anchor: &mut Option<OwnedFd>,
    ) -> bool {
        let Some(last) = self.last_kept(anchor) else { return false };
        // Before the other one has anything to say.
        self.order.get_or_init(|| Order::new(std::mem::replace(run.messages, shared.recording()), at));
        self.at_work.fetch_add(1, Ordering::Relaxed);
        self.processors.share(number + 1, run.learned.processors());
        let work = move |run: &mut Run<'_>| _ = self.work(run, number, Load::default(), &mut |_, _, _| {});
        let started = shared.start(scope, last, work);
        if !started {
            self.at_work.fetch_sub(1, Ordering::Relaxed);
        }
        started
    }

    /// The last of the descriptors that a worker goes on with: that of the directory was opened after everything that is open
    /// for the whole run. The working directory has none, and `anchor` is opened instead.
    fn last_kept(&self, anchor: &mut Option<OwnedFd>) -> Option<RawFd> {
        let directory = self.several.directory.as_raw_fd();
        if directory >= 0 {
            return Some(directory.max(2));
        }
        if anchor.is_none() {
            *anchor = fs::open(".", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok();
        }
        anchor.as_ref().map(|anchor| anchor.as_raw_fd().max(2))
    }

    /// Copies operand after operand, with a word to `turn` before each, until there is none; what they came to.
    fn work(
        &self,
        run: &mut Run<'_>,
        number: usize,
        mut load: Load,
        turn: &mut dyn FnMut(&mut Run<'_>, usize, Load),
    ) -> Load {
        let mut spacing = Spacing::of(number);
        run.moved = 0; // a tree before it says nothing of these
        loop {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            if at >= self.end {
                break;
            }
            turn(run, at, load);
            spacing.keep_apart(&self.processors);
            run.at_work = self.at_work.load(Ordering::Relaxed);
            let done = self.copy(run, at);
            run.at_work = 1;
            if done {
                run.come_upon();
            } else {
                run.foreseen = None; // until it is looked at again
            }
            load = load.with(std::mem::take(&mut run.moved));
            match self.order.get() {
                Some(order) if done => order.done(at, run.messages.take_record()),
                Some(order) => order.leave(at),
                None if done => {}
                // Nobody else is at work: it is in its turn.
                None => self.several.copy(run, at),
            }
        }
        self.at_work.fetch_sub(1, Ordering::Relaxed);
        spacing.rest(&self.processors);
        run.tally.tell(run.watch.counters());
        load
    }

    /// Copies an operand; `false` if it is no longer what it was when it was looked at, and is to be copied when the others are
    /// done: the source is gone or of another kind, or something is at the destination by now. (Somebody else has put it there,
    /// or it is another operand's by a name that is the same to this file system.)
    fn copy(&self, run: &mut Run<'_>, at: usize) -> bool {
        let (from, to) = self.several.places(run, at);
        let replaces = self.found.tie(at) == Tie::Replaces;
        let hint = Hint { kind: None, may_stay: replaces && run.options.may_leave() };
        let Ok(mut source) = source::look(run, &from, true, hint) else { return false };
        match source.facts.kind {
            Kind::Regular | Kind::Symlink => {}
            Kind::Directory if !run.options.recursive => {}
            _ => return false,
        }
        if let Ok(opened) = &source.opened {
            run.meets(opened, source.facts.device);
        }
        let mut there = None;
        if self.found.tie(at) == Tie::New {
            if run.options.make == Make::Copy && !run.options.preserve.links {
                match file::copy_if_new(run, &from, &to, None, source) {
                    Attempt::Done => return true,
                    Attempt::NotNew(again) => source = again,
                }
            }
            if to.facts(false).is_ok() {
                return false;
            }
            there = Some(Ok(There::Nothing));
        }
        let known = Known { source: Some(source), there, ..Known::default() };
        let directory = entry::copy(run, &from, &to, known);
        debug_assert!(directory.is_none(), "a directory is not copied here");
        true
    }
}
