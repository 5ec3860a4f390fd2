//! What Rust's runtime destroys before `main`, read before it: the inherited disposition of SIGPIPE (the runtime sets
//! it to ignored) and which of the descriptors 0, 1 and 2 were closed (the runtime opens `/dev/null` over them).
//!
//! An `.init_array` entry runs before the runtime starts. It only makes four system calls and stores one byte.

use std::sync::atomic::{AtomicU8, Ordering};

/// Bits 0–2: that descriptor was closed at start. Bit 3: SIGPIPE was ignored by the parent.
static INHERITED: AtomicU8 = AtomicU8::new(0);
const SIGPIPE_IGNORED: u8 = 1 << 3;

// SAFETY: `.init_array` holds pointers to functions of this signature (ELF gABI, "Initialization and Termination
// Functions"); glibc and musl call each once, before main, on the only thread. Extra arguments glibc passes are ignored
// by the C calling convention.
#[used]
#[unsafe(link_section = ".init_array")]
static AT_START: extern "C" fn() = read_inherited;

extern "C" fn read_inherited() {
    let mut seen = 0;
    for fd in 0..3 {
        // SAFETY: F_GETFD takes no third argument and touches no memory; it fails only with EBADF.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1 {
            seen |= 1 << fd;
        }
    }
    let mut old = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null new action only reads the old one into `old`, which is valid for writes of a sigaction.
    if unsafe { libc::sigaction(libc::SIGPIPE, std::ptr::null(), old.as_mut_ptr()) } == 0 {
        // SAFETY: sigaction succeeded, so `old` was filled in (and it was zeroed to begin with).
        let old = unsafe { old.assume_init() };
        if old.sa_sigaction == libc::SIG_IGN {
            seen |= SIGPIPE_IGNORED;
        }
    }
    INHERITED.store(seen, Ordering::Relaxed);
}

/// Whether `fd` (0, 1 or 2) was closed when the program was started.
pub fn was_closed(fd: i32) -> bool {
    (0..3).contains(&fd) && INHERITED.load(Ordering::Relaxed) & (1 << fd) != 0
}

/// Whether the parent ignored SIGPIPE; then a write to a reader that has gone is EPIPE, an ordinary write error.
pub fn sigpipe_was_ignored() -> bool {
    INHERITED.load(Ordering::Relaxed) & SIGPIPE_IGNORED != 0
}

/// Makes a write to a reader that has gone EPIPE, an ordinary error, whatever was inherited: a peer that goes away in the
/// middle is something to be told.
pub fn ignore_sigpipe() {
    // SAFETY: SIG_IGN is a valid disposition and installs no code of ours.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}

/// Gives SIGPIPE back the disposition it was inherited with: the default (a silent death when the reader of a pipe has
/// gone) unless the parent ignored it. Called once, first thing in `run`, before any thread is started.
pub fn restore_sigpipe() {
    if !sigpipe_was_ignored() {
        // SAFETY: SIG_DFL is a valid disposition and installs no code of ours.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    }
}
