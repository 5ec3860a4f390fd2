//! Two files read in step, to be held against each other: `--resume` and `--verify`.
//!
//! The destination's blocks are read ahead by a second thread where that pays, so that a cold destination and a cold
//! source are read at the same time and the slower device never waits for the other. Nothing here believes a size: a side
//! has ended where its read returns 0.

use super::pace::RateLimit;
use super::progress::{Counters, Phase};
use crate::engine::{End, Side};
use crate::sys::buffer::Buffer;
use crate::sys::facts::FileSystem;
use rustix::fs::{self, Advice, OFlags, SeekFrom};
use rustix::io::{self, Errno};
use std::ops::ControlFlow;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Bytes of one block.
pub(super) const BLOCK: usize = 1 << 20;

/// Bytes of the smallest that a limit makes it: O_DIRECT takes it.
const SMALLEST_BLOCK: usize = 64 * 1024;

/// From this many bytes on the second thread pays.
const AHEAD_FROM: u64 = 8 << 20;

/// Blocks read ahead.
const AHEAD: usize = 3;

/// Stack of the second thread, bytes.
const STACK: usize = 128 * 1024;

/// The destination, as it is read back.
pub(super) struct Back<'a> {
    pub(super) fd: BorrowedFd<'a>,
    /// O_DIRECT is set.
    direct: AtomicBool,
}

impl<'a> Back<'a> {
    /// Through the page cache.
    pub(super) fn buffered(fd: BorrowedFd<'a>) -> Back<'a> {
        Back { fd, direct: AtomicBool::new(false) }
    }

    /// Past the page cache if the file system allows it (EINVAL where it does not), and without moving the time of last
    /// access, which may have been set to the source's, if that is allowed (EPERM for a user who is not the owner).
    pub(super) fn direct(fd: BorrowedFd<'a>) -> Back<'a> {
        set(fd, OFlags::NOATIME, true);
        Back { fd, direct: AtomicBool::new(set(fd, OFlags::DIRECT, true)) }
    }

    /// Whether all of it was read past the page cache.
    pub(super) fn is_direct(&self) -> bool {
        self.direct.load(Ordering::Relaxed)
    }

    fn read(&self, memory: &mut [u8], at: u64) -> Result<usize, Errno> {
        let unit = if self.is_direct() { SECTOR } else { 1 };
        match read_full(self.fd, memory, at, unit) {
            // After a read that came short the next one is not aligned, and some file systems take O_DIRECT when it is
            // set and refuse it when it is used (vfat on 6.x, overlays): the rest goes through the page cache.
            Err(Errno::INVAL) if self.direct.swap(false, Ordering::Relaxed) => {
                set(self.fd, OFlags::DIRECT, false);
                read_full(self.fd, memory, at, 1)
            }
            other => other,
        }
    }
}

fn set(fd: BorrowedFd<'_>, flag: OFlags, on: bool) -> bool {
    let Ok(flags) = fs::fcntl_getfl(fd) else { return false };
    let wanted = if on { flags | flag } else { flags - flag };
    fs::fcntl_setfl(fd, wanted).is_ok()
}

/// The smallest unit that O_DIRECT reads, bytes: less than that comes at the end of a file only.
const SECTOR: usize = 512;

/// Fills `memory` from `at` on, or as much of it as there is. After a count that is no multiple of `unit` there is no more.
fn read_full(fd: BorrowedFd<'_>, memory: &mut [u8], at: u64, unit: usize) -> Result<usize, Errno> {
    let mut filled = 0;
    while filled < memory.len() {
        match io::pread(fd, &mut memory[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(n) => {
                filled += n;
                if n % unit != 0 {
                    break;
                }
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(filled)
}

/// Who is told how far it is, and how fast it may go.
#[derive(Clone, Copy, Debug)]
pub struct Meter<'a> {
    /// Where bytes that were held against each other are added.
    pub counters: &'a Counters,
    /// `--rate-limit`
    pub limit: Option<&'a RateLimit>,
}

impl Meter<'_> {
    /// Bytes of one block: with a limit no more than it lets through in a moment, so that there is no standing still.
    fn block(&self) -> usize {
        let moment = self.limit.map_or(u64::MAX, RateLimit::in_a_moment);
        usize::try_from(moment).unwrap_or(BLOCK).clamp(SMALLEST_BLOCK, BLOCK) / SMALLEST_BLOCK * SMALLEST_BLOCK
    }

    /// Before so many bytes are held against each other: not before they may.
    fn wait(&self, bytes: usize) {
        if let Some(limit) = self.limit {
            let taken = limit.take(bytes as u64);
            limit.moved(taken, bytes as u64);
        }
    }

    fn held(&self, phase: Phase, bytes: u64) {
        match phase {
            Phase::Verifying => self.counters.verified(bytes),
            Phase::Comparing | Phase::Copying => self.counters.compared(bytes),
        }
    }
}

/// How far both were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Walked {
    /// All bytes below this one were visited or are holes of both.
    pub(super) to: u64,
    /// The source has no byte there.
    pub(super) source_ended: bool,
    /// The destination has none there.
    pub(super) sink_ended: bool,
}

/// What is done with a block that was read from both sides, of the same length: its offset, the source's bytes, the
/// destination's. To break off is no error.
pub(super) type Visit<'v> = dyn FnMut(u64, &[u8], &[u8]) -> ControlFlow<()> + 'v;

/// Reads both from `from` to `until` or to where one of them ends, and shows the blocks. What both have as a hole is
/// passed over where the file systems are known to tell holes truly.
///
/// # Errors
/// What a read said, and of which side.
pub(super) fn walk(
    source: &End<'_>,
    sink: (&End<'_>, &Back<'_>),
    (from, until): (u64, u64),
    (meter, phase): (Meter<'_>, Phase),
    visit: &mut Visit<'_>,
) -> Result<Walked, (Side, Errno)> {
    let mut metered = |at: u64, from: &[u8], to: &[u8]| {
        meter.wait(from.len());
        let visited = visit(at, from, to);
        meter.held(phase, from.len() as u64);
        meter.counters.goes_on(sink.1.fd);
        visited
    };
    for fd in [source.fd, sink.1.fd] {
        let _ = fs::fadvise(fd, from, None, Advice::Sequential); // twice as much read ahead; no matter if not
    }
    let block = meter.block().min(usize::try_from(until - from).unwrap_or(BLOCK).next_multiple_of(4096).max(4096));
    let mut pair = Pair::new(block).map_err(|errno| (Side::Source, errno))?;
    let sparse = tells_holes(source) && tells_holes(sink.0);
    let mut at = from;
    while at < until {
        let region = if sparse { region(source.fd, sink.1.fd, at, until) } else { (at, until) };
        meter.held(phase, region.0 - at); // a hole of both
        at = region.0;
        if at >= until {
            break;
        }
        let walked = pair.read(source.fd, sink.1, region, &mut metered)?;
        if walked.is_break() {
            return Ok(Walked { to: pair.at, source_ended: false, sink_ended: false });
        }
        at = pair.at;
        if at < region.1 {
            return Ok(Walked { to: at, source_ended: pair.source_ended, sink_ended: pair.sink_ended });
        }
    }
    Ok(Walked { to: at.min(until), source_ended: false, sink_ended: false })
}

/// File systems whose SEEK_DATA may be believed also of what has just been written (openzfs#15526: zfs's may not).
fn tells_holes(end: &End<'_>) -> bool {
    let known = matches!(
        end.file_system,
        Some(FileSystem::Ext4 | FileSystem::Xfs | FileSystem::Btrfs | FileSystem::Tmpfs | FileSystem::F2fs)
    );
    known && end.facts.looks_sparse()
}

/// The next bytes at or after `at` that are not holes of both: from where to where they are to be read.
fn region(source: BorrowedFd<'_>, sink: BorrowedFd<'_>, at: u64, until: u64) -> (u64, u64) {
    let data = |fd| match fs::seek(fd, SeekFrom::Data(at)) {
        Ok(data) => data,
        Err(Errno::NXIO) => fs::fstat(fd).map_or(at, |stat| u64::try_from(stat.st_size).unwrap_or(at).max(at)),
        Err(_) => at,
    };
    let from = data(source).min(data(sink));
    if from >= until {
        return (until, until);
    }
    let hole = |fd| fs::seek(fd, SeekFrom::Hole(from)).unwrap_or(from);
    let to = hole(source).max(hole(sink));
    (from, if to > from { to.min(until) } else { until })
}

/// Two blocks, one of each side, and how far both were read.
struct Pair {
    source: Buffer,
    sink: Buffer,
    at: u64,
    source_ended: bool,
    sink_ended: bool,
}

impl Pair {
    fn new(block: usize) -> Result<Pair, Errno> {
        let (source, sink) = (Buffer::new(block)?, Buffer::new(block)?);
        Ok(Pair { source, sink, at: 0, source_ended: false, sink_ended: false })
    }

    /// Reads a region of both, with a second thread if that pays and there is one to be had.
    fn read(
        &mut self,
        source: BorrowedFd<'_>,
        sink: &Back<'_>,
        (from, to): (u64, u64),
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, (Side, Errno)> {
        self.at = from;
        if to - from < AHEAD_FROM {
            return self.alone(source, sink, to, visit);
        }
        let (full, ready) = sync_channel(AHEAD);
        let (back, empty) = sync_channel(AHEAD);
        let blocks: Vec<Buffer> = (0..AHEAD).map_while(|_| Buffer::new(self.sink.bytes().len()).ok()).collect();
        if blocks.is_empty() {
            return self.alone(source, sink, to, visit);
        }
        blocks.into_iter().for_each(|block| _ = back.send(block));
        thread::scope(move |scope| {
            // Dropped when this closure ends, by which the other thread knows that nobody wants more.
            let (ready, back) = (ready, back);
            let reader = thread::Builder::new().stack_size(STACK);
            match reader.spawn_scoped(scope, move || read_ahead(sink, from, to, &empty, &full)) {
                Ok(_) => self.together(source, (&ready, &back), to, visit),
                Err(_) => self.alone(source, sink, to, visit),
            }
        })
    }

    fn alone(
        &mut self,
        source: BorrowedFd<'_>,
        sink: &Back<'_>,
        to: u64,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, (Side, Errno)> {
        while self.at < to {
            let most = length(&self.sink, self.at, to);
            // All of the block, so that the length is one O_DIRECT can take.
            let there = sink.read(self.sink.bytes_mut(), self.at).map_err(|errno| (Side::Sink, errno))?.min(most);
            let here = read_full(source, &mut self.source.bytes_mut()[..most], self.at, 1);
            let here = here.map_err(|errno| (Side::Source, errno))?;
            let both = here.min(there);
            if both > 0 && visit(self.at, &self.source.bytes()[..both], &self.sink.bytes()[..both]).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            if self.is_over(here, there, most) {
                break;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn together(
        &mut self,
        source: BorrowedFd<'_>,
        (ready, back): (&Receiver<Ahead>, &SyncSender<Buffer>),
        to: u64,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, (Side, Errno)> {
        while self.at < to {
            let most = length(&self.source, self.at, to);
            let here = read_full(source, &mut self.source.bytes_mut()[..most], self.at, 1);
            let here = here.map_err(|errno| (Side::Source, errno))?;
            let Ok((block, there)) = ready.recv() else { break };
            let there = there.map_err(|errno| (Side::Sink, errno))?.min(most);
            let both = here.min(there);
            if both > 0 && visit(self.at, &self.source.bytes()[..both], &block.bytes()[..both]).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            let _ = back.send(block);
            if self.is_over(here, there, most) {
                break;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Whether one of them has ended in this block.
    fn is_over(&mut self, here: usize, there: usize, most: usize) -> bool {
        self.at += here.min(there) as u64;
        self.source_ended = here < most && here <= there;
        self.sink_ended = there < most && there <= here;
        self.source_ended || self.sink_ended
    }
}

fn length(buffer: &Buffer, at: u64, to: u64) -> usize {
    buffer.bytes().len().min(usize::try_from(to - at).unwrap_or(usize::MAX))
}

/// A block read ahead, and how much of it was filled.
type Ahead = (Buffer, Result<usize, Errno>);

/// The second thread's life: block after block of the destination, until the end, an error, or nobody wants more.
fn read_ahead(sink: &Back<'_>, from: u64, to: u64, empty: &Receiver<Buffer>, full: &SyncSender<Ahead>) {
    let mut at = from;
    while at < to {
        let Ok(mut block) = empty.recv() else { return };
        let filled = sink.read(block.bytes_mut(), at);
        let more = filled == Ok(block.bytes().len());
        at += block.bytes().len() as u64;
        if full.send((block, filled)).is_err() || !more {
            return;
        }
    }
}
