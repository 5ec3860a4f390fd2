//! Giving work away: half of what is left in the directory nearest to the root, to who has nothing to do.

use super::super::source::Source;
use super::super::workers::Load;
use super::order::Passage;
use super::pool::Task;
use super::walk::{Frame, Walker};
use std::sync::Arc;

/// So many entries without a directory among them are worth giving away, or fewer that weigh as much: below that opening the
/// directory once more, and two workers making names in one directory, cost more than they save.
const WORTH_IT: usize = 64;

impl Frame {
    /// What is left in it, in small files.
    pub(super) fn weight(&self) -> usize {
        self.load.weight(self.end - self.next)
    }
}

impl Walker<'_, '_, '_> {
    /// What the entry at hand came to counts for what is left.
    pub(super) fn weigh(&mut self) {
        self.run.at_work = 1; // it holds for that entry alone, not for an operand that comes after the tree
        let moved = std::mem::take(&mut self.run.moved);
        if let Some(frame) = self.frames.last_mut() {
            frame.load = frame.load.with(moved);
        }
    }

    /// Gives half of what is left away, if there is enough.
    pub(super) fn share(&mut self) {
        let top = self.frames.len().saturating_sub(1);
        for at in 0..self.frames.len() {
            let frame = &self.frames[at];
            let left = frame.end - frame.next;
            let heavy = frame.load.is_heavy();
            let enough = frame.weight() >= WORTH_IT || left > 0 && frame.listing.has_directory(frame.next..frame.end);
            if !enough {
                continue;
            }
            // Of the innermost one the next entry is about to be copied already: of what is left half is kept, and no more than
            // that if it takes as long as each of them. Above it nothing is under way, and the last one may go as well.
            let kept = if at == top && !heavy { left.div_ceil(2) } else { left / 2 };
            if kept < left {
                return self.give(at, kept);
            }
        }
    }

    /// Gives everything away that is left, to whoever will have time: the file that this worker is about to copy takes long. If
    /// it is alone, and the others are as long, another worker may be worth it (`start`).
    pub(super) fn prepare_for_long(&mut self, source: &Source, start: &mut impl FnMut(&mut Self)) {
        if self.passage.is_none() && self.takes_long(source) {
            let load = self.frames.last().map(|frame| frame.load).unwrap_or_default();
            self.set_load(load.with(source.facts.size));
            start(self);
            self.set_load(load);
        }
        self.give_all();
        self.run.at_work = self.pool.at_work();
    }

    fn takes_long(&self, source: &Source) -> bool {
        let Some(frame) = self.frames.last() else { return false };
        let descriptors = frame.descriptors(self.pool);
        descriptors.is_ok_and(|(_, destination)| self.run.takes_long(source, (destination, frame.node.id.0)))
    }

    fn set_load(&mut self, load: Load) {
        if let Some(frame) = self.frames.last_mut() {
            frame.load = load;
        }
    }

    fn give_all(&mut self) {
        if self.passage.is_none() {
            return; // it is alone
        }
        self.give_down_to(self.frames.len());
    }

    fn give_down_to(&mut self, end: usize) {
        for at in 0..end {
            if self.frames[at].next < self.frames[at].end {
                self.give(at, 0);
            }
        }
    }

    /// Gives away what is left in a directory but for `kept` entries.
    fn give(&mut self, at: usize, kept: usize) {
        let task = self.part_of(at, kept);
        self.pool.give(task);
    }

    /// Gives everything away, the entry at hand as well: that is done in its turn, and what comes after it in its directory
    /// then too.
    pub(super) fn hold(&mut self) {
        if let Some(top) = self.frames.len().checked_sub(1) {
            self.give_down_to(top);
            self.frames[top].next -= 1;
            let task = self.part_of(top, 0);
            self.pool.hold(task);
        }
    }

    /// A part of a directory, to be given away: what is left in it but for `kept` entries.
    fn part_of(&mut self, at: usize, kept: usize) -> Task {
        let frame = &mut self.frames[at];
        let from = frame.next + kept;
        let passage = Passage::new();
        frame.given.push(Arc::clone(&passage));
        frame.node.add_part();
        let task = Task {
            node: Arc::clone(&frame.node),
            listing: Arc::clone(&frame.listing),
            entries: from..frame.end,
            passage,
        };
        frame.end = from;
        task
    }

    /// What was given away of a directory is heard here, after what was kept.
    pub(super) fn place_given(&mut self, frame: &mut Frame) {
        let Some(passage) = &self.passage else { return };
        while let Some(given) = frame.given.pop() {
            passage.insert(&given);
        }
    }
}
