//! Pseudoterminals.

#![allow(unsafe_code, reason = "openpty(3) and the terminal's modes are set through libc")]

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, FromRawFd};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A pseudoterminal: what a child has as its terminal, and our end of it.
pub struct Terminal {
    /// Our end: what is written here was typed; what is read here would be on the screen.
    pub master: File,
    /// The child's end.
    pub slave: File,
}

impl Terminal {
    /// In the usual modes: lines, echo, `\n` shown as `\r\n`.
    pub fn new() -> Terminal {
        let (mut master, mut slave) = (0, 0);
        let none = std::ptr::null_mut();
        // SAFETY: openpty writes two descriptors; no name, modes or size are asked for.
        let result = unsafe { libc::openpty(&mut master, &mut slave, none, none.cast(), none.cast()) };
        assert_eq!(result, 0, "openpty: {}", std::io::Error::last_os_error());
        // SAFETY: both descriptors are new and nobody else's; setting FD_CLOEXEC touches no memory.
        unsafe {
            libc::fcntl(master, libc::F_SETFD, libc::FD_CLOEXEC);
            libc::fcntl(slave, libc::F_SETFD, libc::FD_CLOEXEC);
            Terminal { master: File::from_raw_fd(master), slave: File::from_raw_fd(slave) }
        }
    }

    /// In raw modes: bytes pass as they are, in both directions.
    pub fn raw() -> Terminal {
        let terminal = Terminal::new();
        // SAFETY: termios is plain data for which zero is a value; the calls fill it in and read it.
        unsafe {
            let mut modes: libc::termios = std::mem::zeroed();
            assert_eq!(libc::tcgetattr(terminal.slave.as_raw_fd(), &mut modes), 0);
            libc::cfmakeraw(&mut modes);
            assert_eq!(libc::tcsetattr(terminal.slave.as_raw_fd(), libc::TCSANOW, &modes), 0);
        }
        terminal
    }

    /// Reads everything that appears on the screen until every slave is closed, on a thread of its own. The child's
    /// end must have been given away or dropped, or there is no end.
    pub fn screen(master: File) -> Screen {
        let (send, ended) = channel();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let bytes = Arc::clone(&seen);
        std::thread::spawn(move || {
            let (mut master, mut block) = (master, [0; 4096]);
            // The master's end is EIO: no slave is open any more (pty(7)).
            while let Ok(n @ 1..) = master.read(&mut block) {
                bytes.lock().unwrap().extend_from_slice(&block[..n]);
            }
            let _ = send.send(());
        });
        Screen { seen, ended }
    }
}

/// What appears on a terminal.
pub struct Screen {
    seen: Arc<Mutex<Vec<u8>>>,
    ended: Receiver<()>,
}

impl Screen {
    /// Whether this has appeared.
    pub fn has(&self, text: &str) -> bool {
        self.seen.lock().unwrap().windows(text.len()).any(|bytes| bytes == text.as_bytes())
    }

    /// Everything, once every slave is closed.
    #[track_caller]
    pub fn finish(self) -> Vec<u8> {
        self.ended.recv_timeout(Duration::from_secs(30)).expect("the terminal is still open somewhere");
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}
