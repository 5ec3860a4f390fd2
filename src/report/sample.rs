//! How much of a copy is still in memory, as the kernel counts it: cachestat(2) of its destination (Linux 6.5), a few times a
//! second, by the thread that shows it. Elsewhere, and of trees, it is what the copying threads have waited for.

use crate::sys::facts::{Facts, FileSystem, Kind};
use crate::sys::write_back;
use crate::transfer::progress::Progress;
use rustix::fs::{self, Mode, OFlags};
use rustix::io::{self, Errno};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Between two looks: one goes through all pages that are cached of the file.
const SELDOM: Duration = Duration::from_millis(250);

/// What is looked at.
#[derive(Debug, Default)]
pub(super) struct Sample(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The destination; or the device it is on, where its pages are that one's.
    of: Option<OwnedFd>,
    /// The job does not end before it is on the device.
    flushed: bool,
    /// When it was last looked at, and how many bytes were in memory.
    last: Option<(Instant, u64)>,
}

impl Sample {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn look_at(&self, sink: BorrowedFd<'_>, flushed: bool) {
        let of = pages_of(sink).ok().filter(|fd| write_back::in_memory(fd, &(0..0)).is_ok());
        *self.state() = State { of, flushed, last: None };
    }

    pub(super) fn look_away(&self) {
        let mut state = self.state();
        state.of = None; // closed before the destination is: the last close is what tells of errors
    }

    /// What is in memory of what has been done, where that is of interest.
    pub(super) fn in_memory(&self, now: Instant, progress: &Progress) -> Option<u64> {
        let mut state = self.state();
        if progress.in_memory.is_none() && !(state.flushed && state.of.is_some()) {
            return None;
        }
        if let Some(of) = &state.of
            && state.last.is_none_or(|(then, _)| now - then >= SELDOM)
        {
            state.last = write_back::in_memory(of, &(0..0)).ok().map(|bytes| (now, bytes));
        }
        let bytes = state.last.filter(|_| state.of.is_some()).map(|(_, bytes)| bytes).or(progress.in_memory)?;
        Some(bytes.min(progress.given))
    }
}

/// A descriptor that has the pages of what is written to `sink`. Of a FUSE file system on a device (type fuseblk) they are the
/// device's, which may be looked at by who may read it.
fn pages_of(sink: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    if FileSystem::of(sink)? != FileSystem::Fuse {
        return io::fcntl_dupfd_cloexec(sink, 3);
    }
    let device = Facts::of(sink)?.device;
    let node = format!("/dev/block/{}:{}", fs::major(device), fs::minor(device));
    let open =
        |path: &std::path::Path| fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty());
    let by_name = || crate::sys::mount::of(sink).ok_or(Errno::NOENT).and_then(|mount| open(mount.source.as_ref()));
    let fd = open(node.as_ref()).or_else(|_| by_name())?;
    let facts = Facts::of(&fd)?;
    if facts.kind == Kind::Block && facts.raw_device == device { Ok(fd) } else { Err(Errno::NOTBLK) }
}
