//! `splice`: splice(2), through a private pipe unless the source is a pipe itself.
//!
//! Never straight from a source that can block into stdout's pipe: the kernel would sleep with that pipe locked, and its
//! reader could neither read what is there nor be killed (golang/go#71375; seen of terminals, TCP and unix sockets, Linux
//! 6.18). Through a private pipe it is also known which side an error belongs to, and it is faster.

use super::contract::{Ask, End, Engine, Flow, Grant, Nature, Session, Settled, Side, Step, Tuning};
use super::drain::{Drain, clamp, explicit, flags};
use super::scratch::Scratch;
use super::{Name, Reason};
use rustix::io::Errno;
use rustix::pipe::{self, SpliceFlags};

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
            let mut from = explicit(&self.source, flow.source_offset());
            let wanted = clamp(grant.bytes.min(pipe.capacity()));
            match pipe::splice(self.source.fd, from.as_mut(), pipe.writer(), None, wanted, SpliceFlags::empty()) {
                Ok(0) => return Step::Zero,
                Ok(n) => flow.took(n as u64),
                Err(errno) => return Step::Error(Side::Source, errno),
            }
        }
        self.drain.give(flow, grant)
    }

    fn settle(self: Box<Self>, flow: &mut Flow) -> Settled {
        self.drain.settle(flow)
    }
}
