//! How far the job is: numbers that the copying threads add to and that whoever shows progress reads, at any time and from
//! anywhere, a signal handler included. No lock, no clock, and no call but the one that tells who waits for it that a copy
//! lasts ([`Counters::goes_on`]).
//!
//! All workers of a run share one [`Counters`]. A step of a copy is one addition; a file is three, in a tree five;
//! of small files in a tree sixteen are told of at once.

mod name;

pub use name::NAME;

use name::Name;
use std::os::fd::BorrowedFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// How far the job is.
#[derive(Debug)]
pub struct Counters {
    given: AtomicU64,
    passed: AtomicU64,
    expected: AtomicU64,
    files: AtomicU64,
    expected_files: AtomicU64,
    foreseen: AtomicU64,
    foreseen_files: AtomicU64,
    endless: AtomicU32,
    scanning: AtomicBool,
    in_memory: AtomicU64,
    apart: AtomicBool,
    compared: AtomicU64,
    verified: AtomicU64,
    comparing: AtomicU32,
    verifying: AtomicU32,
    verifies: AtomicBool,
    not_resumable: AtomicBool,
    flushes: AtomicBool,
    awaited: AtomicBool,
    shown: AtomicBool,
    waiting: OnceLock<GoesOn>,
    current: Name,
}

/// What is done between two steps of a copy to this sink, on the thread that copies.
pub type GoesOn = fn(BorrowedFd<'_>);

/// What [`Counters`] said at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that went through a call that moves bytes.
    pub given: u64,
    /// Bytes that are there without having been moved: holes, and what was cloned. They count as done, but say nothing of
    /// the speed.
    pub passed: u64,
    /// Bytes that will have been done at the end, as far as is known.
    pub expected: u64,
    /// Files done.
    pub files: u64,
    /// Files there are, as far as is known.
    pub expected_files: u64,
    /// What is being copied now has an end that nobody knows.
    pub endless: bool,
    /// More may still be found.
    pub scanning: bool,
    /// Bytes that were read back: those of `--resume`, which are done as well, and those of `--verify`.
    pub read_back: u64,
    /// Of these those of `--verify`.
    pub verified: u64,
    /// What is done will all be verified.
    pub verifies: bool,
    /// What is done at the moment.
    pub phase: Phase,
    /// What is being copied now can be gone on with, if it is broken off.
    pub resumable: bool,
    /// What was copied is waited for to be on the device.
    pub flushes: bool,
    /// Of what was moved, bytes that are not known to be on the device yet; `None` where nobody minds.
    pub in_memory: Option<u64>,
}

/// What is done with the bytes at the moment, by one of the threads at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// They are copied.
    #[default]
    Copying,
    /// What is there is held against the source (`--resume`).
    Comparing,
    /// What was copied is read back (`--verify`).
    Verifying,
}

impl Progress {
    /// Bytes done.
    pub fn done(&self) -> u64 {
        self.given.saturating_add(self.passed)
    }

    /// Bytes done of what is done at the moment: while something is verified, bytes verified.
    pub fn phase_done(&self) -> u64 {
        if self.phase == Phase::Verifying { self.verified } else { self.done() }
    }

    /// Bytes that went one way or the other: what a rate is made of. What is in memory has not gone yet, where that is minded.
    pub fn worked(&self) -> u64 {
        self.given.saturating_sub(self.in_memory.unwrap_or(0)).saturating_add(self.read_back)
    }

    /// How much of the work is done, and how much there is, where that is known: what is to be verified counts twice.
    pub fn share(&self) -> Option<(u64, u64)> {
        let total = self.total()?;
        let arrived = self.done().saturating_sub(self.in_memory.unwrap_or(0));
        let done = arrived.min(total).saturating_add(self.verified.min(total));
        Some((done, if self.verifies { total.saturating_mul(2) } else { total }))
    }

    /// Bytes there will be, where that is known.
    pub fn total(&self) -> Option<u64> {
        (!self.scanning && !self.endless && self.expected > 0).then_some(self.expected)
    }
}

impl Counters {
    /// All zero, and scanning: nothing is known yet.
    pub const fn new() -> Counters {
        Counters {
            given: AtomicU64::new(0),
            passed: AtomicU64::new(0),
            expected: AtomicU64::new(0),
            files: AtomicU64::new(0),
            expected_files: AtomicU64::new(0),
            foreseen: AtomicU64::new(0),
            foreseen_files: AtomicU64::new(0),
            endless: AtomicU32::new(0),
            scanning: AtomicBool::new(true),
            in_memory: AtomicU64::new(0),
            apart: AtomicBool::new(false),
            compared: AtomicU64::new(0),
            verified: AtomicU64::new(0),
            comparing: AtomicU32::new(0),
            verifying: AtomicU32::new(0),
            verifies: AtomicBool::new(false),
            not_resumable: AtomicBool::new(false),
            flushes: AtomicBool::new(false),
            awaited: AtomicBool::new(false),
            shown: AtomicBool::new(false),
            waiting: OnceLock::new(),
            current: Name::new(),
        }
    }

    /// Until [`Counters::wait_no_more`], `waiting` is called between two steps: nobody shows yet how far it is, and somebody
    /// is to be told that it lasts. (A thread for each copy that may prove to be slow would cost the fast ones.)
    pub fn wait(&self, waiting: GoesOn) {
        if self.waiting.set(waiting).is_ok() {
            self.awaited.store(true, Ordering::Relaxed);
        }
    }

    /// Nobody waits any more to be told.
    pub fn wait_no_more(&self) {
        self.awaited.store(false, Ordering::Relaxed);
    }

    /// Somebody shows how far it is.
    pub fn is_shown(&self) {
        self.shown.store(true, Ordering::Relaxed);
    }

    /// Whether somebody shows how far it is, or will if it lasts.
    pub fn may_be_shown(&self) -> bool {
        self.shown.load(Ordering::Relaxed) || self.awaited.load(Ordering::Relaxed)
    }

    /// A step of the copy to `sink` is over, and it goes on.
    pub fn goes_on(&self, sink: BorrowedFd<'_>) {
        if self.awaited.load(Ordering::Relaxed)
            && let Some(waiting) = self.waiting.get()
        {
            waiting(sink);
        }
    }

    /// `bytes` were moved.
    pub fn gave(&self, bytes: u64) {
        self.given.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The target is slow: what is in memory and what is on the device are told apart from now on.
    pub fn apart(&self) {
        self.apart.store(true, Ordering::Relaxed);
    }

    /// `bytes` of what was moved are in memory, for a slow target.
    pub fn in_memory(&self, bytes: u64) {
        self.in_memory.fetch_add(bytes, Ordering::Relaxed);
    }

    /// `bytes` of those are on the device now.
    pub fn on_device(&self, bytes: u64) {
        self.in_memory.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// `bytes` are there without having been moved: a hole, a clone.
    pub fn passed(&self, bytes: u64) {
        self.passed.fetch_add(bytes, Ordering::Relaxed);
    }

    /// `bytes` were held against the source's, and are right.
    pub fn compared(&self, bytes: u64) {
        self.compared.fetch_add(bytes, Ordering::Relaxed);
        self.passed(bytes);
    }

    /// `bytes` that were copied were read back.
    pub fn verified(&self, bytes: u64) {
        self.verified.fetch_add(bytes, Ordering::Relaxed);
    }

    /// All that is copied will be verified.
    pub fn verifies(&self) {
        self.verifies.store(true, Ordering::Relaxed);
    }

    /// A comparison (`--resume`) or verification begins or, `false`, is over.
    pub fn phase(&self, phase: Phase, begins: bool) {
        let count = match phase {
            Phase::Copying => return,
            Phase::Comparing => &self.comparing,
            Phase::Verifying => &self.verifying,
        };
        if begins {
            count.fetch_add(1, Ordering::Relaxed);
        } else {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Whether what is being copied now can be gone on with, if it is broken off.
    pub fn resumable(&self, resumable: bool) {
        self.not_resumable.store(!resumable, Ordering::Relaxed);
    }

    /// What was copied is waited for to be on the device, or, `false`, no more.
    pub fn flushes(&self, flushes: bool) {
        self.flushes.store(flushes, Ordering::Relaxed);
    }

    /// A file of `bytes` was found that will be copied.
    pub fn expect(&self, bytes: u64) {
        self.expected.fetch_add(bytes, Ordering::Relaxed);
        self.expected_files.fetch_add(1, Ordering::Relaxed);
    }

    /// A file of `bytes` was seen that the copy may come upon.
    pub fn foresee(&self, bytes: u64) {
        self.foreseen.fetch_add(bytes, Ordering::Relaxed);
        self.foreseen_files.fetch_add(1, Ordering::Relaxed);
    }

    /// The copy has come upon so many files of `bytes` in all: whatever becomes of them, they are to come no more.
    /// Whether they were foreseen, or will be, or never, does not matter.
    pub fn come_upon(&self, files: u64, bytes: u64) {
        self.foreseen.fetch_sub(bytes, Ordering::Relaxed);
        self.foreseen_files.fetch_sub(files, Ordering::Relaxed);
    }

    /// So many small files of `bytes` in all were found and are done.
    pub fn copied(&self, files: u64, bytes: u64) {
        self.expected.fetch_add(bytes, Ordering::Relaxed);
        self.expected_files.fetch_add(files, Ordering::Relaxed);
        self.given.fetch_add(bytes, Ordering::Relaxed);
        self.files.fetch_add(files, Ordering::Relaxed);
    }

    /// Of a file, `done` bytes came where `expected` were: the total is put right, so that what failed or has grown does
    /// not stand between the job and its end.
    pub fn came_to(&self, expected: u64, done: u64) {
        self.expected.fetch_add(done.wrapping_sub(expected), Ordering::Relaxed);
    }

    /// A copy begins (or, `false`, is over) whose end nobody knows: a pipe, a socket.
    pub fn endless(&self, begins: bool) {
        if begins {
            self.endless.fetch_add(1, Ordering::Relaxed);
        } else {
            self.endless.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// A file is done.
    pub fn file_done(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    /// Nothing more will be found: what is expected now is all.
    pub fn scanned(&self) {
        self.scanning.store(false, Ordering::Relaxed);
    }

    /// The name of what is being copied now, for show. If another worker says so at the same moment, one of them is heard.
    pub fn current(&self, name: &[u8]) {
        self.current.set(name);
    }

    /// How far it is now. Each number is true; together they may be a step apart.
    pub fn now(&self) -> Progress {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Progress {
            given: load(&self.given),
            passed: load(&self.passed),
            expected: at_least_0(load(&self.expected)).saturating_add(at_least_0(load(&self.foreseen))),
            files: load(&self.files),
            expected_files: at_least_0(load(&self.expected_files))
                .saturating_add(at_least_0(load(&self.foreseen_files))),
            endless: self.endless.load(Ordering::Relaxed) > 0,
            scanning: self.scanning.load(Ordering::Relaxed),
            in_memory: self.apart.load(Ordering::Relaxed).then(|| at_least_0(load(&self.in_memory))),
            read_back: load(&self.compared).saturating_add(load(&self.verified)),
            verified: load(&self.verified),
            verifies: self.verifies.load(Ordering::Relaxed),
            phase: match (self.verifying.load(Ordering::Relaxed), self.comparing.load(Ordering::Relaxed)) {
                (1.., _) => Phase::Verifying,
                (0, 1..) => Phase::Comparing,
                (0, 0) => Phase::Copying,
            },
            resumable: !self.not_resumable.load(Ordering::Relaxed),
            flushes: self.flushes.load(Ordering::Relaxed),
        }
    }

    /// Copies the current name to `to` and gives its length; 0 where there is none, or it is just being changed.
    pub fn name(&self, to: &mut [u8; NAME]) -> usize {
        self.current.get(to)
    }
}

impl Default for Counters {
    fn default() -> Counters {
        Counters::new()
    }
}

/// What a counter that may be lowered before it is raised says: below 0 is 0.
fn at_least_0(counter: u64) -> u64 {
    u64::try_from(counter.cast_signed()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
