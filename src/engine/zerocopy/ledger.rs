//! Which buffers the kernel may still be reading: sends on one side, notifications on the other. Pure.

use crate::sys::zerocopy::Completion;
use std::collections::VecDeque;

/// The flagged sends that are not known to be done with, oldest first.
///
/// The kernel numbers a socket's flagged sends with a counter that wraps at 2³², that cannot be asked for, and that does
/// not start at 0 on a socket that was sent to before. So the first send of a session has to be completed alone: what
/// number it had is known then, and [`Ledger::is_open`] says whether another may follow.
#[derive(Debug, Default)]
pub struct Ledger {
    /// The number of the oldest send in `sends`, or of the next one when there is none; unknown before the first
    /// notification.
    oldest: Option<u32>,
    sends: VecDeque<Sent>,
}

#[derive(Debug)]
struct Sent {
    buffer: usize,
    done: bool,
}

impl Ledger {
    /// Whether a flagged send may be made now.
    pub fn is_open(&self) -> bool {
        self.numbers_known() || self.sends.is_empty()
    }

    /// Whether the first notification has come.
    pub fn numbers_known(&self) -> bool {
        self.oldest.is_some()
    }

    /// A flagged send was made from that buffer.
    pub fn sent(&mut self, buffer: usize) {
        self.sends.push_back(Sent { buffer, done: false });
    }

    /// A notification came; returns how many sends it is about that were not done with before.
    ///
    /// Notifications are about ranges of sends and may come in any order.
    pub fn completed(&mut self, completion: Completion) -> u64 {
        if self.sends.is_empty() {
            return 0;
        }
        // Nothing was under way when the first send was made, so the newest send of the first notification is that one.
        let oldest = *self.oldest.get_or_insert(completion.last);
        let span = completion.last.wrapping_sub(completion.first);
        let mut newly = 0;
        let mut number = oldest;
        for sent in &mut self.sends {
            if !sent.done && number.wrapping_sub(completion.first) <= span {
                sent.done = true;
                newly += 1;
            }
            number = number.wrapping_add(1);
        }
        while self.sends.front().is_some_and(|sent| sent.done) {
            self.sends.pop_front();
            self.oldest = self.oldest.map(|oldest| oldest.wrapping_add(1));
        }
        newly
    }

    /// Whether the kernel may still be reading from that buffer.
    pub fn holds(&self, buffer: usize) -> bool {
        self.sends.iter().any(|sent| !sent.done && sent.buffer == buffer)
    }

    /// Whether every send is done with.
    pub fn is_settled(&self) -> bool {
        self.sends.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: u32, last: u32) -> Completion {
        Completion { first, last, copied: false }
    }

    /// A ledger whose next send has the number `next`.
    fn ledger_at(next: u32) -> Ledger {
        let mut ledger = Ledger::default();
        ledger.sent(0);
        assert_eq!(ledger.completed(range(next.wrapping_sub(1), next.wrapping_sub(1))), 1);
        assert!(ledger.is_settled());
        ledger
    }

    #[test]
    fn the_first_send_is_alone_until_its_number_is_known() {
        let mut ledger = Ledger::default();
        assert!(ledger.is_open());
        ledger.sent(3);
        assert!(!ledger.is_open() && ledger.holds(3) && !ledger.holds(0));
        assert_eq!(ledger.completed(range(41, 41)), 1);
        assert!(ledger.is_open() && ledger.is_settled() && !ledger.holds(3));
        ledger.sent(1);
        assert!(ledger.is_open());
        assert_eq!(ledger.completed(range(41, 41)), 0); // an old number
        assert!(ledger.holds(1));
        assert_eq!(ledger.completed(range(42, 42)), 1);
        assert!(ledger.is_settled());
    }

    #[test]
    fn a_range_wraps() {
        let mut ledger = ledger_at(0xffff_fffe);
        for buffer in 0..4 {
            ledger.sent(buffer); // 0xfffffffe, 0xffffffff, 0, 1
        }
        assert_eq!(ledger.completed(range(0xffff_ffff, 0)), 2);
        assert_eq!([0, 1, 2, 3].map(|buffer| ledger.holds(buffer)), [true, false, false, true]);
        assert_eq!(ledger.completed(range(0xffff_fffe, 0xffff_fffe)), 1);
        assert!(!ledger.is_settled());
        assert_eq!(ledger.completed(range(1, 1)), 1);
        assert!(ledger.is_settled());
        ledger.sent(0); // 2
        assert_eq!(ledger.completed(range(0xffff_fffe, 1)), 0);
        assert_eq!(ledger.completed(range(2, 2)), 1);
    }

    #[test]
    fn single_numbers_wrap() {
        let mut ledger = ledger_at(0xffff_ffff);
        for (buffer, number) in [0xffff_ffff, 0, 1].into_iter().enumerate() {
            ledger.sent(buffer);
            assert_eq!(ledger.completed(range(number, number)), 1);
            assert!(ledger.is_settled());
        }
    }

    #[test]
    fn ranges_come_in_any_order_and_overlap() {
        let mut ledger = ledger_at(10);
        for buffer in [0, 1, 2, 0, 1, 2] {
            ledger.sent(buffer); // 10..=15
        }
        assert_eq!(ledger.completed(range(13, 15)), 3);
        assert!(ledger.holds(0) && ledger.holds(1) && ledger.holds(2));
        assert_eq!(ledger.completed(range(11, 13)), 2);
        assert_eq!([0, 1, 2].map(|buffer| ledger.holds(buffer)), [true, false, false]);
        assert_eq!(ledger.completed(range(10, 10)), 1);
        assert!(ledger.is_settled());
    }

    #[test]
    fn a_buffer_sent_from_twice_is_held_until_both_are_done() {
        let mut ledger = ledger_at(0);
        ledger.sent(5);
        ledger.sent(5);
        assert_eq!(ledger.completed(range(1, 1)), 1);
        assert!(ledger.holds(5));
        assert_eq!(ledger.completed(range(0, 0)), 1);
        assert!(!ledger.holds(5));
    }
}
