//! Waiting for an end that is not ready: poll(2), never a spin.

use crate::engine::{End, Side};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use std::time::Duration;

/// After this many waits in a row that ended at once and moved nothing, poll's word is not enough: a socket with a
/// queued error, or a descriptor poll(2) calls ready while the call that was made does not. Then sleep between tries.
const AT_ONCE: u32 = 8;
/// The longest such sleep.
const LONGEST: Duration = Duration::from_millis(50);

/// Waits, and remembers whether waiting helps.
#[derive(Debug, Default)]
pub struct Readiness {
    in_a_row: u32,
}

impl Readiness {
    /// Something moved: poll is to be believed again.
    pub fn moved(&mut self) {
        self.in_a_row = 0;
    }

    /// Waits until `side` is ready, for ever if need be. Errors of poll(2) itself end the wait; the call that is then
    /// made again says what is wrong.
    pub fn wait(&mut self, side: Side, source: &End<'_>, sink: &End<'_>) {
        let read = (source, PollFlags::IN);
        let write = (sink, PollFlags::OUT);
        let ends: &[(&End<'_>, PollFlags)] = match side {
            Side::Source => &[read],
            Side::Sink => &[write],
            // The call did not tell which: a source with nothing to read first, then the sink.
            Side::Either => &[read, write],
        };
        for (end, flags) in ends {
            let mut waited_for = [PollFd::new(&end.fd, *flags)];
            while poll(&mut waited_for, None) == Err(Errno::INTR) {}
        }
        self.in_a_row += 1;
        if self.in_a_row > AT_ONCE {
            let millis = u64::from(self.in_a_row - AT_ONCE);
            std::thread::sleep(Duration::from_millis(millis).min(LONGEST));
        }
    }
}
