//! Signals that are reacted to: SIGUSR1 for a status line, SIGINT, SIGTERM, SIGHUP and SIGQUIT for a tidy end, SIGTSTP for a tidy
//! stop.
//!
//! The reaction runs inside of the handler, on whichever thread the kernel chose, so that a thread that is stuck in a
//! write to a FIFO nobody reads is no obstacle, and no thread has to wait for signals. Therefore it may do nothing but
//! what signal-safety(7) allows: atomics, its own stack, write(2), unlinkat(2), clock_gettime(2) and their like; no lock,
//! no allocation. There is one reaction in the program, `report::interrupt`, and it says how it keeps to this.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// A signal that can be reacted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGHUP: the terminal has gone.
    Hangup,
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGQUIT: Ctrl-\\.
    Quit,
    /// SIGTERM: kill(1).
    Terminate,
    /// SIGUSR1: how far is it?
    Status,
    /// SIGTSTP: Ctrl-Z.
    Stop,
}

/// All of them.
const ALL: [Signal; 6] =
    [Signal::Hangup, Signal::Interrupt, Signal::Quit, Signal::Terminate, Signal::Status, Signal::Stop];

impl Signal {
    /// Its number (signal(7)).
    pub fn number(self) -> i32 {
        match self {
            Signal::Hangup => libc::SIGHUP,
            Signal::Interrupt => libc::SIGINT,
            Signal::Quit => libc::SIGQUIT,
            Signal::Terminate => libc::SIGTERM,
            Signal::Status => libc::SIGUSR1,
            Signal::Stop => libc::SIGTSTP,
        }
    }
}

/// The reaction, as a `fn(Signal)`; 0 while there is none.
static REACTION: AtomicUsize = AtomicUsize::new(0);

/// The stack of the thread that waits for signals, bytes; lazily touched. The reaction has some kilobytes of it.
const STACK: usize = 128 * 1024;

/// Signals that are reacted to already: bit n is signal n.
static INSTALLED: AtomicU32 = AtomicU32::new(0);

/// From now on `react` is what happens on these signals, but for those that were ignored when the program started: they
/// stay ignored. One sigaction(2) a signal; nothing for those that are reacted to already.
///
/// `react` must keep to what the module's first lines say.
pub fn react_to(signals: &[Signal], react: fn(Signal)) {
    REACTION.store(react as usize, Ordering::SeqCst);
    for signal in signals {
        let bit = 1 << signal.number();
        if INSTALLED.fetch_or(bit, Ordering::SeqCst) & bit == 0
            && set(*signal, handler as *const () as usize) == libc::SIG_IGN
        {
            set(*signal, libc::SIG_IGN);
        }
    }
}

/// Sets a disposition and gives the one before (SIG_DFL if that cannot be told).
fn set(signal: Signal, disposition: usize) -> usize {
    let mut new = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    let mut old = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: all zeros is a value of sigaction (no flags, an empty mask); sigaddset gets that mask and valid numbers;
    // sigaction reads `new` and writes `old`, both of which live here. The disposition is SIG_DFL, SIG_IGN or `handler`,
    // which is an extern "C" function of the type that goes with flags without SA_SIGINFO.
    unsafe {
        let new = new.assume_init_mut();
        new.sa_sigaction = disposition;
        new.sa_flags = libc::SA_RESTART;
        for other in ALL {
            libc::sigaddset(&raw mut new.sa_mask, other.number());
        }
        if libc::sigaction(signal.number(), new, old.as_mut_ptr()) == 0 {
            old.assume_init().sa_sigaction
        } else {
            libc::SIG_DFL
        }
    }
}

extern "C" fn handler(number: i32) {
    // SAFETY: the location of this thread's errno is valid as long as the thread; what was interrupted may be about to
    // read it.
    let errno = unsafe { *libc::__errno_location() };
    let reaction = REACTION.load(Ordering::SeqCst);
    if let Some(signal) = ALL.into_iter().find(|signal| signal.number() == number)
        && reaction != 0
    {
        // SAFETY: what is not 0 there was a `fn(Signal)` when `react_to` stored it.
        let react = unsafe { std::mem::transmute::<usize, fn(Signal)>(reaction) };
        react(signal);
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

/// Ends the program by this signal, so that whoever waits for it sees that. Signal-safe.
pub fn die_of(signal: Signal) -> ! {
    set(signal, libc::SIG_DFL);
    let mut only = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the set lives here and is filled in before it is read; the numbers are valid. raise sends the signal to this
    // thread, which does not block it any more, so its default action, which is to end the program, happens now. (The
    // first process of a container has no default actions: it exits with the status a shell would have shown.) _exit runs
    // no destructors and flushes nothing.
    unsafe {
        libc::sigemptyset(only.as_mut_ptr());
        libc::sigaddset(only.as_mut_ptr(), signal.number());
        libc::pthread_sigmask(libc::SIG_UNBLOCK, only.as_ptr(), std::ptr::null_mut());
        libc::raise(signal.number());
        libc::_exit(128 + signal.number())
    }
}

/// Stops the program by this signal, from inside of the reaction to it, so that whoever waits for it sees that; comes back
/// when it goes on. Where nobody could let it go on (an orphaned process group) the kernel does not stop it. Signal-safe.
pub fn stop_by(signal: Signal) {
    set(signal, libc::SIG_DFL);
    let mut only = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the set lives here and is filled in before it is read; the numbers are valid. raise sends the signal to this
    // thread, where it waits until it is not blocked any more: then its default action happens.
    unsafe {
        libc::sigemptyset(only.as_mut_ptr());
        libc::sigaddset(only.as_mut_ptr(), signal.number());
        libc::raise(signal.number());
        libc::pthread_sigmask(libc::SIG_UNBLOCK, only.as_ptr(), std::ptr::null_mut());
        libc::pthread_sigmask(libc::SIG_BLOCK, only.as_ptr(), std::ptr::null_mut());
    }
    set(signal, handler as *const () as usize);
}

/// From now on the calling thread leaves the signals that can be reacted to to one that waits for nothing else. The kernel
/// gives a signal to the first thread if that does not block it, also where it is in a call that no signal interrupts
/// (fsync(2) while the device writes), and then nothing is reacted to before that call returns. Where no thread can be had
/// all stays as it was.
pub fn leave_to_another() {
    static OTHER: OnceLock<bool> = OnceLock::new();
    let waiting = || {
        loop {
            // SAFETY: no arguments; it returns when a handler has.
            unsafe { libc::pause() };
        }
    };
    let started = || std::thread::Builder::new().stack_size(STACK).spawn(waiting).is_ok();
    if !*OTHER.get_or_init(started) {
        return;
    }
    let mut ours = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the set lives here and is filled in before it is read; the numbers are valid; the old mask is not asked for.
    unsafe {
        libc::sigemptyset(ours.as_mut_ptr());
        for signal in ALL {
            libc::sigaddset(ours.as_mut_ptr(), signal.number());
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, ours.as_ptr(), std::ptr::null_mut());
    }
}

/// The calling thread takes no signals from now on; others do.
pub fn take_none() {
    let mut all = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: sigfillset fills the set in, which lives here; the old mask is not asked for.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), std::ptr::null_mut());
    }
}

/// Does something during which this thread takes none of the signals that can be reacted to. They are held back until
/// then; other threads take them. Two rt_sigprocmask(2).
pub fn held_off<T>(work: impl FnOnce() -> T) -> T {
    let mut ours = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
    let mut before = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: both sets live here; sigemptyset fills one in before it is read, the numbers are valid.
    unsafe {
        libc::sigemptyset(ours.as_mut_ptr());
        for signal in ALL {
            libc::sigaddset(ours.as_mut_ptr(), signal.number());
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, ours.as_ptr(), before.as_mut_ptr());
    }
    let done = work();
    // SAFETY: pthread_sigmask has filled in what the mask was before.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut()) };
    done
}
