//! `--resume`: compare and repair. What is at the destination is read and held against the source; only what differs is
//! written, a longer destination is cut, and where the destination ends [`super::copy`] goes on with the best engine.
//!
//! Nothing is believed of what was left behind, neither its times nor its length: a power cut leaves files of the right
//! size with zeros in them. And nothing is touched that need not be: a complete file is read and not written to, not even
//! cut to the length it has.

use super::finish;
use super::in_step::{self, Back, Meter};
use super::progress::Phase;
use super::room;
use super::trail::{Failure, Shrank};
use crate::engine::{self, End, Side, Sparse};
use crate::sys::facts::{Facts, Kind};
use rustix::fs::{self, FallocateFlags, SeekFrom};
use rustix::io::{self, Errno, retry_on_intr};
use std::ops::ControlFlow;

/// What was done to make what is at the destination the beginning of the source.
#[derive(Debug, Default)]
pub struct Repair {
    /// Bytes of the destination that were held against the source's, holes of both included.
    pub compared: u64,
    /// Bytes of them that differed and were written anew.
    pub rewritten: u64,
    /// Bytes of them that differed, are a hole of the source, and were made one.
    pub punched: u64,
    /// Bytes that the destination was too long by.
    pub cut: u64,
    /// Where the copy has to go on, at both ends; `None` if nothing is missing.
    pub missing_from: Option<u64>,
    /// The source became shorter meanwhile.
    pub shrank: Option<Shrank>,
    /// Why it was broken off.
    pub failure: Option<Failure>,
}

impl Repair {
    /// Whether the destination was as it should be, so that nothing was written.
    pub fn found_nothing(&self) -> bool {
        self.rewritten + self.punched + self.cut == 0 && self.missing_from.is_none() && self.is_sound()
    }

    /// Whether all went well so far.
    pub fn is_sound(&self) -> bool {
        self.failure.is_none() && self.shrank.is_none()
    }
}

/// Why a copy between these ends cannot be resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hopeless {
    /// The source cannot be read from a byte of our choice.
    Source,
    /// The destination is no regular file, which alone says how much of it is there.
    Sink,
}

/// Whether a copy between these two can be resumed at all.
///
/// # Errors
/// Which of them it cannot be with.
pub fn possible(source: &Facts, sink: &Facts) -> Result<(), Hopeless> {
    if !source.has_offsets() {
        return Err(Hopeless::Source);
    }
    if sink.kind == Kind::Regular { Ok(()) } else { Err(Hopeless::Sink) }
}

/// Whether the sink, open for reading, holds the bytes of the source and no others; and how many were held against each
/// other to find that out. Nothing is written.
pub fn is_whole(source: &End<'_>, sink: &End<'_>, meter: Meter<'_>) -> (bool, u64) {
    let there = sink.facts.size;
    if source.facts.size != there {
        return (false, 0);
    }
    let mut compared = 0;
    let back = Back::buffered(sink.fd);
    let mut visit = |at: u64, from: &[u8], to: &[u8]| {
        compared = at + from.len() as u64;
        if from == to { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    meter.counters.phase(Phase::Comparing, true);
    let walked = in_step::walk(source, (sink, &back), (0, there), (meter, Phase::Comparing), &mut visit);
    meter.counters.phase(Phase::Comparing, false);
    let ends = || retry_on_intr(|| io::pread(source.fd, &mut [0u8; 1], there)) == Ok(0);
    match walked {
        Ok(walked) if walked.to == there => (ends(), there),
        _ => (false, compared),
    }
}

/// Makes what is in the sink the beginning of the source. The sink's descriptor is open for reading and writing, its
/// facts have just been asked. `meter` is told, and slows it down.
pub fn repair(source: &End<'_>, sink: &End<'_>, sparse: Sparse, meter: Meter<'_>) -> Repair {
    if let Err(too_large) = room::may_be_so_large(sink, source.facts.size) {
        return Repair { failure: Some(too_large), ..Repair::default() };
    }
    let mut mender = Mender { source, sink, sparse, repair: Repair::default() };
    let there = sink.facts.size;
    let mut failed = None;
    let back = Back::buffered(sink.fd);
    let mut visit = |at: u64, from: &[u8], to: &[u8]| match mender.visit(at, from, to) {
        Ok(()) => ControlFlow::Continue(()),
        Err(errno) => {
            failed = Some(Failure::Call { side: Side::Sink, errno });
            ControlFlow::Break(())
        }
    };
    meter.counters.phase(Phase::Comparing, true);
    let walked = in_step::walk(source, (sink, &back), (0, there), (meter, Phase::Comparing), &mut visit);
    meter.counters.phase(Phase::Comparing, false);
    let mut repair = mender.repair;
    match walked {
        Ok(walked) => {
            repair.compared = walked.to;
            repair.failure = failed;
            if repair.failure.is_none() {
                finish(&mut repair, source, sink, walked.to, walked.source_ended);
            }
        }
        Err((Side::Sink, errno)) => repair.failure = Some(Failure::ReadBack(errno)),
        Err((side, errno)) => repair.failure = Some(Failure::Call { side, errno }),
    }
    repair
}

/// All that both have is equal: what is missing, what is too much?
fn finish(repair: &mut Repair, source: &End<'_>, sink: &End<'_>, to: u64, source_ended: bool) {
    if !source_ended {
        // Whatever the source's size: has it a byte there?
        match retry_on_intr(|| io::pread(source.fd, &mut [0u8; 1], to)) {
            Ok(0) => {}
            Ok(_) => return repair.missing_from = Some(to),
            Err(errno) => return repair.failure = Some(Failure::Call { side: Side::Source, errno }),
        }
    }
    repair.shrank = finish::shrank(source, to);
    let now = match Facts::of(sink.fd) {
        Ok(now) => now,
        Err(errno) => return repair.failure = Some(Failure::ReadBack(errno)),
    };
    if now.size > to {
        match retry_on_intr(|| fs::ftruncate(sink.fd, to)) {
            Ok(()) => repair.cut = now.size - to,
            Err(errno) => repair.failure = Some(Failure::Cut(errno)),
        }
    }
}

struct Mender<'a> {
    source: &'a End<'a>,
    sink: &'a End<'a>,
    sparse: Sparse,
    repair: Repair,
}

impl Mender<'_> {
    /// Mends what differs, in units of the sink's blocks, so that what is right stays as it is, shared with snapshots too.
    fn visit(&mut self, at: u64, from: &[u8], to: &[u8]) -> Result<(), Errno> {
        if from == to {
            return Ok(());
        }
        let grain = (self.sink.facts.block_size as usize).clamp(512, 64 * 1024);
        let mut begin = 0;
        while begin < from.len() {
            let first = kind(from, to, begin, grain);
            let mut end = (begin + grain).min(from.len());
            while end < from.len() && kind(from, to, end, grain) == first {
                end = (end + grain).min(from.len());
            }
            let (offset, bytes) = (at + begin as u64, &from[begin..end]);
            match first {
                Grain::Equal => {}
                Grain::Zero if self.is_to_be_a_hole(offset, bytes.len()) && self.punch(offset, bytes.len()) => {
                    self.repair.punched += bytes.len() as u64;
                }
                Grain::Zero | Grain::Data => {
                    self.write(offset, bytes)?;
                    self.repair.rewritten += bytes.len() as u64;
                }
            }
            begin = end;
        }
        Ok(())
    }

    /// As `--sparse` says of zeros: never, always, or where the source has a hole.
    fn is_to_be_a_hole(&self, offset: u64, length: usize) -> bool {
        match self.sparse {
            Sparse::Never => false,
            Sparse::Always => true,
            Sparse::Auto => {
                self.source.facts.looks_sparse()
                    && match fs::seek(self.source.fd, SeekFrom::Data(offset)) {
                        Ok(data) => data >= offset + length as u64,
                        Err(errno) => errno == Errno::NXIO,
                    }
            }
        }
    }

    /// Whether it could be done; if not (EOPNOTSUPP: FUSE, NFS before 4.2, vfat), zeros are written.
    fn punch(&self, offset: u64, length: usize) -> bool {
        let mode = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        retry_on_intr(|| fs::fallocate(self.sink.fd, mode, offset, length as u64)).is_ok()
    }

    fn write(&self, mut offset: u64, mut bytes: &[u8]) -> Result<(), Errno> {
        while !bytes.is_empty() {
            match engine::give(self.sink, offset, bytes) {
                Ok(n) => {
                    offset += n as u64;
                    bytes = &bytes[n..];
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Grain {
    Equal,
    /// Differs, and the source's bytes are zeros.
    Zero,
    /// Differs.
    Data,
}

fn kind(from: &[u8], to: &[u8], begin: usize, grain: usize) -> Grain {
    let end = (begin + grain).min(from.len());
    let (from, to) = (&from[begin..end], &to[begin..end]);
    if from == to {
        Grain::Equal
    } else if from.iter().all(|byte| *byte == 0) {
        Grain::Zero
    } else {
        Grain::Data
    }
}

#[cfg(test)]
mod tests;
