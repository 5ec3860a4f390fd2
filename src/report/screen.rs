//! The line of the terminal that shows progress, and who may write while it is there.
//!
//! Whoever else writes to the terminal takes the line away first ([`cleared`]) and keeps it away until done; the
//! next frame brings it back. A signal handler, which cannot wait for a lock, holds the drawing off by a flag
//! ([`Held`]).
//!
//! A terminal may take nothing for hours (Ctrl-S, a connection that hangs). Messages wait for it, as everybody's do; what
//! shows progress, and what is said in a signal handler, do not: neither a copy that is done nor a signal that is to end one
//! has to wait until somebody looks.

use crate::sys::{descriptor, start};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{self, Mode, OFlags};
use rustix::io::Errno;
use rustix::termios;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Takes the line away, wherever the cursor is in it: the cursor rests at its first column, so that a terminal that has
/// been made narrower, and has wrapped the line, loses all of it, and nothing above.
const ERASE: &[u8] = b"\r\x1b[J";

/// OSC 9;4 with state 0: no progress is shown in the task bar or the tab any more.
const TASK_BAR_OFF: &[u8] = b"\x1b]9;4;0;\x1b\\";

/// How long is waited at most for a terminal that takes nothing and, by a signal handler, for a frame that is being written.
const FRAME: Duration = Duration::from_millis(100);

/// There is one terminal, so there is one of these.
static SCREEN: Screen = Screen {
    turn: Mutex::new(()),
    in_use: AtomicBool::new(false),
    shown: AtomicBool::new(false),
    begun: AtomicBool::new(false),
    task_bar: AtomicBool::new(false),
    drawing: AtomicBool::new(false),
    held: AtomicU32::new(0),
};

struct Screen {
    /// Who writes.
    turn: Mutex<()>,
    /// Somebody draws in this run; if not, nobody has to wait for anybody.
    in_use: AtomicBool,
    /// The line is there.
    shown: AtomicBool,
    /// A question stands at the cursor, and no newline behind it.
    begun: AtomicBool,
    /// The terminal shows progress in its own way (OSC 9;4).
    task_bar: AtomicBool,
    /// A frame is being written.
    drawing: AtomicBool,
    /// No more frames: so many signal handlers write, each on a thread of its own.
    held: AtomicU32,
}

/// While this is there, nothing is drawn.
#[must_use = "the line comes back as soon as this is dropped"]
pub struct Cleared(#[allow(dead_code, reason = "held, not used")] Option<MutexGuard<'static, ()>>);

/// Takes the line away, if it is there, for as long as what is returned lives.
pub fn cleared() -> Cleared {
    if !SCREEN.in_use.load(SeqCst) {
        return Cleared(None);
    }
    let turn = SCREEN.turn.lock().unwrap_or_else(PoisonError::into_inner);
    if SCREEN.shown.swap(false, SeqCst) {
        write(ERASE); // whoever has asked for it writes, too, and waits
    }
    Cleared(Some(turn))
}

/// From now on frames may come.
pub(super) fn use_it() {
    SCREEN.in_use.store(true, SeqCst);
}

/// Whether what was written last has begun a line and not ended it: a question. Nothing of ours is put behind it, or in its
/// place, that GNU cp would not put there.
pub(super) fn line_is_begun(begun: bool) {
    SCREEN.begun.store(begun, SeqCst);
}

/// What ends a line that was begun.
fn newline() -> &'static str {
    if SCREEN.begun.swap(false, SeqCst) { "\n" } else { "" }
}

/// The last frame is gone, and the terminal's own sign of progress with it.
pub(super) fn leave() {
    let _turn = SCREEN.turn.lock().unwrap_or_else(PoisonError::into_inner);
    erase();
}

fn erase() {
    if SCREEN.shown.swap(false, SeqCst) {
        write_now(ERASE, FRAME);
    }
    if SCREEN.task_bar.swap(false, SeqCst) {
        write_now(TASK_BAR_OFF, FRAME);
    }
}

/// Draws the line. `task_bar`: what else the terminal is told.
pub(super) fn draw(line: &str, task_bar: Option<&str>) {
    let _turn = SCREEN.turn.lock().unwrap_or_else(PoisonError::into_inner);
    SCREEN.drawing.store(true, SeqCst);
    if SCREEN.held.load(SeqCst) == 0 {
        SCREEN.shown.store(true, SeqCst);
        if task_bar.is_some() {
            SCREEN.task_bar.store(true, SeqCst);
        }
        // Without wrapping: the terminal may just have been made narrower.
        let (newline, task_bar) = (newline(), task_bar.unwrap_or_default());
        write_now(format!("{newline}\r\x1b[?7l{line}\x1b[?7h\x1b[J\r{task_bar}").as_bytes(), Duration::ZERO);
    }
    SCREEN.drawing.store(false, SeqCst);
}

/// Writes a line about progress for good, in place of the one that shows it. If the terminal takes nothing, the line is lost.
pub(super) fn say(line: &str) {
    let _turn = cleared();
    write_now(format!("{}{line}\n", newline()).as_bytes(), FRAME);
}

/// The same for a line that must not be lost, and waits as messages do.
pub(super) fn warn(line: &str) {
    let _turn = cleared();
    write(format!("{}{line}\n", newline()).as_bytes());
}

/// Columns of the terminal; 0: it does not know.
pub(super) fn columns() -> usize {
    termios::tcgetwinsize(descriptor::inherited(2)).map_or(0, |size| usize::from(size.ws_col))
}

/// Whether standard error is a terminal.
pub(super) fn is_terminal() -> bool {
    !start::was_closed(2) && termios::isatty(descriptor::inherited(2))
}

/// Whether the terminal is ours to draw on: a job in the background leaves it to the one in front. (ENOTTY: it is not the
/// terminal that jobs are controlled from, so nobody is in front.)
pub(super) fn is_ours() -> bool {
    termios::tcgetpgrp(descriptor::inherited(2)).map_or(true, |group| group == rustix::process::getpgrp())
}

/// All of it, however long that takes. What cannot be written is lost.
fn write(bytes: &[u8]) {
    if !start::was_closed(2) {
        write_to(descriptor::inherited(2), bytes);
    }
}

/// As much as is taken at once, or within `patience`. For signal handlers, too.
fn write_now(bytes: &[u8], patience: Duration) {
    if start::was_closed(2) {
        return;
    }
    let inherited = descriptor::inherited(2);
    // O_NONBLOCK belongs to the open file, which other programs share: so it is set on one of our own. (Opened anew each time:
    // a thread with a descriptor table of its own may have another file by the same number, or none.)
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let own = if termios::isatty(inherited) { fs::open(c"/proc/self/fd/2", flags, Mode::empty()).ok() } else { None };
    let Some(own) = own else {
        // A pipe; or a terminal that somebody else has opened for us, who may be another user (su).
        if takes_something(inherited, patience) {
            write_to(inherited, bytes);
        }
        return;
    };
    let left = write_to(own.as_fd(), bytes);
    if !left.is_empty() && !patience.is_zero() && takes_something(own.as_fd(), patience) {
        write_to(own.as_fd(), left);
    }
}

/// Writes until nothing more is taken; what is left.
fn write_to<'b>(fd: BorrowedFd<'_>, mut bytes: &'b [u8]) -> &'b [u8] {
    while !bytes.is_empty() {
        match rustix::io::write(fd, bytes) {
            Ok(n @ 1..) => bytes = &bytes[n..],
            Err(Errno::INTR) => {}
            _ => break,
        }
    }
    bytes
}

fn takes_something(fd: BorrowedFd<'_>, patience: Duration) -> bool {
    let patience = Timespec { tv_sec: 0, tv_nsec: patience.subsec_nanos().into() };
    let mut fds = [PollFd::new(&fd, PollFlags::OUT)];
    poll(&mut fds, Some(&patience)).is_ok_and(|ready| ready > 0)
}

/// No frame is drawn while this is there. For signal handlers: no lock is taken and nothing is allocated.
pub(super) struct Held;

impl Held {
    /// Holds the drawing off, and waits for a frame that is being written by another thread. (The thread that draws takes
    /// no signals.)
    pub(super) fn now() -> Held {
        SCREEN.held.fetch_add(1, SeqCst);
        let mut waited = Duration::ZERO;
        while SCREEN.drawing.load(SeqCst) && waited < FRAME {
            std::thread::sleep(Duration::from_millis(1)); // clock_nanosleep(2), and nothing else
            waited += Duration::from_millis(1);
        }
        Held
    }

    /// Writes a line in place of the one that shows progress, in one piece; none where nothing is taken.
    pub(super) fn say(&self, line: &[u8]) {
        if SCREEN.shown.swap(false, SeqCst) {
            write_now(ERASE, FRAME);
        }
        let newline = newline();
        if !newline.is_empty() {
            write_now(newline.as_bytes(), FRAME);
        }
        write_now(line, FRAME);
    }

    /// Nothing is left of what was drawn.
    pub(super) fn erase(&self) {
        erase();
    }

    /// Nothing is drawn any more, and nothing is left.
    pub(super) fn for_good(self) {
        erase();
        std::mem::forget(self);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        SCREEN.held.fetch_sub(1, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_drawn_before_the_last_handler_has_written() {
        let (status, end) = (Held::now(), Held::now());
        drop(status);
        assert_eq!(SCREEN.held.load(SeqCst), 1, "the program is ending");
        drop(end);
        assert_eq!(SCREEN.held.load(SeqCst), 0);
    }
}
