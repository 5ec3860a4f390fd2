//! A second thread that borrows from the first one's stack; a thread with a table of descriptors of its own.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// A thread that is joined before the guard goes, so that what it borrows outlives it.
pub struct Companion<'a> {
    handle: Option<JoinHandle<()>>,
    /// Tells the thread to end; called before every join.
    stop: Box<dyn Fn() + 'a>,
}

impl<'a> Companion<'a> {
    /// Starts `work` on a thread with a stack of `stack` bytes (lazily touched). `stop` must make `work` return soon.
    ///
    /// # Errors
    /// EAGAIN and ENOMEM of pthread_create(3): the caller goes on alone.
    pub fn start(
        stack: usize,
        work: impl FnOnce() + Send + 'a,
        stop: impl Fn() + 'a,
    ) -> std::io::Result<Companion<'a>> {
        // SAFETY: the closure borrows for 'a. The guard joins the thread in `join` and in `drop`, and 'a outlives the
        // guard, so the borrows are alive as long as the thread. The guard is private to a session, which the driver
        // always settles or drops; it is never passed to mem::forget or put in a reference cycle.
        let handle = unsafe { Builder::new().stack_size(stack).spawn_unchecked(work) }?;
        Ok(Companion { handle: Some(handle), stop: Box::new(stop) })
    }

    /// Ends the thread and waits for it.
    pub fn join(&mut self) {
        if let Some(handle) = self.handle.take() {
            (self.stop)();
            // A panic in the thread ends the program in release builds (panic = "abort"); in tests it is passed on.
            if let Err(panic) = handle.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

impl Drop for Companion<'_> {
    fn drop(&mut self) {
        self.join();
    }
}

/// Gives the calling thread a table of descriptors of its own (unshare(2), CLONE_FILES): opening and closing then need no
/// lock that other threads take. Of those that were there the ones up to `last` stay: what is open for the whole run, JSON's
/// stream among them, keeps its number. The others are closed, so that nothing is held open that another thread closes.
/// Where unsharing is refused (seccomp) the table stays shared, and nothing is closed.
pub fn own_descriptors(last: RawFd) {
    // SAFETY: unsharing the table invalidates no descriptor: the new one begins as a copy.
    if unsafe { libc::unshare(libc::CLONE_FILES) } == -1 {
        return;
    }
    TABLES_DIFFER.store(true, Ordering::SeqCst);
    let first = u32::try_from(last).map_or(0, |last| last + 1);
    // SAFETY: the table is this thread's alone, and nothing of it that is closed belongs to this thread; what the other
    // threads have open is in their own table. ENOSYS before Linux 5.9: then the copies are closed when the thread ends.
    unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) };
}

/// Some thread has a table of descriptors of its own.
static TABLES_DIFFER: AtomicBool = AtomicBool::new(false);

/// Whether a descriptor's number may mean another file to another thread.
pub(super) fn tables_differ() -> bool {
    TABLES_DIFFER.load(Ordering::SeqCst)
}

/// The calling thread's number (gettid(2)), by which procfs knows it. Called by the call's number: linked statically with musl,
/// the function `gettid` is missing (Rust's library refers to it weakly, so the linker does not fetch it), and calling it
/// would jump to address 0.
pub fn number() -> i32 {
    // SAFETY: no arguments, no failure; signal-safe, a system call and no more.
    let number = unsafe { libc::syscall(libc::SYS_gettid) };
    i32::try_from(number).unwrap_or_default()
}

/// What the calling thread has used so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// Processor time, its own and the kernel's for it.
    pub processor: Duration,
    /// How often a block device had to read for it (512 bytes count as one).
    pub read: u64,
}

/// What the calling thread has used so far (getrusage(2), RUSAGE_THREAD).
pub fn used() -> Used {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: `usage` is valid for the write of one rusage, and the call fails for nothing else.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr());
        usage.assume_init()
    };
    // Never negative, and of 32 bits on some machines.
    let count = |count: libc::c_long| u64::try_from(count).unwrap_or(0);
    let time = |time: libc::timeval| {
        Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0))
            + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
    };
    Used { processor: time(usage.ru_utime) + time(usage.ru_stime), read: count(usage.ru_inblock) }
}

/// For a thread that must do nothing more: another ends the program.
pub(super) fn wait_for_the_end() -> ! {
    loop {
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
}
