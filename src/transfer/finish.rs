//! Questions at the end of a copy: did the source become shorter, and has the reader read what is still the source's?

use super::trail::Shrank;
use crate::engine::End;
use crate::sys::facts::Facts;
use crate::sys::{pipe, socket};
use std::time::Duration;

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
/// write of the same bytes would have waited for the reader just as long.
pub(super) fn await_reader(sink: &End<'_>) {
    while holds_something(sink) {
        std::thread::sleep(LOOK_AGAIN);
    }
}

fn holds_something(sink: &End<'_>) -> bool {
    if sink.socket().is_some_and(|socket| socket.is_unix_stream()) {
        // A peer that closes drops what it has not read.
        return socket::unacknowledged(sink.fd).is_ok_and(|bytes| bytes > 0);
    }
    sink.is_pipe() && pipe::queued(sink.fd).is_ok_and(|bytes| bytes > 0) && pipe::has_reader(sink.fd)
}
