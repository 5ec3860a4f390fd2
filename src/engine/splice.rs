//! `splice`: splice(2), through a private pipe unless the source is a pipe itself.
//!
//! Never straight from a source that can block into stdout's pipe: the kernel would sleep with that pipe locked, and its
//! reader could neither read what is there nor be killed (golang/go#71375; seen of terminals, TCP and unix sockets, Linux
//! 6.18). Through a private pipe it is also known which side an error belongs to, and it is faster.
//!
//! What waits in the pipe is pages of the source. If the source is cut short then, the kernel clears them behind the new
//! end, and the sink would be given zeros that were never in the file. From a file into a file of our own a pipe-full
//! therefore counts only after [`Watch`] has seen that the source was left alone ([`OnApproval`]); what went to any other
//! sink cannot be taken back, and is told of (`transfer::finish`).

use super::contract::{Ask, End, Engine, Flow, Grant, Nature, Offsets, Remark, Session, Settled, Side, Step, Tuning};
use super::drain::{Drain, clamp, explicit, flags};
use super::scratch::Scratch;
use super::watch::Watch;
use super::{Name, Reason};
use crate::sys::pipe::PrivatePipe;
use rustix::io::Errno;
use rustix::pipe::{self, SpliceFlags};

/// Through a pipe that holds less than this many bytes (a user out of quota gets 4 or 8 KiB), read and write are faster
/// between files: a file of 1 MiB would be 256 pairs of calls instead of 4.
const LEAST: u64 = 64 * 1024;

pub struct Splice;

impl Engine for Splice {
    fn name(&self) -> Name {
        Name::Splice
    }

    fn suits(&self, ask: &Ask<'_>) -> Result<(), Reason> {
        if ask.sink.append {
            return Err(Reason::SinkAppends); // EINVAL
        }
        if ask.source.direct {
            return Err(Reason::SourceIsDirect);
        }
        let keeps_messages = |end: &End<'_>| end.socket().is_some_and(|socket| !socket.stream);
        if keeps_messages(&ask.sink) || keeps_messages(&ask.source) {
            return Err(Reason::KeepsMessages);
        }
        if [&ask.source, &ask.sink].iter().any(|end| end.nature == Nature::Other) {
            return Err(Reason::NotSpliceable);
        }
        Ok(())
    }

    fn open<'a>(
        &self,
        ask: &Ask<'a>,
        tuning: &Tuning,
        _: &Flow,
        scratch: &'a mut Scratch,
    ) -> Result<Box<dyn Session + 'a>, (Side, Errno)> {
        let (source, sink) = (ask.source, ask.sink);
        if source.is_pipe() {
            return Ok(Box::new(Direct { source, sink }));
        }
        let drain = Drain::open(sink, tuning.block as u64, scratch)?;
        let files = source.is_regular() && sink.is_regular();
        if files && source.offsets == Offsets::Explicit && sink.offsets == Offsets::Explicit {
            let forced = !ask.policy.engines.is_empty();
            if !forced && drain.pipe().is_ok_and(|pipe| pipe.capacity() < LEAST) {
                return Err((Side::Either, Errno::PERM)); // what F_SETPIPE_SZ says to who is out of quota
            }
            return Ok(Box::new(OnApproval { source, drain, watch: None, full: None, changed_at: None }));
        }
        Ok(Box::new(Through { source, drain }))
    }
}

/// Pipe to anything.
struct Direct<'a> {
    source: End<'a>,
    sink: End<'a>,
}

impl Session for Direct<'_> {
    fn step(&mut self, flow: &mut Flow, grant: Grant) -> Step {
        let mut to = explicit(&self.sink, flow.sink_offset());
        match pipe::splice(self.source.fd, None, self.sink.fd, to.as_mut(), clamp(grant.bytes), flags(grant)) {
            Ok(0) => Step::Zero,
            Ok(n) => {
                flow.took(n as u64);
                flow.gave(n as u64);
                Step::Moved(n as u64)
            }
            Err(errno) => Step::Error(Side::Either, errno),
        }
    }

    fn settle(self: Box<Self>, _: &mut Flow) -> Settled {
        Settled::default()
    }
}

/// Anything to anything through a private pipe.
struct Through<'a> {
    source: End<'a>,
    drain: Drain<'a>,
}

impl Session for Through<'_> {
    fn step(&mut self, flow: &mut Flow, grant: Grant) -> Step {
        if flow.pending() == 0 {
            let pipe = match self.drain.pipe() {
                Ok(pipe) => pipe,
                Err(errno) => return Step::Error(Side::Either, errno),
            };
            match fill(pipe, &self.source, flow, grant) {
                Ok(0) => return Step::Zero,
                Ok(n) => flow.took(n),
                Err(errno) => return Step::Error(Side::Source, errno),
            }
        }
        self.drain.give(flow, grant)
    }

    fn settle(self: Box<Self>, flow: &mut Flow) -> Settled {
        self.drain.settle(flow)
    }
}

/// Fills an empty pipe with what comes next, as much as one call does.
fn fill(pipe: &PrivatePipe, source: &End<'_>, flow: &Flow, grant: Grant) -> Result<u64, Errno> {
    let mut from = explicit(source, flow.source_offset());
    let wanted = clamp(grant.bytes.min(pipe.capacity()));
    pipe::splice(source.fd, from.as_mut(), pipe.writer(), None, wanted, SpliceFlags::empty()).map(|n| n as u64)
}

/// A file to a file of our own. A pipe-full is taken, given, and counted if the source was left alone meanwhile; otherwise
/// the sink has it cut off or overwritten.
struct OnApproval<'a> {
    source: End<'a>,
    drain: Drain<'a>,
    /// The source as it was when the last pipe-full had been given.
    watch: Option<Watch>,
    /// What is on its way.
    full: Option<PipeFull>,
    /// Bytes given when it was seen to change.
    changed_at: Option<u64>,
}

/// Bytes that were taken into the pipe and do not count yet.
struct PipeFull {
    taken: u64,
    /// Of those, the sink has so many.
    given: u64,
    /// The source as it was before.
    watch: Watch,
}

impl OnApproval<'_> {
    /// Takes the next pipe-full.
    fn take(&mut self, flow: &Flow, grant: Grant) -> Result<PipeFull, Step> {
        let failed = |errno| Step::Error(Side::Source, errno);
        let watch = self.watch.map_or_else(|| Watch::begin(&self.source), Ok).map_err(failed)?;
        let pipe = self.drain.pipe().map_err(|errno| Step::Error(Side::Either, errno))?;
        match fill(pipe, &self.source, flow, grant).map_err(failed)? {
            0 => Err(Step::Zero),
            taken => Ok(PipeFull { taken, given: 0, watch }),
        }
    }

    /// Counts what was given of it, and what was taken, if it is the source's.
    fn count(&mut self, flow: &mut Flow, full: &PipeFull) -> Result<(), Step> {
        let now = Watch::begin(&self.source);
        self.watch = now.ok();
        let end = flow.source_offset() + full.taken;
        if now.is_ok_and(|now| now.size() >= end && full.watch.left_alone(&now)) {
            flow.took(full.taken);
            flow.gave(full.given);
            return Ok(());
        }
        flow.spoil(full.given);
        self.drain.discard();
        now.map_err(|errno| Step::Error(Side::Source, errno))?;
        self.changed_at.get_or_insert(flow.given());
        Err(Step::Changed)
    }
}

impl Session for OnApproval<'_> {
    fn step(&mut self, flow: &mut Flow, grant: Grant) -> Step {
        let full = self.full.take().map_or_else(|| self.take(flow, grant), Ok);
        let mut full = match full {
            Ok(full) => full,
            Err(step) => return step,
        };
        while full.given < full.taken {
            match self.drain.push(flow.sink_offset() + full.given, full.taken - full.given, grant) {
                Ok(n) => full.given += n,
                Err(errno) => {
                    self.full = Some(full); // to go on from, or to be settled
                    return Step::Error(Side::Sink, errno);
                }
            }
        }
        self.count(flow, &full).map_or_else(|step| step, |()| Step::Moved(full.given))
    }

    fn settle(mut self: Box<Self>, flow: &mut Flow) -> Settled {
        let error = match self.full.take().map(|full| self.count(flow, &full)) {
            Some(Err(Step::Error(side, errno))) => Some((side, errno)),
            _ => None,
        };
        // What was cut short when it was opened may be growing again: the read that confirms the end looks twice as well. (A
        // file cut and regrown all the while: zeros that never were in it in 1 of 1,200 copies without this, in 94 of as many
        // by read and write alone; tests/changing.rs, Linux 6.18, ext4.)
        flow.disturb();
        let remarks = self.changed_at.map(|at| Remark::SourceChanged { at }).into_iter().collect();
        let settled = self.drain.settle(flow);
        Settled { remarks, error: error.or(settled.error), ..settled }
    }
}
