//! Whether a file was left alone while bytes were taken from it.
//!
//! A file is cut short in steps: its size is lowered, then the rest of its last page (of its last folio: up to 2 MiB) is
//! cleared, and what lies behind is dropped. A mapping shows those zeros, and so does read(2), if it looked at the size
//! before. On ext4 (Linux 6.18), 323 of 14,647 reads of 256 KiB beside a process that cut and regrew the file held zeros
//! that never were in it; on tmpfs none of 47,000. All 323 came with another size or change time afterwards.
//!
//! So bytes count if, after they were taken, the size still covers them *and* the change time is what it was before. The
//! size is lowered before anything is cleared, and it cannot be raised again without the change time moving on (both
//! under the inode's lock). From Linux 6.13 on, ext4, xfs, btrfs and tmpfs keep times that move with every change once
//! somebody has asked for them (multigrain timestamps, Documentation/filesystems/multigrain-ts.rst), and the fstat before
//! asks. Elsewhere the time moves in ticks of up to 10 ms, and a file cut *and* regrown within the same tick is missed.

use super::contract::{End, Offsets};
use crate::sys::block;
use crate::sys::facts::{Facts, Kind, Timestamp};
use rustix::fs::{self, SeekFrom};
use rustix::io::{self, Errno};

/// How often a disturbed read is repeated, each half as long. A writer would have to change the file within each of them,
/// the later ones of a microsecond or so; a log that is only ever appended to is then believed.
const ATTEMPTS: u32 = 100;

/// The shortest such read, bytes.
const SHORTEST: usize = 4096;

/// A file's size and change time, asked before bytes are taken from it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    size: u64,
    changed: Timestamp,
}

impl Watch {
    /// Asks now.
    pub(super) fn begin(source: &End<'_>) -> Result<Watch, Errno> {
        let facts = Facts::of(source.fd)?;
        // A device has no size in its inode, and its node's times tell only of the node: if it shrinks, its size says so.
        let size = if facts.kind == Kind::Block { block::size(source.fd)? } else { facts.size };
        Ok(Watch { size, changed: facts.changed })
    }

    /// Bytes the file held.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Whether bytes below the offset `end` that were taken since are the file's.
    pub(super) fn held(&self, source: &End<'_>, end: u64) -> Result<bool, Errno> {
        let now = Watch::begin(source)?;
        Ok(now.size >= end && self.left_alone(&now))
    }

    /// Whether nobody changed the file between the two.
    pub(super) fn left_alone(&self, now: &Watch) -> bool {
        now.changed == self.changed
    }
}

/// Reads at `offset` so that every byte is one of the file's although others are at work on it. The shared offset of an
/// inherited descriptor moves as with read(2).
pub(super) fn read_steadily(source: &End<'_>, offset: u64, memory: &mut [u8]) -> Result<usize, Errno> {
    let mut asked = memory.len();
    let mut filled = 0;
    for _ in 0..ATTEMPTS {
        let watch = Watch::begin(source)?;
        filled = io::pread(source.fd, &mut memory[..asked], offset)?;
        if filled == 0 || watch.held(source, offset + filled as u64)? {
            break;
        }
        asked = asked.min((asked / 2).max(SHORTEST));
    }
    advance(source, offset + filled as u64)?;
    Ok(filled)
}

/// Moves the file offset that is shared with other programs on to `offset`; a descriptor of our own has none to keep.
pub(super) fn advance(source: &End<'_>, offset: u64) -> Result<(), Errno> {
    if source.offsets == Offsets::Shared {
        fs::seek(source.fd, SeekFrom::Start(offset))?;
    }
    Ok(())
}
