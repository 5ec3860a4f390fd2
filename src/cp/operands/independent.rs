//! Which of several operands have nothing to do with each other, so that it makes no difference which is copied first.
//!
//! Where nothing stands at any of the destinations, nothing is written to that is another operand's source: then it is enough
//! that the names differ, and what the operands are is seen when they are copied. That there is nothing is seen by reading the
//! directory. Otherwise, and where several names of one file are to stay that, or directories are copied, each operand is
//! looked at before the first of them is copied, and what stands at its destination: independent is a regular file, or a
//! symbolic link that is copied as one, where neither the file nor what stands at the destination is another operand's source
//! or destination by any other name.
//!
//! Everything else is copied in its turn: nothing before it is left to be done then, and nothing after it is begun.

use super::super::Run;
use super::super::directory::Id;
use super::super::names;
use super::Several;
use crate::sys::facts::{Facts, Kind};
use rustix::fs::{self, Mode, OFlags, RawDir};
use rustix::io::Errno;
use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;

/// Entries of the directory that are read beside as many as there are operands. Reading one takes 0.16 µs, looking up an operand
/// and its destination 1.2 (getdents64 of 100,000 entries, stat and fstatat of as many names; ext4, Linux 6.18, Intel).
const MORE_ENTRIES: usize = 1000;

/// Bytes of a directory that are read at once.
const LISTED_AT_ONCE: usize = 32 * 1024;

/// What an operand has to do with the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tie {
    /// Nothing, and nothing stands at its destination.
    New,
    /// Nothing, and what stands at its destination is a file by that name alone.
    Replaces,
    /// It may make a difference what is done before it, or after.
    InTurn,
}

/// What was found out of the operands.
#[derive(Debug)]
pub(super) struct Found {
    first: usize,
    ties: Vec<Tie>,
    /// The devices that they are on, and the one of their destination.
    pub(super) devices: BTreeSet<u64>,
}

impl Found {
    /// What the operand of this number has to do with the others.
    pub(super) fn tie(&self, at: usize) -> Tie {
        self.ties[at - self.first]
    }

    /// How many from this one on are independent of each other.
    pub(super) fn independent(&self, at: usize) -> usize {
        self.ties[at - self.first..].iter().take_while(|tie| **tie != Tie::InTurn).count()
    }
}

/// An operand and what stands at its destination.
struct Pair {
    source: Option<Id>,
    there: Option<Id>,
    tie: Tie,
}

/// Finds out about the operands from `first` on.
pub(super) fn of(run: &Run<'_>, several: &Several<'_>, first: usize) -> Found {
    let called = Called::by(run, several);
    let mut devices = BTreeSet::new();
    if let Ok(facts) = Facts::at(several.directory, OsStr::new("."), true) {
        devices.insert(facts.device);
        if several.directory.as_raw_fd() >= 0 {
            run.learned.file_system(several.directory, facts.device);
        }
    }
    let options = run.options;
    let sources_matter = options.recursive || options.preserve.links;
    let ties = if !sources_matter && called.none_is_in(several.directory, first) {
        devices.extend(several.places(run, first).0.facts(true).map(|facts| facts.device));
        let tie = |at| if called.alone(several.source(run, at)) { Tie::New } else { Tie::InTurn };
        (first..several.len()).map(tie).collect()
    } else {
        by_looking(run, several, first, &called, &mut devices)
    };
    Found { first, ties, devices }
}

/// The names of all operands, whatever their case: how many have one, and the last that has it.
struct Called(HashMap<Vec<u8>, (u32, usize)>);

impl Called {
    fn by(run: &Run<'_>, several: &Several<'_>) -> Called {
        let mut called: HashMap<_, (u32, usize)> = HashMap::with_capacity(several.len());
        for at in 0..several.len() {
            let (count, last) = called.entry(one_case(names::last_component(several.source(run, at)))).or_default();
            (*count, *last) = (*count + 1, at);
        }
        Called(called)
    }

    /// Whether no other operand has the name of this one, and it names something in its directory.
    fn alone(&self, source: &OsStr) -> bool {
        let called = self.0.get(&one_case(names::last_component(source)));
        called.is_some_and(|(count, _)| *count == 1) && !names::ends_in_dots(source)
    }

    /// Whether the directory can be read, has not many more entries than there are operands, and none by the names of those
    /// from `first` on.
    fn none_is_in(&self, directory: BorrowedFd<'_>, first: usize) -> bool {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let Ok(directory) = fs::openat(directory, ".", flags, Mode::empty()) else { return false };
        let mut buffer = Box::<[u8]>::new_uninit_slice(LISTED_AT_ONCE);
        let mut entries = RawDir::new(directory, &mut buffer);
        for _ in 0..self.0.len() + MORE_ENTRIES {
            let name = match entries.next() {
                None => return true,
                Some(Err(_)) => return false,
                Some(Ok(entry)) => one_case(OsStr::from_bytes(entry.file_name().to_bytes())),
            };
            if self.0.get(&name).is_some_and(|(_, last)| *last >= first) {
                return false;
            }
        }
        false
    }
}

fn by_looking(
    run: &Run<'_>,
    several: &Several<'_>,
    first: usize,
    called: &Called,
    devices: &mut BTreeSet<u64>,
) -> Vec<Tie> {
    let mut pairs = Vec::with_capacity(several.len() - first);
    for at in first..several.len() {
        let only = called.alone(several.source(run, at));
        pairs.push(pair(run, several, at, only, devices));
    }
    let mut met: HashMap<Id, u32> = HashMap::with_capacity(pairs.len());
    for id in pairs.iter().flat_map(|pair| [pair.source, pair.there]).flatten() {
        *met.entry(id).or_default() += 1;
    }
    let alone = |id: Option<Id>| id.is_none_or(|id| met.get(&id) == Some(&1));
    let tie = |pair: &Pair| if alone(pair.source) && alone(pair.there) { pair.tie } else { Tie::InTurn };
    pairs.iter().map(tie).collect()
}

fn pair(run: &Run<'_>, several: &Several<'_>, at: usize, only: bool, devices: &mut BTreeSet<u64>) -> Pair {
    let (from, to) = several.places(run, at);
    let (source, there) = (from.facts(run.options.follows(true)), to.facts(false));
    // What a symbolic link at the destination leads to may be another operand's, too.
    let led = there.as_ref().ok().filter(|there| there.kind == Kind::Symlink).and_then(|_| to.facts(true).ok());
    let tie = match (&source, &there) {
        _ if !only => Tie::InTurn,
        (Ok(Facts { kind: Kind::Regular | Kind::Symlink, .. }), Err(Errno::NOENT)) => Tie::New,
        (Ok(Facts { kind: Kind::Regular | Kind::Symlink, .. }), Ok(there)) if is_one_name(there) => Tie::Replaces,
        _ => Tie::InTurn,
    };
    devices.extend(source.as_ref().map(|source| source.device));
    let there = led.or(there.ok()).map(|there| there.id());
    Pair { source: source.ok().map(|source| source.id()), there, tie }
}

/// Whether nothing else leads to what stands there.
fn is_one_name(there: &Facts) -> bool {
    there.kind == Kind::Regular && there.links <= 1
}

/// A name as a file system has it to which `a` and `A` are one: FAT, exFAT, a directory with the attribute F (chattr(1)).
fn one_case(name: &OsStr) -> Vec<u8> {
    let bytes = name.as_bytes();
    if bytes.is_ascii() { bytes.to_ascii_lowercase() } else { name.to_string_lossy().to_lowercase().into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_by_case_alone_are_one() {
        let one = |name: &str| one_case(OsStr::new(name));
        assert_eq!(one("README"), one("readme"));
        assert_eq!(one("ÄRGER"), one("ärger"));
        assert_ne!(one("a"), one("ä"));
        assert_ne!(one_case(OsStr::from_bytes(b"\xff")), one("a"));
    }
}
