//! `--connect`.

use super::wait;
use crate::report::peer::{self as words, Refusal};
use crate::sys::facts::{Facts, Kind};
use crate::sys::socket;
use rustix::event::PollFlags;
use rustix::fs;
use rustix::io::Errno;
use rustix::net::addr::SocketAddrArg;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::ffi::OsStr;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

/// Between two tries at a unix socket whose queue of connections is full; poll(2) does not tell when it no longer is.
const TRY_AGAIN: Duration = Duration::from_millis(10);

/// The addresses of `host`, in getaddrinfo(3)'s order (RFC 6724).
pub(super) fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    match (host, port).to_socket_addrs() {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) => Err(words::cannot_resolve(OsStr::new(host), &error.to_string())),
    }
}

/// To the first of the host's addresses that answers; each has `patience` to do so.
pub(super) fn tcp(name: &OsStr, host: &str, port: u16, patience: Duration) -> Result<OwnedFd, String> {
    let mut refusals = Vec::new();
    for address in resolve(host, port)? {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        match to(family, &address, patience) {
            // A port of this machine that nobody listens on may be taken for our own end's: then we talk to ourselves.
            Ok(fd) if net::getsockname(&fd).ok().and_then(|own| own.try_into().ok()) == Some(address) => {
                refusals.push(Refusal { address: Some(address.ip()), errno: Errno::CONNREFUSED });
            }
            Ok(fd) => return Ok(fd),
            Err(errno) => refusals.push(Refusal { address: Some(address.ip()), errno }),
        }
    }
    Err(words::cannot_connect(name, &refusals, patience))
}

/// To a unix stream socket.
pub(super) fn unix(name: &OsStr, path: &Path, patience: Duration) -> Result<OwnedFd, String> {
    let address = SocketAddrUnix::new(path);
    let connected = address.and_then(|address| to(AddressFamily::UNIX, &address, patience));
    connected.map_err(|errno| {
        // Of a file that is no socket the kernel says the same as of a socket that nobody listens on.
        let is_socket = fs::stat(path).is_ok_and(|stat| Facts::from_stat(&stat).kind == Kind::Socket);
        let errno = if errno == Errno::CONNREFUSED && !is_socket { Errno::NOTSOCK } else { errno };
        words::cannot_connect(name, &[Refusal { address: None, errno }], patience)
    })
}

fn to(family: AddressFamily, address: &impl SocketAddrArg, patience: Duration) -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let fd = net::socket_with(family, SocketType::STREAM, flags, None)?;
    let deadline = Instant::now().checked_add(patience);
    loop {
        match net::connect(&fd, address) {
            Ok(()) => return Ok(fd),
            // A signal does not end the attempt (connect(2)).
            Err(Errno::INPROGRESS | Errno::INTR) => break,
            Err(Errno::AGAIN) if family == AddressFamily::UNIX => {
                if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                    return Err(Errno::TIMEDOUT);
                }
                std::thread::sleep(TRY_AGAIN.min(patience));
            }
            Err(errno) => return Err(errno),
        }
    }
    wait(&fd, PollFlags::OUT, deadline)?;
    socket::pending_error(&fd).map_or(Ok(fd), Err)
}
