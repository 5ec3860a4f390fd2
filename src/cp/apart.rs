//! Workers that have come to run on one processor are parted: one of them moves to another.
//!
//! The scheduler wakes a worker that has waited where the other one runs, and may leave it there. Of 260 ms two workers spent
//! some 80 taking turns on one of two processors while the other processor slept (onto ext4, `perf record -a`, a virtual
//! machine with Linux 6.18; why its scheduler does not part them is not known).
//!
//! Parted, 13,000 files (the bench's rows `tree/crates/`) take up to 5 % less time than without (medians of 7 or 9 runs in
//! turn): onto ext4 201 ms (at most 208) instead of 212 (at most 288), in two other runs 2 and 0 % less; onto btrfs 2 %,
//! onto xfs 1 %. Binding each worker to a processor gained as much, but a bound worker waits for another program's work
//! while a processor beside it is idle.

use crate::sys::processor;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Workers from this number on are not parted.
const MOST: usize = 8;

/// A worker looks where the others run once in so many entries.
const ENTRIES: usize = 8;

/// A worker moves at most once in this time, which is about what the scheduler gives each of two threads on one processor
/// (`sched_base_slice`, 2.8 ms).
const SHORTEST: Duration = Duration::from_millis(2);

/// Where moving does not help, a worker moves at most once in this time: no other processor is free, or somebody moves the
/// workers together again.
const LONGEST: Duration = Duration::from_millis(128);

/// On no processor: the worker waits for work, or has not been started.
const NOWHERE: u32 = u32::MAX;

/// Which processor each worker ran on when it last looked.
#[derive(Debug)]
pub(super) struct Processors {
    of: [AtomicU32; MOST],
    /// There are more workers than processors: they have to share.
    shared: AtomicBool,
}

impl Processors {
    pub(super) fn new() -> Processors {
        Processors { of: [const { AtomicU32::new(NOWHERE) }; MOST], shared: AtomicBool::new(false) }
    }

    /// There are so many workers, and so many processors for them.
    pub(super) fn share(&self, workers: usize, processors: usize) {
        self.shared.store(workers > processors, Ordering::Relaxed);
    }

    /// Written only when it changes: what is only read does not go back and forth between processors.
    fn set(&self, worker: usize, processor: u32) {
        if let Some(place) = self.of.get(worker)
            && place.load(Ordering::Relaxed) != processor
        {
            place.store(processor, Ordering::Relaxed);
        }
    }

    fn has_another(&self, worker: usize, processor: u32) -> bool {
        let mut others = self.of.iter().enumerate().filter(|(other, _)| *other != worker);
        others.any(|(_, place)| place.load(Ordering::Relaxed) == processor)
    }
}

/// How one worker keeps to a processor of its own.
#[derive(Debug)]
pub(super) struct Spacing {
    worker: usize,
    entries: usize,
    moved: Option<Instant>,
    interval: Duration,
}

impl Spacing {
    /// Of the worker of this number, the first one's being 0.
    pub(super) fn of(worker: usize) -> Spacing {
        Spacing { worker, entries: 0, moved: None, interval: SHORTEST }
    }

    /// Before each entry: goes to another processor if another worker runs on this one.
    pub(super) fn keep_apart(&mut self, processors: &Processors) {
        self.entries += 1;
        if self.entries < ENTRIES || self.worker >= MOST || processors.shared.load(Ordering::Relaxed) {
            return;
        }
        self.entries = 0;
        let Some(here) = processor::current() else { return };
        processors.set(self.worker, here);
        if processors.has_another(self.worker, here) && self.may_move(Instant::now()) {
            processor::leave(here);
            // Told at once: the other one, who runs next where this one was, would go away too.
            processors.set(self.worker, processor::current().unwrap_or(NOWHERE));
        }
    }

    /// Whether it is time to move again.
    fn may_move(&mut self, now: Instant) -> bool {
        let since = self.moved.map(|moved| now.saturating_duration_since(moved));
        match since {
            Some(since) if since < self.interval => return false,
            Some(since) if since < self.interval * 4 => self.interval = (self.interval * 2).min(LONGEST),
            _ => self.interval = SHORTEST,
        }
        self.moved = Some(now);
        true
    }

    /// The worker has nothing to do and is on no processor.
    pub(super) fn rest(&self, processors: &Processors) {
        processors.set(self.worker, NOWHERE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_ones_place_counts() {
        let processors = Processors::new();
        processors.set(0, 5);
        processors.set(MOST, 6);
        assert!(processors.has_another(1, 5));
        assert!(!processors.has_another(0, 5));
        assert!(!processors.has_another(1, 6));
        Spacing::of(0).rest(&processors);
        assert!(!processors.has_another(1, 5));
    }

    #[test]
    fn what_does_not_help_is_done_seldom() {
        let (begun, mut place) = (Instant::now(), Spacing::of(0));
        let mut moves =
            |from: u64, to: u64| (from..to).filter(|at| place.may_move(begun + Duration::from_millis(*at))).count();
        assert!((5..=8).contains(&moves(0, 256)));
        assert!(moves(256, 2560) <= 18);
        assert_eq!(moves(10_000, 10_003), 2, "it was apart for long");
    }
}
