//! Which targets are slow or removable, for all files and all threads of a run.
//!
//! A write is over when the bytes are in memory, which says nothing of a stick. Whoever copies to one wants to know when it
//! is there, and everybody else at the machine wants his own files to stay in memory meanwhile. So there, and only there, a
//! copy is held to about half a second of what the device takes ([`super::window`]).
//!
//! What the kernel says decides at once ([`block::is_removable`]); a disk that is neither is slow if it is seen to be
//! ([`super::window`]). `queue/rotational` says nothing: virtio disks call themselves rotating whatever they are.
//!
//! Nothing is asked before a run has written [`WORTH`] bytes, and then once for each target.

use super::progress::Counters;
use crate::engine::{End, Nature};
use crate::sys::block;
use crate::sys::facts::{Facts, FileSystem};
use crate::sys::mount::{self, Mount};
use rustix::fs;
use rustix::io::{Errno, retry_on_intr};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Bytes a run writes before it asks what its target is: the question is about ten system calls and 30 µs, so many bytes
/// at least 2 ms.
pub(super) const WORTH: u64 = 8 << 20;

/// In memory at most so much of what the device takes: two windows, one being filled, one being written.
const HALF_A_SECOND: Duration = Duration::from_millis(500);

/// What a device is believed to take whose speed is not known yet, bytes a second.
const AT_FIRST: u64 = 4 << 20;
/// At least, bytes: less is less than a stick's own blocks.
const LEAST: u64 = 512 << 10;
/// At most, bytes.
const MOST: u64 = 512 << 20;

/// Why a target is written with little in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The kernel says that it can be pulled out.
    Removable,
    /// It took so many bytes a second, and no more, of what this copy gave it.
    Observed(u64),
}

/// How what is in memory gets to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A range of the file (sync_file_range).
    Range,
    /// All of the file system (syncfs). Of a FUSE file system the kernel knows no dirty pages: they are those of the device
    /// that its program writes to, which syncfs flushes too (of type fuseblk).
    FileSystem,
}

/// What is known of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Medium {
    /// Neither memory nor removable: it may prove to be slow.
    Disk,
    /// Memory, or a disk that took what it was given.
    Fast,
    /// Slow, or removable.
    Slow(Why, By),
}

/// What was learned of the targets of this run.
#[derive(Debug, Default)]
pub struct Targets {
    known: Mutex<Vec<(u64, Medium)>>,
    /// Bytes written in files that are closed, until the target is known.
    written: AtomicU64,
    /// The target of small files is nothing to be careful with.
    ordinary: AtomicBool,
    /// Bytes of closed files that may still be in memory for a slow target.
    loose: AtomicU64,
    /// What a slow target takes, bytes a second; 0: not known yet.
    rate: AtomicU64,
    /// The slow target that was met last, as people know it.
    place: Mutex<Option<Mount>>,
}

/// What is still in memory for a slow target when all is copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remains {
    /// So many bytes, of data.
    pub bytes: u64,
    /// For what.
    pub place: Mount,
}

impl Targets {
    fn known(&self) -> MutexGuard<'_, Vec<(u64, Medium)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a file of so many bytes is worth asking about what it goes to.
    pub(super) fn worth(&self, bytes: u64) -> bool {
        bytes >= WORTH || !self.known().is_empty()
    }

    /// What `sink` is on.
    pub(super) fn medium(&self, sink: &End<'_>) -> Medium {
        let device = device(sink.nature, &sink.facts);
        if let Some((_, medium)) = self.known().iter().find(|(known, _)| *known == device) {
            return *medium;
        }
        let in_memory = matches!(sink.file_system, Some(FileSystem::Tmpfs | FileSystem::Pseudo | FileSystem::Hugetlb));
        let by = if sink.file_system == Some(FileSystem::Fuse) { By::FileSystem } else { By::Range };
        let medium = if sink.nature == Nature::Block {
            // (The file system is that of the node.)
            if block::is_removable(device) { Medium::Slow(Why::Removable, By::Range) } else { Medium::Disk }
        } else if in_memory {
            Medium::Fast
        } else if is_removable(sink, device) {
            Medium::Slow(Why::Removable, by)
        } else if by == By::Range {
            Medium::Disk
        } else {
            Medium::Fast // what a FUSE file system has taken, it has taken
        };
        self.is(sink, medium);
        medium
    }

    /// From now on that is known of what `sink` is on.
    pub(super) fn is(&self, sink: &End<'_>, medium: Medium) {
        let device = device(sink.nature, &sink.facts);
        let mut known = self.known();
        match known.iter_mut().find(|(seen, _)| *seen == device) {
            Some((_, old)) => *old = medium,
            None => known.push((device, medium)),
        }
        drop(known);
        if matches!(medium, Medium::Slow(..)) && sink.nature == Nature::File {
            *self.place.lock().unwrap_or_else(PoisonError::into_inner) = mount::of(sink.fd);
        }
    }

    /// Bytes that may be in memory for a slow target.
    pub(super) fn allowed(&self) -> u64 {
        let bytes = u128::from(self.rate().unwrap_or(AT_FIRST)) * HALF_A_SECOND.as_millis() / 1000;
        u64::try_from(bytes).unwrap_or(MOST).clamp(LEAST, MOST) / 8192 * 8192
    }

    /// The device took so many bytes in that time. Slower is believed at once, faster little by little: a device has memory of
    /// its own, and what that took in no time says nothing of the rest.
    pub(super) fn took(&self, bytes: u64, time: Duration) {
        let micros = time.as_micros().max(1);
        let rate = u64::try_from(u128::from(bytes) * 1_000_000 / micros).unwrap_or(u64::MAX);
        let before = self.rate().unwrap_or(AT_FIRST);
        // (Two threads at once lose one of two measurements.)
        self.rate.store(rate.clamp(1, before.saturating_mul(2)), Relaxed);
    }

    /// What a slow target takes, bytes a second, if that is known.
    pub(super) fn rate(&self) -> Option<u64> {
        Some(self.rate.load(Relaxed)).filter(|rate| *rate > 0)
    }

    /// A copy to `sink` is over that had no window: it wrote `bytes`.
    ///
    /// # Errors
    /// EIO, ENOSPC and EDQUOT of what was written before and is lost.
    pub fn wrote(&self, sink: &End<'_>, bytes: u64, counters: &Counters) -> Result<(), Errno> {
        if bytes == 0 || self.ordinary.load(Relaxed) {
            return Ok(());
        }
        let written = self.written.fetch_add(bytes, Relaxed) + bytes;
        if written < WORTH && !self.worth(0) {
            return Ok(());
        }
        // Of a small copy nobody has asked what its destination is.
        let Ok(facts) = Facts::of(sink.fd) else { return Ok(()) };
        let sink = End { facts, file_system: FileSystem::of(sink.fd).ok(), ..*sink };
        if !matches!(self.medium(&sink), Medium::Slow(..)) {
            self.ordinary.store(true, Relaxed);
            return Ok(());
        }
        let written = self.written.swap(0, Relaxed);
        counters.in_memory(written);
        self.left(&sink, written, counters)
    }

    /// A copy to the slow target of `sink` is over, and so many bytes of it may still be in memory: if that is too much
    /// together with what other files left there, all of it is waited for.
    ///
    /// # Errors
    /// As [`Targets::wrote`].
    pub(super) fn left(&self, sink: &End<'_>, bytes: u64, counters: &Counters) -> Result<(), Errno> {
        let loose = self.loose.fetch_add(bytes, Relaxed) + bytes;
        if loose < self.allowed() {
            return Ok(());
        }
        let loose = self.loose.swap(0, Relaxed);
        let began = Instant::now();
        let flushed = flush(sink.fd);
        self.took(loose, began.elapsed());
        counters.on_device(loose);
        flushed
    }

    /// What is still in memory for a slow target.
    pub fn remains(&self) -> Option<Remains> {
        let bytes = Some(self.loose.load(Relaxed)).filter(|bytes| *bytes > 0)?;
        let place = self.place.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        Some(Remains { bytes, place })
    }
}

/// syncfs(2); only errors that are lost data are errors.
pub(super) fn flush(fd: impl AsFd) -> Result<(), Errno> {
    retry_on_intr(|| fs::syncfs(fd.as_fd())).or_else(super::verdict::lost)
}

fn device(nature: Nature, facts: &Facts) -> u64 {
    if nature == Nature::Block { facts.raw_device } else { facts.device }
}

fn is_removable(sink: &End<'_>, device: u64) -> bool {
    if sink.file_system != Some(FileSystem::Btrfs) {
        return block::is_removable(device);
    }
    // btrfs has numbers of its own for st_dev; what is mounted is (one of) its devices.
    let node = mount::of(sink.fd).and_then(|mount| fs::stat(&mount.source).ok());
    node.is_some_and(|node| block::is_removable(node.st_rdev))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_second_of_what_the_device_takes() {
        let targets = Targets::default();
        assert_eq!((targets.allowed(), targets.rate()), (AT_FIRST / 2, None));
        targets.took(20 << 20, Duration::from_millis(1));
        assert_eq!((targets.allowed(), targets.rate()), (AT_FIRST, Some(2 * AT_FIRST)), "by and by");
        (0..2).for_each(|_| targets.took(20 << 20, Duration::from_secs(1)));
        assert_eq!((targets.allowed(), targets.rate()), (10 << 20, Some(20 << 20)));
        targets.took(5 << 20, Duration::from_secs(1));
        assert_eq!(targets.rate(), Some(5 << 20), "at once");
        (0..100).for_each(|_| targets.took(u64::MAX, Duration::ZERO));
        assert_eq!(targets.allowed(), MOST);
        targets.took(0, Duration::from_secs(1));
        assert_eq!(targets.allowed(), LEAST);
    }
}
