//! What has been learned in this run: which file system a device holds, and which engine refused, at the scope its
//! errno tells of. Shared by all workers of a run; nothing is probed up front and nothing is kept for the next run.

use super::targets::Targets;
use super::verdict::Scope;
use crate::engine::Name;
use crate::sys::facts::FileSystem;
use rustix::io::Errno;
use std::num::NonZero;
use std::os::fd::AsFd;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::available_parallelism;

/// What has been learned in this run.
#[derive(Debug, Default)]
pub struct Capabilities {
    known: Mutex<Known>,
    processors: OnceLock<usize>,
    targets: Targets,
}

#[derive(Debug, Default)]
struct Known {
    // A handful each, so searched from front to back.
    file_systems: Vec<(u64, Option<FileSystem>)>,
    refusals: Vec<Refusal>,
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
struct Refusal {
    engine: Name,
    /// The two devices, or `None`: everywhere on this kernel.
    pair: Option<(u64, u64)>,
    errno: Errno,
}

impl Capabilities {
    /// Nothing learned yet.
    pub fn new() -> Capabilities {
        Capabilities::default()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file system of a descriptor on `device`: one fstatfs(2) for each device of a run.
    pub fn file_system(&self, fd: impl AsFd, device: u64) -> Option<FileSystem> {
        let mut known = self.known();
        if let Some((_, found)) = known.file_systems.iter().find(|(seen, _)| *seen == device) {
            return *found;
        }
        let found = FileSystem::of(fd).ok();
        known.file_systems.push((device, found));
        found
    }

    /// What was learned of what is written to.
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// Processors this program may use: its affinity and its control group's quota. Asked once (17 system calls, most
    /// of them for the quota).
    pub fn processors(&self) -> usize {
        *self.processors.get_or_init(|| available_parallelism().map_or(1, NonZero::get))
    }

    /// The file system of `device`, if it was asked before.
    pub fn known_file_system(&self, device: u64) -> Option<FileSystem> {
        self.known().file_systems.iter().find(|(seen, _)| *seen == device).and_then(|(_, found)| *found)
    }

    /// Whether bytes that go from one of these files to the other, each given with its device, surely have to be moved: both are
    /// on local file systems, and extents cannot be shared.
    pub fn moves(&self, from: (impl AsFd, u64), to: (impl AsFd, u64)) -> bool {
        let devices = (from.1, to.1);
        let (Some(from), Some(to)) = (self.file_system(from.0, from.1), self.file_system(to.0, to.1)) else {
            return false;
        };
        let shares = from == to && from.shares_extents() && self.refusal(Name::Reflink, devices).is_none();
        from.is_local() && to.is_local() && !shares
    }

    /// Remembers a refusal, if its scope is wider than the file it was met on.
    pub fn remember(&self, engine: Name, scope: Scope, devices: (u64, u64), errno: Errno) {
        let pair = match scope {
            Scope::File => return,
            Scope::Pair => Some(devices),
            Scope::Kernel => None,
        };
        let refusal = Refusal { engine, pair, errno };
        let mut known = self.known();
        if !known.refusals.contains(&refusal) {
            known.refusals.push(refusal);
        }
    }

    /// The errno with which this engine is known to refuse between these devices.
    pub fn refusal(&self, engine: Name, devices: (u64, u64)) -> Option<Errno> {
        let known = self.known();
        let found = known.refusals.iter().find(|r| r.engine == engine && r.pair.is_none_or(|pair| pair == devices));
        found.map(|refusal| refusal.errno)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_remembered_at_its_scope_and_no_wider() {
        let learned = Capabilities::new();
        learned.remember(Name::Reflink, Scope::File, (1, 2), Errno::INVAL);
        assert_eq!(learned.refusal(Name::Reflink, (1, 2)), None);
        learned.remember(Name::Reflink, Scope::Pair, (1, 2), Errno::XDEV);
        assert_eq!(learned.refusal(Name::Reflink, (1, 2)), Some(Errno::XDEV));
        assert_eq!(learned.refusal(Name::Reflink, (2, 1)), None);
        assert_eq!(learned.refusal(Name::Splice, (1, 2)), None);
        learned.remember(Name::Splice, Scope::Kernel, (1, 2), Errno::NOSYS);
        assert_eq!(learned.refusal(Name::Splice, (7, 7)), Some(Errno::NOSYS));
    }
}
