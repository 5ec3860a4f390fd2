//! What a worker remembers of the small files of a tree, so that it need not ask, or tell, all the others about each of them.
//!
//! Memory that two processors write to in turn goes back and forth between them. With each file told by itself (seven
//! counters, two locks) and with all of a large copy's bookkeeping, 13,000 files took 3.6 % longer onto tmpfs and 3.9 % onto
//! ext4 (two workers, Linux 6.18; medians of 15 pairs).

use super::Run;
use crate::sys::facts::FileSystem;
use crate::transfer::Counters;
use std::os::fd::AsFd;

/// So many files are told of at once: on a slow target they are seen to arrive in steps of so many.
const AT_ONCE: u64 = 16;

/// Small files that were come upon, and those that are done, as far as they have not been told of.
#[derive(Debug, Default)]
pub(super) struct Tally {
    upon: Files,
    done: Files,
    /// The device that the last source was on, and whether a short read is the end there.
    device: Option<(u64, bool)>,
}

#[derive(Debug, Default)]
struct Files {
    files: u64,
    bytes: u64,
}

impl Files {
    fn add(&mut self, bytes: u64) -> bool {
        self.files += 1;
        self.bytes += bytes;
        self.files >= AT_ONCE
    }
}

impl Tally {
    /// The tree has come upon a file.
    pub(super) fn came_upon(&mut self, counters: &Counters, bytes: u64) {
        if self.upon.add(bytes) {
            self.tell(counters);
        }
    }

    /// A file of `bytes` is copied that nothing was said of before.
    pub(super) fn copied(&mut self, counters: &Counters, bytes: u64) {
        if self.done.add(bytes) {
            self.tell(counters);
        }
    }

    /// Tells what is left to be told.
    pub(super) fn tell(&mut self, counters: &Counters) {
        let Tally { upon, done, .. } = self;
        if done.files > 0 {
            counters.copied(done.files, done.bytes);
        }
        if upon.files > 0 {
            counters.come_upon(upon.files, upon.bytes);
        }
        (self.upon, self.done) = Default::default();
    }
}

impl Run<'_> {
    /// The file system of a source is asked for once, so that it is known whether its small files end by a short read.
    pub(super) fn meets(&mut self, source: impl AsFd, device: u64) {
        if self.tally.device.is_none_or(|(last, _)| last != device) {
            self.learned.file_system(source, device);
        }
    }

    /// Whether on this device a read that is not filled has met the end of a regular file. Asks nothing of the kernel: what
    /// is not known yet does not.
    pub(super) fn is_ended_by_a_short_read(&mut self, device: u64) -> bool {
        match self.tally.device {
            Some((last, ends)) if last == device => ends,
            _ => {
                let known = self.learned.known_file_system(device);
                self.tally.device = known.map(|known| (device, known.short_read_is_end()));
                known.is_some_and(FileSystem::short_read_is_end)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_of_what_is_told_of_later() {
        let (counters, mut tally) = (Counters::new(), Tally::default());
        let now = || (counters.now().files, counters.now().expected_files, counters.now().expected);
        (0..AT_ONCE - 1).for_each(|_| tally.copied(&counters, 10));
        assert_eq!(now(), (0, 0, 0));
        tally.copied(&counters, 10);
        assert_eq!(now(), (AT_ONCE, AT_ONCE, AT_ONCE * 10));
        (0..3).for_each(|_| counters.foresee(7));
        tally.came_upon(&counters, 7);
        tally.copied(&counters, 7);
        tally.tell(&counters);
        assert_eq!(now(), (AT_ONCE + 1, AT_ONCE + 3, AT_ONCE * 10 + 21));
    }
}
