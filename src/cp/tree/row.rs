//! Several small files of one directory are made in a row, and filled after that.
//!
//! Making a name takes its directory's lock, and more than half of the time that a small file takes. Two workers in one directory
//! that make a file and fill it, one after the other, wait for each other at every one of them, and what the lock guards goes
//! from processor to processor each time. Making eight at once, by turns ([`Groups`](super::super::groups::Groups)), leaves one of
//! them the directory while the other reads and writes.
//!
//! 30,000 files in one directory, two workers, the time as against that of one file after the other:
//!
//! | | empty | 1 KiB | 4 KiB |
//! |---|---|---|---|
//! | xfs | 0.80 | 0.73 | 0.81 |
//! | ext4 | 0.94 | 0.92 | 0.94 |
//! | tmpfs | 0.88 | 0.87 | 0.86 |
//! | btrfs | 0.96 | | 0.99 |
//!
//! Sixteen gain no more than eight (from tmpfs to a new file system, medians of 3 or 5 runs in turn, Linux 6.18, 2 Intel
//! processors; `cargo bench --bench compare -- tree/flat` has the rivals beside it). Eight workers on the two processors take
//! a little longer with rows: ext4 1.09 (least 1.01), xfs 1.15 (1.08). A worker that is alone needs none.

use super::super::Run;
use super::super::file;
use super::super::options::Make;
use super::super::source::{self, Hint, Source};
use super::node::Node;
use super::pool::Pool;
use super::walk::Walker;
use crate::sys::facts::Kind;
use crate::transfer::endpoint::SMALL_FILE;
use std::os::fd::OwnedFd;

/// Files made in a row, at most.
pub(super) const MOST: usize = 8;

/// A file of a row.
struct Looked {
    at: usize,
    source: Source,
    /// See [`Run::foreseen`].
    foreseen: Option<u64>,
}

impl Node {
    /// Whether what this directory gets of that source is made without a look at what is there.
    pub(super) fn takes_for_new(&self, run: &Run<'_>, pool: &Pool<'_>, source: &Source) -> bool {
        let options = run.options;
        self.is_new()
            && !options.dry_run
            && options.make == Make::Copy
            && !(options.preserve.links && (source.facts.links > 1 || pool.follows))
    }
}

impl Walker<'_, '_, '_> {
    /// Whether this entry is made in a row with files that come after it.
    pub(super) fn begins_a_row(&self, source: &Source) -> bool {
        let options = self.run.options;
        // What is said of each file, or counted for each, is said while it is copied.
        let silent = !options.debug && !options.explain && self.run.watch.json().is_none();
        let in_company = self.passage.is_some() && self.pool.files_at_once > 1 && !self.pool.onto_existing;
        in_company && silent && self.run.limit.is_none() && self.is_for_a_row(source)
    }

    fn is_for_a_row(&self, source: &Source) -> bool {
        let facts = &source.facts;
        let small = source.opened.is_ok() && facts.kind == Kind::Regular && facts.size <= SMALL_FILE;
        let frame = self.frames.last();
        small && frame.is_some_and(|frame| frame.node.takes_for_new(self.run, self.pool, source))
    }

    /// Copies a file and those that come after it.
    pub(super) fn row(&mut self, at: usize, source: Source, turn: &mut dyn FnMut(&mut Self)) {
        let mut row = Vec::with_capacity(MOST);
        row.push(Looked { at, source, foreseen: self.run.foreseen.take() });
        let mut other = None;
        while row.len() < self.pool.files_at_once
            && let Some(next) = self.look_ahead()
        {
            if !self.is_for_a_row(&next.source) {
                other = Some(next);
                break;
            }
            row.push(next);
        }
        let made = self.make(&row);
        for (file, made) in row.into_iter().zip(made) {
            self.run.foreseen = file.foreseen;
            match made {
                Some(made) => self.fill(file, made),
                None => self.looked_at(file.at, file.source, turn),
            }
            self.tell();
        }
        if let Some(other) = other {
            self.run.foreseen = other.foreseen;
            self.looked_at(other.at, other.source, turn);
        }
    }

    /// The next entry, if it is a file and nothing is wrong with it; otherwise it is left to be looked at in its turn.
    fn look_ahead(&mut self) -> Option<Looked> {
        let Walker { run, frames, shown, pool, .. } = self;
        let frame = frames.last_mut()?;
        let at = frame.next;
        if at == frame.end || frame.listing.entry(at).1 != Kind::Regular {
            return None;
        }
        let (from, _) = frame.places(shown, pool, at).ok()?;
        let source = source::look(run, &from, false, Hint { kind: Some(Kind::Regular), may_stay: false }).ok()?;
        let foreseen = run.foreseen.take();
        source.opened.is_ok().then(|| {
            frame.next += 1;
            Looked { at, source, foreseen }
        })
    }

    /// Makes them, all those at whose names nothing is.
    fn make(&self, row: &[Looked]) -> Vec<Option<OwnedFd>> {
        let Walker { run, frames, shown, pool, .. } = self;
        let Some(frame) = frames.last() else { return Vec::new() };
        let _turn = run.groups.turn_for_file(frame.node.id);
        let make = |file: &Looked| {
            let (_, to) = frame.places(shown, pool, file.at).ok()?;
            file::make_new(run, &to, &file.source)
        };
        row.iter().map(make).collect()
    }

    fn fill(&mut self, file: Looked, made: OwnedFd) {
        let Walker { run, frames, shown, pool, .. } = self;
        if let Some(frame) = frames.last()
            && let Ok((from, to)) = frame.places(shown, pool, file.at)
        {
            file::fill_new(run, &from, &to, file.source, made);
        }
        self.run.come_upon();
        self.weigh();
    }
}
