//! The thread that looks at the counters while the others copy, and shows what it sees: a bar, plain lines, or JSON. It
//! wakes ten times a second at most, and takes no signals.

use super::bar::Bar;
use super::foresee::Foresight;
use super::json::Json;
use super::line::{self, View};
use super::quote::Charset;
use super::sample::Sample;
use super::{amount, screen};
use crate::sys::signal;
use crate::transfer::progress::{Counters, NAME};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// A job that takes less is not worth a line.
pub(super) const WORTH_A_LINE: Duration = Duration::from_millis(500);
/// Between two frames of the bar.
const FRAME: Duration = Duration::from_millis(100);
/// Between two lines where there is no terminal.
const LINE: Duration = Duration::from_secs(10);
/// Between two `progress` objects of `--json`.
const OBJECT: Duration = Duration::from_secs(1);
/// The rate that is shown is that of the last so many seconds.
const OF_LATE: Duration = Duration::from_secs(5);
/// A thread that wakes so much too late was stopped (Ctrl-Z); what was moved meanwhile says nothing of the speed.
const STOPPED: Duration = Duration::from_secs(1);
/// The thread's stack, bytes; lazily touched.
const STACK: usize = 512 * 1024;

/// How progress is shown.
pub(super) enum Face {
    /// Not to people.
    None,
    /// A bar on the terminal.
    Bar,
    /// Now and then a line that begins with this.
    Lines(String),
}

/// What the thread is given.
pub(super) struct Work {
    pub(super) face: Face,
    pub(super) json: Option<Arc<Json>>,
    pub(super) counters: &'static Counters,
    pub(super) began: Instant,
    /// Looks at the sources, whose sizes are known to nobody yet.
    pub(super) foresight: Foresight,
    /// What shows how much is on the device.
    pub(super) sample: Arc<Sample>,
}

/// The thread.
#[derive(Debug)]
pub(super) struct Reporter {
    thread: JoinHandle<Option<Instant>>,
    over: Arc<Over>,
}

#[derive(Debug, Default)]
struct Over {
    over: Mutex<bool>,
    told: Condvar,
}

impl Over {
    fn is_over(&self) -> bool {
        *self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until then, or until it is over: whether it is.
    fn wait_until(&self, then: Instant) -> bool {
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let left = then.saturating_duration_since(Instant::now());
            if *over || left.is_zero() {
                return *over;
            }
            over = self.told.wait_timeout(over, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Reporter {
    /// Starts it; `None` where no thread can be had: then nothing is shown.
    pub(super) fn start(work: Work) -> Option<Reporter> {
        let over = Arc::new(Over::default());
        let theirs = Arc::clone(&over);
        let thread = Builder::new().stack_size(STACK).spawn(move || {
            signal::take_none();
            report(work, &theirs)
        });
        thread.ok().map(|thread| Reporter { thread, over })
    }

    /// Ends it. Since when a line was shown, if one was.
    pub(super) fn end(self) -> Option<Instant> {
        *self.over.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.over.told.notify_one();
        let shown = self.thread.join().unwrap_or_default();
        screen::leave();
        shown
    }
}

fn report(mut work: Work, over: &Over) -> Option<Instant> {
    let mut eye = Eye::new(work.counters, work.began, Arc::clone(&work.sample));
    let mut shown = None;
    let first = match work.face {
        Face::None => OBJECT,
        Face::Bar => WORTH_A_LINE,
        Face::Lines(_) if work.json.is_some() => OBJECT,
        Face::Lines(_) => LINE,
    };
    if over.wait_until(work.began + first) {
        return None;
    }
    look_ahead(&mut work.foresight, Instant::now() + FRAME, over);
    let bar = matches!(work.face, Face::Bar).then(Bar::new);
    let (mut next_line, mut next_object) = (work.began + LINE, work.began + OBJECT);
    loop {
        let now = Instant::now();
        let view = eye.look(now);
        match &work.face {
            Face::Bar if screen::is_ours() => {
                bar.iter().for_each(|bar| bar.draw(&view));
                shown.get_or_insert(now);
            }
            Face::Lines(program) if now >= next_line => {
                screen::say(&format!("{program}: {}", line::plain(&view, Charset::current())));
                next_line = now + LINE;
            }
            _ => {}
        }
        if let Some(json) = work.json.as_deref().filter(|_| now >= next_object) {
            json.progress(&view);
            next_object = now + OBJECT;
        }
        let next = match (&work.face, &work.json) {
            (Face::Bar, _) => now + FRAME,
            (Face::Lines(_), None) => next_line,
            _ => next_object,
        };
        look_ahead(&mut work.foresight, next, over);
        if over.wait_until(next) {
            return shown;
        }
        if next.elapsed() >= STOPPED {
            eye.begin_anew(Instant::now());
            if over.wait_until(Instant::now() + FRAME) {
                return shown;
            }
        }
    }
}

/// Looks at the sources until `then`. A glance at one is short, at a directory too: the frames keep their times.
fn look_ahead(foresight: &mut Foresight, then: Instant, over: &Over) {
    while Instant::now() < then && !over.is_over() && foresight.step() {}
}

/// Looks at the counters and remembers what it saw.
struct Eye {
    counters: &'static Counters,
    began: Instant,
    sample: Arc<Sample>,
    /// When how many bytes had been moved or read back; where the device is looked at, had arrived there.
    samples: VecDeque<(Instant, u64)>,
    /// What was shown last, in ten-thousandths.
    share: Option<u32>,
    /// The device was looked at.
    apart: bool,
}

impl Eye {
    fn new(counters: &'static Counters, began: Instant, sample: Arc<Sample>) -> Eye {
        Eye { counters, began, sample, samples: VecDeque::new(), share: None, apart: false }
    }

    /// The rate is that from now on.
    fn begin_anew(&mut self, now: Instant) {
        let mut progress = self.counters.now();
        progress.in_memory = self.sample.in_memory(now, &progress);
        self.samples.clear();
        self.samples.push_back((now, progress.worked()));
    }

    fn look(&mut self, now: Instant) -> View {
        let mut progress = self.counters.now();
        progress.in_memory = self.sample.in_memory(now, &progress);
        if std::mem::replace(&mut self.apart, progress.in_memory.is_some()) != self.apart {
            self.samples.clear(); // what was said of memory says nothing of the device, nor the share of it
            self.samples.push_back((now, progress.worked()));
            self.share = None;
        }
        let mut name = [0; NAME];
        let length = self.counters.name(&mut name);
        let rate = self.rate(now, progress.worked());
        if let Some((done, total)) = progress.share() {
            let share = (u128::from(done) * 10_000 / u128::from(total)) as u32;
            self.share = self.share.max(Some(share));
        }
        let left = progress.share().filter(|_| rate > 0).map(|(done, total)| {
            let bytes = u128::from(total.saturating_sub(done));
            Duration::from_millis(u64::try_from(bytes * 1000 / u128::from(rate)).unwrap_or(u64::MAX))
        });
        View {
            name: name[..length].to_vec(),
            progress,
            share: self.share.filter(|_| progress.total().is_some()),
            rate,
            elapsed: now - self.began,
            left,
        }
    }

    /// Bytes a second of late.
    fn rate(&mut self, now: Instant, worked: u64) -> u64 {
        if self.samples.is_empty() {
            self.samples.push_back((self.began, 0));
        }
        self.samples.push_back((now, worked));
        // The newest of those that are old enough is kept.
        while self.samples.get(1).is_some_and(|(then, _)| now - *then >= OF_LATE) {
            self.samples.pop_front();
        }
        let (then, before) = self.samples[0];
        amount::per_second(worked.saturating_sub(before), now - then)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_never_runs_backwards_and_the_rate_is_of_late() {
        static COUNTERS: Counters = Counters::new();
        let began = Instant::now();
        let at = |seconds: u64| began + Duration::from_secs(seconds);
        let mut eye = Eye::new(&COUNTERS, began, Arc::default());
        COUNTERS.expect(1000);
        COUNTERS.gave(100);
        let view = eye.look(at(1));
        assert_eq!((view.share, view.rate, view.left), (None, 100, None), "it may still grow");
        COUNTERS.scanned();
        COUNTERS.gave(400);
        let view = eye.look(at(2));
        assert_eq!((view.share, view.rate, view.left), (Some(5000), 250, Some(Duration::from_secs(2))));
        COUNTERS.expect(1000);
        assert_eq!(eye.look(at(3)).share, Some(5000), "what was shown stays");
        for second in 4..=20 {
            eye.look(at(second));
        }
        assert_eq!(eye.look(at(21)).rate, 0, "nothing moves any more");
        COUNTERS.passed(1500);
        assert_eq!(eye.look(at(22)).share, Some(10_000));
        assert_eq!(eye.look(at(22)).rate, 0, "what is shared says nothing of the speed");
    }
}
