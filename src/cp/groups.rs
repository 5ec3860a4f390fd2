//! Workers that would make files at the same place at the same moment wait for each other here, not in the kernel: in one
//! allocation group of XFS, or elsewhere in one directory.
//!
//! Whoever makes a file or directory on XFS holds the header of its group (AGI) meanwhile, some ten microseconds. A second worker
//! that needs it then is put to sleep, and waking it takes several times as long; the header is kept for it, so that the first
//! one, which comes with its next file in the meantime, falls asleep as well, and so they go on in turn. Copying 11,000 files in
//! 2,500 directories two workers slept 1,159 times, nearly always there (`perf record -e sched:sched_switch -g`), and the
//! processors were idle for a sixth of the time; with the wait below they slept 40 times, and it took 132 ms instead of 166; cpz
//! took 165. Eight workers on the two processors took 146 ms instead of 319 (from tmpfs to a new XFS of four groups, medians of 9
//! and 3 runs in turn, Linux 6.18, a virtual machine with 2 Intel processors).
//!
//! For a directory's lock the kernel has workers wait awake. But it goes from one to the other with every file, and with it what
//! it guards, from processor to processor; here it is held for several files at once (`cp::tree::row`).

use super::directory::Id;
use crate::sys::xfs::Geometry;
use rustix::fs::{self, Mode, OFlags};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// So many groups are told apart. By default XFS has four, up to 4 TB, and then one for each TB (mkfs.xfs(8)).
const PLACES: usize = 64;

/// A worker that has a processor to itself waits so long awake: several times as long as it takes to make a row of files. Two that
/// made 30,000 empty files on ext4 slept 290 times with 200 µs, 16 with 600, 5 with 2 ms, in the same time; and in the tree above
/// 38, 38 and 630 times, in 138, 133 and 145 ms: who waits for long keeps the kernel's own threads from a processor (medians of 5
/// and 13 runs in turn).
const AWAKE: Duration = Duration::from_micros(600);

/// What is held while something is made in a group. Each has a line of the processors' caches of its own.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Place(Mutex<()>);

/// Held while something is made.
pub(super) type Turn<'g> = MutexGuard<'g, ()>;

/// The groups that the run makes files in.
#[derive(Debug)]
pub(super) struct Groups {
    /// Those of the XFS that files are made on, if it is one.
    found: OnceLock<Option<Found>>,
    places: [Place; PLACES],
    /// The allocation group that the next directory is expected in: XFS takes one after the other.
    next: AtomicU32,
    /// Who waits sleeps.
    asleep: AtomicBool,
}

#[derive(Debug)]
struct Found {
    device: u64,
    geometry: Geometry,
}

impl Groups {
    pub(super) fn new() -> Groups {
        let places = [const { Place(Mutex::new(())) }; PLACES];
        Groups { found: OnceLock::new(), places, next: AtomicU32::new(0), asleep: AtomicBool::new(false) }
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

    /// Who waits is to sleep: there are more workers than processors, or making a file takes an answer from elsewhere.
    pub(super) fn wait_asleep(&self, asleep: bool) {
        self.asleep.store(asleep, Ordering::Relaxed);
    }

    fn waits_asleep(&self) -> bool {
        self.asleep.load(Ordering::Relaxed)
    }

    fn found(&self) -> Option<&Found> {
        self.found.get()?.as_ref()
    }

    /// Waits until a file may be made in this directory: on XFS, in its allocation group, where the file will be. Where waiting
    /// would mean to sleep, a directory's own lock, for which the kernel has workers wait awake, is the better one.
    pub(super) fn turn_for_file(&self, directory: Id) -> Option<Turn<'_>> {
        let (device, inode) = directory;
        match self.found().filter(|found| found.device == device) {
            Some(found) => Some(self.turn(found.geometry.group(inode).into())),
            None if self.waits_asleep() => None,
            None => Some(self.turn(inode)),
        }
    }

    /// Waits until a directory may be made, where it is known in which group it will be.
    pub(super) fn turn_for_directory(&self) -> Option<Turn<'_>> {
        let found = self.found()?;
        let group = self.next.fetch_add(1, Ordering::Relaxed) % found.geometry.groups;
        Some(self.turn(group.into()))
    }

    /// A directory was made: the next one will be in the group after it.
    pub(super) fn made(&self, directory: Id) {
        let (device, inode) = directory;
        if let Some(found) = self.found().filter(|found| found.device == device) {
            self.next.store(found.geometry.group(inode).wrapping_add(1), Ordering::Relaxed);
        }
    }

    /// Waits for the turn in a group.
    fn turn(&self, group: u64) -> Turn<'_> {
        let Place(place) = &self.places[(group % PLACES as u64) as usize];
        let mut since = None;
        while !self.waits_asleep() {
            match place.try_lock() {
                Ok(turn) => return turn,
                Err(TryLockError::Poisoned(turn)) => return turn.into_inner(),
                Err(_) if since.get_or_insert_with(Instant::now).elapsed() >= AWAKE => break,
                Err(_) => (0..10).for_each(|_| std::hint::spin_loop()),
            }
        }
        place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::facts::Facts;

    const DEVICE: u64 = 7;

    /// Groups of sixteen inodes, four of them.
    fn of_xfs() -> Groups {
        let geometry = Geometry::of_parts(4, 4);
        Groups { found: Some(Found { device: DEVICE, geometry }).into(), ..Groups::new() }
    }

    /// Whether somebody has the turn that a file in this directory would need.
    fn is_taken(groups: &Groups, directory: Id) -> bool {
        let (device, inode) = directory;
        let found = groups.found().filter(|found| found.device == device);
        let group = found.map_or(inode, |found| found.geometry.group(inode).into());
        groups.places[group as usize % PLACES].0.try_lock().is_err()
    }

    #[test]
    fn directories_of_one_allocation_group_are_served_in_turn() {
        for asleep in [false, true] {
            let groups = of_xfs();
            groups.wait_asleep(asleep);
            let first = groups.turn_for_file((DEVICE, 17));
            assert!(first.is_some() && is_taken(&groups, (DEVICE, 18)));
            assert!(!is_taken(&groups, (DEVICE, 33)), "another group");
            assert!(!is_taken(&groups, (DEVICE + 1, 18)), "another file system");
            let made = AtomicBool::new(false);
            std::thread::scope(|scope| {
                let second = scope.spawn(|| {
                    let _turn = groups.turn_for_file((DEVICE, 18));
                    made.load(Ordering::SeqCst)
                });
                std::thread::sleep(AWAKE * 10);
                made.store(true, Ordering::SeqCst);
                drop(first);
                assert!(second.join().expect("no panic"), "it did not wait");
            });
        }
    }

    #[test]
    fn elsewhere_each_directory_is_one_or_who_waits_would_sleep_and_none_is() {
        let groups = Groups::new();
        let directory = std::fs::File::open("/proc/self").expect("/proc");
        groups.ask(&directory, Facts::of(&directory).expect("facts").device);
        let turn = groups.turn_for_file((DEVICE, 17));
        assert!(turn.is_some() && is_taken(&groups, (DEVICE, 17)) && !is_taken(&groups, (DEVICE, 18)));
        assert!(groups.turn_for_directory().is_none());
        groups.wait_asleep(true);
        assert!(groups.turn_for_file((DEVICE, 17)).is_none());
    }

    #[test]
    fn a_directory_is_expected_in_the_allocation_group_after_the_last() {
        let groups = of_xfs();
        groups.made((DEVICE, 3 * 16 + 1));
        let _first = groups.turn_for_directory();
        assert!(is_taken(&groups, (DEVICE, 5)) && !is_taken(&groups, (DEVICE, 17)), "the first");
        let _second = groups.turn_for_directory();
        assert!(is_taken(&groups, (DEVICE, 17)) && !is_taken(&groups, (DEVICE, 33)), "and then the second");
    }
}
