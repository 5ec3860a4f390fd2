//! Which bytes ask for attention: a bit for each of a chunk's, without a branch for each.

use crate::sys::lanes::{LANES, equal, outside};

/// Bytes looked at together.
pub(super) const CHUNK: usize = LANES;

/// The bytes that ask for attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stops {
    /// The newline.
    Newline,
    /// The tab.
    Tab,
    /// The tab and the newline.
    TabOrNewline,
    /// What -v shows in another way, and the tab or the newline if so said.
    Shown {
        /// The tab.
        tab: bool,
        /// The newline.
        newline: bool,
    },
}

impl Stops {
    /// There may be so many of them that looking up every byte is cheaper than going from one to the next.
    pub(super) fn may_be_many(self) -> bool {
        matches!(self, Stops::Shown { .. })
    }

    /// The stops of `bytes`, a chunk's in each of `masks`, as many as there are.
    pub(super) fn look(self, bytes: &[u8], masks: &mut [u64]) {
        match self {
            Stops::Newline => look::<Newline>(bytes, masks),
            Stops::Tab => look::<Tab>(bytes, masks),
            Stops::TabOrNewline => look::<TabOrNewline>(bytes, masks),
            Stops::Shown { tab: false, newline: false } => look::<Shown<false, false>>(bytes, masks),
            Stops::Shown { tab: false, newline: true } => look::<Shown<false, true>>(bytes, masks),
            Stops::Shown { tab: true, newline: false } => look::<Shown<true, false>>(bytes, masks),
            Stops::Shown { tab: true, newline: true } => look::<Shown<true, true>>(bytes, masks),
        }
    }

    /// Copies the chunks of `input` before the first that has a stop, as far as there is room, and returns how many bytes
    /// that were. The rest of `out` is used as scratch.
    pub(super) fn copy_plain(self, input: &[u8], out: &mut [u8]) -> usize {
        match self {
            Stops::Newline => copy_plain::<Newline>(input, out),
            Stops::Tab => copy_plain::<Tab>(input, out),
            Stops::TabOrNewline => copy_plain::<TabOrNewline>(input, out),
            Stops::Shown { tab: false, newline: false } => copy_plain::<Shown<false, false>>(input, out),
            Stops::Shown { tab: false, newline: true } => copy_plain::<Shown<false, true>>(input, out),
            Stops::Shown { tab: true, newline: false } => copy_plain::<Shown<true, false>>(input, out),
            Stops::Shown { tab: true, newline: true } => copy_plain::<Shown<true, true>>(input, out),
        }
    }
}

/// One of them, for the compiler: each has its own loop.
trait Stop {
    /// For each byte a bit, the first byte's lowest: whether it does.
    fn stops(bytes: &[u8; CHUNK]) -> u64;
}

struct Newline;

impl Stop for Newline {
    #[inline]
    fn stops(bytes: &[u8; CHUNK]) -> u64 {
        equal(bytes, b'\n')
    }
}

struct Tab;

impl Stop for Tab {
    #[inline]
    fn stops(bytes: &[u8; CHUNK]) -> u64 {
        equal(bytes, b'\t')
    }
}

struct TabOrNewline;

impl Stop for TabOrNewline {
    #[inline]
    fn stops(bytes: &[u8; CHUNK]) -> u64 {
        Tab::stops(bytes) | Newline::stops(bytes)
    }
}

struct Shown<const TAB: bool, const NEWLINE: bool>;

impl<const TAB: bool, const NEWLINE: bool> Stop for Shown<TAB, NEWLINE> {
    #[inline]
    fn stops(bytes: &[u8; CHUNK]) -> u64 {
        match (TAB, NEWLINE) {
            (true, true) => outside(bytes, b' ', b'~', []),
            (true, false) => outside(bytes, b' ', b'~', [b'\n']),
            (false, true) => outside(bytes, b' ', b'~', [b'\t']),
            (false, false) => outside(bytes, b' ', b'~', [b'\t', b'\n']),
        }
    }
}

#[inline]
fn look<S: Stop>(bytes: &[u8], masks: &mut [u64]) {
    for (mask, chunk) in masks.iter_mut().zip(bytes.as_chunks().0) {
        *mask = S::stops(chunk);
    }
}

/// Where the stops are among the first `len` bytes of what has these masks, in order, and how many. `places` is longer by a
/// chunk than there are bytes. Nothing depends on how many a chunk has as long as they are few, at most `FEW`: no processor
/// could predict it.
#[inline(never)] // once for all kinds of stops
pub(super) fn list<const FEW: usize>(masks: &[u64], len: usize, places: &mut [u16]) -> usize {
    const SOME: usize = 20;
    let mut found = 0;
    for (first, &mask) in (0..).step_by(CHUNK).zip(&masks[..len.div_ceil(CHUNK)]) {
        let mut stops = mask;
        let Some(places) = places[found..].first_chunk_mut::<CHUNK>() else { break };
        let (few, more) = places.split_at_mut(FEW);
        for place in few {
            *place = next_place(first, &mut stops);
        }
        // Where there is hardly more than one, counting bits would take longer than all else.
        found += if FEW == 1 { usize::from(mask != 0) } else { mask.count_ones() as usize };
        if stops != 0 {
            found += if FEW == 1 { stops.count_ones() as usize } else { 0 };
            let (some, many) = more.split_at_mut(SOME);
            for place in some {
                *place = next_place(first, &mut stops);
            }
            for place in many.iter_mut().take(stops.count_ones() as usize) {
                *place = next_place(first, &mut stops);
            }
        }
    }
    // The last chunk may go beyond what is asked for.
    while found > 0 && usize::from(places[found - 1]) >= len {
        found -= 1;
    }
    found
}

/// The place of the first of a chunk's `stops`, which is taken from them; without one, any of the chunk's.
#[inline]
fn next_place(first: u16, stops: &mut u64) -> u16 {
    // Of zero the processor counts in another way, which the compiler would have to ask about.
    let at = (*stops | 1 << (CHUNK - 1)).trailing_zeros() as u16;
    *stops &= stops.wrapping_sub(1);
    first | at
}

/// How many stops there are among the first `len` bytes of what has these masks; a chunk's are counted all or not at all.
pub(super) fn count(masks: &[u64], len: usize) -> usize {
    masks[..len / CHUNK].iter().map(|mask| mask.count_ones() as usize).sum()
}

#[inline]
fn copy_plain<S: Stop>(input: &[u8], out: &mut [u8]) -> usize {
    let mut copied = 0;
    for (from, to) in input.as_chunks::<CHUNK>().0.iter().zip(out.as_chunks_mut::<CHUNK>().0) {
        *to = *from;
        if S::stops(from) != 0 {
            break;
        }
        copied += CHUNK;
    }
    copied
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agrees<S: Stop>(is_one: impl Fn(u8) -> bool) {
        for byte in 0..=u8::MAX {
            let mut bytes = [b'x'; CHUNK];
            bytes[usize::from(byte) % CHUNK] = byte;
            assert_eq!(S::stops(&bytes) != 0, is_one(byte), "{byte}");
        }
    }

    #[test]
    fn each_kind_stops_at_its_own_bytes() {
        agrees::<Newline>(|byte| byte == b'\n');
        agrees::<Tab>(|byte| byte == b'\t');
        agrees::<TabOrNewline>(|byte| byte == b'\t' || byte == b'\n');
        let shown = |byte: u8| !(b' '..=b'~').contains(&byte);
        agrees::<Shown<true, true>>(shown);
        agrees::<Shown<true, false>>(|byte| shown(byte) && byte != b'\n');
        agrees::<Shown<false, true>>(|byte| shown(byte) && byte != b'\t');
        agrees::<Shown<false, false>>(|byte| shown(byte) && byte != b'\t' && byte != b'\n');
    }
}
