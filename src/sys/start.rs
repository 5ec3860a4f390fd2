//! What a program of ours begins with, in place of Rust's runtime: `main` is C's.
//!
//! The runtime destroys what the programs have to know: it ignores SIGPIPE, and opens `/dev/null` where one of the descriptors
//! 0, 1 and 2 was closed. To catch an overflow of the main thread's stack it also reads `/proc/self/maps` and sets up another
//! stack: 24 of the 78 system calls of `zccat` on a small file (strace), a fifth of its instructions (callgrind), 0.1 ms of
//! 0.9 (our measurements). Here an overflow is a plain SIGSEGV.
//!
//! Both programs end by `std::process::exit`, which does what the runtime would do at the end.

use std::ffi::{CStr, OsString, c_char, c_int};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStringExt as _;
use std::sync::atomic::{AtomicU8, Ordering};

/// Bits 0–2: that descriptor was closed at start.
static CLOSED: AtomicU8 = AtomicU8::new(0);

/// Makes `main`, which calls [`crate::run`] with this program.
#[macro_export]
macro_rules! main {
    ($program:expr) => {
        /// What the C library calls.
        ///
        /// # Safety
        /// Nobody else calls it.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn main(
            count: std::ffi::c_int,
            words: *const *const std::ffi::c_char,
        ) -> std::ffi::c_int {
            // SAFETY: the C library alone calls main, with its arguments.
            let arguments = unsafe { $crate::sys::start::begin(count, words) };
            std::process::exit($crate::run($program, arguments))
        }
    };
}

/// Sees to the descriptors 0, 1 and 2 and returns the arguments, `argv[0]` first. To be called once, first thing.
///
/// # Safety
/// The arguments are those of `main`.
pub unsafe fn begin(count: c_int, words: *const *const c_char) -> Vec<OsString> {
    occupy_closed();
    let count = usize::try_from(count).unwrap_or(0);
    let word = |index| {
        // SAFETY: main's `words` has `count` pointers to strings that end with a zero byte and live as long as the program
        // (C11, 5.1.2.2.1). They are copied, and nobody else runs yet.
        unsafe { CStr::from_ptr(*words.add(index)) }
    };
    (0..count).map(|index| OsString::from_vec(word(index).to_bytes().to_vec())).collect()
}

/// Remembers which of the descriptors 0, 1 and 2 are closed and puts something in their place, so that no file of ours
/// gets such a number.
fn occupy_closed() {
    let mut asked = [0, 1, 2].map(|fd| libc::pollfd { fd, events: 0, revents: 0 });
    // SAFETY: three descriptors in an array of three, written by poll(2) alone. It does not wait.
    let answered = unsafe { libc::poll(asked.as_mut_ptr(), 3, 0) } >= 0;
    let mut closed = 0;
    for fd in asked.iter().filter(|asked| is_closed(asked, answered)).map(|asked| asked.fd) {
        closed |= 1 << fd;
        // Of the numbers that are free the kernel takes the least, and all below this one are taken.
        if stand_in() != fd {
            std::process::abort(); // none to be had: a file of ours would be taken for standard output
        }
    }
    CLOSED.store(closed, Ordering::Relaxed);
}

/// A descriptor that is of no use: an unconnected socket can be neither read nor written nor, above all, opened by its name,
/// /dev/stdout (ENXIO; whoever asks what is there is told by [`stands_in`]). /dev/null could be opened, and a copy to it would
/// be lost.
fn stand_in() -> c_int {
    // SAFETY: three numbers.
    match unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) } {
        // Where a filter forbids sockets: the device, or, where there is none for us (a chroot, a container), the root directory
        // as a mere place (O_PATH), which can be neither read nor written.
        // SAFETY: the paths are strings that end with a zero byte.
        -1 => unsafe {
            match libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) {
                -1 => libc::open(c"/".as_ptr(), libc::O_PATH | libc::O_CLOEXEC),
                fd => fd,
            }
        },
        fd => fd,
    }
}

/// poll(2) fails with EINVAL where fewer than three descriptors are allowed (RLIMIT_NOFILE), and with ENOMEM; and of one that
/// is open with O_PATH it says POLLNVAL too.
fn is_closed(asked: &libc::pollfd, answered: bool) -> bool {
    if answered && asked.revents & libc::POLLNVAL == 0 {
        return false;
    }
    // SAFETY: F_GETFD takes no third argument and touches no memory; it fails only with EBADF.
    unsafe { libc::fcntl(asked.fd, libc::F_GETFD) == -1 }
}

/// Whether `fd` (0, 1 or 2) was closed when the program was started.
pub fn was_closed(fd: i32) -> bool {
    (0..3).contains(&fd) && CLOSED.load(Ordering::Relaxed) & (1 << fd) != 0
}

/// Whether any of the three was.
pub fn was_any_closed() -> bool {
    CLOSED.load(Ordering::Relaxed) != 0
}

/// Whether a socket that was found by a name, /dev/stdout, only stands where a descriptor was closed: nothing is there.
pub fn stands_in(device: u64, inode: u64) -> bool {
    let is = |fd| {
        let mut stat = MaybeUninit::<libc::stat>::uninit();
        // SAFETY: `stat` is valid for the write of one stat, and is filled in where fstat succeeds.
        let stat = unsafe { (libc::fstat(fd, stat.as_mut_ptr()) == 0).then(|| stat.assume_init()) };
        #[allow(clippy::useless_conversion)] // st_ino has 32 bits on i686
        stat.is_some_and(|stat| (stat.st_dev, u64::from(stat.st_ino)) == (device, inode))
    };
    (0..3).any(|fd| was_closed(fd) && is(fd))
}

/// Makes a write to a reader that has gone EPIPE, an ordinary error, whatever was inherited: a peer that goes away in the
/// middle is something to be told.
pub fn ignore_sigpipe() {
    // SAFETY: SIG_IGN is a valid disposition and installs no code of ours.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}
