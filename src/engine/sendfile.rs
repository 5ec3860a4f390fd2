//! `sendfile`: sendfile(2), from a file or device to anything.
//!
//! To a pipe or socket it passes references to the page cache; the driver therefore ends it before the last part of a
//! file and lets that go by value. To TCP, whether the pages are then copied once more depends on the interface:
//! scatter-gather (ETHTOOL_GSG) is asked and told.

use super::contract::{Ask, End, Engine, Flow, Grant, Nature, Offsets, Remark, Session, Settled, Side, Step, Tuning};
use super::{Name, Reason, Scratch};
use rustix::fs::{self, SeekFrom};
use rustix::io::Errno;

/// Bytes asked of one call at most; the kernel's own limit is 0x7ffff000 (sendfile(2), NOTES).
const MOST: u64 = 1 << 30;

pub struct Sendfile;

impl Engine for Sendfile {
    fn name(&self) -> Name {
        Name::Sendfile
    }

    fn suits(&self, ask: &Ask<'_>) -> Result<(), Reason> {
        if !matches!(ask.source.nature, Nature::File | Nature::Block | Nature::Device) {
            return Err(Reason::SourceNotSendable); // EINVAL, or a sleep with the sink's pipe locked
        }
        if ask.source.direct {
            return Err(Reason::SourceIsDirect); // EINVAL at the unaligned end
        }
        if ask.sink.append {
            return Err(Reason::SinkAppends); // EINVAL
        }
        if ask.sink.socket().is_some_and(|socket| !socket.stream) {
            return Err(Reason::KeepsMessages); // it cuts messages at 64 KiB
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
        Ok(Box::new(Sending { source: ask.source, sink: ask.sink, sink_position: None }))
    }
}

struct Sending<'a> {
    source: End<'a>,
    sink: End<'a>,
    /// Where the sink's file offset stands, once it has been set: sendfile writes there and takes no offset for its
    /// output.
    sink_position: Option<u64>,
}

impl Session for Sending<'_> {
    fn step(&mut self, flow: &mut Flow, grant: Grant) -> Step {
        if self.sink.offsets == Offsets::Explicit
            && self.sink_position != Some(flow.sink_offset())
            && let Err(errno) = fs::seek(self.sink.fd, SeekFrom::Start(flow.sink_offset()))
        {
            return Step::Error(Side::Sink, errno);
        }
        let mut from = flow.source_offset();
        let from = (self.source.offsets == Offsets::Explicit).then_some(&mut from);
        match fs::sendfile(self.sink.fd, self.source.fd, from, grant.bytes.min(MOST) as usize) {
            Ok(0) => Step::Zero,
            Ok(n) => {
                flow.took(n as u64);
                flow.gave(n as u64);
                self.sink_position = Some(flow.sink_offset());
                Step::Moved(n as u64)
            }
            Err(errno) => Step::Error(Side::Either, errno),
        }
    }

    fn settle(self: Box<Self>, flow: &mut Flow) -> Settled {
        let remarks = if flow.given() > 0 { Remark::of_interface(&self.sink) } else { None };
        Settled { remarks: remarks.into_iter().collect(), ..Settled::default() }
    }
}
