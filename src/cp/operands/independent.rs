//! Which of several operands have nothing to do with each other, so that it makes no difference which is copied first.
//!
//! Each operand is looked at before the first of them is copied. Only a regular file that is there by then, or a symbolic link
//! that is copied as one, can be independent. What is not there may come to be there by the copy of another operand, because a
//! symbolic link leads to that one's destination; and a FIFO may be opened once only, or its writer believes that it was read.
//!
//! Where nothing stands at any of the destinations, nothing is written to that was there and is another operand's source: then
//! it is enough that the names differ. That there is nothing is seen by reading the directory. Otherwise, and where several
//! names of one file are to stay that, or directories are copied, what stands at each destination is looked at too, and neither
//! that nor the source may be another operand's source or destination by any other name.
//!
//! Everything else is copied in its turn: nothing before it is left to be done then, and nothing after it is begun.

use super::super::Run;
use super::super::directory::Id;
use super::Several;
use super::called::Called;
use crate::sys::facts::{Facts, Kind};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::ops::Range;
use std::os::fd::AsRawFd as _;

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
    called: Called,
    /// The devices that they are on, and the one of their destination.
    pub(super) devices: Vec<u64>,
}

impl Found {
    /// What the operand of this number has to do with the others.
    pub(super) fn tie(&self, at: usize) -> Tie {
        self.ties[at - self.first]
    }

    /// Looks again at those from this one on that were independent of each other. A tree that was copied since may have put
    /// other files in the place of those that they led to.
    pub(super) fn look_again(&mut self, run: &Run<'_>, several: &Several<'_>, at: usize) {
        let again = at..at + self.independent(at);
        let ties = by_looking(run, several, again.clone(), &self.called, &mut self.devices);
        self.ties.splice(again.start - self.first..again.end - self.first, ties);
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
    let mut devices = Vec::new();
    if let Ok(facts) = Facts::at(several.directory, OsStr::new("."), true) {
        note(&mut devices, facts.device);
        if several.directory.as_raw_fd() >= 0 {
            run.learned.file_system(several.directory, facts.device);
        }
    }
    let options = run.options;
    let sources_matter = options.recursive || options.preserve.links;
    let ties = if !sources_matter && called.none_is_in(several.directory, first) {
        by_names(run, several, first, &called, &mut devices)
    } else {
        by_looking(run, several, first..several.len(), &called, &mut devices)
    };
    Found { first, ties, called, devices }
}

/// Where nothing stands at the destinations.
fn by_names(run: &Run<'_>, several: &Several<'_>, first: usize, called: &Called, devices: &mut Vec<u64>) -> Vec<Tie> {
    let mut tie = |at| {
        let source = several.places(run, at).0.facts(run.options.follows(true));
        source.iter().for_each(|source| note(devices, source.device));
        match source {
            // A directory is refused without -r, whatever is done before or after.
            Ok(Facts { kind: Kind::Regular | Kind::Symlink | Kind::Directory, .. })
                if called.alone(several.source(run, at)) =>
            {
                Tie::New
            }
            _ => Tie::InTurn,
        }
    };
    (first..several.len()).map(&mut tie).collect()
}

fn by_looking(
    run: &Run<'_>,
    several: &Several<'_>,
    operands: Range<usize>,
    called: &Called,
    devices: &mut Vec<u64>,
) -> Vec<Tie> {
    let mut pairs = Vec::with_capacity(operands.len());
    for at in operands {
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

/// Notes a device, of which there are few.
fn note(devices: &mut Vec<u64>, device: u64) {
    if !devices.contains(&device) {
        devices.push(device);
    }
}

fn pair(run: &Run<'_>, several: &Several<'_>, at: usize, only: bool, devices: &mut Vec<u64>) -> Pair {
    let (from, to) = several.places(run, at);
    let (source, there) = (from.facts(run.options.follows(true)), to.facts(false));
    let tie = match (&source, &there) {
        _ if !only => Tie::InTurn,
        (Ok(Facts { kind: Kind::Regular | Kind::Symlink, .. }), Err(Errno::NOENT)) => Tie::New,
        (Ok(Facts { kind: Kind::Regular | Kind::Symlink, .. }), Ok(there)) if is_one_name(there) => Tie::Replaces,
        _ => Tie::InTurn,
    };
    source.iter().for_each(|source| note(devices, source.device));
    Pair { source: source.ok().map(|source| source.id()), there: there.ok().map(|there| there.id()), tie }
}

/// Whether nothing else leads to what stands there.
fn is_one_name(there: &Facts) -> bool {
    there.kind == Kind::Regular && there.links <= 1
}
