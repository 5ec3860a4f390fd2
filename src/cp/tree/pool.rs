//! What the workers of one tree share: work that was given away and not yet taken, the number of idle workers, and the order
//! of messages.

use super::super::apart::Processors;
use super::super::workers::MOST_WAITING;
use super::listing::Listing;
use super::node::Node;
use super::order::{Passage, Reader};
use crate::report::Messages;
use crate::report::messages::Record;
use std::collections::VecDeque;
use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Part of a directory, for an idle worker.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) node: Arc<Node>,
    pub(super) listing: Arc<Listing>,
    pub(super) entries: Range<usize>,
    pub(super) passage: Arc<Passage>,
}

/// What the workers of one tree share.
#[derive(Debug)]
pub(super) struct Pool<'a> {
    /// The source's root, if it is read.
    pub(super) source: Option<BorrowedFd<'a>>,
    /// The source's root as a mere place (O_PATH) if it cannot be read: its attributes can be.
    pub(super) place: Option<BorrowedFd<'a>>,
    pub(super) destination: BorrowedFd<'a>,
    /// The directory that the operands' names are looked up from.
    pub(super) base: BorrowedFd<'a>,
    /// Length of the path from `base` to the root of the destination, bytes.
    pub(super) root_way: usize,
    /// Whether symbolic links may lead to directories of the tree, so that they are followed when one is opened again.
    pub(super) follows: bool,
    /// How many directories one worker keeps open.
    pub(super) open_at_once: usize,
    /// How many files one worker may have open at once.
    pub(super) files_at_once: usize,
    /// Whether the order of copying can be seen afterwards: the root was there before, or messages tell the order.
    pub(super) onto_existing: bool,
    /// Which processors the workers run on.
    pub(super) processors: Processors,
    state: Mutex<State>,
    wake: Condvar,
    /// How many workers are idle and no task waits for them. Read before every entry, so without a lock.
    hungry: AtomicUsize,
    reader: Mutex<Option<Reader>>,
    waiting: AtomicUsize,
    has_read: Condvar,
}

#[derive(Debug, Default)]
struct State {
    tasks: VecDeque<Task>,
    /// Tasks that nobody may take before everything ahead of them in the walk is done.
    held: Vec<Task>,
    workers: usize,
    idle: usize,
    over: bool,
}

impl<'a> Pool<'a> {
    /// For one worker, the caller.
    pub(super) fn new(
        source: Option<BorrowedFd<'a>>,
        destination: BorrowedFd<'a>,
        base: BorrowedFd<'a>,
        follows: bool,
        open_at_once: usize,
    ) -> Pool<'a> {
        Pool {
            source,
            place: None,
            destination,
            base,
            root_way: 0,
            follows,
            open_at_once,
            files_at_once: 1,
            onto_existing: false,
            processors: Processors::new(),
            state: Mutex::new(State { workers: 1, ..State::default() }),
            wake: Condvar::new(),
            hungry: AtomicUsize::new(0),
            reader: Mutex::new(None),
            waiting: AtomicUsize::new(0),
            has_read: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reader(&self) -> MutexGuard<'_, Option<Reader>> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many workers there are, busy or idle.
    pub(super) fn workers(&self) -> usize {
        self.state().workers
    }

    /// Counts one worker more (`true`), or takes back one that could not be started (`false`).
    pub(super) fn count_worker(&self, there: bool) {
        let mut state = self.state();
        state.workers = if there { state.workers + 1 } else { state.workers - 1 };
    }

    /// How many workers are busy, or about to take a task.
    pub(super) fn at_work(&self) -> usize {
        let state = self.state();
        state.workers - state.idle.saturating_sub(state.tasks.len())
    }

    /// Whether a worker is idle and no task waits for it.
    pub(super) fn is_hungry(&self) -> bool {
        self.hungry.load(Ordering::Relaxed) > 0
    }

    fn count_hungry(&self, state: &State) {
        self.hungry.store(state.idle.saturating_sub(state.tasks.len()), Ordering::Relaxed);
    }

    pub(super) fn give(&self, task: Task) {
        let mut state = self.state();
        state.tasks.push_back(task);
        self.count_hungry(&state);
        drop(state);
        self.wake.notify_one();
    }

    /// Gives away a task that nobody may take before its passage is the one to be read.
    pub(super) fn hold(&self, task: Task) {
        self.state().held.push(task);
    }

    /// Makes the held task with this passage the next one to be taken.
    fn release(&self, passage: &Arc<Passage>) {
        let mut state = self.state();
        if let Some(at) = state.held.iter().position(|task| Arc::ptr_eq(&task.passage, passage)) {
            let task = state.held.swap_remove(at);
            state.tasks.push_front(task);
            self.count_hungry(&state);
            drop(state);
            self.wake.notify_one();
        }
    }

    /// Waits for a task; `None` when all is done. Takes the oldest, which is mostly the nearest to the root.
    pub(super) fn take(&self) -> Option<Task> {
        let mut state = self.state();
        state.idle += 1;
        loop {
            if let Some(task) = state.tasks.pop_front() {
                state.idle -= 1;
                self.count_hungry(&state);
                return Some(task);
            }
            if state.over || state.idle == state.workers {
                state.over = true;
                self.wake.notify_all();
                return None;
            }
            self.count_hungry(&state);
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// From now on messages go through passages, beginning with `first`, and are printed by `messages`.
    pub(super) fn read_from(&self, messages: Messages, first: &Arc<Passage>) {
        *self.reader() = Some(Reader::new(messages, first));
    }

    /// Prints the rest when all is done, and returns what printed it.
    pub(super) fn take_messages(&self) -> Option<Messages> {
        let mut reader = self.reader().take()?;
        reader.read_on();
        Some(reader.into_messages())
    }

    /// Writes `record` into `passage`, to be printed in its turn. A worker that is too far ahead waits here until the others have
    /// caught up.
    pub(super) fn say(&self, passage: &Arc<Passage>, record: Record) {
        self.waiting.fetch_add(record.bytes(), Ordering::Relaxed);
        passage.say(record);
        self.read_on(Some(passage));
    }

    /// Writes all of a passage that no worker has begun. It never waits: the messages ahead of it may be the caller's own.
    pub(super) fn say_whole(&self, passage: &Arc<Passage>, record: Record) {
        self.waiting.fetch_add(record.bytes(), Ordering::Relaxed);
        passage.begin();
        passage.say(record);
        passage.end();
        self.read_on(None);
    }

    /// Whether everything that comes in the walk before the next message of `passage` is done.
    pub(super) fn is_turn_of(&self, passage: &Arc<Passage>) -> bool {
        self.read_on(None);
        let reader = self.reader();
        let speaker = reader.as_ref().and_then(|reader| reader.speaker());
        speaker.is_none_or(|speaker| Arc::ptr_eq(speaker, passage))
    }

    /// Prints what has its turn. With `speaker`, the passage of the caller, it waits while the caller is too far ahead.
    pub(super) fn read_on(&self, speaker: Option<&Arc<Passage>>) {
        let mut reader = self.reader();
        if let Some(reader) = reader.as_mut() {
            let read = reader.read_on();
            if read > 0 {
                self.waiting.fetch_sub(read, Ordering::Relaxed);
                self.has_read.notify_all();
            }
            if let Some(passage) = reader.waits_for() {
                self.release(passage);
            }
        }
        let is_ahead = |reader: &Option<Reader>| {
            let waits = |passage| reader.as_ref().is_some_and(|reader| reader.waits_for_another(passage));
            self.waiting.load(Ordering::Relaxed) > MOST_WAITING && speaker.is_some_and(waits)
        };
        while is_ahead(&reader) {
            reader = self.has_read.wait(reader).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::CWD;
    use std::sync::mpsc;
    use std::time::Duration;

    fn said(bytes: usize) -> Record {
        Record::printed("x".repeat(bytes - 1))
    }

    /// The last worker in a directory writes the messages about its end while its own passage, which comes before, is being
    /// read, and others are far ahead: it must not wait for itself.
    #[test]
    fn what_is_said_at_the_end_of_a_directory_does_not_wait_for_who_says_it() {
        let [first, late, ahead] = [Passage::new(), Passage::new(), Passage::new()];
        let (done, ends) = mpsc::channel();
        // Not scoped: what waits for itself would be waited for.
        std::thread::spawn(move || {
            let pool = Pool::new(None, CWD, CWD, false, 2);
            pool.read_from(Messages::recording("zccp"), &first);
            pool.say(&ahead, said(MOST_WAITING + 1)); // nobody has begun what comes before: it does not wait
            first.begin();
            pool.say_whole(&late, said(2));
            done.send(()).expect("it is listened to");
        });
        assert_eq!(ends.recv_timeout(Duration::from_secs(20)), Ok(()));
    }
}
