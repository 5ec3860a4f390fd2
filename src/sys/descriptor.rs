//! Descriptors: closing one with its error, and what an inherited one was opened with.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, IntoRawFd, OwnedFd};

/// Closes `fd` and says whether that succeeded.
///
/// NFS, CIFS, FUSE and quotas report lost data here (EIO, ENOSPC, EDQUOT); `Drop` would swallow it. EINTR is success:
/// Linux has closed the descriptor by then (close(2), NOTES), so it is never retried.
///
/// # Errors
/// What close(2) says, but for EINTR.
pub fn close(fd: OwnedFd) -> Result<(), Errno> {
    // SAFETY: `into_raw_fd` gave up ownership, so this is the only close of this descriptor.
    closed(unsafe { libc::close(fd.into_raw_fd()) })
}

/// What a close(2) that said so came to.
fn closed(said: i32) -> Result<(), Errno> {
    match (said, last_errno()) {
        (-1, errno) if errno != Errno::INTR => Err(errno),
        _ => Ok(()),
    }
}

/// A descriptor the program was started with (0, 1 or 2), borrowed for as long as the program runs.
///
/// The three are never closed by the program other than through [`close_inherited`], last thing of all.
pub fn inherited(fd: i32) -> BorrowedFd<'static> {
    assert!((0..3).contains(&fd), "only 0, 1 and 2 are inherited");
    // SAFETY: `start::begin` makes sure that 0–2 are open, and nothing here closes them before the end.
    unsafe { BorrowedFd::borrow_raw(fd) }
}

/// Closes an inherited descriptor at the very end of the program, so that the errors only close reports are seen.
///
/// # Errors
/// As [`close`].
pub fn close_inherited(fd: i32) -> Result<(), Errno> {
    // SAFETY: called once, at the end, when no borrow from `inherited` is used any more.
    closed(unsafe { libc::close(fd) })
}

/// The errno of the libc call that just failed on this thread.
pub fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

/// A copy of a descriptor that the program was started with, above 2 and closed on exec.
///
/// # Errors
/// What fcntl(2) says: EBADF if there is none.
pub fn duplicate_inherited(fd: i32) -> Result<OwnedFd, Errno> {
    if super::start::was_closed(fd) {
        return Err(Errno::BADF);
    }
    // SAFETY: F_DUPFD_CLOEXEC touches no memory, and fails with EBADF for a number that is not open.
    let copy = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3) };
    if copy == -1 {
        return Err(last_errno());
    }
    // SAFETY: the descriptor is new and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// The name under which procfs has the descriptor: the way to calls that refuse a mere place (O_PATH; EBADF), and never to
/// another file (proc_pid_fd(5)). That of this thread: one with a descriptor table of its own (unshare(2) with CLONE_FILES)
/// finds in /proc/self/fd what the first thread has by that number.
pub fn name_in_proc(fd: BorrowedFd<'_>) -> String {
    format!("/proc/thread-self/fd/{}", fd.as_raw_fd())
}

/// Writes all of it; one write(2) if the kernel takes that, so that lines of programs that share a stream are not mixed. Where
/// somebody else has made the descriptor non-blocking, it is waited for.
///
/// # Errors
/// What write(2) and poll(2) say; EIO if nothing at all is taken.
pub fn write_all(fd: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(fd, bytes) {
            Ok(0) => return Err(Errno::IO),
            Ok(n) => bytes = &bytes[n..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => match poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::OUT)], None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            },
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// What poll(2) tells of a descriptor at this moment without being asked for it: POLLERR, POLLHUP, POLLNVAL. None if it cannot be
/// called.
pub fn unasked_events(fd: impl AsFd) -> PollFlags {
    let fd = fd.as_fd();
    let mut asked = [PollFd::new(&fd, PollFlags::empty())];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    match poll(&mut asked, Some(&now)) {
        Ok(_) => asked[0].revents(),
        Err(_) => PollFlags::empty(),
    }
}
