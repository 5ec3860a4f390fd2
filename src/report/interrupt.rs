//! What is said and done when a signal comes: a status line (SIGUSR1), a tidy end (SIGINT, SIGTERM, SIGHUP, and where there
//! is something to tidy up every other that ends a program from outside), or, where a line shows progress, a tidy stop
//! (SIGTSTP).
//!
//! [`react`] runs inside of a signal handler (see `sys::signal`). It reads atomics, formats into an array on its stack,
//! and calls open(2), close(2), ioctl(2) (isatty(3)), poll(2), write(2), clock_nanosleep(2), clock_gettime(2),
//! unlinkat(2), and, to stop or to end, sigaction(2), sigprocmask(2) and raise(3): no lock, no allocation. What it has to
//! know is put in place beforehand by [`prepare`].

use super::amount::{Bytes, per_second};
use super::fit::Shown;
use super::quote::Charset;
use super::screen::Held;
use crate::sys::signal::{self, Signal};
use crate::sys::temporary;
use crate::transfer::progress::{Counters, NAME, Phase};
use std::fmt::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// What [`react`] knows.
struct Known {
    program: String,
    counters: &'static Counters,
    began: Instant,
    last_word: bool,
    rest: Rest,
    charset: Charset,
}

/// What becomes of what a signal broke off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rest {
    /// It stays as it is.
    #[default]
    Stays,
    /// It stays, and the same command with `--resume` goes on with it.
    Resumable,
    /// It goes: `--atomic`.
    Goes,
}

static KNOWN: OnceLock<Known> = OnceLock::new();

/// The job is over: there is nothing left to be interrupted.
static OVER: AtomicBool = AtomicBool::new(false);

/// Standard error belongs to somebody else (`--json`): nothing is written there.
static SILENT: AtomicBool = AtomicBool::new(false);

/// The end has begun, on some thread.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Signals that end the program.
const ENDS: [Signal; 3] = [Signal::Hangup, Signal::Interrupt, Signal::Terminate];

/// Other signals that end the program by default (signal(7)), and are left to do so where there is nothing to remove. Not among
/// them: SIGPIPE and SIGXFSZ, which the program's own calls bring about; those of its faults (SIGSEGV and so on); real-time
/// signals, which nobody sends unasked.
const ALSO: [Signal; 8] = [
    Signal::Quit,
    Signal::Alarm,
    Signal::User,
    Signal::ProcessorTime,
    Signal::VirtualAlarm,
    Signal::Profile,
    Signal::Io,
    Signal::Status,
];

/// From now on SIGUSR1 prints a status line. `last_word`: those signals that end the program are told of too,
/// and what becomes of the `rest`.
pub fn prepare(program: &str, counters: &'static Counters, began: Instant, last_word: bool, rest: Rest) {
    let charset = Charset::current();
    if KNOWN.set(Known { program: program.into(), counters, began, last_word, rest, charset }).is_ok() {
        signal::react_to(&[Signal::Status], react);
        if last_word {
            signal::react_to(&ENDS, react);
        }
    }
}

/// From now on the signals that end the program find the line that shows progress, and names that were noted as temporary
/// (`sys::temporary`), and take them away first. To be called before the first of either is made; cheap if it was called
/// before. Most of them, SIGQUIT (Ctrl-\) say, are caught only from here on: where nothing is to be taken away they need no
/// handler. SIGUSR1 ends a program that tells no status, as `cp`.
pub fn tidy() {
    signal::react_to(&ENDS, react);
    signal::react_to(&ALSO, react);
}

/// From now on SIGTSTP finds the line that shows progress, and takes it away first: what the shell says next has a line of
/// its own. The next frame after it goes on brings it back.
pub fn steps_aside() {
    signal::react_to(&[Signal::Stop], react);
}

/// Standard error is not ours to write to.
pub fn be_silent() {
    SILENT.store(true, Ordering::SeqCst);
}

/// The job is over.
pub fn over() {
    OVER.store(true, Ordering::SeqCst);
}

fn react(signal: Signal) {
    if signal == Signal::Status
        && let Some(known) = KNOWN.get()
    {
        return status(known);
    }
    if signal == Signal::Stop {
        let held = Held::now();
        held.erase();
        return signal::stop_by(signal);
    }
    if ENDING.swap(true, Ordering::SeqCst) {
        return; // another thread is at it
    }
    let held = Held::now();
    let removed = temporary::remove_all();
    if let Some(known) = KNOWN.get()
        && known.last_word
        && !OVER.load(Ordering::SeqCst)
        && !SILENT.load(Ordering::SeqCst)
    {
        held.say(last_word(known, removed > 0).bytes());
    }
    held.for_good();
    signal::die_of(signal)
}

/// `zccp: interrupted at 3.1 GiB of 8.0 GiB; what was copied stays, and the same command with --resume goes on with it`
fn last_word(known: &Known, removed: bool) -> Line {
    let progress = known.counters.now();
    let mut line = Line::default();
    let _ = write!(line, "{}: interrupted at {}", known.program, Bytes(progress.done()));
    if let Some(total) = progress.total() {
        let _ = write!(line, " of {}", Bytes(total));
    }
    if progress.flushes && progress.phase == Phase::Copying {
        let _ = write!(line, ", before it was all on the device");
    }
    let rest = match known.rest {
        Rest::Goes => "what was not finished is removed",
        Rest::Resumable | Rest::Stays if removed => "what was not finished is removed",
        Rest::Resumable if progress.done() > 0 && progress.resumable => {
            "what was copied stays, and the same command with --resume goes on with it"
        }
        Rest::Resumable | Rest::Stays => "what was copied stays",
    };
    let _ = writeln!(line, "; {rest}");
    line
}

/// `zccp: 2684354560 bytes (2.5 GiB) copied, 3.2 s, 800 MiB/s: big.iso`
fn status(known: &Known) {
    if SILENT.load(Ordering::SeqCst) {
        return;
    }
    let progress = known.counters.now();
    let elapsed = known.began.elapsed();
    let (done, rate) = (progress.done(), Bytes(per_second(progress.given, elapsed)));
    let mut name = [0; NAME];
    let length = known.counters.name(&mut name);
    let mut line = Line::default();
    let (seconds, tenths) = (elapsed.as_secs(), elapsed.subsec_millis() / 100);
    let _ = write!(line, "{}: {done} bytes ({}) copied, {seconds}.{tenths} s, {rate}/s", known.program, Bytes(done));
    if length > 0 && !OVER.load(Ordering::SeqCst) {
        let _ = write!(line, ": {}", Shown(&name[..length], known.charset));
    }
    line.end();
    Held::now().say(line.bytes());
}

/// A line of limited length, made without allocating. What does not fit is left out.
struct Line {
    bytes: [u8; 4 * NAME + 256],
    length: usize,
}

impl Default for Line {
    fn default() -> Line {
        Line { bytes: [0; 4 * NAME + 256], length: 0 }
    }
}

impl Line {
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn end(&mut self) {
        self.length = self.length.min(self.bytes.len() - 1);
        self.bytes[self.length] = b'\n';
        self.length += 1;
    }
}

impl std::fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let room = self.bytes.len() - self.length;
        let taken = text.len().min(room);
        self.bytes[self.length..self.length + taken].copy_from_slice(&text.as_bytes()[..taken]);
        self.length += taken;
        Ok(())
    }
}
