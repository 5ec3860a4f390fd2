//! What the rooms above tell of the job as it goes on, and what comes of it: progress on the terminal, status lines, JSON.
//!
//! A short job pays for the handlers of four signals (as `cp`, of none) and a few additions: nothing more is asked of the kernel
//! before a copy has lasted for a hundredth of a second, or begins that may be long. As `cp`, or with `--quiet`, or off a
//! terminal, nothing is drawn.

use super::amount::{Bytes, Clock, per_second};
use super::fit::fit;
use super::foresee::{Foresight, Sources};
use super::interrupt::Rest;
use super::json::{Json, Outcome};
use super::quote::Charset;
use super::reporter::{Face, Reporter, WORTH_A_LINE, Work};
use super::sample::Sample;
use super::{interrupt, screen};
use crate::sys::signal;
use crate::transfer::progress::{Counters, NAME};
use crate::transfer::targets::Remains;
use std::ffi::OsStr;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// From so many bytes on a copy may well last: then the thread that shows progress is started before it begins. A thread
/// costs about 50 µs, and so many bytes at least a hundred times as much.
const LARGE: u64 = 32 << 20;

/// A copy that has lasted for so long may well last: then the thread is started between two steps. By then it is half a
/// percent of it (50 µs), and it shows nothing before half a second has passed. A file of 20 MiB on a stick that takes
/// 1 MiB a second has its bar so, and the same on a disk, done after 7 ms, has no thread.
const LASTS: Duration = Duration::from_millis(10);

/// A copy of fewer bytes is over in no time, so that a thread would be a tenth of it (4 KiB on tmpfs: 0.87 ms, with the thread
/// 0.97), and shows no line even if it is asked for.
const SMALL: u64 = 64 << 10;

/// A bar that was there for longer leaves a line behind.
const WORTH_A_WORD: Duration = Duration::from_secs(2);

/// `--progress`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// If standard error is a terminal, and the program's name is one that draws.
    #[default]
    Auto,
    /// Also elsewhere: off a terminal a line every 10 seconds.
    Always,
    /// Not at all.
    Never,
}

/// What is to be shown.
#[derive(Clone, Debug, Default)]
pub struct Reporting {
    /// When there is a bar.
    pub when: When,
    /// What a bar that was long there leaves behind.
    pub notices: bool,
    /// A status line on SIGUSR1.
    pub status: bool,
    /// A last word on SIGINT, SIGTERM and SIGHUP.
    pub last_word: bool,
    /// What it says of what was broken off.
    pub rest: Rest,
}

/// The job that is told that a copy lasts: there is one.
static TOLD: OnceLock<&'static Watch> = OnceLock::new();

/// The numbers of this run. A signal handler reads them, so there is one set, and it is there from the start.
static COUNTERS: Counters = Counters::new();

/// The job, as it is told.
#[derive(Debug)]
pub struct Watch {
    program: String,
    reporting: Reporting,
    began: Instant,
    json: Option<Arc<Json>>,
    /// What they come to is looked up when somebody wants to know the total.
    sources: Sources,
    /// A reporter may still have to be started.
    pending: AtomicBool,
    reporter: Mutex<Option<Reporter>>,
    /// What the reporter looks at to see how much of it is on the device.
    sample: Arc<Sample>,
    /// What is still in memory for a slow target.
    remains: Mutex<Option<Remains>>,
}

impl Watch {
    /// For a run of `program` over these sources.
    pub fn new(program: &str, reporting: Reporting, json: Option<Arc<Json>>, sources: Sources) -> Watch {
        let began = Instant::now();
        if reporting.status {
            interrupt::prepare(program, &COUNTERS, began, reporting.last_word, reporting.rest);
        }
        let pending = AtomicBool::new(reporting.when != When::Never || json.is_some());
        Watch {
            program: program.into(),
            reporting,
            began,
            json,
            sources,
            pending,
            reporter: Mutex::new(None),
            sample: Arc::default(),
            remains: Mutex::new(None),
        }
    }

    /// From now on it is told of copies that last, too.
    pub fn is_told(&'static self) {
        let _ = TOLD.set(self);
    }

    /// What the copying threads add to.
    pub fn counters(&self) -> &'static Counters {
        &COUNTERS
    }

    /// `--json`
    pub fn json(&self) -> Option<&Json> {
        self.json.as_deref()
    }

    /// The name that is shown is this from now on.
    pub fn current(&self, name: &OsStr) {
        COUNTERS.current(name.as_bytes());
    }

    /// A copy begins that is over in no time, so that its name is not worth showing.
    pub fn begin_small(&self) {
        if self.pending.load(Ordering::Relaxed) && (self.json.is_some() || self.began.elapsed() >= WORTH_A_LINE) {
            self.start();
        }
    }

    /// A copy begins; `expected` bytes, or nobody knows how many.
    pub fn begin(&self, name: &OsStr, expected: Option<u64>) {
        COUNTERS.current(name.as_bytes());
        COUNTERS.flushes(false);
        if expected.is_none() {
            COUNTERS.endless(true);
        }
        if self.pending.load(Ordering::Relaxed) {
            // Also where a bar was asked for: of 4 MiB on tmpfs, 2.6 ms, the thread was 8 %.
            let may_last = expected.is_none_or(|bytes| bytes >= LARGE);
            if may_last || self.json.is_some() || self.began.elapsed() >= WORTH_A_LINE {
                self.start();
            } else if expected >= Some(SMALL) {
                COUNTERS.wait(|sink| TOLD.get().into_iter().for_each(|watch| watch.lasts(sink, LASTS)));
            }
        }
    }

    /// It is over: `done` bytes are there.
    pub fn end(&self, expected: Option<u64>, done: u64) {
        match expected {
            Some(expected) => COUNTERS.came_to(expected, done),
            None => {
                COUNTERS.came_to(0, done);
                COUNTERS.endless(false); // the total is known from here on
            }
        }
        COUNTERS.file_done();
    }

    /// A copy to `sink` goes on, or its end does (a flush, a close): if the job has lasted for so long and nobody shows it
    /// yet, somebody is started.
    fn lasts(&self, sink: BorrowedFd<'_>, long: Duration) {
        if self.pending.load(Ordering::Relaxed) && self.began.elapsed() >= long {
            self.start();
            self.look(sink);
        }
    }

    fn look(&self, sink: BorrowedFd<'_>) {
        if self.reporter.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            self.sample.look(sink);
        }
    }

    /// What was copied to `sink` is waited for now, and nobody knows how long: it is flushed, or closed, which on some
    /// file systems flushes it (NFS).
    pub fn ends(&self, sink: BorrowedFd<'_>, flushed: bool) {
        if COUNTERS.now().given >= SMALL {
            self.lasts(sink, if flushed { Duration::ZERO } else { LASTS });
        }
        if flushed {
            self.heeds();
        }
    }

    /// What comes now no signal interrupts. Whoever sees the line is to be heard all the same, at once.
    fn heeds(&self) {
        COUNTERS.flushes(true);
        if self.reporter.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            signal::leave_to_another();
        }
    }

    /// All of the job is flushed now.
    pub fn flushes(&self) {
        if self.pending.load(Ordering::Relaxed) {
            self.start();
        }
        self.heeds();
    }

    /// All of the job goes to `sink`; `flushed`: it does not end before that is on the device. To be called by the program's
    /// first thread, whose descriptors the reporter has too.
    pub fn look_at(&self, sink: BorrowedFd<'_>, flushed: bool) {
        if self.reporting.when != When::Never || self.json.is_some() {
            self.sample.is_of_interest(flushed);
            self.look(sink);
        }
    }

    /// The job is flushed as a whole before it ends, and what of it is in memory is what the kernel counts as dirty.
    pub fn is_flushed(&self) {
        self.sample.whole_is_of_interest();
    }

    /// That is going to be closed.
    pub fn look_away(&self) {
        self.sample.look_away();
    }

    /// All is copied, and this is still in memory for a slow target.
    pub fn remains(&self, remains: Option<Remains>) {
        *self.remains.lock().unwrap_or_else(PoisonError::into_inner) = remains;
    }

    fn start(&self) {
        let mut reporter = self.reporter.lock().unwrap_or_else(PoisonError::into_inner);
        COUNTERS.wait_no_more();
        if !self.pending.swap(false, Ordering::Relaxed) {
            return; // another worker was faster
        }
        let face = self.face();
        if matches!(face, Face::None) && self.json.is_none() {
            return;
        }
        if matches!(face, Face::Bar) {
            interrupt::tidy();
            interrupt::steps_aside();
        }
        *reporter = Reporter::start(Work {
            face,
            json: self.json.clone(),
            counters: &COUNTERS,
            began: self.began,
            foresight: Foresight::new(self.sources, &COUNTERS),
            sample: Arc::clone(&self.sample),
        });
        if reporter.is_some() {
            COUNTERS.is_shown();
        }
    }

    fn face(&self) -> Face {
        let terminal = screen::is_terminal();
        let obeys = std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
        let json_is_there = self.json.as_ref().is_some_and(|json| json.is_standard_error());
        match self.reporting.when {
            _ if json_is_there => Face::None,
            When::Never => Face::None,
            When::Auto | When::Always if terminal && obeys => Face::Bar,
            When::Auto => Face::None,
            When::Always => Face::Lines(self.program.clone()),
        }
    }

    /// The job is over, well or not: the line goes.
    pub fn finish(&self, well: bool) {
        self.pending.store(false, Ordering::Relaxed);
        let reporter = self.reporter.lock().unwrap_or_else(PoisonError::into_inner).take();
        let shown = reporter.and_then(Reporter::end);
        interrupt::over();
        let elapsed = self.began.elapsed();
        if self.reporting.notices && well && shown.is_some_and(|since| since.elapsed() >= WORTH_A_WORD) {
            screen::say(&self.left_behind(elapsed));
        }
        let remains = self.remains.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(remains) = remains.as_ref().filter(|_| self.reporting.notices)
            && !matches!(self.face(), Face::None)
        {
            screen::warn(&self.not_yet(remains));
        }
    }

    /// `zccp: up to 9.6 MiB still in memory for /dev/sdb1 (exfat, /mnt/usb): unmount it, or run sync, before unplugging`
    fn not_yet(&self, remains: &Remains) -> String {
        let [source, kind, at] = remains.place.parts().map(|part| fit(part.as_bytes(), 60, Charset::current()));
        let bytes = Bytes(remains.bytes);
        format!(
            "{}: up to {bytes} still in memory for {source} ({kind}, {at}): unmount it, or run sync, before unplugging",
            self.program
        )
    }

    /// The last object of `--json`: with which `status` it ends.
    ///
    /// # Errors
    /// What is to be said if the stream is not complete.
    pub fn summary(&self, status: i32) -> Result<(), String> {
        let Some(json) = &self.json else { return Ok(()) };
        let remains = self.remains.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let elapsed = self.began.elapsed();
        COUNTERS.scanned(); // what nobody has looked for ahead was found all the same
        json.summary(&Outcome { progress: COUNTERS.now(), elapsed, failed: status != 0, remains })
    }

    /// What a bar that was long there leaves: `big.iso: 4.3 GiB in 3:24, 21 MiB/s`
    fn left_behind(&self, elapsed: Duration) -> String {
        let progress = COUNTERS.now();
        let what = match progress.files {
            1 => {
                let mut name = [0; NAME];
                let length = COUNTERS.name(&mut name);
                fit(&name[..length], 60, Charset::current())
            }
            files => format!("{files} files"),
        };
        let (done, rate) = (Bytes(progress.done()), Bytes(per_second(progress.given, elapsed)));
        format!("{what}: {done} in {}, {rate}/s", Clock(elapsed))
    }
}
