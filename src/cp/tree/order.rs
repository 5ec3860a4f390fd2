//! Puts messages into the order of the walk, whichever worker writes them and when.
//!
//! Each worker writes its messages into a passage. Where it gives away part of its work, it inserts the passage of that part
//! at the part's place in the walk. The reader goes through the passages from the first one on and prints what has its turn;
//! later messages wait.

use crate::report::Messages;
use crate::report::messages::Record;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The messages about one part of the work.
#[derive(Debug, Default)]
pub(super) struct Passage {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pieces: VecDeque<Piece>,
    /// A worker has begun to write into it.
    begun: bool,
    /// Nothing more will be written into it.
    ended: bool,
}

#[derive(Debug)]
enum Piece {
    Said(Record),
    Inside(Arc<Passage>),
}

impl Passage {
    /// A passage that no worker has begun yet.
    pub(super) fn new() -> Arc<Passage> {
        Arc::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self) {
        self.state().begun = true;
    }

    pub(super) fn say(&self, record: Record) {
        self.state().pieces.push_back(Piece::Said(record));
    }

    /// Inserts the passage of another part of the work: its messages come here.
    pub(super) fn insert(&self, inside: &Arc<Passage>) {
        self.state().pieces.push_back(Piece::Inside(Arc::clone(inside)));
    }

    pub(super) fn end(&self) {
        self.state().ended = true;
    }
}

/// Prints the messages of all passages, in order.
#[derive(Debug)]
pub(super) struct Reader {
    messages: Messages,
    /// The passages that are being read, the innermost last.
    open: Vec<Arc<Passage>>,
}

impl Reader {
    pub(super) fn new(messages: Messages, first: &Arc<Passage>) -> Reader {
        Reader { messages, open: vec![Arc::clone(first)] }
    }

    /// Prints what has its turn, and returns how many bytes that were.
    pub(super) fn read_on(&mut self) -> usize {
        let mut bytes = 0;
        while let Some(passage) = self.open.last().cloned() {
            let mut state = passage.state();
            match state.pieces.pop_front() {
                Some(Piece::Said(record)) => {
                    drop(state);
                    bytes += record.bytes();
                    self.messages.replay(record);
                }
                Some(Piece::Inside(inside)) => {
                    // Nothing comes after what was given away last: no need to come back.
                    if state.ended && state.pieces.is_empty() {
                        self.open.pop();
                    }
                    self.open.push(inside);
                }
                None if state.ended => _ = self.open.pop(),
                None => break,
            }
        }
        bytes
    }

    /// Whether the next message has to come from another worker than the one that writes into `passage`.
    pub(super) fn waits_for_another(&self, passage: &Arc<Passage>) -> bool {
        self.speaker().is_some_and(|open| !Arc::ptr_eq(open, passage) && open.state().begun)
    }

    /// The passage that is being read.
    pub(super) fn speaker(&self) -> Option<&Arc<Passage>> {
        self.open.last()
    }

    /// The passage that is being read, if no worker has begun it.
    pub(super) fn waits_for(&self) -> Option<&Arc<Passage>> {
        self.speaker().filter(|open| !open.state().begun)
    }

    pub(super) fn into_messages(self) -> Messages {
        self.messages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_later_in_the_walk_waits() {
        let [first, inside, last] = [Passage::new(), Passage::new(), Passage::new()];
        let mut reader = Reader::new(Messages::recording("zccp"), &first);
        [&first, &last].into_iter().for_each(|passage| passage.begin());
        first.say(Record::printed("a"));
        first.insert(&inside);
        first.insert(&last);
        first.end();
        last.say(Record::printed("d"));
        last.end();
        assert_eq!(reader.read_on(), 2, "only a: the next passage is not even begun");
        assert!(!reader.waits_for_another(&last));
        inside.begin();
        assert!(reader.waits_for_another(&last) && !reader.waits_for_another(&inside));
        inside.say(Record::printed("b"));
        assert_eq!(reader.read_on(), 2);
        inside.say(Record::printed("c"));
        inside.end();
        assert_eq!(reader.read_on(), 4, "c, and d, which has waited");
        assert!(reader.open.is_empty());
    }
}
