//! A private pipe on its way to a sink, for the engines that go through one: bytes taken from the source wait in it
//! until the sink accepts them.

use super::contract::{End, Flow, Grant, Offsets, Settled, Side, Step};
use super::scratch::Scratch;
use crate::sys::pipe::PrivatePipe;
use rustix::io::{self, Errno};
use rustix::pipe::{self, SpliceFlags};

/// The worker's private pipe, lent to a session, and the sink it is emptied into. What is in it is what the flow says
/// is pending.
pub(super) struct Drain<'a> {
    sink: End<'a>,
    pipe: &'a mut Option<PrivatePipe>,
}

impl<'a> Drain<'a> {
    /// With a pipe of about `wanted` bytes, made if the worker has none yet.
    pub(super) fn open(sink: End<'a>, wanted: u64, scratch: &'a mut Scratch) -> Result<Drain<'a>, (Side, Errno)> {
        match &mut scratch.pipe {
            Some(pipe) => pipe.at_least(wanted),
            none => *none = Some(PrivatePipe::new(wanted).map_err(|errno| (Side::Either, errno))?),
        }
        Ok(Drain { sink, pipe: &mut scratch.pipe })
    }

    /// The pipe, to be filled when nothing is pending; EBADF after [`Drain::discard`].
    pub(super) fn pipe(&self) -> Result<&PrivatePipe, Errno> {
        self.pipe.as_ref().ok_or(Errno::BADF)
    }

    /// Closes the pipe with what is in it: nobody ever gets these bytes, not the next file either.
    pub(super) fn discard(&mut self) {
        *self.pipe = None;
    }

    /// Moves what is pending on to the sink, as much as one call does.
    pub(super) fn give(&mut self, flow: &mut Flow, grant: Grant) -> Step {
        if let Err(errno) = self.pipe() {
            return Step::Error(Side::Either, errno);
        }
        match self.push(flow.sink_offset(), flow.pending(), grant) {
            Ok(n) => {
                flow.gave(n);
                Step::Moved(n)
            }
            Err(errno) => Step::Error(Side::Sink, errno),
        }
    }

    /// Moves up to `bytes` bytes that are in the pipe on to the sink, at `offset` where it has offsets, as much as one call
    /// does, and tells nobody.
    ///
    /// # Errors
    /// What splice(2) says; EINVAL of a sink that takes nothing and says nothing, and would be asked for ever.
    pub(super) fn push(&self, offset: u64, bytes: u64, grant: Grant) -> Result<u64, Errno> {
        let pipe = self.pipe()?;
        let mut to = explicit(&self.sink, offset);
        match pipe::splice(pipe.reader(), None, self.sink.fd, to.as_mut(), clamp(bytes), flags(grant))? {
            0 => Err(Errno::INVAL),
            n => Ok(n as u64),
        }
    }

    /// What is pending is read out of the pipe and handed over; if it cannot be, the pipe is closed, so that the next
    /// file never gets these bytes.
    pub(super) fn settle(self, flow: &Flow) -> Settled {
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

/// The offset a call is given for an end: only ends of our own have one.
pub(super) fn explicit(end: &End<'_>, offset: u64) -> Option<u64> {
    (end.offsets == Offsets::Explicit).then_some(offset)
}

/// The flags of a splice into the sink.
pub(super) fn flags(grant: Grant) -> SpliceFlags {
    // MORE on the last piece holds a TCP segment back: 100 bytes took 204 ms, and 0.1 without (Linux 6.18). Without it on
    // the others, every piece is pushed out on its own.
    if grant.more { SpliceFlags::MORE } else { SpliceFlags::empty() }
}

/// Bytes for one call, at most what the kernel takes (0x7ffff000: splice(2), "MAX_RW_COUNT").
pub(super) fn clamp(bytes: u64) -> usize {
    bytes.min(0x7fff_f000) as usize
}
