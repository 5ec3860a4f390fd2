//! MSG_ZEROCOPY: sends that leave their bytes in our memory, and the notifications that say when it may be changed
//! (Documentation/networking/msg_zerocopy.rst; `<linux/errqueue.h>`).

use super::descriptor::last_errno;
use super::socket;
use rustix::event::{self, PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use std::mem;
use std::os::fd::{AsFd, AsRawFd};

/// The kernel copied the bytes after all (`SO_EE_CODE_ZEROCOPY_COPIED`, `<linux/errqueue.h>`; not in libc).
const COPIED: u8 = 1;
/// A notification of MSG_ZEROCOPY (`SO_EE_ORIGIN_ZEROCOPY`, `<linux/errqueue.h>`; not in libc).
const ORIGIN: u8 = 5;

/// One notification: the sends `first..=last` are done with. They are numbered per socket, one for each successful
/// flagged send of at least a byte, in a counter that wraps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The first send it is about.
    pub first: u32,
    /// The last one, inclusive; smaller than `first` when the counter wrapped between them.
    pub last: u32,
    /// At least one of them was copied.
    pub copied: bool,
}

/// What a wait for notifications came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// Something is in the error queue, or the socket has an error.
    Woken,
    /// The peer has said something.
    Incoming,
    /// Both directions are shut: nothing more can be sent.
    HungUp,
    /// A second has passed.
    Quiet,
}

/// Whether SO_ZEROCOPY is set.
///
/// # Errors
/// What getsockopt(2) says: ENOTSOCK; ENOPROTOOPT before Linux 4.14.
pub fn is_enabled(fd: impl AsFd) -> Result<bool, Errno> {
    socket::option(fd, libc::SOL_SOCKET, libc::SO_ZEROCOPY).map(|on| on != 0)
}

/// Sets or clears SO_ZEROCOPY.
///
/// # Errors
/// EOPNOTSUPP on what is neither TCP, UDP nor vsock (unix, MPTCP); EBUSY on connected sockets of kernels before 4.17;
/// ENOPROTOOPT before 4.14.
pub fn enable(fd: impl AsFd, on: bool) -> Result<(), Errno> {
    socket::set_option(fd, libc::SOL_SOCKET, libc::SO_ZEROCOPY, libc::c_int::from(on))
}

/// send(2), with MSG_ZEROCOPY if `flagged` and MSG_MORE if `more`; a signal if the peer has gone, as with write(2).
///
/// After a flagged send the kernel goes on reading `bytes` until its [`Completion`]. That is no matter of memory safety
/// (it holds the pages, and only reads), but what is changed before then is sent changed.
///
/// # Errors
/// What send(2) says. ENOBUFS of a flagged one: no room to remember it (RLIMIT_MEMLOCK, net.core.optmem_max).
pub fn send(fd: impl AsFd, bytes: &[u8], flagged: bool, more: bool) -> Result<usize, Errno> {
    let flags = if flagged { libc::MSG_ZEROCOPY } else { 0 } | if more { libc::MSG_MORE } else { 0 };
    // SAFETY: `bytes` is valid for reads of its length; pages that the kernel reads later it has pinned.
    let sent = unsafe { libc::send(fd.as_fd().as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), flags) };
    usize::try_from(sent).map_err(|_| last_errno())
}

/// Room for the ancillary data of one message of the error queue, aligned as a cmsghdr has to be. A notification needs
/// 16 bytes of header, 16 of sock_extended_err and 28 of an address; timestamps and packet information that somebody
/// asked this socket for come on top.
#[repr(align(16))]
struct Control([u8; 512]);

/// Takes the next notification from the error queue; `None` when there is none. What else is in that queue (ICMP errors,
/// timestamps) is passed over.
///
/// # Errors
/// What recvmsg(2) says, but for EAGAIN.
pub fn completion(fd: impl AsFd) -> Result<Option<Completion>, Errno> {
    loop {
        let mut control = Control([0; 512]);
        // SAFETY: a msghdr is integers and pointers, for which zero is a value: no name, no data, no control.
        let mut message: libc::msghdr = unsafe { mem::zeroed() };
        message.msg_control = control.0.as_mut_ptr().cast();
        message.msg_controllen = control.0.len() as _;
        let flags = libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT;
        // SAFETY: `message` names no buffers but `control`, which is valid for writes of the length given.
        if unsafe { libc::recvmsg(fd.as_fd().as_raw_fd(), &raw mut message, flags) } == -1 {
            return match last_errno() {
                Errno::AGAIN => Ok(None),
                errno => Err(errno),
            };
        }
        if let Some(error) = extended_error(&message)
            && error.ee_errno == 0
            && error.ee_origin == ORIGIN
        {
            let copied = error.ee_code & COPIED != 0;
            return Ok(Some(Completion { first: error.ee_info, last: error.ee_data, copied }));
        }
    }
}

/// The sock_extended_err among a message's ancillary data.
fn extended_error(message: &libc::msghdr) -> Option<libc::sock_extended_err> {
    // SAFETY: recvmsg filled `message` in; its control buffer is alive in the caller, and holds whole headers.
    let mut header = unsafe { libc::CMSG_FIRSTHDR(message) };
    while !header.is_null() {
        // SAFETY: CMSG_FIRSTHDR and CMSG_NXTHDR return null or a whole header inside the control buffer.
        let found = unsafe { header.read() };
        let ours = matches!(
            (found.cmsg_level, found.cmsg_type),
            (libc::SOL_IP, libc::IP_RECVERR) | (libc::SOL_IPV6, libc::IPV6_RECVERR)
        );
        // SAFETY: CMSG_LEN only computes.
        let whole = unsafe { libc::CMSG_LEN(mem::size_of::<libc::sock_extended_err>() as _) } as usize;
        if ours && found.cmsg_len as usize >= whole {
            // SAFETY: the header says that its data has at least the length of a sock_extended_err, all integers.
            return Some(unsafe { libc::CMSG_DATA(header).cast::<libc::sock_extended_err>().read_unaligned() });
        }
        // SAFETY: as for CMSG_FIRSTHDR; `header` is one of this message's.
        header = unsafe { libc::CMSG_NXTHDR(message, header) };
    }
    None
}

/// Waits until there is something in the error queue, the socket is dead, the peer has said something (if that matters:
/// `listening`), or a second has passed.
///
/// # Errors
/// EINTR and ENOMEM, as poll(2).
pub fn wait(fd: impl AsFd, listening: bool) -> Result<Waited, Errno> {
    let asked = if listening { PollFlags::IN } else { PollFlags::empty() }; // POLLERR and POLLHUP are always told
    let mut polled = [PollFd::new(&fd, asked)];
    if event::poll(&mut polled, Some(&Timespec { tv_sec: 1, tv_nsec: 0 }))? == 0 {
        return Ok(Waited::Quiet);
    }
    let seen = polled[0].revents();
    Ok(if seen.intersects(PollFlags::HUP | PollFlags::NVAL) {
        Waited::HungUp
    } else if seen.contains(PollFlags::ERR) {
        Waited::Woken
    } else {
        Waited::Incoming
    })
}
