//! What the formatting options make of bytes. Pure: no system call is made here, and where a read ended makes no
//! difference to what comes out; everything that has to be remembered from one piece of input to the next is in [`Cook`].

mod batch;
mod number;
mod scan;
mod show;
#[cfg(test)]
mod tests;

use super::options::{Format, Numbers};
use batch::{BATCH, EACH, LONG_RUN, Pace, SCRATCH, SHORT_RUN, WINDOW, Window, copy_run, fitting, is_crowded};
use number::Number;
use scan::{CHUNK, Stops, count, list};
use show::Table;

/// Room at the end of the output in which no batch begins.
const MARGIN: usize = 2048;

const _: () = assert!(CHUNK / 2 * (EACH + 1) + SCRATCH <= MARGIN);

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
    /// So many of the last bytes asked for attention that each of the next is looked up.
    crowded: bool,
}

impl Cook {
    /// At the start of the first line.
    pub(super) fn new(format: Format) -> Cook {
        Cook {
            format,
            table: Table::new(format),
            number: Number::new(),
            at: At::Start,
            holds_return: false,
            crowded: false,
        }
    }

    /// Formats as much of `input` as `out`, of at least [`LEAST_ROOM`] bytes, has room for.
    pub(super) fn format(&mut self, input: &[u8], out: &mut [u8]) -> Progress {
        let Format { numbers, squeeze_blank, ends, tabs, nonprinting } = self.format;
        let by_line = numbers != Numbers::None || squeeze_blank || (ends && !nonprinting);
        let stops = match (by_line, nonprinting, tabs) {
            (true, false, false) => Stops::Newline,
            (true, false, true) => Stops::TabOrNewline,
            (false, false, _) => Stops::Tab,
            (_, true, _) => Stops::Shown { tab: tabs, newline: by_line || ends },
        };
        self.batches(stops, by_line, input, out)
    }

    /// What is still held back when all input has ended.
    pub(super) fn finish(&mut self) -> &'static [u8] {
        if std::mem::take(&mut self.holds_return) { b"\r" } else { b"" }
    }

    /// One batch after the other. Stops are the bytes that do not stand for themselves; `by_line`: it matters where a line
    /// begins and ends, otherwise every byte becomes what it becomes, whatever is around it.
    fn batches(&mut self, kind: Stops, by_line: bool, input: &[u8], out: &mut [u8]) -> Progress {
        let mut done = Progress::default();
        if by_line && self.holds_return && input.first().is_some_and(|next| *next != b'\n') {
            self.holds_return = false;
            put(*b"\r", 1, out, &mut done.given);
        }
        let mut last = [0; WINDOW];
        let mut stops = [0; BATCH + CHUNK];
        let mut masks = [0; BATCH / CHUNK];
        let mut pace = Pace::default();
        while out.len() - done.given >= MARGIN {
            let rest = &input[done.taken..];
            let mut most = BATCH;
            if pace.sparse && (!by_line || self.at == At::Inside) {
                let plain = kind.copy_plain(rest, &mut out[done.given..]);
                done.taken += plain;
                done.given += plain;
                pace.met(0, plain);
                if plain > 0 {
                    continue;
                }
                most = CHUNK;
            }
            let (window, len) = match rest.first_chunk() {
                Some(window) => (window, most),
                None if rest.is_empty() => break,
                None => {
                    last[..rest.len()].copy_from_slice(rest);
                    (&last, rest.len().min(most))
                }
            };
            let room = out.len() - done.given - SCRATCH;
            kind.look(window, &mut masks[..len.div_ceil(CHUNK)]);
            let (taken, given) = if self.crowded {
                let bytes = &window[..len.min(room / (EACH + 1))];
                self.crowded = is_crowded(count(&masks, bytes.len()), bytes.len());
                let given = if by_line {
                    self.each::<true>(bytes, out, done.given)
                } else {
                    self.each::<false>(bytes, out, done.given)
                };
                (bytes.len(), given)
            } else {
                let found =
                    if pace.few { list::<1>(&masks, len, &mut stops) } else { list::<4>(&masks, len, &mut stops) };
                self.crowded = kind.may_be_many() && is_crowded(found, len);
                pace.met(found, len);
                let (taken, found) = fitting(&stops[..found], len, room);
                let stops = &stops[..found];
                let short = found * SHORT_RUN / 2 > taken;
                let given = match (by_line, short) {
                    (true, false) => {
                        self.lines::<LONG_RUN>(window, taken, stops, out, done.given, kind == Stops::Newline)
                    }
                    (true, true) => {
                        self.lines::<SHORT_RUN>(window, taken, stops, out, done.given, kind == Stops::Newline)
                    }
                    (false, false) => self.bytes::<LONG_RUN>(window, taken, stops, out, done.given),
                    (false, true) => self.bytes::<SHORT_RUN>(window, taken, stops, out, done.given),
                };
                (taken, given)
            };
            done = Progress { taken: done.taken + taken, given };
        }
        if by_line {
            self.hold_return(&input[..done.taken], &mut done);
        }
        done
    }

    /// The first `len` bytes of a window with these stops, given to `out` from `given` on, where it matters where a line begins
    /// and ends; returns where that ends. `newlines`: all stops are.
    #[inline(never)] // once for all kinds of stops
    fn lines<const RUN: usize>(
        &mut self,
        window: &Window,
        len: usize,
        stops: &[u16],
        out: &mut [u8],
        mut given: usize,
        newlines: bool,
    ) -> usize {
        let mut at = 0;
        let mut ahead = stops.iter();
        while let Some(&stop) = ahead.next() {
            let stop = usize::from(stop);
            let byte = window[stop];
            if self.at == At::Inside || stop > at || byte != b'\n' {
                if self.at != At::Inside {
                    given = self.begin_line(out, given);
                }
                copy_run::<RUN>(window, at..stop, out, given);
                given += stop - at;
                given = if byte == b'\n' {
                    self.at = At::Start;
                    self.end_line(out, given)
                } else {
                    given + self.table.look_up(byte, &mut out[given..])
                };
            } else {
                given = self.empty_line(out, given);
            }
            at = stop + 1;
            if newlines {
                // From a line's start on there is a shorter way.
                let stops = std::mem::take(&mut ahead).as_slice();
                let Format { numbers, squeeze_blank, ends, .. } = self.format;
                given = match (numbers != Numbers::None, squeeze_blank, ends) {
                    (true, false, false) => self.whole_lines::<RUN, true, false, false>(window, at, stops, out, given),
                    (false, true, false) => self.whole_lines::<RUN, false, true, false>(window, at, stops, out, given),
                    (false, false, true) => self.whole_lines::<RUN, false, false, true>(window, at, stops, out, given),
                    _ => self.whole_lines::<RUN, true, true, true>(window, at, stops, out, given),
                };
                at = stops.last().map_or(at, |stop| usize::from(*stop) + 1);
            }
        }
        if at < len {
            if self.at != At::Inside {
                given = self.begin_line(out, given);
            }
            copy_run::<RUN>(window, at..len, out, given);
            given += len - at;
        }
        given
    }

    /// Lines that begin and end in the window, the first at `at`, where nothing but newlines asks for attention. How long lines
    /// are cannot be predicted, nor whether one is empty, so neither is asked: a mispredicted branch takes longer than the work
    /// it would save.
    #[inline(always)]
    fn whole_lines<const RUN: usize, const NUMBERED: bool, const SQUEEZED: bool, const ENDS: bool>(
        &mut self,
        window: &Window,
        mut at: usize,
        stops: &[u16],
        out: &mut [u8],
        mut given: usize,
    ) -> usize {
        let Format { numbers, squeeze_blank, ends, .. } = self.format;
        let (numbered, all) = (!SQUEEZED || numbers != Numbers::None, numbers == Numbers::All);
        let mut after_empty = self.at == At::AfterEmpty;
        let mut number = self.number.low();
        for &stop in stops {
            let next = usize::from(stop) + 1;
            let run = next.wrapping_sub(at);
            let empty = run == 1;
            let left_out = SQUEEZED & squeeze_blank & empty & after_empty;
            let counts = NUMBERED & numbered & (all | !empty) & !left_out;
            let start = if NUMBERED { given + self.number.write(number, &mut out[given..], counts) } else { given };
            copy_run::<RUN>(window, at..next, out, start);
            let mut end = start + run;
            if ENDS && ends {
                end = self.end_line(out, end - 1);
            }
            given = if left_out { given } else { end };
            if NUMBERED {
                number = self.number.after(number, counts);
            }
            after_empty = empty;
            at = next;
        }
        self.number.set_low(number);
        self.at = if after_empty { At::AfterEmpty } else { At::Start };
        given
    }

    /// The same where every byte becomes what it becomes, whatever is around it.
    #[inline(never)] // once for all kinds of stops
    fn bytes<const RUN: usize>(
        &self,
        window: &Window,
        len: usize,
        stops: &[u16],
        out: &mut [u8],
        mut given: usize,
    ) -> usize {
        let mut at = 0;
        for &stop in stops {
            let stop = usize::from(stop);
            let run = stop.wrapping_sub(at);
            if run <= RUN {
                let to = &mut out[given..given + RUN + 4];
                to[..RUN].copy_from_slice(&window[at..at + RUN]);
                given += run + self.table.look_up(window[stop], &mut to[run..]);
            } else {
                copy_run::<RUN>(window, at..stop, out, given);
                given += run;
                given += self.table.look_up(window[stop], &mut out[given..]);
            }
            at = stop + 1;
        }
        copy_run::<RUN>(window, at..len, out, given);
        given + len - at
    }

    /// One byte after the other.
    #[inline(never)] // once for all kinds of stops
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
                self.at = At::Start;
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
