//! Waiting for an end that is not ready: poll(2), never a spin.

use super::trail::Failure;
use crate::engine::{End, Nature, Peer, Side};
use crate::sys::socket::{self, Incoming};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::time::{Duration, Instant};

/// After this many waits in a row that ended at once and moved nothing, poll's word is not enough: a socket with a
/// queued error, or a descriptor poll(2) calls ready while the call that was made does not. Then sleep between tries.
const AT_ONCE: u32 = 8;
/// The longest such sleep.
const LONGEST: Duration = Duration::from_millis(50);

/// How often, within the time that a peer has, it is looked whether it takes anything.
const LOOKS: u32 = 8;

/// Where a peer has unlimited time: between two tries of the call. Only the call tells that a unix peer has shut down its
/// reading: poll(2) has no event for it (unix_poll, net/unix/af_unix.c).
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Waits, and knows for how long to.
#[derive(Debug, Default)]
pub struct Readiness {
    in_a_row: u32,
    peer: Option<Peer>,
    /// The peer has said that it will say nothing more.
    heard_all: bool,
    /// Since when the peer has taken nothing, and what it had not acknowledged then.
    stalled: Option<(Instant, u64)>,
}

/// Why a wait is over although nothing is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The peer took nothing for so long.
    TimedOut(Duration),
    /// The connection has an error, which no call that follows will tell.
    Failed(Errno),
}

impl From<Stopped> for Failure {
    fn from(stopped: Stopped) -> Failure {
        match stopped {
            Stopped::TimedOut(patience) => Failure::TimedOut(patience),
            Stopped::Failed(errno) => Failure::Call { side: Side::Sink, errno },
        }
    }
}

impl Readiness {
    /// For a sink that is a socket of our own, if there is a `peer`.
    pub fn of(peer: Option<Peer>) -> Readiness {
        Readiness { peer, ..Readiness::default() }
    }

    /// Something moved: poll is to be believed again.
    pub fn moved(&mut self) {
        self.in_a_row = 0;
        self.stalled = None;
    }

    /// Waits until `side` is ready, for ever if need be; only for a peer's taking something there may be a time-out.
    /// Errors of poll(2) itself end the wait; the call that is then made again says what is wrong.
    ///
    /// # Errors
    /// Why nothing more can be hoped for of the peer.
    pub fn wait(&mut self, side: Side, source: &End<'_>, sink: &End<'_>) -> Result<(), Stopped> {
        if side != Side::Sink {
            // Also where the call did not tell which: a source with nothing to read first, then the sink.
            wait_for(source, PollFlags::IN);
        }
        match self.peer {
            _ if side == Side::Source => {}
            Some(peer) => self.wait_for_peer(peer, sink)?,
            None => wait_for(sink, PollFlags::OUT),
        }
        self.in_a_row += 1;
        if self.in_a_row > AT_ONCE {
            let millis = u64::from(self.in_a_row - AT_ONCE);
            std::thread::sleep(Duration::from_millis(millis).min(LONGEST));
        }
        Ok(())
    }

    /// Before a read that may have to wait: waits until the source has something, and meanwhile discards what a peer of our
    /// own says. What comes from the source may depend on it, and a peer that is kept from writing comes to nothing else.
    ///
    /// # Errors
    /// The connection's own error: it is gone.
    pub fn listen(&mut self, source: &End<'_>, sink: &End<'_>) -> Result<(), Stopped> {
        if self.peer.is_none() || matches!(source.nature, Nature::File | Nature::Block) {
            return Ok(());
        }
        self.hear(Some(source), sink, None)
    }

    /// Lets so much time pass, in which nothing is to be given, and discards what a peer of our own says meanwhile.
    ///
    /// # Errors
    /// The connection's own error: it is gone.
    pub fn pause(&mut self, time: Duration, sink: &End<'_>) -> Result<(), Stopped> {
        if self.peer.is_none() {
            std::thread::sleep(time);
            return Ok(());
        }
        self.hear(None, sink, Instant::now().checked_add(time))
    }

    /// Discards what the peer says until there is a source that has something, or until a moment has come.
    fn hear(&mut self, source: Option<&End<'_>>, sink: &End<'_>, until: Option<Instant>) -> Result<(), Stopped> {
        // A notification of MSG_ZEROCOPY wakes every poll until it is taken, and so does a unix peer that is gone: then the
        // peer is looked after now and again, as long as it may say something.
        let mut now_and_again = None;
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(());
            }
            let incoming = if self.heard_all { PollFlags::empty() } else { PollFlags::IN };
            let given_from = source.map_or(&sink.fd, |source| &source.fd);
            let mut both = [PollFd::new(&sink.fd, incoming), PollFd::new(given_from, PollFlags::IN)];
            let waited_for = usize::from(now_and_again.is_some())..1 + usize::from(source.is_some());
            let look = now_and_again.filter(|_| !self.heard_all);
            let longest =
                look.into_iter().chain(left).min().and_then(|longest: Duration| Timespec::try_from(longest).ok());
            match poll(&mut both[waited_for], longest.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return Ok(()),
            }
            let [seen, from] = both.map(|end| end.revents());
            if look.is_some() || seen.contains(PollFlags::IN) {
                let said = socket::discard(sink.fd).map_err(Stopped::Failed)?;
                self.heard_all = said == Incoming::End;
                now_and_again = now_and_again.map(|_| if said == Incoming::Nothing { LONGEST } else { Duration::ZERO });
            } else if !seen.is_empty() {
                now_and_again = Some(LONGEST);
                socket::pending_error(sink.fd).map_or(Ok(()), |errno| Err(Stopped::Failed(errno)))?;
            }
            if source.is_some() && !from.is_empty() {
                return Ok(());
            }
        }
    }

    /// Waits until the peer takes more, and meanwhile discards what it says: it may be waiting for us to read.
    fn wait_for_peer(&mut self, peer: Peer, sink: &End<'_>) -> Result<(), Stopped> {
        let look = peer.patience.map_or(TRY_AGAIN, |patience| patience / LOOKS);
        let look = Timespec::try_from(look).ok();
        loop {
            self.check(peer, sink)?;
            let incoming = if self.heard_all { PollFlags::empty() } else { PollFlags::IN };
            let mut waited_for = [PollFd::new(&sink.fd, PollFlags::OUT | incoming)];
            match poll(&mut waited_for, look.as_ref()) {
                Ok(0) => return Ok(()),
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return Ok(()),
            }
            let seen = waited_for[0].revents();
            if seen.contains(PollFlags::ERR) {
                return Ok(()); // a notification of MSG_ZEROCOPY, or what the call will be told
            }
            if seen.contains(PollFlags::IN) {
                self.heard_all = socket::discard(sink.fd).map_err(Stopped::Failed)? == Incoming::End;
            }
            if seen.intersects(PollFlags::OUT | PollFlags::HUP) {
                self.stalled = None;
                return Ok(());
            }
        }
    }

    /// Whether the peer has taken something in the time it has. poll does not tell of every byte: TCP is ready only when a
    /// third of its buffer is free (`sk_stream_min_wspace`, include/net/sock.h).
    fn check(&mut self, peer: Peer, sink: &End<'_>) -> Result<(), Stopped> {
        let Some(patience) = peer.patience else { return Ok(()) };
        let queued = socket::unacknowledged(sink.fd).unwrap_or(0);
        match self.stalled {
            Some((since, before)) if before == queued => {
                if since.elapsed() >= patience {
                    Err(Stopped::TimedOut(patience))
                } else {
                    Ok(())
                }
            }
            _ => {
                self.stalled = Some((Instant::now(), queued));
                Ok(())
            }
        }
    }
}

fn wait_for(end: &End<'_>, flags: PollFlags) {
    let mut waited_for = [PollFd::new(&end.fd, flags)];
    while poll(&mut waited_for, None) == Err(Errno::INTR) {}
}
