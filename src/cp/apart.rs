//! Workers that have come to run on one processor are parted.
//!
//! One that has waited is woken where the other one runs, and may stay there: of 260 ms two workers spent some 80 in turns on
//! one of two processors, the other one asleep (onto ext4, `perf record -a`, a virtual machine with Linux 6.18; why its
//! scheduler does not part them by itself is not known). Parted, 13,000 files took between as long and 5 % less (medians of 7
//! or 9 runs, taking turns): onto ext4 201 ms, most 208, instead of 212, most 288 (moving as soon as [`SHORTEST`] had gone
//! by), in two other runs 2 and 0 % less; onto btrfs 2 %, onto xfs 1 %. Keeping each worker to one processor did as much, but
//! there it would wait for another program's work while a processor beside has none.

use crate::sys::processor;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// More workers than that are not watched.
const MOST: usize = 8;

/// A worker looks where the others are once in so many entries.
const ENTRIES: usize = 8;

/// It moves at most once in that time: what the scheduler gives each of two on one processor (`sched_base_slice`, 2.8 ms).
const SHORTEST: Duration = Duration::from_millis(2);

/// Where moving does not help it moves seldom: there is no processor to be had, or somebody moves them together again.
const LONGEST: Duration = Duration::from_millis(128);

/// On no processor: it waits, or is not there.
const NOWHERE: u32 = u32::MAX;

/// Where each worker was when it last looked.
#[derive(Debug)]
pub(super) struct Places {
    of: [AtomicU32; MOST],
    /// There are more workers than processors: they have to share.
    shared: AtomicBool,
}

impl Places {
    pub(super) fn new() -> Places {
        Places { of: [const { AtomicU32::new(NOWHERE) }; MOST], shared: AtomicBool::new(false) }
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

/// What one worker knows of its own place.
#[derive(Debug)]
pub(super) struct Place {
    worker: usize,
    entries: usize,
    moved: Option<Instant>,
    interval: Duration,
}

impl Place {
    /// Of the worker of this number, the first one's being 0.
    pub(super) fn of(worker: usize) -> Place {
        Place { worker, entries: 0, moved: None, interval: SHORTEST }
    }

    /// Before each entry: goes to another processor if another worker runs on this one.
    pub(super) fn keep_apart(&mut self, places: &Places) {
        self.entries += 1;
        if self.entries < ENTRIES || self.worker >= MOST || places.shared.load(Ordering::Relaxed) {
            return;
        }
        self.entries = 0;
        let Some(here) = processor::current() else { return };
        places.set(self.worker, here);
        if places.has_another(self.worker, here) && self.may_move(Instant::now()) {
            processor::leave(here);
            // Told at once: the other one, who runs next where this one was, would go away too.
            places.set(self.worker, processor::current().unwrap_or(NOWHERE));
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

    /// It has nothing to do.
    pub(super) fn rest(&self, places: &Places) {
        places.set(self.worker, NOWHERE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_ones_place_counts() {
        let places = Places::new();
        places.set(0, 5);
        places.set(MOST, 6);
        assert!(places.has_another(1, 5));
        assert!(!places.has_another(0, 5));
        assert!(!places.has_another(1, 6));
        Place::of(0).rest(&places);
        assert!(!places.has_another(1, 5));
    }

    #[test]
    fn what_does_not_help_is_done_seldom() {
        let (begun, mut place) = (Instant::now(), Place::of(0));
        let mut moves =
            |from: u64, to: u64| (from..to).filter(|at| place.may_move(begun + Duration::from_millis(*at))).count();
        assert!((5..=8).contains(&moves(0, 256)));
        assert!(moves(256, 2560) <= 18);
        assert_eq!(moves(10_000, 10_003), 2, "it was apart for long");
    }
}
