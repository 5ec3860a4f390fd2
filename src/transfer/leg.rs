//! One engine's leg of a copy: step after step until it is where it was to go, at the end, or stuck.

use super::capabilities::Capabilities;
use super::hole;
use super::lull::Lull;
use super::pace::Pace;
use super::preallocate::Preallocation;
use super::progress::Counters;
use super::ready::Readiness;
use super::trail::{Failure, Refusal, Trail};
use super::verdict::{self, Verdict, judge};
use super::window::Window;
use crate::engine::{Ask, Flow, Grant, Name, Nature, Session, Side, Step};
use rustix::io::Errno;

/// How an engine's leg ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LegEnd {
    /// At the byte it was to go to.
    Limit,
    /// At the end of the source.
    End,
    /// With something that only read and write can go on from: a zero that has to be confirmed, a source that changed
    /// while its pages were passed on.
    Plainly,
    /// With a refusal: the next engine goes on.
    Next,
    /// With a failure, which is in the trail.
    Failed,
}

/// One engine's part of a copy, and what it works with.
pub(super) struct Leg<'t, 'a> {
    pub(super) ask: &'t Ask<'t>,
    pub(super) learned: &'t Capabilities,
    pub(super) flow: &'t mut Flow,
    pub(super) trail: &'t mut Trail,
    pub(super) counters: &'t Counters,
    pub(super) pace: &'t mut Pace<'a>,
    pub(super) window: &'t mut Window<'a>,
    pub(super) readiness: &'t mut Readiness,
    pub(super) room: Option<&'t mut Preallocation>,
    pub(super) name: Name,
    pub(super) limit: Option<u64>,
    /// Waits for the reader of a full pipe.
    pub(super) lull: Option<Lull>,
}

impl Leg<'_, '_> {
    /// Step after step.
    pub(super) fn run(&mut self, session: &mut dyn Session) -> LegEnd {
        loop {
            if self.limit.is_some_and(|limit| self.flow.given() >= limit) {
                return LegEnd::Limit;
            }
            if self.is_where_the_end_should_be() {
                return LegEnd::Plainly; // the read that confirms it costs no more than another zero
            }
            if self.flow.pending() == 0
                && let Err(stopped) = self.readiness.listen(&self.ask.source, &self.ask.sink)
            {
                self.trail.failure.get_or_insert(stopped.into());
                return LegEnd::Failed;
            }
            let grant = match self.grant() {
                Ok(grant) => grant,
                Err(failure) => {
                    self.trail.failure.get_or_insert(failure);
                    return LegEnd::Failed;
                }
            };
            let before = self.flow.given();
            let step = session.step(self.flow, grant);
            let moved = self.flow.given() - before;
            self.pace.over(moved, moved >= grant.bytes);
            self.counters.goes_on(self.ask.sink.fd);
            if let Some(leg) = self.told(step, moved) {
                return leg;
            }
            if let Some(lull) = &mut self.lull {
                lull.after(moved, moved > 0 && self.flow.pending() > 0);
            }
        }
    }

    /// Acts on what a step came to; `None` to go on.
    fn told(&mut self, step: Step, moved: u64) -> Option<LegEnd> {
        if let Step::Hole(zeros) = step {
            if self.trail.bytes() > 0 {
                hole::keep(&self.ask.sink, self.flow.sink_offset() - zeros, zeros);
            }
            self.trail.holes += zeros;
            self.window.skipped(self.flow.given());
            self.counters.passed(zeros);
        } else {
            self.trail.count(self.name, moved);
            match self.name {
                Name::Reflink => self.counters.passed(moved), // shared, not moved
                _ => self.counters.gave(moved),
            }
        }
        if moved > 0 {
            self.readiness.moved();
        }
        match step {
            Step::Moved(_) | Step::Hole(_) => None,
            Step::End => Some(LegEnd::End),
            Step::Zero => Some(self.zero()),
            Step::Changed => Some(LegEnd::Plainly),
            Step::Error(side, errno) => self.judged(side, errno),
        }
    }

    fn judged(&mut self, side: Side, errno: Errno) -> Option<LegEnd> {
        match judge(self.name, errno, self.trail.by(self.name) > 0) {
            Verdict::Retry => None,
            Verdict::Wait => {
                let stopped = self.readiness.wait(side, &self.ask.source, &self.ask.sink).err()?;
                self.trail.failure.get_or_insert(stopped.into());
                Some(LegEnd::Failed)
            }
            Verdict::Refuse(_) => Some(refused(self.trail, self.learned, self.ask, self.name, errno, self.flow)),
            Verdict::Fail => {
                let failure = match self.name {
                    Name::Reflink => Failure::Clone(errno),
                    _ => Failure::Call { side: verdict::side(side, errno), errno },
                };
                self.trail.failure.get_or_insert(failure);
                Some(LegEnd::Failed)
            }
        }
    }

    /// Kernels and FUSE return 0 before the end (copy_file_range 5.3–5.18 across file systems and on procfs; splice and
    /// sendfile on a FUSE direct_io file with short reads, 6.18): on what has an end that can be asked, it is asked.
    fn zero(&mut self) -> LegEnd {
        if !matches!(self.ask.source.nature, Nature::File | Nature::Block | Nature::Device) {
            return LegEnd::End;
        }
        if self.ask.expected.is_none_or(|expected| self.flow.given() < expected) {
            self.trail.early_zero = Some((self.name, self.flow.given()));
        }
        LegEnd::Plainly
    }

    /// An in-kernel copy that has moved as many bytes as the source was long need not be asked once more. (mmap is: it
    /// looks whether the file was left alone.)
    fn is_where_the_end_should_be(&self) -> bool {
        let asks_again = matches!(self.name, Name::CopyFileRange | Name::Sendfile | Name::Splice);
        asks_again && self.flow.pending() == 0 && self.ask.expected.is_some_and(|bytes| self.flow.given() >= bytes)
    }

    fn grant(&mut self) -> Result<Grant, Failure> {
        let refused = |errno| Failure::Call { side: Side::Sink, errno };
        let most = match self.name {
            Name::Reflink => u64::MAX, // shares, and writes nothing
            _ => self.window.ahead(&self.ask.sink, self.flow.given()).map_err(refused)?,
        };
        let pause = |time| self.readiness.pause(time, &self.ask.sink);
        let mut bytes = self.pace.grant(self.name, pause)?.min(most);
        if let Some(room) = &mut self.room {
            bytes = bytes.min(room.ahead(&self.ask.sink, self.flow.sink_offset()).map_err(refused)?);
        }
        if let Some(limit) = self.limit {
            bytes = bytes.min(limit - self.flow.given());
        }
        let goes_on = self.ask.expected.is_some_and(|all| all.saturating_sub(self.flow.taken()) > bytes);
        // What has to wait for its turn is not to be waited for.
        Ok(Grant { bytes, more: goes_on && self.pace.is_free() })
    }
}

/// Puts a refusal on record.
pub(super) fn refused(
    trail: &mut Trail,
    learned: &Capabilities,
    ask: &Ask<'_>,
    name: Name,
    errno: Errno,
    flow: &Flow,
) -> LegEnd {
    trail.refusals.push(Refusal { engine: name, errno, at: flow.given() });
    let devices = (ask.source.facts.device, ask.sink.facts.device);
    if let Verdict::Refuse(scope) = judge(name, errno, trail.by(name) > 0) {
        learned.remember(name, scope, devices, errno);
    }
    LegEnd::Next
}
