//! Giving work away: half of what is left in the directory nearest to the root goes to an idle worker.

use super::super::source::Source;
use super::super::workers::Load;
use super::order::Passage;
use super::pool::Task;
use super::walk::{Frame, Walker};
use std::sync::Arc;

/// So many entries are worth giving away though there is no directory among them, or fewer that weigh as much. With fewer,
/// opening the directory once more and two workers making names in one directory cost more than they save.
const WORTH_IT: usize = 64;

impl Frame {
    /// How much is left to copy in it, counted in small files.
    pub(super) fn weight(&self) -> usize {
        self.load.weight(self.end - self.next)
    }
}

impl Walker<'_, '_, '_> {
    /// Counts what had to be moved for the entry just copied, as an estimate for those that are left.
    pub(super) fn weigh(&mut self) {
        self.run.at_work = 1; // the count held for that entry alone, not for an operand that comes after the tree
        let moved = std::mem::take(&mut self.run.moved);
        if let Some(frame) = self.frames.last_mut() {
            frame.load = frame.load.with(moved);
        }
    }

    /// Gives away half of what is left, if that is enough.
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
            // Of the innermost directory an entry is just about to be copied. Where entries are heavy it counts as one of the
            // kept half. In the directories above nothing is under way, and even the last entry may be given away.
            let kept = if at == top && !heavy { left.div_ceil(2) } else { left / 2 };
            if kept < left {
                return self.give(at, kept);
            }
        }
    }

    /// Gives away everything that is left, because the file that this worker is about to copy takes long. If it is alone, and the
    /// other files are as long, another worker may be worth starting (`start`).
    pub(super) fn prepare_for_long(&mut self, source: &Source, start: &mut dyn FnMut(&mut Self)) {
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

    /// Gives away everything, the entry at hand included. That entry, and what follows it in its directory, is then copied when
    /// its turn has come ([`Pool::hold`](super::pool::Pool::hold)).
    pub(super) fn hold(&mut self) {
        if let Some(top) = self.frames.len().checked_sub(1) {
            self.give_down_to(top);
            self.frames[top].next -= 1;
            let task = self.part_of(top, 0);
            self.pool.hold(task);
        }
    }

    /// Splits off the part of a directory that is to be given away: what is left in it but for `kept` entries.
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

    /// Inserts the passages of what was given away of a directory after the messages about what was kept.
    pub(super) fn place_given(&mut self, frame: &mut Frame) {
        let Some(passage) = &self.passage else { return };
        while let Some(given) = frame.given.pop() {
            passage.insert(&given);
        }
    }
}
