//! What the formatting options make of bytes. Pure: no system call is made here, and where a read ended makes no
//! difference to what comes out; everything that has to be remembered from one piece of input to the next is in [`Cook`].

mod number;
mod scan;
mod show;
#[cfg(test)]
mod tests;

use super::options::{Format, Numbers};
use number::Number;
use scan::{Newline, Shown, Stop, Tab, TabOrNewline};
use show::Table;

/// Room at the end of the output in which nothing is begun, only ended: a number, a carriage return that was held back,
/// a few bytes shown as four each, a line's end.
const MARGIN: usize = 128;

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
            (true, false, false) => self.lines::<Newline>(input, out),
            (true, false, true) => self.lines::<TabOrNewline>(input, out),
            (true, true, false) => self.lines::<Shown<false, true>>(input, out),
            (true, true, true) => self.lines::<Shown<true, true>>(input, out),
            (false, false, _) => self.bytes::<Tab>(input, out),
            (false, true, false) if ends => self.bytes::<Shown<false, true>>(input, out),
            (false, true, true) if ends => self.bytes::<Shown<true, true>>(input, out),
            (false, true, false) => self.bytes::<Shown<false, false>>(input, out),
            (false, true, true) => self.bytes::<Shown<true, false>>(input, out),
        }
    }

    /// What is still held back when all input has ended.
    pub(super) fn finish(&mut self) -> &'static [u8] {
        if std::mem::take(&mut self.holds_return) { b"\r" } else { b"" }
    }

    /// Every byte becomes what it becomes, whatever is around it.
    fn bytes<S: Stop>(&mut self, input: &[u8], out: &mut [u8]) -> Progress {
        let end = out.len() - MARGIN;
        self.table.show::<S, false>(input, out, end)
    }

    fn lines<S: Stop>(&mut self, input: &[u8], out: &mut [u8]) -> Progress {
        let end = out.len() - MARGIN;
        let mut done = Progress::default();
        while done.given < end {
            let Some(&next) = input.get(done.taken) else { break };
            if next == b'\n' && self.at != At::Inside {
                self.empty_line(out, &mut done);
                continue;
            }
            self.begin_line(next, out, &mut done);
            let end_of_body = end.saturating_sub(done.given);
            let body = self.table.show::<S, true>(&input[done.taken..], &mut out[done.given..], end_of_body);
            done.taken += body.taken;
            done.given += body.given;
            self.hold_return(&input[..done.taken], body, &mut done);
            if input.get(done.taken) == Some(&b'\n') {
                self.end_line(out, &mut done);
            }
        }
        done
    }

    /// A newline at the start of a line.
    fn empty_line(&mut self, out: &mut [u8], done: &mut Progress) {
        done.taken += 1;
        if self.format.squeeze_blank && self.at == At::AfterEmpty {
            return;
        }
        self.at = At::AfterEmpty;
        if self.format.numbers == Numbers::All {
            done.given += self.number.next(&mut out[done.given..]);
        }
        self.newline(out, done);
    }

    /// What comes before `next`, which is not a newline if a line starts here.
    #[inline]
    fn begin_line(&mut self, next: u8, out: &mut [u8], done: &mut Progress) {
        if self.at != At::Inside {
            self.at = At::Inside;
            if self.format.numbers != Numbers::None {
                done.given += self.number.next(&mut out[done.given..]);
            }
        }
        if self.holds_return && next != b'\n' {
            self.holds_return = false;
            put(*b"\r", 1, out, done);
        }
    }

    /// A `\r` that ends what was given of a line is taken back: it depends on what comes next.
    #[inline]
    fn hold_return(&mut self, taken: &[u8], body: Progress, done: &mut Progress) {
        if self.format.ends && !self.format.nonprinting && body.taken > 0 && taken.ends_with(b"\r") {
            done.given -= 1;
            self.holds_return = true;
        }
    }

    /// The newline that ends a line which is not empty.
    #[inline]
    fn end_line(&mut self, out: &mut [u8], done: &mut Progress) {
        done.taken += 1;
        self.at = At::Start;
        if std::mem::take(&mut self.holds_return) {
            put(*b"^M", 2, out, done);
        }
        self.newline(out, done);
    }

    #[inline]
    fn newline(&mut self, out: &mut [u8], done: &mut Progress) {
        // Two bytes either way, of which one or two count: a copy of fixed length is one instruction.
        let ends = self.format.ends;
        put(if ends { *b"$\n" } else { *b"\n\0" }, 1 + usize::from(ends), out, done);
    }
}

/// Gives `bytes`, of which the first `count` count.
#[inline]
fn put<const N: usize>(bytes: [u8; N], count: usize, out: &mut [u8], done: &mut Progress) {
    out[done.given..done.given + N].copy_from_slice(&bytes);
    done.given += count;
}
