//! `--durable` for many files: one flush for each file system that an operand goes to.

use super::super::location::Location;
use super::super::names;
use super::super::options::{Options, Target};
use crate::sys::facts::{Facts, FileSystem, Kind};
use crate::transfer::durable::Tree;
use rustix::fs::{self, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the threads of a run share. Descriptors are made and used by the first thread alone: the others have tables of
/// their own. What is mounted below an operand's destination is flushed file by file.
#[derive(Debug)]
pub(in super::super) struct Flushes {
    tree: Mutex<Tree>,
    at_once: bool,
}

impl Flushes {
    /// With none yet.
    pub(in super::super) fn new(options: &Options) -> Flushes {
        let directory = usize::from(!matches!(options.target, Target::Directory(_)));
        let at_once = options.recursive || options.operands.len() > 1 + directory;
        Flushes { tree: Mutex::new(Tree::new()), at_once }
    }

    /// Whether one flush at the end is better than one for each file.
    pub(super) fn at_once(&self) -> bool {
        self.at_once
    }

    fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the file system that `to` is to be on, and the one that is mounted there. Where that is not possible, each file is
    /// flushed by itself. Whether the kernel counts as dirty what is in memory for them: what a FUSE file system without a
    /// device has taken is in its program, and is not counted.
    pub(super) fn cover(&self, to: &Location<'_>) -> bool {
        let open =
            |name| fs::openat(to.directory, name, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        let cover = |opened: Result<OwnedFd, Errno>| {
            let Ok(directory) = opened else { return true };
            let Ok(facts) = Facts::of(&directory) else { return true };
            let counted = fs::major(facts.device) != 0 || FileSystem::of(&directory) != Ok(FileSystem::Fuse);
            self.tree().cover(facts.device, directory, &to.shown());
            counted
        };
        let beside = cover(open(names::parent(&to.name)));
        let there = to.facts(true).is_ok_and(|facts| facts.kind == Kind::Directory);
        beside && (!there || cover(open(&*to.name)))
    }

    /// Whether what is on that device will be flushed with everything else, and its errors told.
    pub(super) fn covers(&self, device: u64) -> bool {
        self.tree().covers(device)
    }

    /// Everything is on the devices; what is not, and what was to go there.
    pub(super) fn flush(&self) -> Vec<(Errno, OsString)> {
        std::mem::take(&mut *self.tree()).flush()
    }
}
