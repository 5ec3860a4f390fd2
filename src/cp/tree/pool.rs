//! What the workers of one tree share: work given away and not yet taken, who waits for some, and the order of what is said.

use super::super::apart::Places;
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

/// Part of a directory, for whoever has nothing to do.
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
    /// The source's root as a mere place, if it cannot be read: it has attributes all the same.
    pub(super) place: Option<BorrowedFd<'a>>,
    pub(super) destination: BorrowedFd<'a>,
    /// The directory that the operands' names are looked up from.
    pub(super) base: BorrowedFd<'a>,
    /// Bytes of the way from there to the root of the destination.
    pub(super) root_way: usize,
    /// Symbolic links lead to directories of the tree: on the way from the root they are followed again.
    pub(super) follows: bool,
    /// Directories that one worker keeps open.
    pub(super) open_at_once: usize,
    /// It may make a difference what is done first: the root was there before, or what is said tells.
    pub(super) onto_existing: bool,
    /// Which processors the workers run on.
    pub(super) places: Places,
    state: Mutex<State>,
    wake: Condvar,
    /// How many wait and have nothing given to them: looked at for every entry, so without a lock.
    hungry: AtomicUsize,
    reader: Mutex<Option<Reader>>,
    waiting: AtomicUsize,
    has_read: Condvar,
}

#[derive(Debug, Default)]
struct State {
    tasks: VecDeque<Task>,
    /// What is not to be taken before all that comes before it is done.
    held: Vec<Task>,
    workers: usize,
    idle: usize,
    over: bool,
}

impl<'a> Pool<'a> {
    /// For one worker, who is the caller.
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
            onto_existing: false,
            places: Places::new(),
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

    /// How many work or wait for work.
    pub(super) fn workers(&self) -> usize {
        self.state().workers
    }

    /// One worker more, or (`false`) the one that could not be started is none.
    pub(super) fn count_worker(&self, there: bool) {
        let mut state = self.state();
        state.workers = if there { state.workers + 1 } else { state.workers - 1 };
    }

    /// How many have work, or are about to take what was given away.
    pub(super) fn at_work(&self) -> usize {
        let state = self.state();
        state.workers - state.idle.saturating_sub(state.tasks.len())
    }

    /// Whether somebody waits for work.
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

    /// Gives away what nobody is to take before its turn comes: the turn of its passage to be read.
    pub(super) fn hold(&self, task: Task) {
        self.state().held.push(task);
    }

    /// What is held and starts with this passage is the next thing to be done.
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

    /// Work, or `None` when all is done. The oldest that was given away: what is nearest to the root.
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

    /// From now on several speak, in passages; `messages` says it all.
    pub(super) fn read_from(&self, messages: Messages, first: &Arc<Passage>) {
        *self.reader() = Some(Reader::new(messages, first));
    }

    /// The voice, when all is done and said.
    pub(super) fn take_messages(&self) -> Option<Messages> {
        let mut reader = self.reader().take()?;
        reader.read_on();
        Some(reader.into_messages())
    }

    /// Says it in its turn. Who is too far ahead waits until others have caught up.
    pub(super) fn say(&self, passage: &Arc<Passage>, record: Record) {
        self.waiting.fetch_add(record.bytes(), Ordering::Relaxed);
        passage.say(record);
        self.read_on(Some(passage));
    }

    /// Says all of a passage that nobody has begun, and waits for nobody: what comes before it may be the caller's to say.
    pub(super) fn say_whole(&self, passage: &Arc<Passage>, record: Record) {
        self.waiting.fetch_add(record.bytes(), Ordering::Relaxed);
        passage.begin();
        passage.say(record);
        passage.end();
        self.read_on(None);
    }

    /// Whether all that comes in the walk before what is said in `passage` now is done.
    pub(super) fn is_turn_of(&self, passage: &Arc<Passage>) -> bool {
        self.read_on(None);
        let reader = self.reader();
        let speaker = reader.as_ref().and_then(|reader| reader.speaker());
        speaker.is_none_or(|speaker| Arc::ptr_eq(speaker, passage))
    }

    /// Says what can be said now.
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
        let mut messages = Messages::recording("zccp");
        messages.print("x".repeat(bytes - 1));
        messages.take_record()
    }

    /// The last worker in a directory says what is to be said at its end while the passage that it speaks in itself, which
    /// comes before, is being read, and others are far ahead.
    #[test]
    fn what_is_said_at_the_end_of_a_directory_does_not_wait_for_who_says_it() {
        let [first, late, ahead] = [Passage::new(), Passage::new(), Passage::new()];
        let (done, ends) = mpsc::channel();
        // Not scoped: what waits for itself would be waited for.
        std::thread::spawn(move || {
            let pool = Pool::new(None, CWD, CWD, false, 2);
            pool.read_from(Messages::recording("zccp"), &first);
            pool.say(&ahead, said(MOST_WAITING + 1)); // nobody is at what comes before: it does not wait
            first.begin();
            pool.say_whole(&late, said(2));
            done.send(()).expect("it is listened to");
        });
        assert_eq!(ends.recv_timeout(Duration::from_secs(20)), Ok(()));
    }
}
