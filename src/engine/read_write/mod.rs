//! `read_write`: read(2) and write(2). It refuses nothing, so every plan ends with it.
//!
//! Four ways to work, chosen when it is opened: small files through the worker's own buffer (no system call but the
//! reads and writes), larger ones block by block, big ones with a second thread ([`turns`]), and with zero runs made
//! holes ([`holes`]).

mod holes;
mod turns;

use super::contract::{Ask, End, Engine, Flow, Grant, Offsets, Session, Settled, Side, Step, Tuning};
use super::scratch::{SMALL, Scratch};
use super::watch::read_steadily;
use super::{Name, Reason};
use rustix::io::{self, Errno};
use std::mem::MaybeUninit;

pub struct ReadWrite;

impl Engine for ReadWrite {
    fn name(&self) -> Name {
        Name::ReadWrite
    }

    fn suits(&self, _: &Ask<'_>) -> Result<(), Reason> {
        Ok(())
    }

    fn open<'a>(
        &self,
        ask: &Ask<'a>,
        tuning: &Tuning,
        flow: &Flow,
        scratch: &'a mut Scratch,
    ) -> Result<Box<dyn Session + 'a>, (Side, Errno)> {
        if let Some(hole) = tuning.holes
            && let Some(session) = holes::Holes::open(ask, tuning.block, hole)
        {
            return Ok(Box::new(session));
        }
        if tuning.threads > 1
            && !flow.is_disturbed()
            && let Some(session) = turns::InTurn::open(ask, tuning, flow)
        {
            return Ok(Box::new(session));
        }
        // O_DIRECT wants aligned memory (EINVAL), which the worker's small buffer need not be.
        let small = tuning.block <= SMALL && !flow.is_disturbed() && !ask.source.direct && !ask.sink.direct;
        // Out of address space (`ulimit -v`): the small buffer does it too.
        let bytes = tuning.block.max(1);
        let memory = if !small && scratch.has_block(bytes) {
            Memory::Block(scratch.block(bytes))
        } else {
            Memory::Small(&mut scratch.small[..bytes.min(SMALL)])
        };
        let short_read_is_end = ask.source.is_regular()
            && !ask.source.direct
            && !flow.is_disturbed()
            && ask.source.file_system.is_some_and(|fs| fs.short_read_is_end());
        Ok(Box::new(Plain {
            source: ask.source,
            sink: ask.sink,
            memory,
            short_read_is_end,
            disturbed: flow.is_disturbed() && ask.source.facts.has_offsets(),
            ended: false,
            left: Vec::new(),
            left_from: 0,
        }))
    }
}

/// Reads from an end, at the flow's offset or at the descriptor's own.
fn read<'b>(end: &End<'_>, offset: u64, memory: &'b mut [MaybeUninit<u8>]) -> Result<&'b mut [u8], Errno> {
    let (filled, _) = match end.offsets {
        Offsets::Explicit => io::pread(end.fd, memory, offset)?,
        Offsets::Shared | Offsets::None => io::read(end.fd, memory)?,
    };
    Ok(filled)
}

/// As [`read`], into memory that has been written before.
fn read_into(end: &End<'_>, offset: u64, memory: &mut [u8]) -> Result<usize, Errno> {
    match end.offsets {
        Offsets::Explicit => match io::pread(end.fd, &mut *memory, offset) {
            Err(Errno::SPIPE) => io::read(end.fd, memory), // as in [`write`]
            filled => filled,
        },
        Offsets::Shared | Offsets::None => io::read(end.fd, memory),
    }
}

/// Writes to an end, at the flow's offset or at the descriptor's own. A write of something that returns 0 is told as
/// ENOSPC: nobody defines it, and asking again could go on for ever.
///
/// Some regular files know no offsets, and to name one is ESPIPE, from the first byte to the last: written, what the kernel
/// makes with seq_file (/proc/self/comm, /proc/irq/N/smp_affinity); read, trace_pipe of tracefs and what FUSE calls a stream.
pub fn write(end: &End<'_>, offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
    let written = match end.offsets {
        Offsets::Explicit if !end.append => match io::pwrite(end.fd, bytes, offset) {
            Err(Errno::SPIPE) => io::write(end.fd, bytes)?,
            written => written?,
        },
        _ => io::write(end.fd, bytes)?,
    };
    if written == 0 { Err(Errno::NOSPC) } else { Ok(written) }
}

enum Memory<'a> {
    Small(&'a mut [MaybeUninit<u8>]),
    Block(&'a mut [u8]),
}

/// One block after the other.
struct Plain<'a> {
    source: End<'a>,
    sink: End<'a>,
    memory: Memory<'a>,
    short_read_is_end: bool,
    /// Others are at work on the source: every read is looked at twice.
    disturbed: bool,
    ended: bool,
    /// What a short or refused write left over, from `left_from` on; normally nothing.
    left: Vec<u8>,
    left_from: usize,
}

impl Session for Plain<'_> {
    fn step(&mut self, flow: &mut Flow, grant: Grant) -> Step {
        if self.left_from < self.left.len() {
            return self.write_left(flow);
        }
        if self.ended {
            return Step::End;
        }
        let offset = flow.source_offset();
        let most = usize::try_from(grant.bytes).unwrap_or(usize::MAX);
        let filled: Result<(&[u8], usize), Errno> = match &mut self.memory {
            Memory::Small(small) => {
                let asked = most.min(small.len());
                read(&self.source, offset, &mut small[..asked]).map(|filled| (&*filled, asked))
            }
            Memory::Block(block) => {
                let asked = most.min(block.len());
                let memory = &mut block[..asked];
                let read = if self.disturbed { read_steadily } else { read_into };
                read(&self.source, offset, memory).map(|n| (&block[..n], asked))
            }
        };
        let (filled, asked) = match filled {
            Ok(filled) => filled,
            // As in [`write`].
            Err(Errno::SPIPE) if self.source.offsets == Offsets::Explicit => {
                self.source.offsets = Offsets::None;
                return self.step(flow, grant);
            }
            Err(errno) => return Step::Error(Side::Source, errno),
        };
        if filled.is_empty() {
            return Step::End;
        }
        flow.took(filled.len() as u64);
        // A read is also cut short by a page that cannot be had (EIO is told by the next one): short of where the file
        // is said to end, it proves nothing.
        let where_it_should_be = flow.source_offset() >= self.source.facts.size;
        self.ended = self.short_read_is_end && filled.len() < asked && where_it_should_be;
        let (written, step) = match write(&self.sink, flow.sink_offset(), filled) {
            Ok(written) => (written, Step::Moved(written as u64)),
            Err(errno) => (0, Step::Error(Side::Sink, errno)),
        };
        flow.gave(written as u64);
        if written < filled.len() {
            self.left.clear();
            self.left.extend_from_slice(&filled[written..]);
            self.left_from = 0;
        }
        step
    }

    fn settle(mut self: Box<Self>, _: &mut Flow) -> Settled {
        Settled { carry: self.left.split_off(self.left_from.min(self.left.len())), ..Settled::default() }
    }
}

impl Plain<'_> {
    fn write_left(&mut self, flow: &mut Flow) -> Step {
        match write(&self.sink, flow.sink_offset(), &self.left[self.left_from..]) {
            Ok(written) => {
                self.left_from += written;
                flow.gave(written as u64);
                Step::Moved(written as u64)
            }
            Err(errno) => Step::Error(Side::Sink, errno),
        }
    }
}
