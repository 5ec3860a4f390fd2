//! Signals that are reacted to: SIGUSR1 for a status line, SIGTSTP for a tidy stop, and those that end the program from
//! outside for a tidy end.
//!
//! The reaction runs inside of the handler, on whichever thread the kernel chose, so that a thread that is stuck in a
//! write to a FIFO nobody reads is no obstacle, and no thread has to wait for signals. Therefore it may do nothing but
//! what signal-safety(7) allows: atomics, its own stack, write(2), unlinkat(2), clock_gettime(2) and their like; no lock,
//! no allocation. There is one reaction in the program, `report::interrupt`, and it says how it keeps to this.

use std::mem::MaybeUninit;
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
    /// SIGUSR1: the user asks how far it is.
    Status,
    /// SIGTSTP: Ctrl-Z.
    Stop,
    /// SIGALRM: a parent's alarm(2), `timeout -s ALRM`.
    Alarm,
    /// SIGUSR2.
    User,
    /// SIGXCPU: `ulimit -t`.
    ProcessorTime,
    /// SIGVTALRM: a timer of the processor time that the program takes (setitimer(2)).
    VirtualAlarm,
    /// SIGPROF: the same, with what the kernel takes for it.
    Profile,
    /// SIGIO, which is SIGPOLL.
    Io,
}

/// All of them.
const ALL: [Signal; 12] = [
    Signal::Hangup,
    Signal::Interrupt,
    Signal::Quit,
    Signal::Terminate,
    Signal::Status,
    Signal::Stop,
    Signal::Alarm,
    Signal::User,
    Signal::ProcessorTime,
    Signal::VirtualAlarm,
    Signal::Profile,
    Signal::Io,
];

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
            Signal::Alarm => libc::SIGALRM,
            Signal::User => libc::SIGUSR2,
            Signal::ProcessorTime => libc::SIGXCPU,
            Signal::VirtualAlarm => libc::SIGVTALRM,
            Signal::Profile => libc::SIGPROF,
            Signal::Io => libc::SIGIO,
        }
    }
}

/// The reaction, as a `fn(Signal)`; 0 while there is none.
static REACTION: AtomicUsize = AtomicUsize::new(0);

/// The stack of the thread that waits for signals, bytes; lazily touched. The reaction needs a few kilobytes of it.
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
    let mut new = MaybeUninit::<libc::sigaction>::zeroed();
    let mut old = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: all zeros is a value of sigaction; sigaction reads `new` and writes `old`, both of which live here. The
    // disposition is SIG_DFL, SIG_IGN or `handler`, which is an extern "C" function of the type that goes with flags
    // without SA_SIGINFO.
    unsafe {
        let new = new.assume_init_mut();
        new.sa_sigaction = disposition;
        new.sa_flags = libc::SA_RESTART;
        new.sa_mask = set_of(&ALL);
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

/// A set of these signals.
fn set_of(signals: &[Signal]) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset fills the set in, which lives here, before it is read; the numbers are valid.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in signals {
            libc::sigaddset(set.as_mut_ptr(), signal.number());
        }
        set.assume_init()
    }
}

/// Changes what the calling thread blocks (`how` is pthread_sigmask(3)'s) and gives what it blocked before. Signal-safe.
fn mask(how: i32, signals: &libc::sigset_t) -> libc::sigset_t {
    let mut before = set_of(&[]);
    // SAFETY: one set is read and one is written, both of which live here or at the caller's.
    unsafe { libc::pthread_sigmask(how, signals, &raw mut before) };
    before
}

/// Ends the program by this signal, so that whoever waits for it sees that. Signal-safe.
pub fn die_of(signal: Signal) -> ! {
    set(signal, libc::SIG_DFL);
    mask(libc::SIG_UNBLOCK, &set_of(&[signal]));
    // SAFETY: raise sends the signal to this thread, which does not block it any more, so its default action, which is to
    // end the program, happens now. (The first process of a container has no default actions: it exits with the status a
    // shell would have shown.) _exit runs no destructors and flushes nothing.
    unsafe {
        libc::raise(signal.number());
        libc::_exit(128 + signal.number())
    }
}

/// Stops the program by this signal, from inside of the reaction to it, so that whoever waits for it sees that; comes back
/// when it goes on. Where nobody could let it go on (an orphaned process group) the kernel does not stop it. Signal-safe.
pub fn stop_by(signal: Signal) {
    set(signal, libc::SIG_DFL);
    // SAFETY: a valid number; it is sent to this thread, where it waits until it is not blocked any more.
    unsafe { libc::raise(signal.number()) };
    let only = set_of(&[signal]);
    mask(libc::SIG_UNBLOCK, &only); // its default action happens here
    mask(libc::SIG_BLOCK, &only);
    set(signal, handler as *const () as usize);
}

/// From now on a thread that does nothing else takes the signals that can be reacted to, in place of the calling one. The
/// kernel gives a signal to the first thread unless that blocks it, even while it is in a call that no signal interrupts
/// (fsync(2) while the device writes), and then there is no reaction before that call returns. Where no thread can be had
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
    if *OTHER.get_or_init(started) {
        mask(libc::SIG_BLOCK, &set_of(&ALL));
    }
}

/// The calling thread takes no signals from now on; others do.
pub fn take_none() {
    let mut all = set_of(&[]);
    // SAFETY: sigfillset writes the set, which lives here.
    unsafe { libc::sigfillset(&raw mut all) };
    mask(libc::SIG_BLOCK, &all);
}

/// Does something during which this thread takes none of the signals that can be reacted to. They are held back until
/// then; other threads take them. Two rt_sigprocmask(2).
pub fn held_off<T>(work: impl FnOnce() -> T) -> T {
    let before = mask(libc::SIG_BLOCK, &set_of(&ALL));
    let done = work();
    mask(libc::SIG_SETMASK, &before);
    done
}
