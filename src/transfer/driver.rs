//! The one loop that all engines run in, and all the care: EINTR, readiness, short counts, early zeros, falling back to
//! the next engine at the same byte, the end of the source, and what has to be put right at the sink afterwards.
//!
//! Invariants: every turn of a loop advances or stops; no byte is given twice and none is passed over; a refusal after
//! progress goes on, it never begins again; nothing believes `st_size`.

use super::capabilities::Capabilities;
use super::finish::{self, Pages};
use super::hole;
use super::leg::{Leg, LegEnd, refused};
use super::lull::Lull;
use super::pace::{Pace, RateLimit};
use super::plan::Plan;
use super::preallocate::Preallocation;
use super::progress::Counters;
use super::ready::Readiness;
use super::room;
use super::segments::{Segment, Segments};
use super::trail::{Failure, Refusal, Trail};
use super::verdict::{Verdict, judge};
use super::window::Window;
use crate::engine::{self, Ask, Flow, Name, Offsets, Scratch, Side};
use crate::sys::pipe::PrivatePipe;
use crate::sys::write_back;
use rustix::fs;
use rustix::io::retry_on_intr;
use std::time::Instant;

/// Moves everything the source has from where it stands to the sink, as the plan says, and tells what happened.
///
/// `limit` is the run's `--rate-limit`; what is moved is added to `counters` as it is. The descriptors stay open;
/// attributes and closing are the caller's.
pub fn copy(
    ask: &Ask<'_>,
    plan: &Plan,
    learned: &Capabilities,
    limit: Option<&RateLimit>,
    scratch: &mut Scratch,
    counters: &Counters,
) -> Trail {
    let began = Instant::now();
    let mut driver = Driver {
        ask,
        plan,
        learned,
        scratch,
        counters,
        flow: Flow::from(ask.source.start, ask.sink.start),
        trail: Trail::default(),
        pace: Pace::new(ask, limit, counters.may_be_shown()),
        window: Window::new(ask, learned.targets(), counters),
        readiness: Readiness::of(ask.policy.peer),
        room: None,
        prepared: false,
        next: 0,
        plainly: false,
        ended: false,
        by_reference_to: 0,
    };
    driver.run();
    driver.finish();
    let moved = driver.trail.bytes() - driver.trail.by(Name::Reflink);
    match driver.window.finish(ask, driver.flow.given(), moved) {
        Ok(windowed) => driver.trail.window = windowed,
        Err(errno) => _ = driver.trail.failure.get_or_insert(Failure::Call { side: Side::Sink, errno }),
    }
    driver.trail.wall = began.elapsed();
    driver.trail
}

struct Driver<'a> {
    ask: &'a Ask<'a>,
    plan: &'a Plan,
    learned: &'a Capabilities,
    scratch: &'a mut Scratch,
    counters: &'a Counters,
    flow: Flow,
    trail: Trail,
    pace: Pace<'a>,
    window: Window<'a>,
    readiness: Readiness,
    room: Option<Preallocation>,
    /// Room has been asked for.
    prepared: bool,
    /// The engine at work: an index into the plan's.
    next: usize,
    /// From here on read_write does it, whatever the plan says: the bytes that have to go by value, what a zero has to
    /// be confirmed by, a source that changed while its pages were passed on.
    plainly: bool,
    /// The source has ended.
    ended: bool,
    /// Bytes given when pages were last passed by reference.
    by_reference_to: u64,
}

impl Driver<'_> {
    fn run(&mut self) {
        if self.plan.engines.is_empty() {
            return self.fail(Failure::NoEngine);
        }
        if let Err(failure) = self.begin() {
            return self.fail(failure);
        }
        let mut segments = Segments::new(self.plan.seek_holes);
        self.trail.sought_zeros = self.plan.tuning.holes.is_some();
        if self.plan.seek_holes && self.plan.engines[0] == Name::Reflink && self.leg_of_reflink() {
            return; // a clone has the holes too
        }
        while self.going() {
            match segments.next(&self.ask.source, self.flow.source_offset()) {
                Ok(Segment::Rest) => {
                    self.segment(None);
                    break;
                }
                Ok(Segment::Data(until)) => self.segment(Some(until - self.ask.source.start)),
                Ok(Segment::Hole(until)) => {
                    let hole = until - self.flow.source_offset();
                    if self.trail.bytes() > 0 {
                        hole::keep(&self.ask.sink, self.flow.sink_offset(), hole);
                    }
                    self.trail.holes += hole;
                    self.counters.passed(hole);
                    self.flow.skip(hole);
                    self.window.skipped(self.flow.given());
                }
                Err(errno) => self.fail(Failure::Seek(errno)),
            }
            self.trail.found_holes = segments.found_holes;
        }
    }

    /// Is there room? Then, and only then, what the sink holds is cut off.
    fn begin(&mut self) -> Result<(), Failure> {
        if self.plan.engines[0] != Name::Reflink {
            self.prepare()?; // a clone needs no room
        }
        if self.ask.replaced {
            retry_on_intr(|| fs::ftruncate(self.ask.sink.fd, self.ask.sink.start)).map_err(Failure::Cut)?;
        }
        Ok(())
    }

    fn going(&self) -> bool {
        !self.ended && self.trail.failure.is_none()
    }

    fn fail(&mut self, failure: Failure) {
        self.trail.failure.get_or_insert(failure);
    }

    /// Before the holes are asked for: if the whole can be cloned, nothing is left to do.
    fn leg_of_reflink(&mut self) -> bool {
        match self.leg(Name::Reflink, None) {
            LegEnd::End => self.ended = true,
            LegEnd::Next => self.next += 1,
            LegEnd::Limit | LegEnd::Plainly | LegEnd::Failed => {}
        }
        if self.going() && self.next == self.plan.engines.len() {
            self.fail_with_last_refusal();
        }
        !self.going()
    }

    /// Moves the bytes up to `until`, or to the end of the source, with one engine after the other.
    fn segment(&mut self, until: Option<u64>) {
        while self.going() && until.is_none_or(|until| self.flow.given() < until) {
            let name = if self.plainly { Name::ReadWrite } else { self.plan.engines[self.next] };
            let value_from = if self.plainly { None } else { self.value_from(name) };
            let limit = match (until, value_from) {
                (Some(until), Some(from)) => Some(until.min(from)),
                (until, from) => until.or(from),
            };
            match self.leg(name, limit) {
                LegEnd::Limit if value_from.is_some_and(|from| self.flow.given() >= from) => {
                    self.trail.by_value_from = Some(self.flow.given());
                    self.plainly = true;
                }
                LegEnd::Limit | LegEnd::Failed => {}
                LegEnd::End => self.ended = true,
                LegEnd::Plainly => self.plainly = true,
                LegEnd::Next => {
                    self.next += 1;
                    if self.next == self.plan.engines.len() {
                        self.fail_with_last_refusal();
                    }
                }
            }
        }
    }

    fn fail_with_last_refusal(&mut self) {
        let Some(&Refusal { engine, errno, .. }) = self.trail.refusals.last() else {
            return self.fail(Failure::NoEngine);
        };
        self.fail(if self.plan.forced { Failure::Refused { engine, errno } } else { Failure::Clone(errno) });
    }

    /// From which byte on this engine must not pass pages by reference any more.
    fn value_from(&self, name: Name) -> Option<u64> {
        let by_reference = matches!(name, Name::Splice | Name::Sendfile);
        let expected = self.ask.expected.filter(|_| by_reference && self.plan.by_value > 0)?;
        Some(expected.saturating_sub(self.plan.by_value))
    }

    /// Lets one engine work until `limit`, the end, or something that it cannot deal with.
    fn leg(&mut self, name: Name, limit: Option<u64>) -> LegEnd {
        if limit.is_some_and(|limit| self.flow.given() >= limit) {
            return LegEnd::Limit;
        }
        if name != Name::Reflink
            && let Err(failure) = self.prepare()
        {
            self.fail(failure);
            return LegEnd::Failed;
        }
        let tuning = self.plan.tuning_for(self.left(limit));
        let mut session = match engine::named(name).open(self.ask, &tuning, &self.flow, self.scratch) {
            Ok(session) => session,
            Err((_, errno)) => return refused(&mut self.trail, self.learned, self.ask, name, errno, &self.flow),
        };
        let lull = Lull::of(&self.ask.sink, name).filter(|_| self.pace.is_free());
        let mut leg = Leg {
            ask: self.ask,
            learned: self.learned,
            flow: &mut self.flow,
            trail: &mut self.trail,
            counters: self.counters,
            pace: &mut self.pace,
            window: &mut self.window,
            readiness: &mut self.readiness,
            room: self.room.as_mut(),
            name,
            limit,
            lull,
        };
        let ended = leg.run(session.as_mut());
        let before = self.flow.given();
        let settled = session.settle(&mut self.flow);
        self.trail.count(name, self.flow.given() - before);
        self.counters.gave(self.flow.given() - before);
        for remark in settled.remarks {
            if !self.trail.remarks.contains(&remark) {
                self.trail.remarks.push(remark); // once for all the extents of a sparse file
            }
        }
        if matches!(name, Name::Splice | Name::Sendfile) && self.plan.by_value > 0 {
            self.by_reference_to = self.flow.given();
        }
        if let Some((side, errno)) = settled.error {
            self.fail(Failure::Call { side, errno });
        }
        match self.flow.spoiled() {
            0 => {}
            _ if self.is_ours_to_cut() => self.cut_to_given(),
            bytes => self.fail(Failure::Spoiled { bytes }),
        }
        if self.trail.failure.is_none() {
            self.deliver(&settled.carry);
        }
        if self.trail.failure.is_some() { LegEnd::Failed } else { ended }
    }

    /// Bytes left to `limit` or to where the source is expected to end.
    fn left(&self, limit: Option<u64>) -> Option<u64> {
        let end = match (limit, self.ask.expected) {
            (Some(limit), Some(expected)) => Some(limit.min(expected)),
            (limit, expected) => limit.or(expected),
        };
        end.map(|end| end.saturating_sub(self.flow.given()))
    }

    /// Once, before the first byte is moved: is there room, and may it be allocated ahead?
    fn prepare(&mut self) -> Result<(), Failure> {
        if std::mem::replace(&mut self.prepared, true) {
            return Ok(());
        }
        let Some(bytes) = self.ask.expected else { return Ok(()) };
        room::may_be_so_large(&self.ask.sink, self.ask.sink.start.saturating_add(bytes))?;
        let data = if self.plan.seek_holes { bytes.min(self.ask.source.facts.allocated) } else { bytes };
        // How many zeros become holes is not known.
        if self.plan.tuning.holes.is_none() {
            room::check(self.ask, data)?;
        }
        if self.plan.preallocate {
            self.room = Some(Preallocation::new(self.ask.sink.start, bytes));
        }
        Ok(())
    }

    /// Gives the sink bytes that an engine took and could not give.
    fn deliver(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match engine::give(&self.ask.sink, self.flow.sink_offset(), bytes) {
                Ok(n) => {
                    self.flow.gave(n as u64);
                    self.trail.count(Name::ReadWrite, n as u64);
                    self.pace.also(n as u64);
                    self.counters.gave(n as u64);
                    self.readiness.moved();
                    bytes = &bytes[n..];
                }
                Err(errno) => match judge(Name::ReadWrite, errno, true) {
                    Verdict::Retry => {}
                    Verdict::Wait => {
                        if let Err(stopped) = self.readiness.wait(Side::Sink, &self.ask.source, &self.ask.sink) {
                            return self.fail(stopped.into());
                        }
                    }
                    Verdict::Refuse(_) | Verdict::Fail => {
                        return self.fail(Failure::Call { side: Side::Sink, errno });
                    }
                },
            }
        }
    }

    /// What has to be put right when the moving is over.
    fn finish(&mut self) {
        let sink = &self.ask.sink;
        let beyond = self.room.as_ref().is_some_and(|room| room.asked > self.flow.sink_offset());
        if self.is_ours_to_cut() && (self.trail.holes > 0 || beyond) {
            self.cut_to_given();
        }
        if let Some(room) = &self.room {
            self.trail.preallocated = room.reached - sink.start;
            if self.ask.replaced {
                // Blocks allocated ahead are not delayed ones, so ext4 does not flush them when a truncated and
                // rewritten file is closed, and a power cut would lose a file that GNU cp kept: of 4096 pages all were
                // under write-back at the close of a plain overwrite, none half a second after that of a preallocated one.
                write_back::start(sink.fd);
            }
        }
        // A zero was early only if the read found more.
        self.trail.early_zero = self.trail.early_zero.filter(|(_, at)| *at < self.flow.given());
        if self.ended && self.trail.failure.is_none() {
            self.trail.shrank = finish::shrank(&self.ask.source, self.flow.given());
        }
        if self.by_reference_to > 0 {
            let pages = Pages { to: self.by_reference_to, given: self.flow.given(), by_value: self.plan.by_value };
            if let Some(shrank) = &mut self.trail.shrank {
                let private = self.scratch.pipe.as_ref().map(PrivatePipe::capacity);
                shrank.perhaps_cleared = pages.perhaps_cleared(&self.ask.source, &self.ask.sink, private);
            }
            // Of a reader that has gone, or that has been given up, there is nothing to wait for.
            if !self.sink_has_failed() {
                pages.await_reader(&self.ask.sink, self.ask.policy.peer);
            }
        }
    }

    fn sink_has_failed(&self) -> bool {
        matches!(self.trail.failure, Some(Failure::TimedOut(_) | Failure::Call { side: Side::Sink, .. }))
    }

    /// Whether what lies in the sink beyond what was given may be cut off.
    fn is_ours_to_cut(&self) -> bool {
        let sink = &self.ask.sink;
        sink.is_regular() && sink.offsets == Offsets::Explicit && !sink.append
    }

    /// Brings the sink to the length of what was given: no invented bytes, nothing allocated beyond, holes at the end.
    fn cut_to_given(&mut self) {
        if let Err(errno) = retry_on_intr(|| fs::ftruncate(self.ask.sink.fd, self.flow.sink_offset())) {
            self.fail(Failure::Extend(errno));
        }
    }
}
