//! The workers: one to begin with, more as soon as there is enough to do, each with a table of descriptors of its own.

use super::super::Run;
use super::ending;
use super::order::Passage;
use super::pool::Pool;
use super::reopen;
use super::walk::Walker;
use crate::report::Messages;
use crate::sys::block;
use crate::sys::thread;
use crate::transfer::Scratch;
use std::os::fd::{AsRawFd as _, RawFd};
use std::thread::{Builder, Scope};

/// Another worker pays once so many entries are known, or what is left of the directory at hand weighs as much: starting one
/// takes about as long as copying five small files (measured: 60 µs, Linux 6.18).
const WORTH_A_WORKER: usize = 64;

/// More are of no use to a local file system, whose directories and journal have locks: into one directory, programs with
/// 8 threads copied 100,000 empty files 1.2 to 1.4 times as fast as `cp` (supercilex/fuc, comparisons/README.md: xfs, Linux
/// 5.14). Not measured by us on more than two processors.
const MOST_BY_DEFAULT: usize = 8;

/// Bytes of a worker's stack, most of it for the small buffer.
const STACK: usize = 512 * 1024;

/// Goes through a tree that `begin` puts its root into, alone or with others.
pub(super) fn with(run: &mut Run<'_>, pool: &Pool<'_>, begin: impl FnOnce(&mut Walker<'_, '_, '_>)) {
    let most = if is_in_order(run) { 1 } else { run.options.jobs.map_or(MOST_BY_DEFAULT, |jobs| jobs.get()) };
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

/// Whether the order of what is done matters: questions are asked in it, and a backup may get the name of a file that is
/// yet to be copied.
fn is_in_order(run: &Run<'_>) -> bool {
    run.options.ask || run.options.backup.is_some()
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

/// As many as there are processors for us; one where a disk would have to seek between them.
fn that_pay(walker: &Walker<'_, '_, '_>) -> usize {
    let Some(root) = walker.frames.first() else { return 1 };
    let rotates = [root.node.facts.device, walker.destination_device()].into_iter().any(block::rotates);
    if rotates { 1 } else { std::thread::available_parallelism().map_or(1, |processors| processors.get()) }
}

impl Walker<'_, '_, '_> {
    fn destination_device(&self) -> u64 {
        self.frames.first().map_or(0, |root| root.node.id.0)
    }
}

/// What a run has that workers share.
struct Shared<'r> {
    options: &'r super::super::Options,
    learned: &'r crate::transfer::Capabilities,
    limit: Option<&'r crate::transfer::RateLimit>,
    links: &'r super::super::first_names::FirstNames,
    roots: &'r super::super::directory::Roots,
    flushes: &'r super::super::Flushes,
    identity: super::super::attributes::Identity,
    watch: &'r crate::report::Watch,
    alone: bool,
}

impl<'r> Shared<'r> {
    fn of(run: &Run<'r>) -> Shared<'r> {
        let Run { options, learned, limit, links, roots, flushes, identity, watch, alone, .. } = *run;
        Shared { options, learned, limit, links, roots, flushes, identity, watch, alone }
    }
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
        let Shared { options, learned, limit, links, roots, flushes, identity, watch, alone: one_operand } =
            self.shared;
        let pool = self.pool;
        let last = self.last_kept();
        let number = pool.workers();
        pool.count_worker(true);
        let work = move || {
            thread::own_descriptors(last);
            let mut messages = Messages::recording(options.program.as_bytes());
            let mut scratch = Scratch::new();
            let mut run = Run {
                options,
                learned,
                limit,
                links,
                roots,
                flushes,
                identity,
                messages: &mut messages,
                watch,
                alone: one_operand,
                scratch: &mut scratch,
                foreseen: None,
                small_plan: None,
                tally: Default::default(),
                moved: 0,
                at_work: 1,
                into_itself: false,
                account: None,
            };
            take_and_walk(&mut Walker::new(&mut run, pool, number));
        };
        // Before the other one has anything to say.
        let alone = walker.passage.is_none();
        if alone {
            let first = Passage::new();
            first.begin();
            let recording = Messages::recording(options.program.as_bytes());
            pool.read_from(std::mem::replace(walker.run.messages, recording), &first);
            walker.passage = Some(first);
        }
        let started = Builder::new().stack_size(STACK).spawn_scoped(scope, work).is_ok();
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
