//! The peer of `--connect` and `--listen`: the socket made, handed to the engines as their sink, and at the end held open
//! until the peer has closed its own.
//!
//! The socket is non-blocking, so that every wait is the driver's (`transfer::ready`), which has a time-out and reads what
//! the peer says. Sending ends with a half-close; what the peer says after that is read too, because a socket that is
//! closed with unread bytes resets the connection, and what the peer has not read yet is lost (RFC 1122, 4.2.2.13).

use super::address::SocketAddress;
use super::options::{self, Role};
use crate::engine::{self, End};
use crate::report::peer::{self as words, Left};
use crate::sys::facts::Facts;
use crate::sys::socket::{self, Incoming};
use crate::transfer::{Failure, endpoint};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{self, Shutdown, sockopt};
use std::ffi::OsStr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

mod connect;
mod listen;

/// `--timeout` where it is not given: for an answer to a connection that is asked for, and for the peer's close once
/// nothing moves any more. Waiting for somebody to connect, and for a peer to take more, has no end then: a person may be
/// at work there.
const PATIENCE: Duration = Duration::from_secs(30);

/// So long is waited at most before it is looked again whether anything has moved.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A connection.
#[derive(Debug)]
pub(super) struct Peer<'a> {
    fd: OwnedFd,
    name: &'a OsStr,
    is_tcp: bool,
    timeout: Option<Duration>,
}

/// How the peer's end came.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Farewell {
    /// Bytes it said since the last byte was sent; they were discarded.
    pub(super) said: u64,
}

impl Peer<'_> {
    /// Connects, or waits for somebody to connect.
    ///
    /// # Errors
    /// What is to be said if that fails.
    pub(super) fn open(asked: &options::Peer) -> Result<Peer<'_>, String> {
        let name = asked.address.text.as_os_str();
        let patience = asked.timeout.unwrap_or(PATIENCE);
        let fd = match (asked.role, &asked.address.socket) {
            (Role::Connect, SocketAddress::Tcp(host, port)) => connect::tcp(name, host, *port, patience),
            (Role::Connect, SocketAddress::Unix(path)) => connect::unix(name, path, patience),
            (Role::Listen, SocketAddress::Tcp(host, port)) => listen::tcp(name, host, *port, asked.timeout),
            (Role::Listen, SocketAddress::Unix(path)) => listen::unix(name, path, asked.timeout),
        }?;
        let is_tcp = matches!(asked.address.socket, SocketAddress::Tcp(..));
        if let Some(timeout) = asked.timeout
            && is_tcp
        {
            // For what only the kernel waits for (the completions of MSG_ZEROCOPY); later than our own time-out, which
            // can say more. tcp(7): milliseconds.
            let millis = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
            let _ = sockopt::set_tcp_user_timeout(&fd, millis.saturating_add(1000));
        }
        Ok(Peer { fd, name, is_tcp, timeout: asked.timeout })
    }

    /// The connection as a sink.
    ///
    /// # Errors
    /// EBADF of fstat(2).
    pub(super) fn end(&self) -> Result<End<'_>, Errno> {
        Ok(endpoint::own(self.fd.as_fd(), Facts::of(&self.fd)?))
    }

    /// Both ends' addresses, for `--explain`.
    pub(super) fn connection(&self) -> String {
        let end = |address: Option<net::SocketAddrAny>| {
            address.and_then(|address| std::net::SocketAddr::try_from(address).ok()).map(|address| address.to_string())
        };
        let peer = end(net::getpeername(&self.fd).ok().flatten());
        words::connected(self.name, peer, end(net::getsockname(&self.fd).ok()))
    }

    /// Why not all could be sent, in words.
    pub(super) fn lost(&self, failure: &Failure, sent: u64) -> String {
        words::lost(self.name, failure, &self.left(sent, 0))
    }

    /// What had become of the bytes sent. `beyond` them the kernel counts as many: our end (FIN) is one to TCP, the last.
    fn left(&self, sent: u64, beyond: u64) -> Left {
        // Of a unix socket it is memory, not bytes.
        let unacknowledged = if self.is_tcp { socket::unacknowledged(&self.fd).ok() } else { None };
        Left { sent, unacknowledged: unacknowledged.map(|bytes| bytes.saturating_sub(beyond).min(sent)) }
    }

    /// Says that no more comes, and waits until the peer has said so too and has acknowledged everything.
    ///
    /// # Errors
    /// What is to be said if it does not.
    pub(super) fn finish(&self, sent: u64) -> Result<Farewell, String> {
        let failure = |errno| Failure::Call { side: engine::Side::Sink, errno };
        net::shutdown(&self.fd, Shutdown::Write).map_err(|errno| match (errno, socket::pending_error(&self.fd)) {
            // The connection is gone, and its own error says why.
            (Errno::NOTCONN, Some(pending)) => self.lost(&failure(pending), sent),
            (errno, _) => self.lost(&failure(errno), sent),
        })?;
        let lost = |errno| words::lost(self.name, &failure(errno), &self.left(sent, 1));
        let mut farewell = Farewell::default();
        let mut heard_all = false;
        let mut silence = Silence::begin(&self.fd);
        loop {
            if !heard_all {
                match socket::discard(&self.fd).map_err(lost)? {
                    Incoming::Bytes(n) => {
                        farewell.said += n as u64;
                        silence.broken();
                        continue;
                    }
                    Incoming::Nothing => {}
                    Incoming::End => heard_all = true,
                }
            }
            if let Some(errno) = socket::pending_error(&self.fd) {
                return Err(lost(errno));
            }
            // Its close may come before it has taken everything (`nc -l -N </dev/null` closes at once).
            if heard_all && silence.queued(&self.fd) == 0 {
                return Ok(farewell);
            }
            let patience = self.timeout.unwrap_or(PATIENCE);
            if silence.lasts(&self.fd) >= patience {
                return Err(words::never_closed(self.name, patience, &self.left(sent, 1)));
            }
            self.look_again(heard_all, patience);
        }
    }

    /// Waits for the peer to say something; of its acknowledgements poll(2) does not tell.
    fn look_again(&self, heard_all: bool, patience: Duration) {
        let most = LOOK_AGAIN.min(patience / 4);
        if heard_all {
            return std::thread::sleep(most);
        }
        let most = Timespec::try_from(most).ok();
        // Its errors are the next call's.
        let _ = poll(&mut [PollFd::new(&self.fd, PollFlags::IN)], most.as_ref());
    }
}

/// Since when nothing has moved, in either direction.
struct Silence {
    since: Instant,
    queued: u64,
}

impl Silence {
    fn begin(fd: &OwnedFd) -> Silence {
        Silence { since: Instant::now(), queued: socket::unacknowledged(fd).unwrap_or(0) }
    }

    fn broken(&mut self) {
        self.since = Instant::now();
    }

    fn queued(&mut self, fd: &OwnedFd) -> u64 {
        let queued = socket::unacknowledged(fd).unwrap_or(0);
        if queued != self.queued {
            self.queued = queued;
            self.broken();
        }
        queued
    }

    fn lasts(&mut self, fd: &OwnedFd) -> Duration {
        self.queued(fd);
        self.since.elapsed()
    }
}

/// poll(2) until `fd` is ready for `flags`, or until `deadline`: then ETIMEDOUT.
fn wait(fd: &OwnedFd, flags: PollFlags, deadline: Option<Instant>) -> Result<(), Errno> {
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut [PollFd::new(fd, flags)], left.as_ref()) {
            Ok(0) => return Err(Errno::TIMEDOUT),
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}
