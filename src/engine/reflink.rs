//! `reflink`: FICLONE (ioctl_ficlone(2)). The sink shares the source's extents; no byte is moved. Where an inherited offset is
//! not 0, as after the first operand of `cat a b >c`, FICLONERANGE does the same from there on.
//!
//! A clone takes the whole source as it is at that instant, so it is the end beyond doubt: no read has to confirm it.

use super::contract::{Ask, End, Engine, Flow, Grant, Offsets, Session, Settled, Side, Step, Tuning};
use super::{Name, Reason, Scratch, policy};
use crate::sys::extents;
use crate::sys::facts::Facts;
use rustix::fs::{self, SeekFrom};
use rustix::io::Errno;

pub struct Reflink;

impl Engine for Reflink {
    fn name(&self) -> Name {
        Name::Reflink
    }

    fn suits(&self, ask: &Ask<'_>) -> Result<(), Reason> {
        if ask.policy.reflink == policy::Reflink::Never {
            return Err(Reason::ReflinkNever);
        }
        if !ask.source.is_regular() {
            return Err(Reason::SourceNotRegular);
        }
        if !ask.sink.is_regular() {
            return Err(Reason::SinkNotRegular);
        }
        if ask.sink.append {
            return Err(Reason::SinkAppends); // EBADF
        }
        if !at_a_blocks_edge(&ask.source) || !at_a_blocks_edge(&ask.sink) {
            return Err(Reason::NotAtABlock); // EINVAL
        }
        if ask.sink.facts.size > ask.sink.start && !ask.replaced {
            return Err(Reason::SinkNotEmpty); // EINVAL, or what is longer keeps its size and hides how much came over
        }
        Ok(())
    }

    fn open<'a>(
        &self,
        ask: &Ask<'a>,
        _: &Tuning,
        _: &Flow,
        _: &'a mut Scratch,
    ) -> Result<Box<dyn Session + 'a>, (Side, Errno)> {
        Ok(Box::new(Clone { source: ask.source, sink: ask.sink, done: false }))
    }
}

/// Blocks are what is shared. The size that stat tells may be a multiple of the file system's.
fn at_a_blocks_edge(end: &End<'_>) -> bool {
    end.start.is_multiple_of(u64::from(end.facts.block_size))
}

struct Clone<'a> {
    source: End<'a>,
    sink: End<'a>,
    done: bool,
}

impl Session for Clone<'_> {
    fn step(&mut self, flow: &mut Flow, _: Grant) -> Step {
        if self.done {
            return Step::End;
        }
        if flow.given() != 0 {
            return Step::Error(Side::Either, Errno::INVAL); // a clone cannot go on in the middle
        }
        match self.whole() {
            Ok(0) => Step::End,
            Ok(bytes) => {
                self.done = true;
                flow.took(bytes);
                flow.gave(bytes);
                Step::Moved(bytes)
            }
            Err(errno) => Step::Error(Side::Either, errno),
        }
    }

    fn settle(self: Box<Self>, _: &mut Flow) -> Settled {
        Settled::default()
    }
}

impl Clone<'_> {
    /// Clones, and says how many bytes the sink now has more: what came over, not what the source had when it was opened.
    fn whole(&self) -> Result<u64, Errno> {
        let (from, to) = (self.source.start, self.sink.start);
        if from == 0 && to == 0 {
            fs::ioctl_ficlone(self.sink.fd, self.source.fd)?;
        } else {
            // What was known of it is older than the operands before.
            if Facts::of(self.sink.fd)?.size > to {
                return Err(Errno::INVAL);
            }
            extents::share_rest(self.sink.fd, to, self.source.fd, from)?;
        }
        let bytes = Facts::of(self.sink.fd)?.size.saturating_sub(to);
        for end in [self.source, self.sink] {
            if end.offsets == Offsets::Shared {
                fs::seek(end.fd, SeekFrom::Start(end.start + bytes))?;
            }
        }
        Ok(bytes)
    }
}
