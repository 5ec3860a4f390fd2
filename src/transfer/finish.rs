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
    (now.size < source.facts.size).then_some(Shrank { from, to: given, perhaps_cleared: 0 })
}

/// Pages of the source that were passed by reference and may be unread: in the sink, until as many bytes have followed by
/// value as it holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pages {
    /// The last of them ended at this byte.
    pub to: u64,
    /// Bytes given in all.
    pub given: u64,
    /// Bytes that wait in the sink at most, as far as the plan knew.
    pub by_value: u64,
}

/// How long to wait before looking at the pipe again; poll(2) has no event for a pipe that is empty.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

impl Pages {
    /// While our reader's pipe or socket may hold some of them, until the reader has read them (over TCP: has acknowledged
    /// them), or has gone. A write of the same bytes would have waited for the reader just as long; for a peer of our own no longer than it may take
    /// nothing, and what it says meanwhile is discarded.
    pub(super) fn await_reader(&self, sink: &End<'_>, peer: Option<Peer>) {
        let mut stalled = (Instant::now(), self.unread(sink));
        while stalled.1 > 0 {
            let patience = peer.and_then(|peer| peer.patience);
            if patience.is_some_and(|patience| stalled.0.elapsed() >= patience) {
                return; // that it does not close will be told
            }
            std::thread::sleep(LOOK_AGAIN);
            if peer.is_some() && socket::discard(sink.fd).is_err() {
                return; // it has gone
            }
            let now = self.unread(sink);
            if now != stalled.1 {
                stalled = (Instant::now(), now);
            }
        }
    }

    /// How much our reader may still read of them and of what is before them; of a unix socket, memory that holds it. It is
    /// none unless the source ended before its last part could go by value, or a reader has made the pipe larger meanwhile
    /// (F_SETPIPE_SZ), so that it holds more than went by value.
    fn unread(&self, sink: &End<'_>) -> u64 {
        let followed = self.given - self.to;
        if sink.is_pipe() {
            let queued = pipe::queued(sink.fd).unwrap_or(0).saturating_sub(followed);
            return if queued > 0 && pipe::has_reader(sink.fd) { queued } else { 0 };
        }
        let Some(socket) = sink.socket().filter(|socket| socket.stream && followed < self.by_value) else { return 0 };
        let queued = socket::unacknowledged(sink.fd).unwrap_or(0);
        if socket.is_unix_stream() {
            return queued; // a peer that closes drops what it has not read
        }
        // TCP: what has left by a device and was acknowledged is no page of ours. (What a receiver on this machine has in its
        // queue is not seen from here; therefore pages go to it only where that was asked for: `super::plan`.)
        let unread = queued.saturating_sub(followed);
        if unread > 0 && !socket::is_over(sink.fd) { unread } else { 0 }
    }

    /// Of the bytes given: up to how many lay behind the end that the source has now, and waited to be read, in the sink or in
    /// a private pipe, when it was cut short. The kernel clears what a page (a folio: up to 2 MiB) has behind the new end,
    /// wherever it is; whole ones that lie behind it are let go of as they are (fs: truncate_inode_pages_range).
    pub(super) fn perhaps_cleared(&self, source: &End<'_>, sink: &End<'_>, private: Option<u64>) -> u64 {
        let Ok(now) = Facts::of(source.fd) else { return 0 };
        let end = now.size.saturating_sub(source.start);
        let held = if sink.is_pipe() { pipe::capacity(sink.fd).unwrap_or(0) } else { 0 };
        let waited = self.by_value.max(held) + private.unwrap_or(0);
        self.to.saturating_sub(end.max(self.to.saturating_sub(waited)))
    }
}
