//! Workers that would make files in one allocation group of XFS at the same moment wait for each other here, not asleep in
//! the kernel.
//!
//! Whoever makes a file or directory holds the header of its group (AGI) meanwhile, some ten microseconds. A second worker that
//! needs it then is put to sleep, and waking it takes several times as long; the header is kept for it, so that the first one,
//! which comes with its next file in the meantime, falls asleep as well, and so they go on in turn. Copying 11,000 files in
//! 2,500 directories two workers slept 1,159 times, nearly always there (`perf record -e sched:sched_switch -g`), and the
//! processors were idle for a sixth of the time; with the wait below they slept 40 times, and it took 132 ms instead of 166; cpz
//! took 165 (from tmpfs to a new XFS of four groups, medians of 9 runs in turn, Linux 6.18, a virtual machine with 2 Intel
//! processors; three workers took 149 and slept 76 times).
//!
//! It is a courtesy: nothing depends on it, and who has waited long enough goes on.

use super::directory::Id;
use crate::sys::xfs::Geometry;
use rustix::fs::{self, Mode, OFlags};
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// So many groups are told apart: by default there are four, up to 4 TB, and then one for each TB (mkfs.xfs(8)).
const PLACES: usize = 32;

/// A worker waits so long at most. As long as directories were not waited for, 20, 50 and 100 µs took the same time, with 305,
/// 249 and 242 sleeps.
const LONGEST: Duration = Duration::from_micros(50);

/// No file is being made. (No directory has the inode number 0.)
const NOBODY: u64 = 0;

/// The directory that a file is being made in, by inode number, in one group. Each has a line of the processors' caches of
/// its own.
#[derive(Debug)]
#[repr(align(64))]
struct Place(AtomicU64);

/// The allocation groups of the file system that the run makes files on.
#[derive(Debug)]
pub(super) struct Groups {
    found: OnceLock<Option<Found>>,
    places: [Place; PLACES],
    /// The group that the next directory is expected in: XFS takes one after the other.
    next: AtomicU32,
    longest: Duration,
}

#[derive(Debug)]
struct Found {
    device: u64,
    geometry: Geometry,
}

/// Held while something is made.
#[must_use]
pub(super) struct Turn<'g>(&'g AtomicU64);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.store(NOBODY, Ordering::Relaxed);
    }
}

impl Groups {
    pub(super) fn new() -> Groups {
        let places = [const { Place(AtomicU64::new(NOBODY)) }; PLACES];
        Groups { found: OnceLock::new(), places, next: AtomicU32::new(0), longest: LONGEST }
    }

    /// Asks an XFS for its groups, once in a run, before there is a second worker.
    pub(super) fn ask(&self, directory: impl AsFd, device: u64) {
        self.found.get_or_init(|| {
            // The one that is held may be open as a place only (O_PATH).
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let opened = fs::openat(directory, ".", flags, Mode::empty()).ok()?;
            Some(Found { device, geometry: Geometry::of(opened).ok()? })
        });
    }

    fn found(&self) -> Option<&Found> {
        self.found.get()?.as_ref()
    }

    /// Waits until a file may be made in this directory: it will be in its group.
    pub(super) fn turn_for_file(&self, directory: Id) -> Option<Turn<'_>> {
        let found = self.found()?;
        let (device, inode) = directory;
        if device != found.device { None } else { self.turn(found.geometry.group(inode), inode) }
    }

    /// Waits until a directory may be made.
    pub(super) fn turn_for_directory(&self) -> Option<Turn<'_>> {
        let found = self.found()?;
        let group = self.next.fetch_add(1, Ordering::Relaxed) % found.geometry.groups;
        self.turn(group, u64::MAX)
    }

    /// A directory was made: the next one will be in the group after it.
    pub(super) fn made(&self, directory: Id) {
        let (device, inode) = directory;
        if let Some(found) = self.found().filter(|found| found.device == device) {
            self.next.store(found.geometry.group(inode).wrapping_add(1), Ordering::Relaxed);
        }
    }

    /// Waits for its turn in a group. Where both make files in one directory, it is that directory's own lock that they wait
    /// for, awake (`i_rwsem`).
    fn turn(&self, group: u32, directory: u64) -> Option<Turn<'_>> {
        let Place(place) = &self.places[group as usize % PLACES];
        let mut since = None;
        loop {
            match place.compare_exchange(NOBODY, directory, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(Turn(place)),
                Err(other) if other == directory => return None,
                Err(_) if since.get_or_insert_with(Instant::now).elapsed() >= self.longest => return None,
                Err(_) => (0..10).for_each(|_| std::hint::spin_loop()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::facts::Facts;
    use std::sync::atomic::AtomicBool;

    const DEVICE: u64 = 7;

    /// Groups of sixteen inodes, four of them, and waiting that does not come to an end by itself.
    fn groups() -> Groups {
        let geometry = Geometry::of_parts(4, 4);
        let longest = Duration::from_secs(3600);
        Groups { found: Some(Found { device: DEVICE, geometry }).into(), longest, ..Groups::new() }
    }

    #[test]
    fn two_directories_of_one_group_are_served_in_turn() {
        let (groups, done) = (groups(), AtomicBool::new(false));
        let first = groups.turn_for_file((DEVICE, 17)).expect("nobody is there");
        std::thread::scope(|scope| {
            let second = scope.spawn(|| {
                let turn = groups.turn_for_file((DEVICE, 18));
                (turn.is_some(), done.load(Ordering::SeqCst))
            });
            std::thread::sleep(Duration::from_millis(20));
            done.store(true, Ordering::SeqCst);
            drop(first);
            assert_eq!(second.join().expect("no panic"), (true, true));
        });
    }

    #[test]
    fn nobody_waits_for_another_group_or_device_or_in_one_directory() {
        let groups = groups();
        let _first = groups.turn_for_file((DEVICE, 17)).expect("nobody is there");
        assert!(groups.turn_for_file((DEVICE, 33)).is_some(), "another group");
        assert!(groups.turn_for_file((DEVICE, 17)).is_none(), "the same directory");
        assert!(groups.turn_for_file((DEVICE + 1, 18)).is_none(), "another file system");
    }

    #[test]
    fn who_has_waited_long_enough_goes_on() {
        let groups = Groups { longest: Duration::ZERO, ..groups() };
        let _first = groups.turn_for_file((DEVICE, 17)).expect("nobody is there");
        assert!(groups.turn_for_file((DEVICE, 18)).is_none());
    }

    #[test]
    fn a_directory_is_expected_in_the_group_after_the_last() {
        let groups = Groups { longest: Duration::ZERO, ..groups() };
        groups.made((DEVICE, 3 * 16 + 1));
        let _first = groups.turn_for_directory().expect("nobody is there");
        assert!(groups.turn_for_file((DEVICE, 5)).is_none(), "it is in the first group");
        let _second = groups.turn_for_directory().expect("nobody is there");
        assert!(groups.turn_for_file((DEVICE, 17)).is_none(), "and this one in the second");
        assert!(groups.turn_for_file((DEVICE, 33)).is_some());
    }

    #[test]
    fn other_file_systems_have_no_groups() {
        let groups = Groups::new();
        let directory = std::fs::File::open("/proc/self").expect("/proc");
        groups.ask(&directory, Facts::of(&directory).expect("facts").device);
        assert!(groups.turn_for_directory().is_none());
        assert!(groups.turn_for_file((DEVICE, 17)).is_none());
    }
}
