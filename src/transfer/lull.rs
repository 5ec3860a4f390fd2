//! A full pipe is left to its reader for a while.
//!
//! A reader holds the pipe's lock for as long as it copies out, and wakes a writer that waits for room after every read
//! (fs/pipe.c). A writer that comes at once finds the reader in its next read: it spins on the lock, takes the little room
//! there is, spins again, and meanwhile both pull the same pages' counts from processor to processor. Coming back when
//! about half of the pipe has been read costs less at both ends and is as quick, since the reader has the other half.
//! How long that is, is learned: longer while little room was found, shorter when nearly all of it was.
//!
//! 1 GiB, a C program that splices as we do, medians of 4, Linux 6.18, 2 Intel processors: a reader of 64 KiB at a time 225 →
//! 197 ms, the writer's processor time 165 → 91 ms; of 256 KiB 202 → 200 ms and 157 → 116 ms. The program itself is in
//! docs/numbers-cat.md, "Into a pipe"; `cargo bench --bench compare -- pipe/` measures it again.

use crate::engine::{End, Name, Nature};
use std::time::{Duration, Instant};

/// Smaller pipes are read empty before anybody is back, bytes.
const WORTH: u64 = 512 * 1024;

/// The shortest wait. It lasts 80 to 90 µs in truth: 50 µs of timer slack (PR_SET_TIMERSLACK, prctl(2)) and waking up.
const SHORTEST: Duration = Duration::from_micros(30);

/// The longest: what a reader waits at most that was slow and is suddenly quick.
const LONGEST: Duration = Duration::from_millis(2);

/// A writer that wakes up this much too late had to wait for a processor: another program is at work on it. Then the reader's
/// wake-ups are the better clock, because they bring both onto one processor. With a busy loop on one of the two, 1 GiB and
/// 256 KiB a read: 252 ms without waits, 293 with them, 254 with this (medians of 4). On a quiet machine 1 wait in 100 is late.
const LATE: Duration = Duration::from_micros(150);

/// A reader that empties the pipe faster than this is not waited for: `grep -c x` read 64 MiB of random bytes in 5.9 ms,
/// a pipe-full in 92 µs, and with the shortest waits in 9.3.
const QUICK: Duration = Duration::from_micros(120);

/// Times that the pipe is found full before the first wait, to see how fast its reader is.
const FIRST_LOOK: u32 = 4;
/// The same after a late awakening: at first and at most.
const LOOKS: (u32, u32) = (8, 512);
/// The same after a reader that was too quick.
const LOOK_AGAIN: u32 = 64;

/// What is known of the pipe's reader.
#[derive(Debug)]
pub(super) struct Lull {
    /// Bytes the pipe holds.
    capacity: u64,
    /// Bytes there was room for since the pipe was last found full.
    room: u64,
    /// The next wait.
    wait: Duration,
    /// So many times more the pipe is found full without a wait.
    looks: u32,
    /// When this look began, at a full pipe, and the bytes read since.
    look: Option<(Instant, u64)>,
    /// How many looks follow the next late awakening.
    patience: u32,
    /// Awakenings in time, one after the other.
    in_time: u32,
}

impl Lull {
    /// For what `engine` passes to `sink`; `None` where nothing is waited for.
    pub(super) fn of(sink: &End<'_>, engine: Name) -> Option<Lull> {
        match sink.nature {
            Nature::Pipe { capacity } if engine == Name::Splice && capacity >= WORTH => Some(Lull::new(capacity)),
            _ => None,
        }
    }

    fn new(capacity: u64) -> Lull {
        let patience = LOOKS.0;
        Lull { capacity, room: 0, wait: SHORTEST, looks: FIRST_LOOK, look: None, patience, in_time: 0 }
    }

    /// A step moved so many bytes, and after it the pipe `is_full`: then waits for its reader, if that pays.
    pub(super) fn after(&mut self, moved: u64, is_full: bool) {
        self.room += moved;
        if !is_full {
            return;
        }
        let began = Instant::now();
        if let Some(wait) = self.full(began) {
            std::thread::sleep(wait);
            self.woke(began.elapsed().saturating_sub(wait));
        }
    }

    /// The pipe is full: how long to wait.
    fn full(&mut self, now: Instant) -> Option<Duration> {
        let room = std::mem::take(&mut self.room);
        if self.looks > 0 {
            self.looked(room, now);
            return None;
        }
        let eighths = room.saturating_mul(8) / self.capacity;
        self.wait = match eighths {
            0..4 => self.wait.mul_f64(1.5),
            4 => self.wait.mul_f64(1.1),
            5 => self.wait,
            6 => self.wait.mul_f64(0.8),
            _ => self.wait / 2,
        };
        self.wait = self.wait.clamp(SHORTEST, LONGEST);
        Some(self.wait)
    }

    /// Between two full pipes the reader has read what there was room for.
    fn looked(&mut self, room: u64, now: Instant) {
        let (since, read) = match self.look {
            None => (now, 0),
            Some((since, read)) => (since, read + room),
        };
        self.look = Some((since, read));
        self.looks -= 1;
        if self.looks == 0 {
            let pipefuls = read as f64 / self.capacity as f64;
            if now.duration_since(since) < QUICK.mul_f64(pipefuls) {
                self.looks = LOOK_AGAIN;
            }
            self.look = None;
        }
    }

    /// A wait ended so much too late.
    fn woke(&mut self, late: Duration) {
        if late > LATE {
            self.looks = self.patience;
            self.patience = (self.patience * 2).min(LOOKS.1);
            self.wait = SHORTEST;
            self.in_time = 0;
        } else {
            self.in_time += 1;
            if self.in_time.is_multiple_of(32) {
                self.patience = (self.patience / 2).max(LOOKS.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    /// A reader that takes `rate` bytes in a µs; returns the last of the waits, if any, of so many turns.
    fn waits(lull: &mut Lull, rate: u64, turns: u32, late: Duration) -> Option<Duration> {
        let (mut now, mut wait) = (Instant::now(), None);
        let mut slept = Duration::ZERO;
        for _ in 0..turns {
            // 30 µs of the writer's own; a reader cannot read more than there is.
            let took = slept + Duration::from_micros(30);
            now += took;
            lull.room += (rate * took.as_micros() as u64).min(MIB);
            wait = lull.full(now);
            slept = wait.map_or(Duration::ZERO, |wait| wait + late);
            if wait.is_some() {
                lull.woke(late);
            }
        }
        wait
    }

    #[test]
    fn the_waits_grow_until_more_than_half_of_the_pipe_is_read_in_one() {
        for rate in [300, 1000, 3000] {
            let wait = waits(&mut Lull::new(MIB), rate, 200, Duration::from_micros(55));
            let read = rate * (wait.unwrap_or_default().as_micros() as u64 + 85);
            assert!((MIB / 2..MIB * 7 / 8).contains(&read), "{rate} bytes a µs: {read} bytes in {wait:?}");
        }
    }

    #[test]
    fn a_slow_reader_is_not_waited_for_longer_than_the_longest() {
        assert_eq!(waits(&mut Lull::new(MIB), 1, 200, Duration::ZERO), Some(LONGEST));
    }

    #[test]
    fn a_reader_that_was_slow_and_is_quick_is_soon_waited_for_no_longer_than_need_be() {
        let mut lull = Lull::new(MIB);
        waits(&mut lull, 1, 200, Duration::ZERO);
        let wait = waits(&mut lull, 4000, 8, Duration::from_micros(55)).unwrap_or_default();
        assert!(wait < Duration::from_micros(200), "{wait:?}");
    }

    #[test]
    fn a_very_quick_reader_is_left_alone() {
        let mut lull = Lull::new(MIB);
        assert_eq!(waits(&mut lull, 11_000, 400, Duration::ZERO), None);
    }

    #[test]
    fn late_awakenings_end_the_waits_for_longer_and_longer() {
        let mut lull = Lull::new(MIB);
        let late = Duration::from_micros(500);
        waits(&mut lull, 3000, FIRST_LOOK, late);
        for looks in [8, 16, 32, 64, 128, 256, 512, 512] {
            assert!(waits(&mut lull, 3000, 1, late).is_some());
            assert_eq!(lull.looks, looks);
            assert_eq!(waits(&mut lull, 3000, looks, late), None);
        }
        for _ in 0..8 {
            waits(&mut lull, 3000, 32, Duration::ZERO);
        }
        assert_eq!(lull.patience, LOOKS.0, "and are forgotten");
    }
}
