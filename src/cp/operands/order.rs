//! What is said of operands that are copied side by side, in the order in which they were given.

use super::super::workers::MOST_WAITING;
use crate::report::Messages;
use crate::report::messages::Record;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What was said of each, until its turn comes.
#[derive(Debug)]
pub(super) struct Order {
    state: Mutex<State>,
    has_said: Condvar,
}

#[derive(Debug)]
struct State {
    messages: Messages,
    /// The operand whose turn it is.
    next: usize,
    /// What was said of that one and each after it, also if that was nothing; `None` of those that are not done.
    waiting: VecDeque<Option<Record>>,
    /// Bytes of that.
    bytes: usize,
    /// Those that are left until all others are done.
    late: Vec<usize>,
    /// Workers that wait: where there is none, waking costs a system call for each operand all the same.
    ahead: usize,
}

impl State {
    /// Says what can be said now.
    fn say(&mut self) {
        while let Some(record) = self.waiting.front_mut().and_then(Option::take) {
            self.waiting.pop_front();
            self.bytes -= record.bytes();
            self.messages.replay(record);
            self.next += 1;
        }
    }
}

impl Order {
    /// `messages` says it all, what is said of the operand of number `next` first.
    pub(super) fn new(messages: Messages, next: usize) -> Order {
        let state = State { messages, next, waiting: VecDeque::new(), bytes: 0, late: Vec::new(), ahead: 0 };
        Order { state: Mutex::new(state), has_said: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An operand is done, and this is all that was said of it. Who is too far ahead waits for the others.
    pub(super) fn done(&self, at: usize, record: Record) {
        let mut state = self.state();
        state.bytes += record.bytes();
        let before = state.next;
        let place = at - before;
        if state.waiting.len() <= place {
            state.waiting.resize_with(place + 1, || None);
        }
        state.waiting[place] = Some(record);
        state.say();
        self.wake(&state, state.next != before);
        // Whoever has the one whose turn it is never waits.
        while state.bytes > MOST_WAITING && state.next <= at && !state.late.contains(&state.next) {
            state.ahead += 1;
            state = self.has_said.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.ahead -= 1;
        }
    }

    /// An operand is left until all others are done. What was said of later ones waits for it, and nobody does.
    pub(super) fn leave(&self, at: usize) {
        let mut state = self.state();
        state.late.push(at);
        self.wake(&state, true);
    }

    /// Those that were left, in their order.
    pub(super) fn left(&self) -> Vec<usize> {
        let mut left = std::mem::take(&mut self.state().late);
        left.sort_unstable();
        left
    }

    fn wake(&self, state: &State, is_due: bool) {
        if is_due && state.ahead > 0 {
            self.has_said.notify_all();
        }
    }

    /// The voice, when all is said.
    pub(super) fn into_messages(self) -> Messages {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).messages
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    fn said(bytes: usize) -> Record {
        Record::printed("x".repeat(bytes - 1))
    }

    #[test]
    fn what_is_said_of_later_ones_waits_and_nobody_gets_too_far_ahead() {
        let order = Order::new(Messages::recording("zccp"), 5);
        let (done, ends) = mpsc::channel();
        std::thread::scope(|scope| {
            order.done(7, said(2));
            assert_eq!(order.state().next, 5);
            let order = &order;
            scope.spawn(move || {
                order.done(6, said(MOST_WAITING));
                done.send(()).expect("it is listened to");
            });
            assert!(ends.recv_timeout(Duration::from_millis(50)).is_err(), "too much waits");
            order.done(5, Record::default());
            assert_eq!(ends.recv_timeout(Duration::from_secs(20)), Ok(()));
        });
        assert_eq!(order.state().next, 8);
        assert_eq!(order.state().bytes, 0);
        assert_eq!(order.into_messages().take_record().bytes(), MOST_WAITING + 2);
    }

    #[test]
    fn nobody_waits_for_what_is_left_until_the_others_are_done() {
        let order = Order::new(Messages::recording("zccp"), 0);
        order.leave(0);
        order.done(1, said(MOST_WAITING + 1));
        assert_eq!(order.state().next, 0);
        assert_eq!(order.left(), [0]);
        order.done(0, said(2));
        assert_eq!(order.into_messages().take_record().bytes(), MOST_WAITING + 3);
    }
}
