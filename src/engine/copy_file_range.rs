//! `copy_file_range`: copy_file_range(2), file to file, in the kernel or by a server (NFS, CIFS, FUSE, Ceph).
//!
//! It is the raw system call (glibc 2.41 and 2.42 return a wrong count above 2 GiB: sourceware bug 33245).

use super::contract::{Ask, End, Engine, Flow, Grant, Offsets, Session, Settled, Side, Step, Tuning};
use super::{Name, Reason, Scratch, policy};
use rustix::fs;
use rustix::io::Errno;

/// Bytes asked of one call at most: a multiple of every block size, so that a shared range stays aligned, and below
/// the 0x7ffff000 the kernel would cut it to.
const MOST: u64 = 1 << 30;

pub struct CopyFileRange;

impl Engine for CopyFileRange {
    fn name(&self) -> Name {
        Name::CopyFileRange
    }

    fn suits(&self, ask: &Ask<'_>) -> Result<(), Reason> {
        if ask.policy.reflink == policy::Reflink::Never {
            return Err(Reason::ReflinkNever); // it may share extents (xfs, btrfs), and nobody would know
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
        Ok(())
    }

    fn open<'a>(
        &self,
        ask: &Ask<'a>,
        _: &Tuning,
        _: &Flow,
        _: &'a mut Scratch,
    ) -> Result<Box<dyn Session + 'a>, (Side, Errno)> {
        Ok(Box::new(Range { source: ask.source, sink: ask.sink }))
    }
}

struct Range<'a> {
    source: End<'a>,
    sink: End<'a>,
}

impl Session for Range<'_> {
    fn step(&mut self, flow: &mut Flow, grant: Grant) -> Step {
        let (mut from, mut to) = (flow.source_offset(), flow.sink_offset());
        let from = (self.source.offsets == Offsets::Explicit).then_some(&mut from);
        let to = (self.sink.offsets == Offsets::Explicit).then_some(&mut to);
        match fs::copy_file_range(self.source.fd, from, self.sink.fd, to, grant.bytes.min(MOST) as usize) {
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
