//! The only `unsafe` of this command: waiting for a child with its resource usage, and noticing signals meanwhile.
//!
//! wait4(2) is the one call that tells the processor time and the peak memory of *one* child; neither std nor rustix
//! has it. The signals only set a flag: the waiting call then ends with EINTR, the child is killed, and the error
//! unwinds through everything that has to be unmounted.
#![allow(unsafe_code)]

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

/// The last signal that arrived, 0 for none.
static ARRIVED: AtomicI32 = AtomicI32::new(0);

/// How long one run may take before it counts as hung.
const LIMIT_SECONDS: u32 = 120;

/// How a child ended, and what it used.
pub struct Ended {
    /// Its exit status.
    pub status: ExitStatus,
    /// User and system time of all its threads.
    pub cpu: Duration,
    /// The most memory it held at one time (`ru_maxrss`).
    pub peak_bytes: u64,
    /// It was killed because it did not end in time.
    pub hung: bool,
}

extern "C" fn remember(signal: libc::c_int) {
    ARRIVED.store(signal, Ordering::SeqCst);
}

/// Makes SIGINT, SIGTERM, SIGHUP and SIGALRM end a wait instead of the process. Children get the defaults: execve(2)
/// resets caught signals.
pub fn catch_signals() -> io::Result<()> {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGALRM] {
        // SAFETY: all-zero is a valid sigaction: no flags (so that wait4 is not restarted), an empty mask.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = remember as extern "C" fn(libc::c_int) as libc::sighandler_t;
        // SAFETY: `action` lives across the call; the handler only stores to an atomic, which is async-signal-safe.
        if unsafe { libc::sigaction(signal, &action, std::ptr::null_mut()) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// An error if somebody wants this command to end.
pub fn check_signals() -> io::Result<()> {
    match ARRIVED.load(Ordering::SeqCst) {
        0 | libc::SIGALRM => Ok(()),
        signal => Err(io::Error::other(format!("ended by signal {signal}"))),
    }
}

/// Waits for `child`, kills it when it hangs or when this command is to end.
pub fn wait(mut child: Child) -> io::Result<Ended> {
    let _ = ARRIVED.compare_exchange(libc::SIGALRM, 0, Ordering::SeqCst, Ordering::SeqCst);
    // SAFETY: alarm has no memory preconditions; SIGALRM is caught (catch_signals).
    unsafe { libc::alarm(LIMIT_SECONDS) };
    let mut hung = false;
    let ended = loop {
        match wait4(child.id() as libc::pid_t) {
            Ok(ended) => break ended,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                if ARRIVED.load(Ordering::SeqCst) != 0 {
                    hung = ARRIVED.load(Ordering::SeqCst) == libc::SIGALRM;
                    child.kill()?;
                }
            }
            Err(error) => return Err(error),
        }
    };
    // SAFETY: as above; 0 takes the alarm back.
    unsafe { libc::alarm(0) };
    check_signals()?;
    Ok(Ended { hung, ..ended })
}

fn wait4(pid: libc::pid_t) -> io::Result<Ended> {
    let mut status = 0;
    // SAFETY: all-zero is a valid rusage (integers only).
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both out-parameters live across the call.
    if unsafe { libc::wait4(pid, &mut status, 0, &mut usage) } < 0 {
        return Err(io::Error::last_os_error());
    }
    let time = |t: libc::timeval| Duration::from_secs(t.tv_sec as u64) + Duration::from_micros(t.tv_usec as u64);
    Ok(Ended {
        status: ExitStatus::from_raw(status),
        cpu: time(usage.ru_utime) + time(usage.ru_stime),
        // In KiB: getrusage(2).
        peak_bytes: usage.ru_maxrss as u64 * 1024,
        hung: false,
    })
}
