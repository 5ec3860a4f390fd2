//! The workers: one to begin with, more as soon as there is enough to do, each with a table of descriptors of its own.

use super::super::Run;
use super::super::workers::{self, Shared, WORTH_A_WORKER};
use super::ending;
use super::order::Passage;
use super::pool::Pool;
use super::reopen;
use super::walk::Walker;
use std::os::fd::{AsRawFd as _, RawFd};
use std::thread::Scope;

/// Goes through a tree that `begin` puts its root into, alone or with others.
pub(super) fn with(run: &mut Run<'_>, pool: &Pool<'_>, begin: impl FnOnce(&mut Walker<'_, '_, '_>)) {
    let most = workers::most(run.options);
    std::thread::scope(|scope| {
        let others = Others { shared: Shared::of(run), pool };
        let mut most = Most::Unknown(most);
        let mut walker = Walker::new(run, pool, 0);
        begin(&mut walker);
        walker.walk(|walker| {
            let workers_worth = if walker.seen >= WORTH_A_WORKER {
                walker.seen = 0;
                usize::MAX
            } else {
                walker.frames.last().map_or(0, |frame| frame.weight() / WORTH_A_WORKER)
            };
            if workers_worth == 0 {
                return;
            }
            let workers = walker.pool.workers();
            if workers <= workers_worth && workers < most.get(walker) && !others.start(scope, walker) {
                most = Most::Known(1); // there will be no more
            }
        });
        ending::end_passage(&mut walker);
        others.work(&mut walker);
    });
    if let Some(messages) = pool.take_messages() {
        *run.messages = messages;
    }
}

/// How many workers there may be.
enum Most {
    /// At most so many; how many pay is not asked before it matters.
    Unknown(usize),
    Known(usize),
}

impl Most {
    fn get(&mut self, walker: &Walker<'_, '_, '_>) -> usize {
        if let Most::Unknown(most) = *self {
            *self = Most::Known(match walker.run.options.jobs {
                _ if most == 1 || may_come_again(walker) || is_into_itself(walker) => 1,
                Some(_) => most,
                None => most.min(that_pay(walker)),
            });
        }
        match *self {
            Most::Unknown(most) | Most::Known(most) => most,
        }
    }
}

/// Where symbolic links are followed, several ways may lead to one file or directory of what is there.
fn may_come_again(walker: &Walker<'_, '_, '_>) -> bool {
    walker.pool.onto_existing && walker.pool.follows
}

/// What is copied of a directory into itself depends on the order.
fn is_into_itself(walker: &Walker<'_, '_, '_>) -> bool {
    let root = walker.frames.first();
    root.is_none_or(|root| reopen::is_within(walker.pool.destination, root.node.facts.id()))
}

/// As many as pay between the root's device and its destination's.
fn that_pay(walker: &Walker<'_, '_, '_>) -> usize {
    let Some(root) = walker.frames.first() else { return 1 };
    workers::that_pay([root.node.facts.device, root.node.id.0])
}

/// Other workers, and what they begin with.
struct Others<'s> {
    shared: Shared<'s>,
    pool: &'s Pool<'s>,
}

impl<'s> Others<'s> {
    /// Starts one more; `false` if there is no thread to be had.
    fn start<'scope>(&self, scope: &'scope Scope<'scope, '_>, walker: &mut Walker<'_, '_, '_>) -> bool
    where
        's: 'scope,
    {
        let Others { shared, pool } = *self;
        let number = pool.workers();
        pool.count_worker(true);
        // Before the other one has anything to say.
        let alone = walker.passage.is_none();
        if alone {
            let first = Passage::new();
            first.begin();
            pool.read_from(std::mem::replace(walker.run.messages, shared.recording()), &first);
            walker.passage = Some(first);
        }
        let work = move |run: &mut Run<'_>| take_and_walk(&mut Walker::new(run, pool, number));
        let started = shared.start(scope, self.last_kept(), work);
        if !started {
            pool.count_worker(false);
        }
        started
    }

    /// The last of the descriptors that a worker goes on with: those of the roots were opened after everything that is open
    /// for the whole run.
    fn last_kept(&self) -> RawFd {
        let source = self.pool.source.or(self.pool.place).map(|fd| fd.as_raw_fd());
        let kept = [2, self.pool.destination.as_raw_fd(), self.pool.base.as_raw_fd()].into_iter().chain(source);
        kept.max().unwrap_or(2)
    }

    fn work(&self, walker: &mut Walker<'_, '_, '_>) {
        take_and_walk(walker);
    }
}

/// Takes work until there is none.
fn take_and_walk(walker: &mut Walker<'_, '_, '_>) {
    loop {
        walker.place.rest(&walker.pool.places);
        let Some(task) = walker.pool.take() else { return };
        walker.take_up(task);
        walker.walk(|_| {});
        ending::end_passage(walker);
    }
}
