//! `zerocopy`: read(2), and send(2) with MSG_ZEROCOPY: the bytes stay in our buffers until the network card has sent
//! them and the peer has acknowledged them.
//!
//! * From plain buffers, in rotation. One is filled again only when every send made from it is done with
//!   ([`ledger::Ledger`]); while all of them are under way, pieces go plain from one more buffer. So a step never waits.
//! * The first flagged send is a probe: until its notification has come, the rest goes plain. It tells how the kernel
//!   numbers this socket's sends, and whether it copies after all (loopback, veth, tun, packet taps, a card without
//!   scatter-gather; `tests::network` shows the last); if it does, or does later, no send is flagged any more.
//! * ENOBUFS (no room to remember the send) makes that piece go plain.
//! * SO_ZEROCOPY is set for the session and cleared after it, as it was found. Cleared at the start, it says that nobody's
//!   notifications can come between ours; found set, the engine refuses (EBUSY).

mod ledger;
#[cfg(test)]
mod tests;

use super::contract::{Ask, End, Engine, Flow, Grant, Offsets, Remark, Session, Settled, Side, Step, Tuning};
use super::{Name, Reason, Scratch};
use crate::sys::buffer::Buffer;
use crate::sys::socket::{self, Incoming};
use crate::sys::zerocopy::{self, Waited};
use ledger::Ledger;
use rustix::io::{self, Errno};

/// Below this a copy is cheaper than the bookkeeping (msg_zerocopy.rst: "effective at writes over around 10 KB").
const WORTH: usize = 10 * 1024;

/// A buffer holds at most this many bytes; more does not make a send cheaper (the kernel notifies for 512 KiB at most
/// in one: `byte_limit` in net/core/skbuff.c).
const CHUNK: usize = 512 * 1024;

/// All buffers together: a little more than a TCP socket holds unsent and unacknowledged (net.ipv4.tcp_wmem's default
/// maximum of 4 MiB, tcp(7)), so that normally one is free when the socket has room; and less than RLIMIT_MEMLOCK's
/// default of 8 MiB (getrlimit(2)).
const TOGETHER: usize = 5 * 1024 * 1024;

/// The buffer that is never sent from with the flag.
const PLAIN: usize = 0;

pub struct Zerocopy;

impl Engine for Zerocopy {
    fn name(&self) -> Name {
        Name::Zerocopy
    }

    fn suits(&self, ask: &Ask<'_>) -> Result<(), Reason> {
        match ask.sink.socket() {
            Some(socket) if socket.is_tcp() => Ok(()),
            _ => Err(Reason::SinkNotTcp),
        }
    }

    fn open<'a>(
        &self,
        ask: &Ask<'a>,
        tuning: &Tuning,
        _: &Flow,
        _: &'a mut Scratch,
    ) -> Result<Box<dyn Session + 'a>, (Side, Errno)> {
        let mut sending = Sending::open(ask.source, ask.sink, tuning.block)?;
        sending.listening = ask.policy.peer.is_some();
        Ok(Box::new(sending))
    }
}

struct Sending<'a> {
    source: End<'a>,
    sink: End<'a>,
    /// The first is for plain sends; the others are made when they are needed.
    buffers: Vec<Buffer>,
    chunk: usize,
    ledger: Ledger,
    piece: Piece,
    /// No notification has said "copied" yet.
    flagging: bool,
    /// What the peer says is to be read and discarded, or it might never come to read what we sent.
    listening: bool,
    seen: Seen,
}

/// What was read and is not yet given: `from..to` of a buffer.
#[derive(Default)]
struct Piece {
    buffer: usize,
    from: usize,
    to: usize,
}

#[derive(Default)]
struct Seen {
    copied_at: Option<u64>,
    without_copy: u64,
    no_room: u64,
}

impl<'a> Sending<'a> {
    fn open(source: End<'a>, sink: End<'a>, block: usize) -> Result<Sending<'a>, (Side, Errno)> {
        let chunk = block.clamp(WORTH, CHUNK);
        let plain = Buffer::new(chunk).map_err(|errno| (Side::Either, errno))?;
        let of_the_sink = |errno| (Side::Sink, errno);
        if zerocopy::is_enabled(sink.fd).map_err(of_the_sink)? {
            return Err((Side::Sink, Errno::BUSY));
        }
        zerocopy::enable(sink.fd, true).map_err(of_the_sink)?;
        Ok(Sending {
            source,
            sink,
            buffers: vec![plain],
            chunk,
            ledger: Ledger::default(),
            piece: Piece::default(),
            flagging: true,
            listening: false,
            seen: Seen::default(),
        })
    }

    fn may_flag(&self) -> bool {
        self.flagging && self.ledger.is_open()
    }

    /// A buffer that the kernel does not read from.
    fn free_buffer(&mut self) -> usize {
        if !self.may_flag() {
            return PLAIN;
        }
        if let Some(free) = (PLAIN + 1..self.buffers.len()).find(|&buffer| !self.ledger.holds(buffer)) {
            return free;
        }
        if self.buffers.len() < TOGETHER / self.chunk
            && let Ok(buffer) = Buffer::new(self.chunk)
        {
            self.buffers.push(buffer);
            return self.buffers.len() - 1;
        }
        PLAIN
    }

    /// Takes what is in the error queue, so that POLLERR does not wake those who wait for room; returns whether there
    /// was something.
    fn reap(&mut self, flow: &mut Flow) -> Result<bool, Errno> {
        let mut any = false;
        while !self.ledger.is_settled() {
            let Some(completion) = zerocopy::completion(self.sink.fd)? else { break };
            any = true;
            let sends = self.ledger.completed(completion);
            if completion.copied {
                self.flagging = false;
                self.seen.copied_at.get_or_insert(flow.given());
            } else {
                self.seen.without_copy += sends;
            }
        }
        if self.ledger.is_settled() {
            flow.settle();
        }
        Ok(any)
    }

    fn take(&mut self, flow: &mut Flow, grant: Grant) -> Result<usize, Errno> {
        let buffer = self.free_buffer();
        let asked = usize::try_from(grant.bytes).unwrap_or(usize::MAX).min(self.chunk);
        let memory = &mut self.buffers[buffer].bytes_mut()[..asked];
        let filled = match self.source.offsets {
            Offsets::Explicit => io::pread(self.source.fd, memory, flow.source_offset())?,
            Offsets::Shared | Offsets::None => io::read(self.source.fd, memory)?,
        };
        flow.took(filled as u64);
        self.piece = Piece { buffer, from: 0, to: filled };
        Ok(filled)
    }

    fn give(&mut self, flow: &mut Flow, grant: Grant) -> Result<usize, Errno> {
        let Piece { buffer, from, to } = self.piece;
        let most = usize::try_from(grant.bytes).unwrap_or(usize::MAX).min(to - from);
        let flag = buffer != PLAIN && most >= WORTH && self.may_flag();
        // A probe held back for more bytes (up to 200 ms: tcp(7), TCP_CORK) would be answered late.
        let more = grant.more && (!flag || self.ledger.numbers_known());
        let mut flagged = flag;
        let bytes = from..from + most;
        let mut sent = zerocopy::send(self.sink.fd, &self.buffers[buffer].bytes()[bytes.clone()], flag, more);
        if flag && sent == Err(Errno::NOBUFS) {
            self.seen.no_room += 1;
            self.reap(flow)?;
            flagged = false;
            sent = zerocopy::send(self.sink.fd, &self.buffers[buffer].bytes()[bytes], false, grant.more);
        }
        let sent = sent?;
        if sent == 0 {
            return Err(Errno::NOSPC); // as read_write: asking again could go on for ever
        }
        if flagged {
            self.ledger.sent(buffer);
        }
        self.piece.from += sent;
        flow.gave_unsettled(sent as u64);
        if self.ledger.is_settled() {
            flow.settle();
        }
        Ok(sent)
    }

    /// Waits for the last notification. Not for ever: a dead socket sends none, and neither does one whose notifications
    /// somebody else took; then what counts is that the peer has acknowledged everything.
    fn await_completions(&mut self, flow: &mut Flow) -> Result<(), Errno> {
        self.reap(flow)?;
        while !self.ledger.is_settled() {
            let waited = zerocopy::wait(self.sink.fd, self.listening);
            let any = self.reap(flow)?;
            match waited {
                Ok(Waited::Woken) if any => {}
                Ok(Waited::Woken) => self.told_dead()?,
                Ok(Waited::Incoming) => self.listening = socket::discard(self.sink.fd)? != Incoming::End,
                Ok(Waited::HungUp) => break,
                Ok(Waited::Quiet) if socket::unacknowledged(self.sink.fd)? == 0 => break,
                Ok(Waited::Quiet) | Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        self.told_dead()
    }

    /// A connection that dies completes all its sends too; then there are bytes that were never acknowledged, and an
    /// error that nobody has been told.
    fn told_dead(&self) -> Result<(), Errno> {
        if socket::unacknowledged(self.sink.fd).is_ok_and(|bytes| bytes == 0) {
            return Ok(());
        }
        socket::pending_error(self.sink.fd).map_or(Ok(()), Err)
    }
}

impl Session for Sending<'_> {
    fn step(&mut self, flow: &mut Flow, grant: Grant) -> Step {
        if let Err(errno) = self.reap(flow) {
            return Step::Error(Side::Sink, errno);
        }
        if self.piece.from == self.piece.to {
            match self.take(flow, grant) {
                Ok(0) => return Step::End,
                Ok(_) => {}
                Err(errno) => return Step::Error(Side::Source, errno),
            }
        }
        match self.give(flow, grant) {
            Ok(sent) => Step::Moved(sent as u64),
            Err(errno) => Step::Error(Side::Sink, errno),
        }
    }

    fn settle(mut self: Box<Self>, flow: &mut Flow) -> Settled {
        let error = self.await_completions(flow).err().map(|errno| (Side::Sink, errno));
        if self.ledger.is_settled() {
            // If notifications are missing the option stays set: it tells the next one that they may still come. That it
            // could be set says that it can be cleared.
            let _ = zerocopy::enable(self.sink.fd, false);
        }
        let Piece { buffer, from, to } = self.piece;
        let carry = self.buffers[buffer].bytes()[from..to].to_vec();
        let mut remarks = Vec::new();
        if self.seen.without_copy > 0 {
            remarks.push(Remark::CompletionsZeroCopy { sends: self.seen.without_copy });
            // Where the interface does not gather, the kernel copies into packets on the way to it and completes TCP's
            // sends as uncopied all the same (ifb with scatter-gather off, Linux 6.18).
            remarks.extend(Remark::of_interface(&self.sink));
        }
        if let Some(at) = self.seen.copied_at {
            remarks.push(Remark::CompletionsCopied { at });
        }
        if self.seen.no_room > 0 {
            remarks.push(Remark::NoBuffers { sends: self.seen.no_room });
        }
        Settled { carry, remarks, error }
    }
}
