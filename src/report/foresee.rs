//! What the sources come to: looked up while the copy runs already, and only where somebody is shown how far it is.
//!
//! A tree is walked by names, a directory at a time, in the pauses of the thread that shows progress: the copy does not wait
//! for it. What cannot be read here is left to the copy, which says so.

use crate::transfer::progress::Counters;
use rustix::fs::{Access, AtFlags, CWD, accessat};
use std::ffi::{OsStr, OsString};
use std::fmt::Debug;
use std::fs::{self, DirEntry, ReadDir};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// What is copied.
#[derive(Clone, Copy, Debug)]
pub struct Sources {
    /// Their names.
    pub operands: &'static [OsString],
    /// Symbolic links among them are followed.
    pub followed: bool,
    /// What becomes of directories.
    pub trees: Trees,
    /// Who copies them says when it comes upon each.
    pub told_of: bool,
    /// What of them is left out, if anything is.
    pub excluded: Option<&'static dyn Excludes>,
}

/// What of a tree is left out.
pub trait Excludes: Debug + Sync {
    /// Whether what is at `way` below an operand, a directory or not, is left out with all that is in it.
    fn excludes(&self, way: &OsStr, directory: bool) -> bool;
}

/// What becomes of directories among the sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trees {
    /// What they come to is found out by copying them, and "scanning" is all that can be said (`-L`, where names say little
    /// of what they lead to; `-l`, `-s` and others that copy no data).
    Unknown,
    /// They are copied with what is in them, symbolic links as such.
    Walked {
        /// `-x`: what is mounted in them is not copied.
        one_file_system: bool,
    },
}

/// The operand that a directory is below.
#[derive(Clone, Copy)]
struct Root {
    name: &'static OsString,
    device: u64,
}

/// The way through the sources.
pub(super) struct Foresight {
    sources: Sources,
    counters: &'static Counters,
    next: usize,
    /// Directories that are still to be read.
    found: Vec<(PathBuf, Root)>,
    reading: Option<(ReadDir, Root)>,
    /// Everything could be looked at.
    whole: bool,
}

impl Foresight {
    pub(super) fn new(sources: Sources, counters: &'static Counters) -> Foresight {
        Foresight { sources, counters, next: 0, found: Vec::new(), reading: None, whole: true }
    }

    /// One entry more: whether there may be another. After the last one the total is known.
    pub(super) fn step(&mut self) -> bool {
        if let Some((entries, root)) = &mut self.reading {
            let root = *root;
            match entries.next() {
                Some(Ok(entry)) => self.entry(&entry, root),
                Some(Err(_)) | None => self.reading = None,
            }
        } else if let Some((directory, root)) = self.found.pop() {
            self.reading = fs::read_dir(directory).ok().map(|entries| (entries, root));
        } else if let Some(operand) = self.sources.operands.get(self.next) {
            self.next += 1;
            self.operand(operand);
        } else {
            if self.whole {
                self.counters.scanned();
            }
            return false;
        }
        true
    }

    fn operand(&mut self, operand: &'static OsString) {
        let looked = if self.sources.followed { fs::metadata(operand) } else { fs::symlink_metadata(operand) };
        // The one source there is tells its size when its copy begins.
        let alone = self.sources.operands.len() == 1;
        match looked {
            Ok(facts) if facts.is_dir() => match self.sources.trees {
                Trees::Walked { .. } => {
                    self.found.push((operand.into(), Root { name: operand, device: facts.dev() }));
                }
                Trees::Unknown => self.whole = false,
            },
            _ if alone => self.whole = false,
            Ok(facts) => {
                let bytes = if facts.is_file() { facts.len() } else { 0 };
                match self.sources.told_of {
                    true => self.counters.foresee(bytes),
                    // Nobody says that it will not come; access(2), for the user that opens it.
                    false if accessat(CWD, operand, Access::READ_OK, AtFlags::EACCESS).is_err() => {}
                    false => self.counters.expect(bytes),
                }
            }
            Err(_) => {}
        }
    }

    fn entry(&mut self, entry: &DirEntry, root: Root) {
        let Ok(kind) = entry.file_type() else { return };
        let is_left_out = |excluded: &dyn Excludes| {
            let path = entry.path();
            let way = path.strip_prefix(Path::new(root.name)).unwrap_or(&path);
            excluded.excludes(way.as_os_str(), kind.is_dir())
        };
        if self.sources.excluded.is_some_and(is_left_out) {
            return;
        }
        if kind.is_file() {
            if let Ok(facts) = entry.metadata() {
                self.counters.foresee(facts.len());
            }
        } else if kind.is_dir() {
            let one_file_system = self.sources.trees == Trees::Walked { one_file_system: true };
            let mounted = one_file_system && entry.metadata().is_ok_and(|facts| facts.dev() != root.device);
            if !mounted {
                self.found.push((entry.path(), root));
            }
        }
    }
}
