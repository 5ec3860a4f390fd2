//! The workers of a tree: one to begin with, more as soon as there is enough to do. Each has a table of descriptors of its own.

use super::super::Run;
use super::super::workers::{Shared, Staff, WORTH_A_WORKER};
use super::ending;
use super::order::Passage;
use super::pool::Pool;
use super::reopen;
use super::walk::Walker;
use crate::sys::facts::FileSystem;
use std::os::fd::{AsRawFd as _, RawFd};
use std::thread::Scope;

/// Copies the tree whose root `begin` gives to the first worker, with as many workers as pay.
pub(super) fn with(run: &mut Run<'_>, pool: &Pool<'_>, begin: impl FnOnce(&mut Walker<'_, '_, '_>)) {
    std::thread::scope(|scope| {
        let others = Others { shared: Shared::of(run), pool };
        let mut staff = None; // how many pay is asked only when a second one would be started
        let mut walker = Walker::new(run, pool, 0);
        begin(&mut walker);
        walker.walk(&mut |walker| {
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
            if workers > workers_worth {
                return;
            }
            let staff = staff.get_or_insert_with(|| walker.staff());
            if staff.wants_more(workers, || walker.is_remote()) && !others.start(scope, walker) {
                *staff = Staff::alone(); // there will be no more
            }
        });
        ending::end_passage(&mut walker);
        others.work(&mut walker);
    });
    if let Some(messages) = pool.take_messages() {
        *run.messages = messages;
    }
}

/// Whether several paths may lead to one file or directory of an existing destination: symbolic links are followed.
fn may_come_again(walker: &Walker<'_, '_, '_>) -> bool {
    walker.pool.onto_existing && walker.pool.follows
}

/// Whether a directory is copied into itself: what is copied then depends on the order.
fn is_into_itself(walker: &Walker<'_, '_, '_>) -> bool {
    let root = walker.frames.first();
    root.is_none_or(|root| reopen::is_within(walker.pool.destination, root.node.facts.id()))
}

impl Walker<'_, '_, '_> {
    /// How many workers there are to be.
    fn staff(&self) -> Staff {
        let Some(root) = self.frames.first() else { return Staff::alone() };
        if may_come_again(self) || is_into_itself(self) {
            return Staff::alone();
        }
        self.run.learned.file_system(self.pool.destination, root.node.id.0);
        Staff::new(self.run, [root.node.facts.device, root.node.id.0])
    }

    /// Whether the tree comes from another machine, or goes there.
    fn is_remote(&self) -> bool {
        let Some(root) = self.frames.first() else { return false };
        self.run.is_remote([root.node.facts.device, root.node.id.0])
    }
}

/// Starts the other workers; holds what they begin with.
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
        if let Some(root) = walker.frames.first()
            && walker.run.learned.known_file_system(root.node.id.0) == Some(FileSystem::Xfs)
        {
            walker.run.groups.ask(pool.destination, root.node.id.0);
        }
        pool.count_worker(true);
        let processors = walker.run.learned.processors();
        pool.processors.share(number + 1, processors);
        walker.run.groups.wait_asleep(number + 1 > processors || walker.is_remote());
        // Before the other worker can have a message.
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

    /// The highest descriptor that a worker keeps. The roots were opened after everything that is open for the whole run.
    fn last_kept(&self) -> RawFd {
        let source = self.pool.source.or(self.pool.place).map(|fd| fd.as_raw_fd());
        let kept = [2, self.pool.destination.as_raw_fd(), self.pool.base.as_raw_fd()].into_iter().chain(source);
        kept.max().unwrap_or(2)
    }

    fn work(&self, walker: &mut Walker<'_, '_, '_>) {
        take_and_walk(walker);
    }
}

/// Takes tasks until all is done.
fn take_and_walk(walker: &mut Walker<'_, '_, '_>) {
    loop {
        walker.spacing.rest(&walker.pool.processors);
        let Some(task) = walker.pool.take() else { return };
        walker.take_up(task);
        walker.walk(&mut |_| {});
        ending::end_passage(walker);
    }
}
