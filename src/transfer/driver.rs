//! The one loop that all engines run in, and all the care: EINTR, readiness, short counts, early zeros, falling back to
//! the next engine at the same byte, the end of the source, and what has to be put right at the sink afterwards.
//!
//! Invariants: every turn of a loop advances or stops; no byte is given twice and none is passed over; a refusal after
//! progress goes on, it never begins again; nothing believes `st_size`.

use super::capabilities::Capabilities;
use super::pace::Pace;
use super::plan::Plan;
use super::preallocate::Preallocation;
use super::ready::Readiness;
use super::room;
use super::segments::{Segment, Segments};
use super::trail::{Failure, Refusal, Shrank, Trail};
use super::verdict::{self, Scope, Verdict, judge};
use crate::engine::{self, Ask, Flow, Grant, Name, Nature, Place, Scratch, Session, Side, Step};
use crate::sys::facts::Facts;
use crate::sys::{pipe, write_back};
use rustix::fs;
use rustix::io::Errno;
use std::time::Instant;

/// Moves everything the source has from where it stands to the sink, as the plan says, and tells what happened.
///
/// The descriptors stay open; attributes and closing are the caller's.
pub fn copy(ask: &Ask<'_>, plan: &Plan, learned: &Capabilities, scratch: &mut Scratch) -> Trail {
    let began = Instant::now();
    let mut driver = Driver {
        ask,
        plan,
        learned,
        scratch,
        flow: Flow::from(ask.source.start, ask.sink.start),
        trail: Trail::default(),
        pace: Pace::new(),
        readiness: Readiness::default(),
        room: None,
        next: 0,
        plainly: false,
        ended: false,
        by_reference_to: 0,
    };
    driver.run();
    driver.finish();
    driver.trail.wall = began.elapsed();
    driver.trail
}

struct Driver<'a> {
    ask: &'a Ask<'a>,
    plan: &'a Plan,
    learned: &'a Capabilities,
    scratch: &'a mut Scratch,
    flow: Flow,
    trail: Trail,
    pace: Pace,
    readiness: Readiness,
    room: Option<Preallocation>,
    /// The engine at work: an index into the plan's.
    next: usize,
    /// From here on read_write does it, whatever the plan says: the bytes that have to go by value, what a zero has to
    /// be confirmed by, a source that changed under its mapping.
    plainly: bool,
    /// The source has ended.
    ended: bool,
    /// Bytes given when pages were last passed by reference.
    by_reference_to: u64,
}

/// How an engine's turn ended.
enum Leg {
    /// At the byte it was to go to.
    Limit,
    /// At the end of the source.
    End,
    /// With something that only read and write can go on from: a zero that has to be confirmed, a source that changed
    /// under its mapping.
    Plainly,
    /// It refused.
    Next,
    /// With a failure, which is in the trail.
    Failed,
}

impl Driver<'_> {
    fn run(&mut self) {
        if self.plan.engines.is_empty() {
            return self.fail(match self.plan.passed_over.first() {
                // --reflink=always: its own text, with the errno that is to blame.
                Some((Name::Reflink, engine::Reason::Remembered(errno))) if !self.plan.forced => Failure::Clone(*errno),
                _ => Failure::NoEngine,
            });
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
                    if let Err(failure) = self.prepare() {
                        return self.fail(failure);
                    }
                    let hole = until - self.flow.source_offset();
                    self.trail.holes += hole;
                    self.flow.skip(hole);
                }
                Err(errno) => self.fail(Failure::Seek(errno)),
            }
            self.trail.found_holes = segments.found_holes;
        }
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
            Leg::End => self.ended = true,
            Leg::Next => self.next += 1,
            Leg::Limit | Leg::Plainly | Leg::Failed => {}
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
                Leg::Limit if value_from.is_some_and(|from| self.flow.given() >= from) => {
                    self.trail.by_value_from = Some(self.flow.given());
                    self.plainly = true;
                }
                Leg::Limit | Leg::Failed => {}
                Leg::End => self.ended = true,
                Leg::Plainly => self.plainly = true,
                Leg::Next => {
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
    fn leg(&mut self, name: Name, limit: Option<u64>) -> Leg {
        if limit.is_some_and(|limit| self.flow.given() >= limit) {
            return Leg::Limit;
        }
        if name != Name::Reflink
            && let Err(failure) = self.prepare()
        {
            self.fail(failure);
            return Leg::Failed;
        }
        let tuning = self.plan.tuning_for(self.left(limit));
        let mut session = match engine::named(name).open(self.ask, &tuning, &self.flow, self.scratch) {
            Ok(session) => session,
            Err((_, errno)) => return refused(&mut self.trail, self.learned, self.ask, name, errno, &self.flow),
        };
        let mut turns = Turns {
            ask: self.ask,
            learned: self.learned,
            flow: &mut self.flow,
            trail: &mut self.trail,
            pace: &mut self.pace,
            readiness: &mut self.readiness,
            room: self.room.as_mut(),
            name,
            limit,
        };
        let leg = turns.run(session.as_mut());
        let before = self.flow.given();
        let settled = session.settle(&mut self.flow);
        self.trail.count(name, self.flow.given() - before);
        self.trail.remarks.extend(settled.remarks);
        if matches!(name, Name::Splice | Name::Sendfile) && self.plan.by_value > 0 {
            self.by_reference_to = self.flow.given();
        }
        if let Some((side, errno)) = settled.error {
            self.fail(Failure::Call { side, errno });
        }
        if self.flow.is_spoiled() {
            self.cut_to_given();
        }
        if self.trail.failure.is_none() {
            self.deliver(&settled.carry);
        }
        if self.trail.failure.is_some() { Leg::Failed } else { leg }
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
        if self.flow.given() > 0 || self.room.is_some() {
            return Ok(());
        }
        let Some(bytes) = self.ask.expected else { return Ok(()) };
        let data = if self.plan.seek_holes { bytes.min(self.ask.source.facts.allocated) } else { bytes };
        if self.plan.tuning.holes.is_none() {
            room::check(self.ask, bytes, data)?;
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
                    self.readiness.moved();
                    bytes = &bytes[n..];
                }
                Err(errno) => match judge(Name::ReadWrite, errno, true) {
                    Verdict::Retry => {}
                    Verdict::Wait => self.readiness.wait(Side::Sink, &self.ask.source, &self.ask.sink),
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
        let ours = sink.is_regular() && sink.place == Place::Offset && !sink.append;
        let beyond = self.room.as_ref().is_some_and(|room| room.reached > self.flow.sink_offset());
        if ours && (self.trail.holes > 0 || beyond) {
            self.cut_to_given();
        }
        if let Some(room) = &self.room {
            self.trail.preallocated = room.reached - sink.start;
            if self.ask.replaced {
                // Blocks allocated ahead are not delayed ones, so ext4 does not flush them when a truncated and
                // rewritten file is closed, and a power cut would lose a file that GNU cp kept (performance.md).
                write_back::start(sink.fd);
            }
        }
        // A zero was early only if the read found more.
        self.trail.early_zero = self.trail.early_zero.filter(|(_, at)| *at < self.flow.given());
        if self.ended && self.trail.failure.is_none() {
            self.trail.shrank = self.shrank();
        }
        if self.shares_pages_with_reader() {
            self.await_reader();
        }
    }

    /// Brings the sink to the length of what was given: no invented bytes, nothing allocated beyond, holes at the end.
    fn cut_to_given(&mut self) {
        if let Err(errno) = fs::ftruncate(self.ask.sink.fd, self.flow.sink_offset()) {
            self.fail(Failure::Extend(errno));
        }
    }

    /// A source that ended before the size it had is only called shorter if its size says so now: sizes lie (sysfs).
    fn shrank(&self) -> Option<Shrank> {
        let source = &self.ask.source;
        let from = source.facts.size.checked_sub(source.start)?;
        if !source.is_regular() || self.flow.given() >= from {
            return None;
        }
        let now = Facts::of(source.fd).ok()?;
        (now.size < source.facts.size).then_some(Shrank { from, to: self.flow.given() })
    }

    /// Whether our reader's pipe may still hold pages of the source: only if the source ended before its last pipe-full
    /// could go by value.
    fn shares_pages_with_reader(&self) -> bool {
        self.ask.sink.is_pipe()
            && self.by_reference_to > 0
            && self.flow.given() - self.by_reference_to < self.plan.by_value
            && matches!(self.ask.source.nature, Nature::File | Nature::Block)
    }

    /// Until the reader has read it all, or has gone.
    fn await_reader(&mut self) {
        while pipe::queued(self.ask.sink.fd).is_ok_and(|bytes| bytes > 0) && pipe::has_reader(self.ask.sink.fd) {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }
}

/// The turns of one engine: step after step until its leg is over.
struct Turns<'t> {
    ask: &'t Ask<'t>,
    learned: &'t Capabilities,
    flow: &'t mut Flow,
    trail: &'t mut Trail,
    pace: &'t mut Pace,
    readiness: &'t mut Readiness,
    room: Option<&'t mut Preallocation>,
    name: Name,
    limit: Option<u64>,
}

impl Turns<'_> {
    fn run(&mut self, session: &mut dyn Session) -> Leg {
        loop {
            if self.limit.is_some_and(|limit| self.flow.given() >= limit) {
                return Leg::Limit;
            }
            if self.is_where_the_end_should_be() {
                return Leg::Plainly; // the read that confirms it costs no more than another zero
            }
            let grant = match self.grant() {
                Ok(grant) => grant,
                Err(errno) => {
                    self.trail.failure.get_or_insert(Failure::Call { side: Side::Sink, errno });
                    return Leg::Failed;
                }
            };
            let before = self.flow.given();
            let step = session.step(self.flow, grant);
            let moved = self.flow.given() - before;
            self.pace.over(moved >= grant.bytes);
            if let Some(leg) = self.told(step, moved) {
                return leg;
            }
        }
    }

    /// Acts on what a step came to; `None` to go on.
    fn told(&mut self, step: Step, moved: u64) -> Option<Leg> {
        if let Step::Hole(zeros) = step {
            self.trail.holes += zeros;
        } else {
            self.trail.count(self.name, moved);
        }
        if moved > 0 {
            self.readiness.moved();
        }
        match step {
            Step::Moved(_) | Step::Hole(_) => None,
            Step::End => Some(Leg::End),
            Step::Zero => Some(self.zero()),
            Step::Changed => Some(Leg::Plainly),
            Step::Error(side, errno) => self.judged(side, errno),
        }
    }

    fn judged(&mut self, side: Side, errno: Errno) -> Option<Leg> {
        match judge(self.name, errno, self.trail.by(self.name) > 0) {
            Verdict::Retry => None,
            Verdict::Wait => {
                self.readiness.wait(side, &self.ask.source, &self.ask.sink);
                None
            }
            Verdict::Refuse(_) => Some(refused(self.trail, self.learned, self.ask, self.name, errno, self.flow)),
            Verdict::Fail => {
                let failure = match self.name {
                    Name::Reflink => Failure::Clone(errno),
                    _ => Failure::Call { side: verdict::side(side, errno), errno },
                };
                self.trail.failure.get_or_insert(failure);
                Some(Leg::Failed)
            }
        }
    }

    /// Kernels and FUSE return 0 before the end (copy_file_range 5.3–5.18 across file systems and on procfs; splice and
    /// sendfile on a FUSE direct_io file with short reads, 6.18): on what has an end that can be asked, it is asked.
    fn zero(&mut self) -> Leg {
        if !matches!(self.ask.source.nature, Nature::File | Nature::Block | Nature::Device) {
            return Leg::End;
        }
        if self.ask.expected.is_none_or(|expected| self.flow.given() < expected) {
            self.trail.early_zero = Some((self.name, self.flow.given()));
        }
        Leg::Plainly
    }

    /// An in-kernel copy that has moved as many bytes as the source was long need not be asked once more. (mmap is: it
    /// looks whether the file was left alone.)
    fn is_where_the_end_should_be(&self) -> bool {
        let asks_again = matches!(self.name, Name::CopyFileRange | Name::Sendfile | Name::Splice);
        asks_again && self.flow.pending() == 0 && self.ask.expected.is_some_and(|bytes| self.flow.given() >= bytes)
    }

    fn grant(&mut self) -> Result<Grant, Errno> {
        let mut bytes = self.pace.grant(self.name);
        if let Some(room) = &mut self.room {
            bytes = bytes.min(room.ahead(&self.ask.sink, self.flow.sink_offset())?);
        }
        if let Some(limit) = self.limit {
            bytes = bytes.min(limit - self.flow.given());
        }
        let goes_on = self.ask.expected.is_some_and(|all| all.saturating_sub(self.flow.taken()) > bytes);
        Ok(Grant { bytes, more: goes_on })
    }
}

/// Puts a refusal on record.
fn refused(trail: &mut Trail, learned: &Capabilities, ask: &Ask<'_>, name: Name, errno: Errno, flow: &Flow) -> Leg {
    trail.refusals.push(Refusal { engine: name, errno, at: flow.given() });
    let devices = (ask.source.facts.device, ask.sink.facts.device);
    if let Verdict::Refuse(scope) = judge(name, errno, trail.by(name) > 0) {
        let scope = if scope == Scope::Kernel && !is_missing(errno) { Scope::Pair } else { scope };
        learned.remember(name, scope, devices, errno);
    }
    Leg::Next
}

fn is_missing(errno: Errno) -> bool {
    errno == Errno::NOSYS
}
