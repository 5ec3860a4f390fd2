//! `splice`: splice(2), through a private pipe unless the source is a pipe itself.
//!
//! Never straight from a source that can block into stdout's pipe: the kernel would sleep with that pipe locked, and its
//! reader could neither read what is there nor be killed (golang/go#71375; measured, kernel.md §0.1). Through a private
//! pipe it is also known which side an error belongs to, and it is faster.

use super::contract::{Ask, End, Engine, Flow, Grant, Nature, Place, Session, Settled, Side, Step, Tuning};
use super::scratch::Scratch;
use super::{Name, Reason};
use crate::sys::pipe::PrivatePipe;
use rustix::io::{self, Errno};
use rustix::pipe::{self, SpliceFlags};

pub struct Splice;

impl Engine for Splice {
    fn name(&self) -> Name {
        Name::Splice
    }

    fn suits(&self, ask: &Ask<'_>) -> Result<(), Reason> {
        if ask.sink.append {
            return Err(Reason::SinkAppends); // EINVAL
        }
        if ask.source.direct {
            return Err(Reason::SourceIsDirect);
        }
        let keeps_messages = |end: &End<'_>| end.socket().is_some_and(|socket| !socket.stream);
        if keeps_messages(&ask.sink) || keeps_messages(&ask.source) {
            return Err(Reason::SinkIsDatagram);
        }
        if [&ask.source, &ask.sink].iter().any(|end| end.nature == Nature::Other) {
            return Err(Reason::NotSpliceable);
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
        let (source, sink) = (ask.source, ask.sink);
        if source.is_pipe() {
            return Ok(Box::new(Direct { source, sink }));
        }
        let wanted = tuning.block as u64;
        match &mut scratch.pipe {
            Some(pipe) => pipe.at_least(wanted),
            none => *none = Some(PrivatePipe::new(wanted).map_err(|errno| (Side::Either, errno))?),
        }
        Ok(Box::new(Through { source, sink, pipe: &mut scratch.pipe }))
    }
}

fn explicit(end: &End<'_>, offset: u64) -> Option<u64> {
    (end.place == Place::Offset).then_some(offset)
}

fn flags(grant: Grant) -> SpliceFlags {
    // MORE on the last piece holds a TCP segment back for 200 ms (measured, kernel.md §2.3); without it on the others,
    // every piece is pushed out on its own.
    if grant.more { SpliceFlags::MORE } else { SpliceFlags::empty() }
}

/// Pipe to anything.
struct Direct<'a> {
    source: End<'a>,
    sink: End<'a>,
}

impl Session for Direct<'_> {
    fn step(&mut self, flow: &mut Flow, grant: Grant) -> Step {
        let mut to = explicit(&self.sink, flow.sink_offset());
        match pipe::splice(self.source.fd, None, self.sink.fd, to.as_mut(), clamp(grant.bytes), flags(grant)) {
            Ok(0) => Step::Zero,
            Ok(n) => {
                flow.took(n as u64);
                flow.gave(n as u64);
                Step::Moved(n as u64)
            }
            Err(errno) => Step::Error(Side::Either, errno),
        }
    }

    fn settle(self: Box<Self>, _: &mut Flow) -> Settled {
        Settled::default()
    }
}

/// Anything to anything through a private pipe.
struct Through<'a> {
    source: End<'a>,
    sink: End<'a>,
    pipe: &'a mut Option<PrivatePipe>,
}

impl Session for Through<'_> {
    fn step(&mut self, flow: &mut Flow, grant: Grant) -> Step {
        let Some(pipe) = self.pipe.as_ref() else { return Step::Error(Side::Either, Errno::BADF) };
        if flow.pending() == 0 {
            let mut from = explicit(&self.source, flow.source_offset());
            let wanted = clamp(grant.bytes.min(pipe.capacity()));
            match pipe::splice(self.source.fd, from.as_mut(), pipe.writer(), None, wanted, SpliceFlags::empty()) {
                Ok(0) => return Step::Zero,
                Ok(n) => flow.took(n as u64),
                Err(errno) => return Step::Error(Side::Source, errno),
            }
        }
        let mut to = explicit(&self.sink, flow.sink_offset());
        let pending = clamp(flow.pending());
        match pipe::splice(pipe.reader(), None, self.sink.fd, to.as_mut(), pending, flags(grant)) {
            // A sink that takes nothing and says nothing would be asked for ever.
            Ok(0) => Step::Error(Side::Sink, Errno::INVAL),
            Ok(n) => {
                flow.gave(n as u64);
                Step::Moved(n as u64)
            }
            Err(errno) => Step::Error(Side::Sink, errno),
        }
    }

    /// What is in the private pipe is read out of it and handed over; if it cannot be, the pipe is closed, so that the
    /// next file never gets these bytes.
    fn settle(self: Box<Self>, flow: &mut Flow) -> Settled {
        let mut settled = Settled::default();
        if flow.pending() == 0 {
            return settled;
        }
        let Some(pipe) = self.pipe.take() else { return settled };
        let mut left = usize::try_from(flow.pending()).unwrap_or(usize::MAX);
        settled.carry.reserve_exact(left);
        let mut piece = vec![0u8; left.min(64 * 1024)];
        while left > 0 {
            let most = left.min(piece.len());
            match io::read(pipe.reader(), &mut piece[..most]) {
                Ok(0) => {
                    settled.error = Some((Side::Either, Errno::IO)); // the pipe has fewer bytes than were put in
                    return settled;
                }
                Ok(n) => {
                    settled.carry.extend_from_slice(&piece[..n]);
                    left -= n;
                }
                Err(Errno::INTR) => {}
                Err(errno) => {
                    settled.error = Some((Side::Either, errno));
                    return settled;
                }
            }
        }
        *self.pipe = Some(pipe); // empty again
        settled
    }
}

/// Bytes for one call, at most what the kernel takes (0x7ffff000: splice(2), "MAX_RW_COUNT").
fn clamp(bytes: u64) -> usize {
    bytes.min(0x7fff_f000) as usize
}
