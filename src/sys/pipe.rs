//! Pipes: a private one to splice through, and how much a pipe holds.

use super::descriptor;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::pipe::{self, PipeFlags};
use rustix::process::geteuid;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

/// A pipe of our own. Both ends block, and are closed on exec.
#[derive(Debug)]
pub struct PrivatePipe {
    reader: OwnedFd,
    writer: OwnedFd,
    capacity: u64,
}

impl PrivatePipe {
    /// A pipe of about `wanted` bytes. A user out of pipe quota (pipe-user-pages-soft) gets 8 KiB or even 4, which is no
    /// error.
    ///
    /// # Errors
    /// EMFILE and ENFILE.
    pub fn new(wanted: u64) -> Result<PrivatePipe, Errno> {
        let (reader, writer) = pipe::pipe_with(PipeFlags::CLOEXEC)?;
        let capacity = grow(&writer, wanted).unwrap_or(4096);
        Ok(PrivatePipe { reader, writer, capacity })
    }

    /// Makes it hold about `wanted` bytes if it holds less.
    pub fn at_least(&mut self, wanted: u64) {
        if self.capacity < wanted {
            self.capacity = grow(&self.writer, wanted).unwrap_or(self.capacity);
        }
    }

    /// The end to read from.
    pub fn reader(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }

    /// The end to write to.
    pub fn writer(&self) -> BorrowedFd<'_> {
        self.writer.as_fd()
    }

    /// Bytes it holds when full of whole pages.
    pub fn capacity(&self) -> u64 {
        self.capacity
    }
}

/// Bytes of pipes that an unprivileged user must have left before one of ours is made larger. All pipes of a user together may
/// hold /proc/sys/fs/pipe-user-pages-soft pages (64 MiB by default: pipe(7)); later ones hold 8 KiB only. So a few dozen runs
/// at once with large pipes would make every other program of the user slow. This leaves room for 128 pipes of 64 KiB.
const SPARED: u64 = 8 << 20;

/// What one pipe is grown to, bytes, to find out how much is left: the default /proc/sys/fs/pipe-max-size.
const PROBE: usize = 1 << 20;

/// Asks for a pipe of `wanted` bytes (F_SETPIPE_SZ), or of half as much where that is refused (EPERM above
/// /proc/sys/fs/pipe-max-size or out of quota, EBUSY with more than that queued), and returns what it holds then. Where
/// the user's quota is nearly used up it stays as it is.
///
/// # Errors
/// What F_GETPIPE_SZ says: EBADF on what is no pipe.
pub fn grow(fd: impl AsFd, wanted: u64) -> Result<u64, Errno> {
    let fd = fd.as_fd();
    let held = capacity(fd)?;
    let mut asked = wanted;
    if held >= asked || !quota_is_ample() {
        return Ok(held);
    }
    while held < asked {
        match pipe::fcntl_setpipe_size(fd, usize::try_from(asked).unwrap_or(usize::MAX)) {
            Ok(_) => return capacity(fd),
            Err(_) => asked /= 2,
        }
    }
    Ok(held)
}

/// Whether the user could have [`SPARED`] bytes of pipes more, asked once: a process makes few pipes larger.
fn quota_is_ample() -> bool {
    static IS_AMPLE: OnceLock<bool> = OnceLock::new();
    *IS_AMPLE.get_or_init(could_have_more)
}

/// No call tells how much is left, so pipes of that size are made for a moment (50 µs in all, our measurement, Linux 6.18).
fn could_have_more() -> bool {
    if geteuid().is_root() {
        return true; // CAP_SYS_RESOURCE: no quota
    }
    let mut had = Vec::new();
    while (had.len() * PROBE) < SPARED as usize {
        let Ok(probe) = pipe::pipe_with(PipeFlags::CLOEXEC) else { return false };
        if pipe::fcntl_setpipe_size(&probe.1, PROBE).is_err() {
            return false;
        }
        had.push(probe);
    }
    true
}

/// How many bytes a pipe holds (F_GETPIPE_SZ).
///
/// # Errors
/// EBADF on what is no pipe.
pub fn capacity(fd: impl AsFd) -> Result<u64, Errno> {
    pipe::fcntl_getpipe_size(fd).map(|bytes| bytes as u64)
}

/// Bytes that wait in a pipe to be read (FIONREAD; works on the end that writes as well).
///
/// # Errors
/// EBADF, ENOTTY.
pub fn queued(fd: impl AsFd) -> Result<u64, Errno> {
    rustix::io::ioctl_fionread(fd)
}

/// Waits until there is something to be read from a FIFO that was opened with O_NONBLOCK, or its writers have come and
/// gone: until the first has come, poll(2) says nothing of the missing one (fs/pipe.c, `f_pipe` and `w_counter`).
///
/// # Errors
/// What poll(2) says, but for EINTR.
pub fn await_writer(fd: impl AsFd) -> Result<(), Errno> {
    let fd = fd.as_fd();
    loop {
        match poll(&mut [PollFd::new(&fd, PollFlags::IN)], None) {
            Err(Errno::INTR) => {}
            other => return other.map(|_| ()),
        }
    }
}

/// Whether anybody has a pipe open for reading: poll(2) says POLLERR on the writing end if not.
pub fn has_reader(fd: impl AsFd) -> bool {
    !descriptor::unasked_events(fd).contains(PollFlags::ERR)
}
