//! What the workers of a run have in common, whether they copy a tree or operands side by side: how many there may be, and
//! what each of them begins with.

use super::attributes::Identity;
use super::directory::Roots;
use super::first_names::FirstNames;
use super::groups::Groups;
use super::options::Make;
use super::source::Source;
use super::{Flushes, Options, Run};
use crate::report::{Messages, Watch};
use crate::sys::block;
use crate::sys::facts::{FileSystem, Kind};
use crate::sys::thread::{self, Used};
use crate::transfer::{Capabilities, RateLimit, Scratch};
use rustix::process::{Resource, getrlimit};
use std::os::fd::{BorrowedFd, RawFd};
use std::thread::{Builder, Scope};
use std::time::{Duration, Instant};

/// Another worker pays once so many entries are known, or what is left weighs as much: starting one takes about as long as
/// copying five small files (measured: 60 µs, Linux 6.18).
pub(super) const WORTH_A_WORKER: usize = 64;

/// More are of no use to a local file system, whose directories and journal have locks: into one directory, programs with
/// 8 threads copied 100,000 empty files 1.2 to 1.4 times as fast as `cp` (supercilex/fuc, comparisons/README.md: xfs, Linux
/// 5.14). Not measured by us on more than two processors.
const MOST_BY_DEFAULT: usize = 8;

/// Moving so many bytes takes about as long as copying a small file does: 25 µs of a worker's time and 23 to 27 (onto ext4 by two
/// workers, 256 files of 1 MiB in 52 ms, 13,000 of 9 KiB in 149 and 175: `cargo bench --bench compare -- tree/crates/ext4`; Linux
/// 6.18, 2 Intel processors).
pub(super) const LIKE_AN_ENTRY: u64 = 64 * 1024;

/// A file of so many bytes takes so long to copy that others are given what is left meanwhile.
pub(super) const LONG: u64 = 8 << 20;

/// What was said and must wait for its turn, bytes: above that, who is ahead of his turn waits too.
pub(super) const MOST_WAITING: usize = 4 << 20;

/// Descriptors that there have to be for each worker: where it cannot have a table of its own (unshare(2) refused) it shares that
/// of the others, and a thread that begins opens a file there in any case (glibc counts the processors for its allocator; 2.36,
/// seen by strace).
const DESCRIPTORS: u64 = 16;

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

/// How many workers there are to be: no more than the options say, than pay, or, while these mostly wait for what they read, than
/// may wait side by side.
#[derive(Debug)]
pub(super) struct Staff {
    most: usize,
    /// So many are of use while they wait.
    while_waiting: usize,
    since: Instant,
    used: Used,
}

/// So long is watched before it is said that a worker waits: a few readings of a disk.
const WATCHED: Duration = Duration::from_millis(4);

impl Staff {
    /// Between these devices. Where a disk would have to seek between them there is one.
    pub(super) fn new(run: &Run<'_>, devices: impl IntoIterator<Item = u64>) -> Staff {
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let room = usize::try_from(limit / DESCRIPTORS).unwrap_or(usize::MAX).max(1);
        let asked = most(run.options).min(room);
        let (most, while_waiting) = match run.options.jobs {
            None if asked > 1 && devices.into_iter().any(block::rotates) => (1, 1),
            None => (asked.min(run.learned.processors()), asked),
            Some(_) => (asked, asked),
        };
        Staff { most, while_waiting, ..Staff::alone() }
    }

    /// One, and no more.
    pub(super) fn alone() -> Staff {
        Staff { most: 1, while_waiting: 1, since: Instant::now(), used: thread::used() }
    }

    /// Whether one more is to be started beside so many, as far as the worker that asks can tell. `remote`: files come from
    /// another machine or program, or go there, so that what is waited for is not seen as reading from a device.
    ///
    /// 8,000 files from a virtual machine's disk that were not in memory, onto tmpfs, 2 processors: 1 worker 818 ms, 4 368, 8 292,
    /// 16 254; fcp 587, xcp 350 (`zccp -r -jN`, medians of 3, Linux 6.18).
    pub(super) fn wants_more(&mut self, workers: usize, remote: impl FnOnce() -> bool) -> bool {
        if workers < self.most {
            return true;
        }
        let (before, passed) = (self.used, self.since.elapsed());
        if self.most >= self.while_waiting || passed < WATCHED {
            return false;
        }
        (self.used, self.since) = (thread::used(), Instant::now());
        let waits = self.used.processor.saturating_sub(before.processor) < passed / 2;
        let more = waits && (self.used.read > before.read || remote());
        self.most += usize::from(more);
        more
    }
}

/// What a run has that workers share.
#[derive(Clone, Copy)]
pub(super) struct Shared<'r> {
    options: &'r Options,
    learned: &'r Capabilities,
    limit: Option<&'r RateLimit>,
    first_names: &'r FirstNames,
    roots: &'r Roots,
    groups: &'r Groups,
    flushes: &'r Flushes,
    identity: Identity,
    watch: &'r Watch,
    alone: bool,
}

impl Run<'_> {
    /// Whether one of these devices stands for another machine or program, as far as is known.
    pub(super) fn is_remote(&self, devices: impl IntoIterator<Item = u64>) -> bool {
        let known = devices.into_iter().filter_map(|device| self.learned.known_file_system(device));
        known.into_iter().any(FileSystem::offloads)
    }

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
        let Run { options, learned, limit, first_names, roots, groups, flushes, identity, watch, alone, .. } = *run;
        Shared { options, learned, limit, first_names, roots, groups, flushes, identity, watch, alone }
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
        let Shared { options, learned, limit, first_names, roots, groups, flushes, identity, watch, alone } = self;
        let work = move || {
            thread::own_descriptors(last);
            work(&mut Run {
                options,
                learned,
                limit,
                first_names,
                roots,
                groups,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_pay_are_wanted_only_while_they_wait_for_what_they_read() {
        let mut staff = Staff { most: 2, while_waiting: MOST_BY_DEFAULT, ..Staff::alone() };
        assert!(staff.wants_more(1, || unreachable!("it is not asked")));
        for workers in 2..MOST_BY_DEFAULT {
            std::thread::sleep(WATCHED);
            assert!(!staff.wants_more(workers, || false), "it has not read, and so waits for something else");
            std::thread::sleep(WATCHED);
            assert!(staff.wants_more(workers, || true));
        }
        std::thread::sleep(WATCHED);
        assert!(!staff.wants_more(MOST_BY_DEFAULT, || true));
    }
}
