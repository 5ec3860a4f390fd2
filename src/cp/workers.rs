//! What the workers of a run have in common, whether they copy a tree or operands side by side: how many there may be, and
//! what each of them begins with.

use super::attributes::Identity;
use super::directory::Roots;
use super::first_names::FirstNames;
use super::options::Make;
use super::source::Source;
use super::{Flushes, Options, Run};
use crate::report::{Messages, Watch};
use crate::sys::facts::Kind;
use crate::sys::{block, thread};
use crate::transfer::{Capabilities, RateLimit, Scratch};
use std::os::fd::{BorrowedFd, RawFd};
use std::thread::{Builder, Scope};

/// Another worker pays once so many entries are known, or what is left weighs as much: starting one takes about as long as
/// copying five small files (measured: 60 µs, Linux 6.18).
pub(super) const WORTH_A_WORKER: usize = 64;

/// More are of no use to a local file system, whose directories and journal have locks: into one directory, programs with
/// 8 threads copied 100,000 empty files 1.2 to 1.4 times as fast as `cp` (supercilex/fuc, comparisons/README.md: xfs, Linux
/// 5.14). Not measured by us on more than two processors.
const MOST_BY_DEFAULT: usize = 8;

/// Moving so many bytes takes somewhat longer than copying a small file does: 25 µs and 14 (onto ext4 by two workers, 256 files
/// of 1 MiB in 52 ms, 13,000 of 15 KiB in 89: `cargo bench --bench compare -- tree/crates/ext4`; Linux 6.18, 2 Intel
/// processors).
pub(super) const LIKE_AN_ENTRY: u64 = 64 * 1024;

/// A file of so many bytes takes so long to copy that others are given what is left meanwhile.
pub(super) const LONG: u64 = 8 << 20;

/// What was said and must wait for its turn, bytes: above that, who is ahead of his turn waits too.
pub(super) const MOST_WAITING: usize = 4 << 20;

/// Bytes of a worker's stack, most of it for the small buffer.
const STACK: usize = 512 * 1024;

/// What was copied so far, to tell from it what is left.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Load {
    /// Entries, or operands.
    copied: u64,
    /// Bytes that had to be moved for them, but for those of small files.
    moved: u64,
}

impl Load {
    /// It, and one more for which so many bytes were moved.
    pub(super) fn with(self, moved: u64) -> Load {
        Load { copied: self.copied + 1, moved: self.moved + moved }
    }

    /// `left` more, in small files: as large as those that were copied, as far as their bytes had to be moved.
    pub(super) fn weight(self, left: usize) -> usize {
        left.saturating_mul(1 + self.moved_each() / LIKE_AN_ENTRY as usize)
    }

    /// Whether each takes several times as long as a small file.
    pub(super) fn is_heavy(self) -> bool {
        self.moved_each() >= LIKE_AN_ENTRY as usize
    }

    fn moved_each(self) -> usize {
        usize::try_from(self.moved / self.copied.max(1)).unwrap_or(usize::MAX)
    }
}

/// How many workers there may be, as far as the options say it.
pub(super) fn most(options: &Options) -> usize {
    // Questions are asked in order, and a backup may get the name of a file that is yet to be copied.
    let in_order = options.ask || options.backup.is_some();
    if in_order { 1 } else { options.jobs.map_or(MOST_BY_DEFAULT, |jobs| jobs.get()) }
}

/// How many pay between these devices: one where a disk would have to seek between them, else as many as there are processors
/// for us.
pub(super) fn that_pay(devices: impl IntoIterator<Item = u64>) -> usize {
    let rotates = devices.into_iter().any(block::rotates);
    if rotates { 1 } else { std::thread::available_parallelism().map_or(1, |processors| processors.get()) }
}

/// What a run has that workers share.
#[derive(Clone, Copy)]
pub(super) struct Shared<'r> {
    options: &'r Options,
    learned: &'r Capabilities,
    limit: Option<&'r RateLimit>,
    links: &'r FirstNames,
    roots: &'r Roots,
    flushes: &'r Flushes,
    identity: Identity,
    watch: &'r Watch,
    alone: bool,
}

impl Run<'_> {
    /// Whether it takes long to copy this file into a directory, each given with its device, because all of it has to be moved.
    pub(super) fn takes_long(&self, source: &Source, directory: (BorrowedFd<'_>, u64)) -> bool {
        let Source { facts, opened: Ok(opened), .. } = source else { return false };
        let long = facts.kind == Kind::Regular && facts.size >= LONG;
        let copied = self.options.make == Make::Copy && !self.options.attributes_only;
        long && copied && self.learned.moves((opened, facts.device), directory)
    }
}

impl<'r> Shared<'r> {
    pub(super) fn of(run: &Run<'r>) -> Shared<'r> {
        let Run { options, learned, limit, links, roots, flushes, identity, watch, alone, .. } = *run;
        Shared { options, learned, limit, links, roots, flushes, identity, watch, alone }
    }

    /// A voice that is written down.
    pub(super) fn recording(&self) -> Messages {
        Messages::recording(self.options.program.as_bytes())
    }

    /// Starts a worker, which does `work` with a run of its own, and with a table of descriptors of its own in which those up
    /// to `last` stay open. `false` if there is no thread to be had.
    pub(super) fn start<'scope>(
        self,
        scope: &'scope Scope<'scope, '_>,
        last: RawFd,
        work: impl FnOnce(&mut Run<'_>) + Send + 'scope,
    ) -> bool
    where
        'r: 'scope,
    {
        let Shared { options, learned, limit, links, roots, flushes, identity, watch, alone } = self;
        let work = move || {
            thread::own_descriptors(last);
            work(&mut Run {
                options,
                learned,
                limit,
                links,
                roots,
                flushes,
                identity,
                messages: &mut self.recording(),
                watch,
                alone,
                scratch: &mut Scratch::new(),
                foreseen: None,
                small_plan: None,
                tally: Default::default(),
                moved: 0,
                at_work: 1,
                into_itself: false,
                account: None,
            });
        };
        Builder::new().stack_size(STACK).spawn_scoped(scope, work).is_ok()
    }
}
