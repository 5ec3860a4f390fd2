//! `mmap`: the source mapped window by window, and write(2) from the mapping.
//!
//! Only the kernel ever reads the mapping, so there is no SIGBUS to catch. But a write from a mapping whose file was cut
//! short goes on to the end of the page, with zeros that were never in the file (12,388 bytes are written as 16,384:
//! measured on ext4, xfs, btrfs and tmpfs). A window therefore counts only after [`Watch`] has seen that the file was left
//! alone. A file of our own takes the bytes at once and has them cut off or overwritten if they do not count. From any
//! other sink nothing can be taken back, so there they wait in a private pipe until they count; to TCP they go straight
//! ([`straight`]).

use super::contract::{Ask, End, Engine, Flow, Grant, Nature, Offsets, Remark, Session, Settled, Side, Step, Tuning};
use super::drain::Drain;
use super::watch::{Watch, advance};
use super::{Name, Reason, Scratch};
use crate::sys::facts::FileSystem;
use crate::sys::map::{Map, Pages, page_size};
use rustix::io::Errno;
use straight::Straight;

/// Bytes mapped at a time for a sink that takes them at once. Measured, GB/s with windows of ¼, 1, 2 and 4 MiB, pages
/// mapped ahead (as met): ext4 2.2 (1.8), 2.6 (2.2), 2.7 (2.1), 2.6 (2.2); tmpfs 1.2 (1.3), 1.4 (1.4), 1.5 (1.5),
/// 1.5 (1.6).
const WINDOW: u64 = 2 << 20;

pub struct Mmap;

impl Engine for Mmap {
    fn name(&self) -> Name {
        Name::Mmap
    }

    fn suits(&self, ask: &Ask<'_>) -> Result<(), Reason> {
        // By kind, not by trying: TCP sockets can be mapped too, and are then no file.
        if !matches!(ask.source.nature, Nature::File | Nature::Block) {
            return Err(Reason::SourceNotRegular);
        }
        // A file without offsets has a position that mapping it does not move.
        if ask.source.offsets == Offsets::None || ask.source.file_system == Some(FileSystem::Pseudo) {
            return Err(Reason::SourceNotMappable); // EIO, ENODEV; and a mapped PCI resource is the device itself
        }
        if ask.source.facts.size == 0 && ask.expected.is_none() {
            return Err(Reason::SizeUnknown);
        }
        if ask.sink.append {
            return Err(Reason::SinkAppends); // the private pipe cannot be spliced there: EINVAL
        }
        if ask.sink.socket().is_some_and(|socket| !socket.stream) {
            return Err(Reason::KeepsMessages);
        }
        Ok(())
    }

    fn open<'a>(
        &self,
        ask: &Ask<'a>,
        tuning: &Tuning,
        _: &Flow,
        scratch: &'a mut Scratch,
    ) -> Result<Box<dyn Session + 'a>, (Side, Errno)> {
        let source = Source { end: ask.source, changed_at: None };
        let sink = ask.sink;
        if sink.is_regular() && sink.offsets == Offsets::Explicit {
            return Ok(Box::new(AtOnce { source, sink }));
        }
        if sink.socket().is_some_and(|socket| socket.is_tcp()) {
            return Ok(Box::new(Straight::new(source, sink)));
        }
        let drain = Drain::open(sink, tuning.block as u64, scratch)?;
        Ok(Box::new(Through { source, drain }))
    }
}

/// The file that is mapped.
struct Source<'a> {
    end: End<'a>,
    /// Bytes given when it was seen to change.
    changed_at: Option<u64>,
}

/// A window, and what to hold it against once it has been used.
struct Window {
    map: Map,
    /// Offsets in the file, bytes: where it begins, and the first byte beyond it.
    from: u64,
    end: u64,
    watch: Watch,
}

impl Source<'_> {
    /// Maps the next window: `most` bytes, or up to a page boundary a little before that, so that the following windows
    /// are of whole pages. `None` at the end of the file.
    fn window(&self, flow: &mut Flow, most: u64, pages: Pages) -> Result<Option<Window>, Errno> {
        let watch = Watch::begin(&self.end)?;
        let from = flow.source_offset();
        let Some(left) = watch.size().checked_sub(from).filter(|left| *left > 0) else {
            // Whoever is at work on it may be so still when the end is confirmed by a read.
            if self.end.is_regular() && watch.size() != self.end.facts.size {
                flow.disturb();
            }
            return Ok(None);
        };
        let mut end = from + left.min(most);
        let boundary = end - end % page_size();
        if end < watch.size() && boundary > from {
            end = boundary;
        }
        let map = Map::of(self.end.fd, from, (end - from) as usize, pages)?;
        Ok(Some(Window { map, from, end, watch }))
    }

    /// Whether what was written from a window is the file's; otherwise what the step came to.
    fn check(&mut self, flow: &mut Flow, window: &Window) -> Result<(), Step> {
        match window.watch.held(&self.end, window.end) {
            Ok(true) => Ok(()),
            Ok(false) => {
                self.changed(flow);
                Err(Step::Changed)
            }
            Err(errno) => Err(Step::Error(Side::Source, errno)),
        }
    }

    /// It was seen to change.
    fn changed(&mut self, flow: &mut Flow) {
        flow.disturb();
        self.changed_at.get_or_insert(flow.given());
    }

    /// `n` bytes count as taken.
    fn took(&self, flow: &mut Flow, n: u64) -> Result<(), Step> {
        advance(&self.end, flow.source_offset() + n).map_err(|errno| Step::Error(Side::Source, errno))?;
        flow.took(n);
        Ok(())
    }

    fn remarks(&self) -> Vec<Remark> {
        self.changed_at.map(|at| Remark::SourceChanged { at }).into_iter().collect()
    }
}

/// To a regular file of our own.
struct AtOnce<'a> {
    source: Source<'a>,
    sink: End<'a>,
}

impl Session for AtOnce<'_> {
    fn step(&mut self, flow: &mut Flow, grant: Grant) -> Step {
        let window = match self.source.window(flow, grant.bytes.min(WINDOW), Pages::Ahead) {
            Ok(Some(window)) => window,
            Ok(None) => return Step::Zero,
            Err(errno) => return Step::Error(Side::Source, errno),
        };
        let written = match window.map.pwrite_to(self.sink.fd, flow.sink_offset()) {
            Ok(0) => return Step::Error(Side::Sink, Errno::NOSPC), // as in read_write
            Err(errno) if errno != Errno::FAULT => return Step::Error(Side::Sink, errno),
            written => written,
        };
        if let Err(step) = self.source.check(flow, &window) {
            flow.spoil(window.end - flow.source_offset());
            return step;
        }
        match written.map(|n| (n as u64, self.source.took(flow, n as u64))) {
            Ok((n, Ok(()))) => {
                flow.gave(n);
                Step::Moved(n)
            }
            Ok((n, Err(step))) => {
                flow.spoil(n);
                step
            }
            // The file is as it was, so a page could not be read in: pread will tell why.
            Err(errno) => Step::Error(Side::Source, errno),
        }
    }

    fn settle(self: Box<Self>, _: &mut Flow) -> Settled {
        Settled { remarks: self.source.remarks(), ..Settled::default() }
    }
}

/// To anything else, through a private pipe.
struct Through<'a> {
    source: Source<'a>,
    drain: Drain<'a>,
}

impl Through<'_> {
    /// Fills the empty pipe with the next window.
    fn fill(&mut self, flow: &mut Flow, grant: Grant) -> Result<(), Step> {
        let pipe = self.drain.pipe().map_err(|errno| Step::Error(Side::Either, errno))?;
        // Mapping the pages ahead gains nothing here: 1.1 to 1.4 GB/s with pipes of ¼ to 1 MiB, as met 1.0 to 1.7.
        let window = self.source.window(flow, grant.bytes.min(pipe.capacity()), Pages::AsMet);
        let window = window.map_err(|errno| Step::Error(Side::Source, errno))?.ok_or(Step::Zero)?;
        let whole = window.end - flow.source_offset();
        // The window fits, so this does not block, and it is short only if a page cannot be had.
        let written = window.map.write_to(pipe.writer());
        let mut filled = self.source.check(flow, &window);
        if filled.is_ok() {
            filled = match written {
                Ok(n) if n as u64 == whole => self.source.took(flow, whole),
                // The file is as it was, so a page could not be read in: pread will tell why.
                short => Err(Step::Error(Side::Source, short.err().unwrap_or(Errno::FAULT))),
            };
        }
        // What is in it does not count; only a write that is to be made again has put nothing there. (EFAULT leaves a
        // buffer of 0 bytes behind, which takes room: fs/pipe.c.)
        if filled.is_err() && !matches!(written, Err(Errno::INTR | Errno::AGAIN)) {
            self.drain.discard();
        }
        filled
    }
}

impl Session for Through<'_> {
    fn step(&mut self, flow: &mut Flow, grant: Grant) -> Step {
        if flow.pending() == 0
            && let Err(step) = self.fill(flow, grant)
        {
            return step;
        }
        self.drain.give(flow, grant)
    }

    fn settle(self: Box<Self>, flow: &mut Flow) -> Settled {
        Settled { remarks: self.source.remarks(), ..self.drain.settle(flow) }
    }
}

mod straight;
#[cfg(test)]
mod tests;
