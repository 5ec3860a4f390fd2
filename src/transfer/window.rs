//! The window of one copy to a slow or removable target: what may be in memory of it.
//!
//! While one half of the window is written by the device, the other is filled; it is begun when it is full
//! (sync_file_range), and then the first is waited for, and given back to those who need the memory. So the device is never
//! idle, at most half a second of what it takes is in memory, and a copy that has ended has ended there half a second later.
//!
//! RWF_DONTCACHE (Linux 6.14) alone does not do this: it starts write-back with each write and drops the pages when they are
//! written, but nothing holds the writer back. 200 MiB onto a device of 40 MiB/s: xfs all 196 MiB in memory after 0.02 s,
//! ext4 18 MiB after 4.5 s; the window 20 MiB in memory and 20 cached on both, after 4.75 s, and with RWF_DONTCACHE on top
//! 18 and 18 (Linux 6.18, throttled by a control group; docs/numbers-slow.md has the commands). What the flag would add,
//! dropping the pages, POSIX_FADV_DONTNEED does on every kernel and file system.
//!
//! The copying thread makes the calls itself: it waits only for a device that is behind, and then has nothing else to do. 200
//! MiB took 5.00 s so, which is what the device needs.

use super::progress::Counters;
use super::targets::{self, By, Medium, Targets, WORTH, Why};
use super::verdict;
use crate::engine::{Ask, End, Offsets};
use crate::sys::write_back;
use rustix::io::Errno;
use std::ops::Range;
use std::time::{Duration, Instant};

/// A file of fewer bytes has no window of its own: what it leaves in memory counts with what the others leave.
const OWN: u64 = 1 << 20;

/// A copy that has not lasted so long does not look at its disk: it may soon be done.
const UNHURRIED: Duration = Duration::from_millis(300);
/// How often the clock is looked at, bytes.
const LOOK: u64 = 16 << 20;
/// What a disk is given to write, to see how fast it is, bytes.
const SAMPLE: u64 = 32 << 20;
/// One that has not taken them by then is slow: below 64 MiB/s.
const SLOW: Duration = Duration::from_millis(500);
/// A target that was seen to be slow, but takes so many bytes a second later on, was only busy.
const NOT_SLOW: u64 = 128 << 20;

/// What there was of a window, for the trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windowed {
    /// Why.
    pub why: Why,
    /// How.
    pub by: By,
    /// Bytes given when it was opened.
    pub from: u64,
    /// The most that it let be in memory, bytes.
    pub most: u64,
    /// What the device took, bytes a second, if it was waited for.
    pub rate: Option<u64>,
}

/// The window of one copy.
pub(super) struct Window<'a> {
    targets: &'a Targets,
    counters: &'a Counters,
    state: State,
    /// Of the bytes given, those below are on the device and need no more care.
    settled: u64,
    /// Below this, write-back has begun.
    started: u64,
    /// Below this the counters have been told that they are in memory.
    told: u64,
    /// How long it takes to wait for what is below says nothing of the device: there are holes in it.
    measured_from: u64,
    /// When the device was last known to have done what it was given.
    since: Instant,
    windowed: Option<Windowed>,
}

enum State {
    /// There is none, and none is to come.
    Off,
    /// Nothing is known of the target, and it is not worth asking before so many bytes are given.
    Unasked { until: u64 },
    /// A disk, which may prove to be slow.
    Watched { next: u64, given: Option<(Range<u64>, Instant)> },
    /// Open.
    Open(By),
}

impl<'a> Window<'a> {
    pub(super) fn new(ask: &Ask<'_>, targets: &'a Targets, counters: &'a Counters) -> Window<'a> {
        let mut window = Window {
            targets,
            counters,
            state: State::Off,
            settled: 0,
            started: 0,
            told: 0,
            measured_from: 0,
            since: Instant::now(),
            windowed: None,
        };
        if !minded(ask) {
            return window;
        }
        match ask.expected {
            Some(bytes) if bytes < OWN => {}
            // Not before something is written: a clone may do it all.
            Some(bytes) if targets.worth(bytes) => window.state = State::Unasked { until: 0 },
            _ => window.state = State::Unasked { until: WORTH },
        }
        window
    }

    /// What is the target?
    fn ask(&mut self, sink: &End<'_>, given: u64) {
        match self.targets.medium(sink) {
            Medium::Fast => self.state = State::Off,
            Medium::Disk => self.state = State::Watched { next: given + LOOK, given: None },
            Medium::Slow(why, by) => self.open(why, by, given),
        }
    }

    fn open(&mut self, why: Why, by: By, given: u64) {
        self.counters.apart();
        self.state = State::Open(by);
        self.since = Instant::now();
        self.windowed = Some(Windowed { why, by, from: given, most: self.targets.allowed(), rate: None });
    }

    /// So many bytes were given; how many more may be before this is to be asked again. Waits until they may.
    ///
    /// # Errors
    /// EIO, ENOSPC and EDQUOT: of what was written something is lost.
    pub(super) fn ahead(&mut self, sink: &End<'_>, given: u64) -> Result<u64, Errno> {
        match &self.state {
            State::Off => Ok(u64::MAX),
            State::Unasked { until } if given < *until => Ok(u64::MAX),
            State::Unasked { .. } => {
                self.ask(sink, given);
                if matches!(self.state, State::Open(_)) { self.ahead(sink, given) } else { Ok(u64::MAX) }
            }
            State::Watched { next, .. } if given < *next => Ok(u64::MAX),
            State::Watched { .. } => self.look(sink, given),
            State::Open(by) => {
                let by = *by;
                self.tell(given);
                self.slide(sink, given, by).or_else(|errno| {
                    self.state = State::Off;
                    verdict::lost(errno).map(|()| u64::MAX)
                })
            }
        }
    }

    /// `bytes` up to `given` were a hole.
    pub(super) fn skipped(&mut self, given: u64) {
        self.measured_from = given;
    }

    fn tell(&mut self, given: u64) {
        self.counters.in_memory(given - self.told);
        self.told = given;
    }

    /// Bytes of one half.
    fn half(&self) -> u64 {
        self.targets.allowed() / 2
    }

    fn slide(&mut self, sink: &End<'_>, given: u64, by: By) -> Result<u64, Errno> {
        let at = |range: Range<u64>| sink.start + range.start..sink.start + range.end;
        let mut half = self.half();
        if by == By::FileSystem {
            if given >= self.settled + 2 * half {
                targets::flush(sink.fd)?;
                write_back::forget(sink.fd, &at(self.settled..given));
                self.settle(given);
                half = self.half();
            }
            return Ok(self.settled + 2 * half - given);
        }
        while given >= self.started + half {
            let next = self.started..self.started + half;
            write_back::start_range(sink.fd, &at(next.clone()))?;
            if self.settled < self.started {
                let last = at(self.settled..self.started);
                write_back::await_range(sink.fd, &last)?;
                write_back::forget(sink.fd, &last);
                self.settle(self.started);
                if self.was_only_busy() {
                    self.targets.is(sink, Medium::Fast);
                    self.counters.on_device(self.told - self.settled);
                    self.state = State::Off;
                    return Ok(u64::MAX);
                }
            }
            self.started = next.end;
            half = self.half();
        }
        Ok(self.started + half - given)
    }

    /// Everything up to `until` is on the device.
    fn settle(&mut self, until: u64) {
        let (bytes, now) = (until - self.settled, Instant::now());
        if self.settled >= self.measured_from {
            self.targets.took(bytes, now - self.since);
        }
        self.since = now;
        self.settled = until;
        self.counters.on_device(bytes);
        let most = self.targets.allowed();
        if let Some(windowed) = &mut self.windowed {
            windowed.most = windowed.most.max(most);
            windowed.rate = self.targets.rate();
        }
    }

    fn was_only_busy(&self) -> bool {
        let observed = self.windowed.is_some_and(|windowed| matches!(windowed.why, Why::Observed(_)));
        observed && self.targets.rate().is_some_and(|rate| rate >= NOT_SLOW)
    }

    /// Gives a disk something to do, and looks whether it is done.
    fn look(&mut self, sink: &End<'_>, so_far: u64) -> Result<u64, Errno> {
        let State::Watched { next, given } = &mut self.state else { return Ok(u64::MAX) };
        *next = so_far + LOOK;
        let now = Instant::now();
        match given {
            None if now - self.since < UNHURRIED || so_far < SAMPLE => {}
            None => {
                let sample = sink.start + so_far - SAMPLE..sink.start + so_far;
                match write_back::start_range(sink.fd, &sample) {
                    Ok(()) => *given = Some((sample, now)),
                    Err(_) => self.state = State::Off,
                }
            }
            Some((sample, began)) => match write_back::in_memory(sink.fd, sample) {
                Ok(0) => {
                    self.targets.is(sink, Medium::Fast);
                    self.state = State::Off;
                }
                Ok(left) if now - *began >= SLOW => {
                    let took = SAMPLE.saturating_sub(left);
                    let rate = u128::from(took) * 1000 / (now - *began).as_millis().max(1);
                    let why = Why::Observed(u64::try_from(rate).unwrap_or(u64::MAX));
                    self.targets.is(sink, Medium::Slow(why, By::Range));
                    self.targets.took(took, now - *began);
                    self.open(why, By::Range, so_far);
                }
                Ok(_) => {}
                Err(_) => self.state = State::Off, // Linux before 6.5
            },
        }
        Ok(u64::MAX)
    }

    /// The copy is over, `given` bytes in all, of which `moved` were neither holes nor cloned. What may still be in memory
    /// is remembered, and begun.
    ///
    /// # Errors
    /// As [`Window::ahead`].
    pub(super) fn finish(&mut self, ask: &Ask<'_>, given: u64, moved: u64) -> Result<Option<Windowed>, Errno> {
        if !minded(ask) {
            return Ok(None);
        }
        let sink = &ask.sink;
        let State::Open(by) = self.state else {
            // Once a disk was looked at and found fast, what stays in memory for it is left alone.
            let unasked = matches!(self.state, State::Off | State::Unasked { .. }) && self.windowed.is_none();
            if unasked && sink.is_regular() {
                self.targets.wrote(sink, moved, self.counters)?;
            }
            return Ok(self.windowed);
        };
        self.tell(given);
        let mut left = (given - self.settled).min(moved);
        if left > 0 && by == By::Range {
            let _ = write_back::start_range(sink.fd, &(sink.start + self.settled..sink.start + given));
            left = write_back::in_memory(sink.fd, &(0..0)).map_or(left, |bytes| bytes.min(left));
        }
        self.counters.on_device(given - self.settled - left);
        if sink.is_regular() {
            self.targets.left(sink, left, self.counters)?;
        }
        Ok(self.windowed)
    }
}

/// Whether this copy is one that is careful with its target.
fn minded(ask: &Ask<'_>) -> bool {
    let sink = &ask.sink;
    ask.policy.considerate
        && sink.facts.has_offsets()
        && sink.offsets == Offsets::Explicit
        && !sink.append
        && !sink.direct
}
