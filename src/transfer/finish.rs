//! Questions at the end of a copy: did the source become shorter, and has the reader read what is still the source's?

use super::trail::Shrank;
use crate::engine::{End, Peer};
use crate::sys::facts::Facts;
use crate::sys::{pipe, socket};
use std::time::{Duration, Instant};

/// A source that ended before the size it had is only called shorter if its size says so now: sizes lie (sysfs).
pub(super) fn shrank(source: &End<'_>, given: u64) -> Option<Shrank> {
    let from = source.facts.size.checked_sub(source.start)?;
    if !source.is_regular() || given >= from {
        return None;
    }
    let now = Facts::of(source.fd).ok()?;
    (now.size < source.facts.size).then_some(Shrank { from, to: given })
}

/// How long to wait before looking at the pipe again; poll(2) has no event for a pipe that is empty.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// While our reader's pipe or unix socket may hold pages of the source, until the reader has read them, or has gone. A
/// write of the same bytes would have waited for the reader just as long; for a peer of our own no longer than it may take
/// nothing, and what it says meanwhile is discarded.
pub(super) fn await_reader(sink: &End<'_>, peer: Option<Peer>) {
    let mut stalled = (Instant::now(), queued(sink));
    while stalled.1 > 0 {
        let patience = peer.and_then(|peer| peer.patience);
        if patience.is_some_and(|patience| stalled.0.elapsed() >= patience) {
            return; // that it does not close will be told
        }
        std::thread::sleep(LOOK_AGAIN);
        if peer.is_some() && socket::discard(sink.fd).is_err() {
            return; // it has gone
        }
        let now = queued(sink);
        if now != stalled.1 {
            stalled = (Instant::now(), now);
        }
    }
}

/// What our reader has not read, as far as it may still read it: bytes, or memory that holds them.
fn queued(sink: &End<'_>) -> u64 {
    if sink.socket().is_some_and(|socket| socket.is_unix_stream()) {
        // A peer that closes drops what it has not read.
        return socket::unacknowledged(sink.fd).unwrap_or(0);
    }
    if sink.is_pipe() && pipe::has_reader(sink.fd) { pipe::queued(sink.fd).unwrap_or(0) } else { 0 }
}
