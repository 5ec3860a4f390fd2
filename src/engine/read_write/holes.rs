//! `--sparse=always`: what is read is looked at, and a run of zero bytes that fills whole blocks of the sink becomes a
//! hole. The bytes are read, never mapped, because our own code looks at them.

use super::super::contract::{Ask, End, Flow, Grant, Offsets, Session, Settled, Side, Step};
use super::{read_into, write};
use crate::sys::buffer::Buffer;

/// Reads a block at a time and gives it run by run.
pub(super) struct Holes<'a> {
    source: End<'a>,
    sink: End<'a>,
    buffer: Buffer,
    /// What of the buffer is filled and not yet given.
    from: usize,
    to: usize,
    /// The sink's block size, bytes.
    hole: usize,
}

impl<'a> Holes<'a> {
    /// `None` where a hole cannot be made (no offsets) or there is no memory.
    pub(super) fn open(ask: &Ask<'a>, block: usize, hole: usize) -> Option<Holes<'a>> {
        if ask.sink.offsets != Offsets::Explicit || !ask.sink.is_regular() || ask.sink.append {
            return None;
        }
        let buffer = Buffer::new(block).ok()?;
        Some(Holes { source: ask.source, sink: ask.sink, buffer, from: 0, to: 0, hole })
    }
}

impl Session for Holes<'_> {
    fn step(&mut self, flow: &mut Flow, grant: Grant) -> Step {
        if self.from == self.to {
            let most = usize::try_from(grant.bytes).unwrap_or(usize::MAX).min(self.buffer.bytes().len());
            match read_into(&self.source, flow.source_offset(), &mut self.buffer.bytes_mut()[..most]) {
                Ok(0) => return Step::End,
                Ok(n) => (self.from, self.to) = (0, n),
                Err(errno) => return Step::Error(Side::Source, errno),
            }
            flow.took(self.to as u64);
        }
        let rest = &self.buffer.bytes()[self.from..self.to];
        match first_run(rest, flow.sink_offset(), self.hole) {
            Run::Zeros(n) => {
                self.from += n;
                flow.gave(n as u64);
                Step::Hole(n as u64)
            }
            Run::Data(n) => match write(&self.sink, flow.sink_offset(), &rest[..n]) {
                Ok(written) => {
                    self.from += written;
                    flow.gave(written as u64);
                    Step::Moved(written as u64)
                }
                Err(errno) => Step::Error(Side::Sink, errno),
            },
        }
    }

    fn settle(self: Box<Self>, _: &mut Flow) -> Settled {
        Settled { carry: self.buffer.bytes()[self.from..self.to].to_vec(), ..Settled::default() }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Run {
    Zeros(usize),
    Data(usize),
}

/// How the bytes begin that are to stand at `offset` of the sink: with so many zeros that fill whole blocks of `hole`
/// bytes (the last may be cut short by the end of what was read), or with so many bytes to be written.
fn first_run(bytes: &[u8], offset: u64, hole: usize) -> Run {
    let mut at = 0;
    let mut zeros = None;
    while at < bytes.len() {
        let in_block = ((offset + at as u64) % hole as u64) as usize;
        let end = (at + hole - in_block).min(bytes.len());
        let zero = in_block == 0 && is_zero(&bytes[at..end]);
        match zeros {
            None => zeros = Some(zero),
            Some(before) if before != zero => break,
            Some(_) => {}
        }
        at = end;
    }
    if zeros == Some(true) { Run::Zeros(at) } else { Run::Data(at) }
}

/// Whether all bytes are zero; 64 at a time, which the compiler turns into vector instructions.
fn is_zero(bytes: &[u8]) -> bool {
    let mut chunks = bytes.chunks_exact(64);
    chunks.all(|chunk| chunk.iter().fold(0, |any, byte| any | byte) == 0)
        && bytes.chunks_exact(64).remainder().iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_whole_zero_blocks_are_holes_and_nothing_else_is() {
        let zero = [0u8; 4096];
        let mut bytes = [0u8; 3 * 4096];
        assert_eq!(first_run(&bytes, 0, 4096), Run::Zeros(3 * 4096));
        bytes[4096] = 1;
        assert_eq!(first_run(&bytes, 0, 4096), Run::Zeros(4096));
        assert_eq!(first_run(&bytes[4096..], 4096, 4096), Run::Data(4096));
        // Not at a block's start: the rest of that block is data, zero or not.
        assert_eq!(first_run(&zero[..3996], 100, 4096), Run::Data(3996));
        assert_eq!(first_run(&[0u8; 8192], 100, 4096), Run::Data(3996));
        // The end of the file may cut the last block short.
        assert_eq!(first_run(&zero[..100], 4096, 4096), Run::Zeros(100));
        for n in 0..200 {
            let mut some = vec![0u8; 200];
            assert!(is_zero(&some));
            some[n] = 7;
            assert!(!is_zero(&some), "{n}");
        }
    }
}
