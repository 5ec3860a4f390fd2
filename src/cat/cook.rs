//! What the formatting options make of bytes. Pure: no system call is made here, and where a read ended makes no
//! difference to what comes out; everything that has to be remembered from one piece of input to the next is in [`Cook`].

mod number;
mod scan;
mod show;
#[cfg(test)]
mod tests;

use super::options::{Format, Numbers};
use number::Number;
use scan::{CHUNK, Newline, Shown, Stop, Tab, TabOrNewline, copy_plain};
use show::Table;

/// What is seen of the input at once: the chunk that is worked on, and as much again, so that a copy of fixed length from
/// anywhere in the chunk is a few instructions.
const WINDOW: usize = 2 * CHUNK;

/// Room at the end of the output in which no chunk begins, but one may end. One byte becomes at most a line number and a line's
/// end; and copies have a fixed length.
const MARGIN: usize = 2048;

const _: () = assert!(CHUNK * (number::ROOM + 2) + CHUNK <= MARGIN);

/// From so many bytes on that ask for attention in a chunk, each of its bytes is looked up.
const MANY: u32 = 24;

/// So many bytes that ask for attention are dealt with in a chunk whether they are there or not. No processor can predict how
/// many a chunk of text has, and a mispredicted branch takes longer than the work it would save (`-A`, 256 MiB of lines of 0 to
/// 120 letters: 51 ms instead of 60, of which reading is 16).
const FEW: usize = 2;

/// Output at least this long lets [`Cook::format`] make progress.
pub(super) const LEAST_ROOM: usize = 2 * MARGIN;

/// How far [`Cook::format`] got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Bytes of the input that are done with.
    pub(super) taken: usize,
    /// Bytes of the output that are filled.
    pub(super) given: usize,
}

/// Where the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// In a line, of which the number, if it has one, has been given.
    Inside,
    /// At the start of a line.
    Start,
    /// At the start of a line that follows an empty one.
    AfterEmpty,
}

/// The formatter, with what it remembers across pieces of input and across files.
#[derive(Debug)]
pub(super) struct Cook {
    format: Format,
    table: Table,
    number: Number,
    at: At,
    /// A `\r` that ended a piece of input: `^M` if `\n` comes next, itself otherwise. Only with -E and without -v.
    holds_return: bool,
}

impl Cook {
    /// At the start of the first line.
    pub(super) fn new(format: Format) -> Cook {
        Cook { format, table: Table::new(format), number: Number::new(), at: At::Start, holds_return: false }
    }

    /// Formats as much of `input` as `out`, of at least [`LEAST_ROOM`] bytes, has room for.
    pub(super) fn format(&mut self, input: &[u8], out: &mut [u8]) -> Progress {
        let Format { numbers, squeeze_blank, ends, tabs, nonprinting } = self.format;
        let by_line = numbers != Numbers::None || squeeze_blank || (ends && !nonprinting);
        match (by_line, nonprinting, tabs) {
            (true, false, false) => self.chunks::<Newline, true>(input, out),
            (true, false, true) => self.chunks::<TabOrNewline, true>(input, out),
            (true, true, false) => self.chunks::<Shown<false, true>, true>(input, out),
            (true, true, true) => self.chunks::<Shown<true, true>, true>(input, out),
            (false, false, _) => self.chunks::<Tab, false>(input, out),
            (false, true, false) if ends => self.chunks::<Shown<false, true>, false>(input, out),
            (false, true, true) if ends => self.chunks::<Shown<true, true>, false>(input, out),
            (false, true, false) => self.chunks::<Shown<false, false>, false>(input, out),
            (false, true, true) => self.chunks::<Shown<true, false>, false>(input, out),
        }
    }

    /// What is still held back when all input has ended.
    pub(super) fn finish(&mut self) -> &'static [u8] {
        if std::mem::take(&mut self.holds_return) { b"\r" } else { b"" }
    }

    /// One chunk after the other. `S` are the bytes that do not stand for themselves; with `LINES` it matters where a line
    /// begins and ends, otherwise every byte becomes what it becomes, whatever is around it.
    fn chunks<S: Stop, const LINES: bool>(&mut self, input: &[u8], out: &mut [u8]) -> Progress {
        let end = out.len() - MARGIN;
        let mut done = Progress::default();
        if LINES && self.holds_return && input.first().is_some_and(|next| *next != b'\n') {
            self.holds_return = false;
            put(*b"\r", 1, out, &mut done.given);
        }
        let mut last = [0; WINDOW];
        let mut calm = true; // nothing asked for attention in the chunk before
        let mut crowded = false; // or much did
        while done.given < end {
            let rest = &input[done.taken..];
            let (window, len) = match rest.first_chunk::<WINDOW>() {
                Some(window) => (window, CHUNK),
                None if rest.is_empty() => break,
                None => {
                    last[..rest.len()].copy_from_slice(rest);
                    (&last, rest.len().min(CHUNK))
                }
            };
            let (chunk, _) = window.split_first_chunk().unwrap_or((&[0; CHUNK], &[]));
            let stops = S::stops(chunk) & (u64::MAX >> (CHUNK - len));
            let was_calm = LINES || std::mem::replace(&mut calm, stops == 0);
            if was_calm && stops == 0 && rest.len() >= CHUNK && (!LINES || self.at == At::Inside) {
                let plain = copy_plain::<S>(rest, &mut out[done.given..]); // this chunk, at least
                done.taken += plain;
                done.given += plain;
                continue;
            }
            crowded = S::MANY && (LINES || crowded) && stops.count_ones() >= MANY;
            done.given = if crowded {
                self.each::<LINES>(&window[..len], out, done.given)
            } else if LINES {
                self.lines(window, len, stops, out, done.given)
            } else {
                self.bytes(window, len, stops, out, done.given, &mut crowded)
            };
            done.taken += len;
        }
        if LINES {
            self.hold_return(&input[..done.taken], &mut done);
        }
        done
    }

    /// The first `len` bytes of a window, given to `out` from `given` on, where it matters where a line begins and ends;
    /// returns where that ends.
    #[inline(always)] // each kind of stop has its own: one that all call costs a tenth of the time
    fn lines(&mut self, window: &[u8; WINDOW], len: usize, mut stops: u64, out: &mut [u8], mut given: usize) -> usize {
        let mut at = 0;
        while at < len {
            if self.at != At::Inside {
                if window[at] == b'\n' {
                    given = self.empty_line(out, given);
                    stops &= stops - 1; // which was its own
                    at += 1;
                    continue;
                }
                given = self.begin_line(out, given);
            }
            let stop = if stops == 0 { len } else { stops.trailing_zeros() as usize };
            out[given..given + CHUNK].copy_from_slice(&window[at..at + CHUNK]);
            given += stop - at;
            if stops == 0 {
                break;
            }
            stops &= stops - 1;
            at = stop + 1;
            let byte = window[stop];
            given = if byte == b'\n' {
                self.end_line(out, given)
            } else {
                given + self.table.look_up(byte, &mut out[given..])
            };
        }
        given
    }

    /// The same where every byte becomes what it becomes, whatever is around it.
    #[inline(always)] // each kind of stop has its own: one that all call costs a tenth of the time
    fn bytes(
        &mut self,
        window: &[u8; WINDOW],
        len: usize,
        mut stops: u64,
        out: &mut [u8],
        mut given: usize,
        crowded: &mut bool,
    ) -> usize {
        let mut at = 0;
        for _ in 0..FEW {
            let found = usize::from(stops != 0);
            let stop = (stops.trailing_zeros() as usize).min(len);
            out[given..given + CHUNK].copy_from_slice(&window[at..at + CHUNK]);
            given += stop - at;
            given += self.table.look_up(window[stop], &mut out[given..]) * found;
            stops &= stops.wrapping_sub(1);
            at = stop + found;
        }
        *crowded = stops != 0 && stops.count_ones() >= MANY;
        while stops != 0 {
            let stop = stops.trailing_zeros() as usize;
            out[given..given + CHUNK].copy_from_slice(&window[at..at + CHUNK]);
            given += stop - at;
            given += self.table.look_up(window[stop], &mut out[given..]);
            stops &= stops - 1;
            at = stop + 1;
        }
        out[given..given + CHUNK].copy_from_slice(&window[at..at + CHUNK]);
        given + len - at
    }

    /// One byte after the other.
    #[inline]
    fn each<const LINES: bool>(&mut self, bytes: &[u8], out: &mut [u8], mut given: usize) -> usize {
        for &byte in bytes {
            if LINES && self.at != At::Inside {
                if byte == b'\n' {
                    given = self.empty_line(out, given);
                    continue;
                }
                given = self.begin_line(out, given);
            }
            given = if LINES && byte == b'\n' {
                self.end_line(out, given)
            } else {
                given + self.table.look_up(byte, &mut out[given..])
            };
        }
        given
    }

    /// A newline at the start of a line.
    #[inline]
    fn empty_line(&mut self, out: &mut [u8], mut given: usize) -> usize {
        if self.format.squeeze_blank && self.at == At::AfterEmpty {
            return given;
        }
        self.at = At::AfterEmpty;
        if self.format.numbers == Numbers::All {
            given += self.number.next(&mut out[given..]);
        }
        self.newline(out, given)
    }

    /// What comes before the first byte of a line that is not empty.
    #[inline]
    fn begin_line(&mut self, out: &mut [u8], given: usize) -> usize {
        self.at = At::Inside;
        match self.format.numbers {
            Numbers::None => given,
            Numbers::All | Numbers::NonBlank => given + self.number.next(&mut out[given..]),
        }
    }

    /// The newline that ends a line which is not empty.
    #[inline]
    fn end_line(&mut self, out: &mut [u8], mut given: usize) -> usize {
        self.at = At::Start;
        if self.format.ends && !self.format.nonprinting {
            // Whatever else is given before a newline, only a byte of the line can be a return.
            let returned = given > 0 && out[given - 1] == b'\r';
            if returned || self.holds_return {
                self.holds_return = false;
                given -= usize::from(returned);
                put(*b"^M", 2, out, &mut given);
            }
        }
        self.newline(out, given)
    }

    #[inline]
    fn newline(&self, out: &mut [u8], mut given: usize) -> usize {
        // Two bytes either way, of which one or two count: a copy of fixed length is one instruction.
        let ends = self.format.ends;
        put(if ends { *b"$\n" } else { *b"\n\0" }, 1 + usize::from(ends), out, &mut given);
        given
    }

    /// A `\r` that ends what was given of a line is taken back: it depends on what comes next.
    fn hold_return(&mut self, taken: &[u8], done: &mut Progress) {
        let depends = self.format.ends && !self.format.nonprinting;
        if depends && self.at == At::Inside && taken.ends_with(b"\r") {
            done.given -= 1;
            self.holds_return = true;
        }
    }
}

/// Gives `bytes`, of which the first `count` count.
#[inline]
fn put<const N: usize>(bytes: [u8; N], count: usize, out: &mut [u8], given: &mut usize) {
    out[*given..*given + N].copy_from_slice(&bytes);
    *given += count;
}
