//! Which bytes ask for attention: a bit for each of a chunk's, without a branch for each.

use crate::sys::lanes::{LANES, below_or_high, equal};

/// Bytes looked at together.
pub(super) const CHUNK: usize = LANES;

/// Bytes that ask for attention.
pub(super) trait Stop {
    /// There may be so many of them that looking up every byte is cheaper than going from one to the next.
    const MANY: bool;

    /// For each byte a bit, the first byte's lowest: whether it does.
    fn stops(bytes: &[u8; CHUNK]) -> u64;
}

/// The newline.
pub(super) struct Newline;

impl Stop for Newline {
    const MANY: bool = false;

    #[inline]
    fn stops(bytes: &[u8; CHUNK]) -> u64 {
        equal(bytes, b'\n')
    }
}

/// The tab.
pub(super) struct Tab;

impl Stop for Tab {
    const MANY: bool = false;

    #[inline]
    fn stops(bytes: &[u8; CHUNK]) -> u64 {
        equal(bytes, b'\t')
    }
}

/// The tab and the newline.
pub(super) struct TabOrNewline;

impl Stop for TabOrNewline {
    const MANY: bool = false;

    #[inline]
    fn stops(bytes: &[u8; CHUNK]) -> u64 {
        Tab::stops(bytes) | Newline::stops(bytes)
    }
}

/// What -v shows in another way, and the tab or the newline if the parameter says so.
pub(super) struct Shown<const TAB: bool, const NEWLINE: bool>;

impl<const TAB: bool, const NEWLINE: bool> Stop for Shown<TAB, NEWLINE> {
    const MANY: bool = true;

    #[inline]
    fn stops(bytes: &[u8; CHUNK]) -> u64 {
        let mut stops = below_or_high(bytes, b' ') | equal(bytes, 0x7f);
        if !TAB {
            stops &= !Tab::stops(bytes);
        }
        if !NEWLINE {
            stops &= !Newline::stops(bytes);
        }
        stops
    }
}

/// Copies the chunks of `input` before the first that has a stop, as far as there is room, and returns how many bytes that
/// were. The rest of `out` is used as scratch.
#[inline]
pub(super) fn copy_plain<S: Stop>(input: &[u8], out: &mut [u8]) -> usize {
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
