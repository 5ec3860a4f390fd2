//! The piece of input whose stops are all known before any of them is dealt with.

use super::number;
use super::scan::CHUNK;
use std::ops::Range;

/// Its bytes. (1024 and 4096 were measured: the one a few percent slower everywhere, the other with text.)
pub(super) const BATCH: usize = 2048;

/// Bytes seen behind it: a run of bytes that stand for themselves is copied by a length that is known, whatever its own is.
const AHEAD: usize = 128;

/// Bytes seen of the input at once.
pub(super) const WINDOW: usize = BATCH + AHEAD;

/// What is seen of the input at once.
pub(super) type Window = [u8; WINDOW];

/// A run's first bytes, which are copied without asking how many it has, where lines are as those of text are.
pub(super) const LONG_RUN: usize = AHEAD;

/// The same where there is a stop to every 16 bytes or less.
pub(super) const SHORT_RUN: usize = 32;

/// With so many bytes to a stop each chunk is asked whether it has one.
const SPARSE: usize = 512;

/// Bytes that a stop adds to the output at most, besides itself: a line's number, and what is shown for the byte.
pub(super) const EACH: usize = number::ROOM + 4;

/// Bytes behind what a batch becomes that are used as scratch: the number of a line that does not end in it, and a copy.
pub(super) const SCRATCH: usize = number::ROOM + 2 * AHEAD;

/// How far it is from stop to stop.
#[derive(Default)]
pub(super) struct Pace {
    /// So far that chunks are copied until one has a stop.
    pub(super) sparse: bool,
    /// So far that hardly a chunk has two.
    pub(super) few: bool,
    /// Bytes since that was judged.
    bytes: usize,
    /// The stops among them.
    stops: usize,
}

impl Pace {
    /// There were so many stops in so many bytes.
    pub(super) fn met(&mut self, stops: usize, bytes: usize) {
        self.bytes += bytes;
        self.stops += stops;
        if self.bytes >= BATCH {
            let [sparse, few] = [SPARSE, AHEAD].map(|distance| self.stops * distance <= self.bytes);
            *self = Pace { sparse, few, bytes: 0, stops: 0 };
        }
    }
}

/// How much of a batch of `len` bytes with these stops `room` bytes are enough for, and how many of the stops that leaves.
pub(super) fn fitting(stops: &[u16], mut len: usize, room: usize) -> (usize, usize) {
    let mut found = stops.len();
    while len + found * EACH > room {
        len /= 2;
        found = stops.partition_point(|stop| usize::from(*stop) < len);
    }
    (len, found)
}

/// Whether it is cheaper to look up each byte than to go from stop to stop.
pub(super) fn is_crowded(stops: usize, bytes: usize) -> bool {
    stops * 8 >= bytes * 3
}

/// Copies a run of a window's bytes to `out` from `given` on, and what is behind it up to `RUN` or [`AHEAD`] bytes more.
#[inline(always)] // it is a few instructions
pub(super) fn copy_run<const RUN: usize>(window: &Window, run: Range<usize>, out: &mut [u8], given: usize) {
    out[given..given + RUN].copy_from_slice(&window[run.start..run.start + RUN]);
    let mut copied = RUN;
    while copied < run.len() {
        let from = run.start + copied;
        out[given + copied..given + copied + AHEAD].copy_from_slice(&window[from..from + AHEAD]);
        copied += AHEAD;
    }
}

const _: () = assert!(BATCH.is_multiple_of(CHUNK) && BATCH + CHUNK <= u16::MAX as usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_has_room_for_all_its_stops() {
        let stops: Vec<u16> = (0..BATCH as u16).step_by(3).collect();
        for room in (30..BATCH * 12).step_by(7) {
            let (len, found) = fitting(&stops, BATCH, room);
            assert!(len > 0 && len + found * EACH <= room, "{room}: {len}, {found}");
            assert_eq!(found, stops.iter().filter(|stop| usize::from(**stop) < len).count(), "{room}");
        }
        assert_eq!(fitting(&stops, BATCH, BATCH * 12), (BATCH, stops.len()));
    }

    #[test]
    fn the_pace_is_judged_anew_with_every_batch() {
        let mut pace = Pace::default();
        let mut after = |stops, bytes| {
            pace.met(stops, bytes);
            (pace.sparse, pace.few)
        };
        assert_eq!(after(0, BATCH), (true, true));
        assert_eq!(after(9, CHUNK), (true, true), "too little to go by");
        assert_eq!(after(0, BATCH - CHUNK), (false, true), "one to 227 bytes");
        assert_eq!(after(BATCH / 60, BATCH), (false, false));
    }
}
