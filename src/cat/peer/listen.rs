//! `--listen`: one peer is served, and nobody else gets in.

use super::{connect, wait};
use crate::report::{interrupt, peer as words};
use crate::sys::facts::Facts;
use crate::sys::temporary;
use rustix::event::PollFlags;
use rustix::fs::{self, Mode};
use rustix::io::Errno;
use rustix::net::addr::SocketAddrArg;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType, sockopt};
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

/// On the first of the host's addresses that can be had.
pub(super) fn tcp(name: &OsStr, host: &str, port: u16, timeout: Option<Duration>) -> Result<OwnedFd, String> {
    let mut why_not = Errno::ADDRNOTAVAIL;
    for address in connect::resolve(host, port)? {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        // A port whose last connection ended a minute ago is free (TIME_WAIT: tcp(7), SO_REUSEADDR).
        let listener = listener(family).and_then(|fd| sockopt::set_socket_reuseaddr(&fd, true).map(|()| fd));
        match listener.and_then(|fd| listen(&fd, &address).map(|()| fd)) {
            Ok(listener) => return accept(name, &listener, timeout),
            Err(errno) => why_not = errno,
        }
    }
    Err(words::cannot_listen(name, why_not))
}

/// On a unix socket that only its owner can connect to. It is removed as soon as the peer is there, or does not come.
pub(super) fn unix(name: &OsStr, path: &Path, timeout: Option<Duration>) -> Result<OwnedFd, String> {
    let cannot = |errno| words::cannot_listen(name, errno);
    let address = SocketAddrUnix::new(path).map_err(cannot)?;
    let listener = listener(AddressFamily::UNIX).map_err(cannot)?;
    // The name is made with the socket's own mode (unix_bind, net/unix/af_unix.c), so it is never open to others.
    fs::fchmod(&listener, Mode::RUSR | Mode::WUSR).map_err(cannot)?;
    interrupt::tidy();
    let bound = temporary::make(fs::CWD, path.as_os_str(), || net::bind(&listener, &address));
    let ((), mut noted) = bound.map_err(|errno| {
        // bind(2) says "Address already in use" of any file there.
        cannot(if errno == Errno::ADDRINUSE && fs::lstat(path).is_ok() { Errno::EXIST } else { errno })
    })?;
    let made = fs::lstat(path).map(|stat| Facts::from_stat(&stat));
    let accepted = match net::listen(&listener, 1) {
        Ok(()) => accept(name, &listener, timeout),
        Err(errno) => Err(cannot(errno)),
    };
    // Only what we made.
    if let (Ok(made), Ok(now)) = (made, fs::lstat(path))
        && made.same_file(&Facts::from_stat(&now))
    {
        let _ = noted.end(|| fs::unlink(path));
    }
    accepted
}

fn listener(family: AddressFamily) -> Result<OwnedFd, Errno> {
    net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)
}

fn listen(listener: &OwnedFd, address: &impl SocketAddrArg) -> Result<(), Errno> {
    net::bind(listener, address)?;
    net::listen(listener, 1)
}

fn accept(name: &OsStr, listener: &OwnedFd, timeout: Option<Duration>) -> Result<OwnedFd, String> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        let ready = wait(listener, PollFlags::IN, deadline);
        match ready.and_then(|()| net::accept_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)) {
            Ok(fd) => return Ok(fd),
            // The peer has gone again, or could not be reached (accept(2): network errors are those of the connection).
            Err(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED | Errno::PROTO) => {}
            Err(Errno::NETDOWN | Errno::NETUNREACH | Errno::HOSTDOWN | Errno::HOSTUNREACH | Errno::NONET) => {}
            Err(Errno::TIMEDOUT) => return Err(words::nobody_came(name, timeout.unwrap_or_default())),
            Err(errno) => return Err(words::cannot_listen(name, errno)),
        }
    }
}
