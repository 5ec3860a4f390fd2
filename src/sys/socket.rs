//! Sockets: what kind one is, whether its peer is on this machine, and how much may be unread there.

use super::descriptor::{self, last_errno};
use super::interface::{self, Interface};
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, RecvFlags, SocketType, sockopt};
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};

/// What a socket is, as far as moving bytes into it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    /// IPv4 or IPv6, as against unix and others.
    pub internet: bool,
    /// A byte stream; datagram and seqpacket sockets keep message boundaries.
    pub stream: bool,
    /// The peer's address is one of this machine's: loopback, or the same as our own.
    pub local: bool,
    /// Bytes that may be queued unread when the program ends: in it, and of TCP in the peer's socket too, if that may be on
    /// this machine: by loopback, or by an interface that is no device, with which the peer may be in a container here.
    pub queue: u64,
    /// Of TCP to another address: the interface by which it is reached, as the routing stood when this was asked.
    pub out: Option<Interface>,
}

impl Socket {
    /// Asks the kernel: SO_DOMAIN, SO_TYPE, getsockname, getpeername, and of TCP to another address for its route.
    ///
    /// # Errors
    /// ENOTSOCK and EBADF.
    pub fn of(fd: impl AsFd) -> Result<Socket, Errno> {
        let fd = fd.as_fd();
        let domain = sockopt::socket_domain(fd)?;
        let internet = domain == AddressFamily::INET || domain == AddressFamily::INET6;
        let stream = sockopt::socket_type(fd)? == SocketType::STREAM;
        let local = !internet || peer_is_local(fd);
        let own = sockopt::socket_send_buffer_size(fd)? as u64;
        let out = if internet && stream && !local { interface::of_socket(fd) } else { None };
        let queue = match (internet, stream) {
            (true, true) if out.is_some_and(|out| out.device) => own.max(largest_send_buffer()),
            (true, true) => own.max(largest_send_buffer()) + largest_receive_buffer() + SEGMENT,
            // A unix stream takes one more piece, of at most half its buffer, as long as the buffer is not full
            // (unix_stream_sendmsg, net/unix/af_unix.c).
            (false, true) => own.saturating_mul(2),
            (_, false) => own,
        };
        Ok(Socket { internet, stream, local, queue, out })
    }

    /// TCP, or another internet stream.
    pub fn is_tcp(&self) -> bool {
        self.internet && self.stream
    }

    /// TCP that leaves by a device: what has been acknowledged is no page of ours any more. By any other interface, loopback
    /// among them, the pages themselves may go on into the queue of a peer on this machine.
    pub fn leaves_by_device(&self) -> bool {
        self.out.is_some_and(|out| out.device)
    }

    /// A unix stream socket: its peer is on this machine, and one queue is all there is between us.
    pub fn is_unix_stream(&self) -> bool {
        !self.internet && self.stream && self.local
    }
}

/// What a peer has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// This many bytes, which are gone now.
    Bytes(usize),
    /// Nothing, so far.
    Nothing,
    /// That it will say nothing more.
    End,
}

/// Reads what has come in on a stream socket, one buffer of it, and throws it away. Never waits.
///
/// # Errors
/// What recv(2) says: ECONNRESET, which is then told no more (the error pending on a socket is told once).
pub fn discard(fd: impl AsFd) -> Result<Incoming, Errno> {
    let mut bytes = [0u8; 16 * 1024];
    match net::recv(fd, &mut bytes, RecvFlags::DONTWAIT) {
        Ok((0, _)) => Ok(Incoming::End),
        Ok((n, _)) => Ok(Incoming::Bytes(n)),
        Err(Errno::AGAIN | Errno::INTR) => Ok(Incoming::Nothing),
        Err(errno) => Err(errno),
    }
}

/// The error a dead socket has pending (SO_ERROR); asking clears it.
pub fn pending_error(fd: impl AsFd) -> Option<Errno> {
    sockopt::socket_error(fd).ok()?.err()
}

/// Whether a connection is over, so that nothing in it arrives any more: it was reset, has timed out, or is closed both ways
/// (POLLERR and POLLHUP: poll(2)).
pub fn is_over(fd: impl AsFd) -> bool {
    !descriptor::unasked_events(fd).is_empty()
}

/// Bytes sent that the peer has not acknowledged yet (SIOCOUTQ: tcp(7)), or, with a unix socket, memory that holds bytes
/// the peer has not read yet.
///
/// # Errors
/// EINVAL on what is not connected.
pub fn unacknowledged(fd: impl AsFd) -> Result<u64, Errno> {
    let mut bytes = MaybeUninit::<libc::c_int>::uninit();
    // SIOCOUTQ and TIOCOUTQ are one number (`<linux/sockios.h>`).
    // SAFETY: the call stores one int at the address given.
    if unsafe { libc::ioctl(fd.as_fd().as_raw_fd(), libc::TIOCOUTQ, bytes.as_mut_ptr()) } == -1 {
        return Err(last_errno());
    }
    // SAFETY: the call succeeded, so the int is there.
    Ok(u64::try_from(unsafe { bytes.assume_init() }).unwrap_or(0))
}

/// An integer option of a socket, for those rustix has no name for.
///
/// # Errors
/// What getsockopt(2) says: ENOTSOCK, ENOPROTOOPT.
pub fn option(fd: impl AsFd, level: libc::c_int, name: libc::c_int) -> Result<libc::c_int, Errno> {
    let mut value: libc::c_int = 0;
    let mut length = size_of_val(&value) as libc::socklen_t;
    let fd = fd.as_fd().as_raw_fd();
    // SAFETY: `value` is valid for writes of the `length` bytes said; the kernel writes no more than that.
    let result = unsafe { libc::getsockopt(fd, level, name, (&raw mut value).cast(), &raw mut length) };
    if result == 0 { Ok(value) } else { Err(last_errno()) }
}

/// Sets an integer option of a socket, one that rustix has no name for.
///
/// # Errors
/// What setsockopt(2) says: ENOTSOCK, ENOPROTOOPT, EINVAL, EPERM.
pub fn set_option(fd: impl AsFd, level: libc::c_int, name: libc::c_int, value: libc::c_int) -> Result<(), Errno> {
    let length = size_of_val(&value) as libc::socklen_t;
    let fd = fd.as_fd().as_raw_fd();
    // SAFETY: `value` is valid for reads of the `length` bytes said. An option that wants a longer value is refused, and
    // one that is a pointer to more has a longer value.
    let result = unsafe { libc::setsockopt(fd, level, name, (&raw const value).cast(), length) };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

/// Whether an internet socket's peer is this machine: its address is a loopback one or equals our end's.
fn peer_is_local(fd: impl AsFd) -> bool {
    let fd = fd.as_fd();
    let Some(peer) = net::getpeername(fd).ok().flatten().and_then(|a| SocketAddr::try_from(a).ok()) else {
        return true; // not connected: nothing will be sent
    };
    let ours = net::getsockname(fd).ok().and_then(|a| SocketAddr::try_from(a).ok());
    plain(peer.ip()).is_loopback() || ours.is_some_and(|ours| plain(ours.ip()) == plain(peer.ip()))
}

/// An IPv4 address inside IPv6 (::ffff:127.0.0.1) as the IPv4 address it is.
fn plain(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(ip, IpAddr::V4),
        IpAddr::V4(_) => ip,
    }
}

/// A buffer takes one segment more than it has room for, bytes: the largest that loopback makes of several (gso_max_size,
/// GSO_MAX_SIZE of `include/linux/netdevice.h`, is at most 512 KiB).
const SEGMENT: u64 = 512 * 1024;

/// What TCP lets a send buffer grow to, bytes: the third number of tcp_wmem (tcp(7)), 4 MiB unless somebody changed it.
fn largest_send_buffer() -> u64 {
    number("/proc/sys/net/ipv4/tcp_wmem", 2).unwrap_or(4 << 20)
}

/// What the peer's receive buffer, on this machine, may have grown to, bytes: the third number of tcp_rmem (tcp(7)), 6 MiB
/// until Linux 6.15 and 32 since unless somebody changed it, or twice rmem_max, which is what SO_RCVBUF may ask for (socket(7)).
/// TCP never lets more be sent than that has room for, so no more is ever unread there. (SO_RCVBUFFORCE goes beyond, with
/// CAP_NET_ADMIN; nobody can see that from here.)
fn largest_receive_buffer() -> u64 {
    let grown = number("/proc/sys/net/ipv4/tcp_rmem", 2).unwrap_or(32 << 20);
    let asked_for = number("/proc/sys/net/core/rmem_max", 0).unwrap_or(4 << 20);
    grown.max(asked_for.saturating_mul(2))
}

/// The number at a place, counted from 0, of a file of /proc/sys.
fn number(path: &str, place: usize) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.split_ascii_whitespace().nth(place)?.parse().ok()
}
