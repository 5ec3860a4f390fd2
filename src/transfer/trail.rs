//! What happened in one copy. `--explain`, GNU's `--debug` line and the tests all print this one value.

use super::window::Windowed;
use crate::engine::{Name, Remark, Side};
use rustix::io::Errno;
use std::time::Duration;

/// What happened in one copy.
#[derive(Debug, Default)]
pub struct Trail {
    /// Bytes moved by each engine, in the order they first moved any.
    pub moved: Vec<(Name, u64)>,
    /// Bytes that were holes of the source, or runs of zeros left out.
    pub holes: u64,
    /// The source's holes were asked for (SEEK_HOLE) and there were some.
    pub found_holes: bool,
    /// Zeros were looked for.
    pub sought_zeros: bool,
    /// Every refusal, in order.
    pub refusals: Vec<Refusal>,
    /// What the engines have seen.
    pub remarks: Vec<Remark>,
    /// An engine said 0 at this byte although more was there; read_write went on.
    pub early_zero: Option<(Name, u64)>,
    /// The last bytes went by value, from this byte on, so that no page of the source stays shared with the reader.
    pub by_value_from: Option<u64>,
    /// Bytes preallocated ahead of the writing.
    pub preallocated: u64,
    /// The target was slow or removable, and written with little left in memory.
    pub window: Option<Windowed>,
    /// The source became shorter while it was copied.
    pub shrank: Option<Shrank>,
    /// Why it is not complete, if it is not.
    pub failure: Option<Failure>,
    /// How long it took.
    pub wall: Duration,
}

/// An engine that could not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which.
    pub engine: Name,
    /// What the call said.
    pub errno: Errno,
    /// Bytes given by then.
    pub at: u64,
}

/// A source that became shorter while it was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shrank {
    /// Bytes it had when it was opened, from where the copy began.
    pub from: u64,
    /// Bytes there were.
    pub to: u64,
    /// So many of these at most were passed as pages, unread when they were cut off: the reader may have got zeros for them.
    pub perhaps_cleared: u64,
}

/// Why a copy is not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A call failed; `Side::Either` if it names both ends and does not tell which.
    Call {
        /// The end it belongs to.
        side: Side,
        /// What it said.
        errno: Errno,
    },
    /// The sink took nothing for so long (`--timeout`).
    TimedOut(Duration),
    /// What is in the sink could not be read (`--resume`).
    ReadBack(Errno),
    /// FICLONE failed and nothing else may be tried.
    Clone(Errno),
    /// The sink's old contents could not be cut off (ftruncate). Nothing was written.
    Cut(Errno),
    /// The sink could not be brought to its length (ftruncate).
    Extend(Errno),
    /// The source's holes could not be asked for (lseek).
    Seek(Errno),
    /// It would not fit: so many bytes are needed, so many are free. Nothing was written.
    NoRoom {
        /// Bytes the copy needs.
        needed: u64,
        /// Bytes free.
        free: u64,
    },
    /// The sink's file system holds no file of this many bytes. Nothing was written.
    TooLarge {
        /// Bytes the copy needs.
        needed: u64,
    },
    /// The source was cut short while it was sent to what gives nothing back: up to so many bytes that went out behind its
    /// end were never in it.
    Spoiled {
        /// Bytes at most.
        bytes: u64,
    },
    /// No engine on the user's list can work here; the plan has the reasons.
    NoEngine,
    /// The last engine on the user's list refused.
    Refused {
        /// Which.
        engine: Name,
        /// What the call said.
        errno: Errno,
    },
}

impl Trail {
    /// Counts bytes moved by an engine.
    pub fn count(&mut self, engine: Name, bytes: u64) {
        if bytes == 0 {
            return;
        }
        match self.moved.iter_mut().find(|(name, _)| *name == engine) {
            Some((_, sum)) => *sum += bytes,
            None => self.moved.push((engine, bytes)),
        }
    }

    /// Bytes moved by one engine.
    pub fn by(&self, engine: Name) -> u64 {
        self.moved.iter().find(|(name, _)| *name == engine).map_or(0, |(_, bytes)| *bytes)
    }

    /// Bytes moved in all.
    pub fn bytes(&self) -> u64 {
        self.moved.iter().map(|(_, bytes)| bytes).sum()
    }

    /// Whether everything the source had is in the sink, and the source had all it promised.
    pub fn is_complete(&self) -> bool {
        self.failure.is_none() && self.shrank.is_none()
    }
}
