//! Copying up to the next byte that asks for attention, a chunk at a time and without a branch for each byte.

/// Bytes looked at together: two registers of SSE2, which every x86-64 has.
const CHUNK: usize = 32;

/// Bytes that ask for attention.
pub(super) trait Stop {
    /// Whether `byte` does.
    fn at(byte: u8) -> bool;

    /// For each of sixteen bytes its highest bit: whether it does.
    fn flags(word: u128) -> u128;
}

const EACH: u128 = 0x0101_0101_0101_0101_0101_0101_0101_0101;
const HIGHEST: u128 = 0x80 * EACH;
const LOWER: u128 = 0x7f * EACH;

/// Highest bits of the bytes that are zero; exact, no carry leaves its byte.
fn zeros(word: u128) -> u128 {
    !(((word & LOWER) + LOWER) | word) & HIGHEST
}

/// The newline.
pub(super) struct Newline;

impl Stop for Newline {
    fn at(byte: u8) -> bool {
        byte == b'\n'
    }

    fn flags(word: u128) -> u128 {
        zeros(word ^ (b'\n' as u128 * EACH))
    }
}

/// The tab.
pub(super) struct Tab;

impl Stop for Tab {
    fn at(byte: u8) -> bool {
        byte == b'\t'
    }

    fn flags(word: u128) -> u128 {
        zeros(word ^ (b'\t' as u128 * EACH))
    }
}

/// The tab and the newline.
pub(super) struct TabOrNewline;

impl Stop for TabOrNewline {
    fn at(byte: u8) -> bool {
        Tab::at(byte) | Newline::at(byte)
    }

    fn flags(word: u128) -> u128 {
        Tab::flags(word) | Newline::flags(word)
    }
}

/// What -v shows in another way, and the tab or the newline if the parameter says so.
pub(super) struct Shown<const TAB: bool, const NEWLINE: bool>;

impl<const TAB: bool, const NEWLINE: bool> Stop for Shown<TAB, NEWLINE> {
    fn at(byte: u8) -> bool {
        (byte.wrapping_sub(b' ') > b'~' - b' ') & (TAB | (byte != b'\t')) & (NEWLINE | (byte != b'\n'))
    }

    fn flags(word: u128) -> u128 {
        let lower = word & LOWER;
        let at_least_space = lower + (0x80 - b' ' as u128) * EACH;
        let delete = lower + EACH;
        let mut flags = (word | !at_least_space | delete) & HIGHEST;
        if !TAB {
            flags &= !Tab::flags(word);
        }
        if !NEWLINE {
            flags &= !Newline::flags(word);
        }
        flags
    }
}

/// Whether any of these bytes asks for attention.
#[inline]
pub(super) fn any<S: Stop, const N: usize>(bytes: &[u8; N]) -> bool {
    // No early end: that is what lets the compiler compare them all at once.
    bytes.iter().fold(0, |found, &byte| found | u8::from(S::at(byte))) != 0
}

/// Which of these bytes is the first that asks for attention; one of them does.
#[inline]
fn first<S: Stop>(bytes: &[u8; CHUNK]) -> usize {
    let [low, high] = bytes.as_chunks::<{ CHUNK / 2 }>().0 else { return CHUNK };
    let (low, high) = (S::flags(u128::from_le_bytes(*low)), S::flags(u128::from_le_bytes(*high)));
    let (flags, before) = if low != 0 { (low, 0) } else { (high, CHUNK / 2) };
    before + flags.trailing_zeros() as usize / 8
}

/// Copies `input` up to the first byte that asks for attention, or as much as there is room for, and returns how many
/// bytes that were. The rest of `out` is used as scratch.
#[inline]
pub(super) fn copy_until<S: Stop>(input: &[u8], out: &mut [u8]) -> usize {
    let mut copied = 0;
    for (from, to) in input.as_chunks::<CHUNK>().0.iter().zip(out.as_chunks_mut::<CHUNK>().0) {
        *to = *from;
        if any::<S, CHUNK>(from) {
            return copied + first::<S>(from);
        }
        copied += CHUNK;
    }
    for (&from, to) in input[copied..].iter().zip(&mut out[copied..]) {
        if S::at(from) {
            break;
        }
        *to = from;
        copied += 1;
    }
    copied
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agrees<S: Stop>() {
        for byte in 0..=u8::MAX {
            for around in [b'a', b'\t', b'\n', b'\x7f', 0, 0x80, 0xff] {
                for at in 0..16 {
                    let mut word = [around; 16];
                    word[at] = byte;
                    let expected = word.map(|byte| if S::at(byte) { 0x80 } else { 0 });
                    assert_eq!(S::flags(u128::from_le_bytes(word)).to_le_bytes(), expected, "{word:?}");
                }
            }
        }
    }

    #[test]
    fn a_byte_is_judged_alike_alone_and_among_sixteen() {
        agrees::<Newline>();
        agrees::<Tab>();
        agrees::<TabOrNewline>();
        agrees::<Shown<false, false>>();
        agrees::<Shown<false, true>>();
        agrees::<Shown<true, false>>();
        agrees::<Shown<true, true>>();
    }

    #[test]
    fn it_copies_up_to_the_first_wherever_that_is_and_no_more_than_there_is_room_for() {
        for len in 0..3 * CHUNK {
            for at in 0..=len {
                let mut input = vec![b'x'; len];
                input[at..].fill(b'\n');
                for room in [len, len / 2, len + CHUNK] {
                    let mut out = vec![0; room];
                    let n = copy_until::<Newline>(&input, &mut out);
                    assert_eq!((n, &out[..n]), (at.min(room), &input[..n]));
                }
            }
        }
    }
}
