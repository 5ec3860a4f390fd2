//! How much of a copy is still in memory, as the kernel counts it: cachestat(2) of its destination (Linux 6.5), a few times a
//! second, by the thread that shows it. Elsewhere, and of trees, it is what the copying threads have waited for. Of a job that
//! is flushed as a whole at its end (`--durable` with a tree), nobody has waited for anything before: it is at most what all
//! of the machine has in memory to be written, so that nothing is called written that is not.

use crate::sys::facts::FileSystem;
use crate::sys::{mount, write_back};
use crate::transfer::progress::Progress;
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
    /// That of the file at hand is of interest; `true`: the job does not end before it is on the device.
    file: Option<bool>,
    /// That of all the job is of interest: it does not end before it is on the device.
    whole: bool,
    /// When it was last looked at, and how many bytes were in memory.
    last: Option<(Instant, u64)>,
}

impl Sample {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of the job goes to one file, which may be looked at; `flushed`: it does not end before that is on the device.
    pub(super) fn is_of_interest(&self, flushed: bool) {
        self.state().file = Some(flushed);
    }

    /// The job is flushed as a whole before it ends.
    pub(super) fn whole_is_of_interest(&self) {
        self.state().whole = true;
    }

    /// This is the file, if there is one that is of interest.
    pub(super) fn look(&self, sink: BorrowedFd<'_>) {
        let mut state = self.state();
        if state.file.is_some() && state.of.is_none() {
            state.of = pages_of(sink).ok().filter(|fd| write_back::in_memory(fd, &(0..0)).is_ok());
            state.last = None;
        }
    }

    pub(super) fn look_away(&self) {
        let mut state = self.state();
        state.file = None;
        state.of = None; // closed before the destination is: the last close is what tells of errors
    }

    /// What is in memory of what has been done, where that is of interest.
    pub(super) fn in_memory(&self, now: Instant, progress: &Progress) -> Option<u64> {
        let mut state = self.state();
        let (file, minded) = (state.of.is_some(), progress.in_memory.is_some());
        let flushed = state.whole || file && state.file == Some(true);
        if !minded && !flushed {
            return None;
        }
        let looked_at = file || !minded;
        if looked_at && state.last.is_none_or(|(then, _)| now - then >= SELDOM) {
            let bytes = match &state.of {
                Some(of) => write_back::in_memory(of, &(0..0)).ok(),
                None => unwritten(),
            };
            state.last = bytes.map(|bytes| (now, bytes));
        }
        let bytes = state.last.filter(|_| looked_at).map(|(_, bytes)| bytes).or(progress.in_memory)?;
        Some(bytes.min(progress.given))
    }
}

/// Bytes in memory of the whole machine that are still to be written: Dirty and Writeback of /proc/meminfo, which has them in
/// units of 1024 bytes (proc_meminfo(5)).
fn unwritten() -> Option<u64> {
    counted(&std::fs::read_to_string("/proc/meminfo").ok()?)
}

fn counted(meminfo: &str) -> Option<u64> {
    let of = |name: &str| -> Option<u64> {
        meminfo.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
    };
    Some((of("Dirty:")? + of("Writeback:")?) * 1024)
}

/// A descriptor that has the pages of what is written to `sink`. Of a FUSE file system on a device (type fuseblk) they are the
/// device's, which may be looked at by whoever may read it.
fn pages_of(sink: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    if FileSystem::of(sink)? != FileSystem::Fuse {
        return io::fcntl_dupfd_cloexec(sink, 3);
    }
    mount::device_below(sink)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dirty_or_on_its_way_is_not_written() {
        let meminfo = "MemTotal:       24679420 kB\nDirty:                20 kB\nWriteback:             3 kB\n\
                       WritebackTmp:         99 kB\n";
        assert_eq!(counted(meminfo), Some(23 * 1024));
        assert_eq!(counted("Dirty: 20 kB\n"), None);
        assert!(unwritten().is_some());
    }

    #[test]
    fn a_job_that_is_flushed_as_a_whole_calls_nothing_written_that_may_not_be() {
        let (sample, now) = (Sample::default(), Instant::now());
        let progress = Progress { given: 1 << 60, ..Progress::default() };
        assert_eq!(sample.in_memory(now, &progress), None);
        sample.whole_is_of_interest();
        let looked = sample.in_memory(now, &progress).expect("a number");
        assert!(looked < 1 << 50);
        let small = Progress { given: 1, ..Progress::default() };
        assert!(sample.in_memory(now, &small) <= Some(1));
        let minded = Progress { in_memory: Some(7), ..progress };
        assert_eq!(sample.in_memory(now, &minded), Some(7), "the copying threads know better");
    }
}
