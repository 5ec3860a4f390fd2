//! Data and holes of a source, asked for as the copy goes (SEEK_DATA and SEEK_HOLE of lseek(2)), never all at once: the
//! file may change under the copy.
//!
//! SEEK_DATA is believed only for files with fewer blocks than their size needs (OpenZFS gave holes for dirty data:
//! openzfs#15526), and not where it contradicts itself: blocks but no data. Extent maps (FIEMAP) are never used.

use crate::engine::{End, Offsets};
use crate::sys::facts::Facts;
use rustix::fs::{self, SeekFrom};
use rustix::io::Errno;

/// What comes next in the source; `until` counts from its byte 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// Data up to this byte.
    Data(u64),
    /// A hole up to this byte.
    Hole(u64),
    /// Everything from here on, to wherever it ends.
    Rest,
}

#[derive(Debug)]
pub(super) struct Segments {
    /// Nothing is asked (any more).
    dense: bool,
    /// A hole has been found.
    pub(super) found_holes: bool,
}

impl Segments {
    /// `seek`: the source looks sparse and its holes are to be kept.
    pub(super) fn new(seek: bool) -> Segments {
        Segments { dense: !seek, found_holes: false }
    }

    /// What comes at byte `at` of the source.
    ///
    /// # Errors
    /// What lseek(2) says; not EINVAL and EOPNOTSUPP, which mean that the file system cannot tell: then all is data.
    pub(super) fn next(&mut self, source: &End<'_>, at: u64) -> Result<Segment, Errno> {
        if self.dense || source.offsets != Offsets::Explicit {
            return Ok(Segment::Rest);
        }
        match fs::seek(source.fd, SeekFrom::Data(at)) {
            Ok(data) if data > at => {
                self.found_holes = true;
                Ok(Segment::Hole(data))
            }
            Ok(_) => match fs::seek(source.fd, SeekFrom::Hole(at)) {
                Ok(hole) if hole > at => Ok(Segment::Data(hole)),
                Ok(_) | Err(Errno::NXIO | Errno::INVAL | Errno::OPNOTSUPP) => Ok(self.give_up()),
                Err(errno) => Err(errno),
            },
            // No data from here on: a hole to the end, or the end itself.
            Err(Errno::NXIO) => self.at_the_end(source, at),
            Err(Errno::INVAL | Errno::OPNOTSUPP) => Ok(self.give_up()),
            Err(errno) => Err(errno),
        }
    }

    fn at_the_end(&mut self, source: &End<'_>, at: u64) -> Result<Segment, Errno> {
        let facts = Facts::of(source.fd)?;
        // Asked again after the size, which may be that of a file that has just grown by data.
        let no_data = fs::seek(source.fd, SeekFrom::Data(at)) == Err(Errno::NXIO);
        if !no_data || facts.size <= at || (at == 0 && facts.allocated > 0) {
            // Whatever else there is, is read: growth, and data that the file system denies having.
            return Ok(self.give_up());
        }
        self.found_holes = true;
        Ok(Segment::Hole(facts.size))
    }

    fn give_up(&mut self) -> Segment {
        self.dense = true;
        Segment::Rest
    }
}
