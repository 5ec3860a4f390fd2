//! What makes a difference to what comes after it is done in its turn: when all that comes before it in the walk is done.
//!
//! Only a tree that goes onto one that is there has such entries; of a new one it cannot be told what was done first, unless
//! that is said of each file (`--dry-run`, `--debug`, `--explain`).
//!
//! * Which name of a file with several is the first: where it was there, that one's contents are replaced, and what stands
//!   at the other names is removed, which `-v` says; it is the first whose access control list, group and label are
//!   those that its directory gives.
//! * What is written to a file of the destination by more than one name: the last one's contents stay, as with GNU cp.
//!   Not held is who writes to it by its only name while another is led there by a symbolic link.
//! * Which of several names of one file there gives way first: the last one that is left is no longer removed but written
//!   to, or (`-l`) refused. With `-u` one that was written to is new by all its names, and stays.

use super::super::decide::{There, Wishes};
use super::super::options::{Make, Update};
use super::walk::Walker;
use crate::sys::facts::{Facts, Kind};
use rustix::io::Errno;

/// Whether an entry may be copied now.
pub(super) enum Turn {
    /// With what stands at the destination, if it was looked at.
    Now(Option<Result<There, Errno>>),
    /// When all that comes before it is done.
    Later,
}

/// Which of its names a file is come upon by.
#[derive(PartialEq, Eq)]
enum Names {
    /// It may be the first to be copied, or to stay.
    First,
    /// It becomes another name of what the first has become; what is there is not written to.
    Other,
}

/// Whether what is there has another name, too.
fn has_another_name(there: &Facts) -> bool {
    there.kind != Kind::Directory && there.links > 1
}

impl Walker<'_, '_, '_> {
    /// Whether the entry, which is `source`, may be copied now.
    pub(super) fn turn(&self, at: usize, source: &Facts) -> Turn {
        let Some(passage) = self.passage.as_ref().filter(|_| self.pool.onto_existing) else { return Turn::Now(None) };
        let mut there = None;
        let minds_order = self.several_names(source) == Some(Names::First) || {
            let written = Wishes::of(self.run.options, false).follows_destination(source);
            there = self.there(at, source, written);
            match &there {
                Some(Ok(There::File(there))) => has_another_name(there) || written && there.kind == Kind::Symlink,
                _ => false,
            }
        };
        match minds_order {
            false => Turn::Now(there),
            true if self.pool.is_turn_of(passage) => Turn::Now(None),
            true => Turn::Later,
        }
    }

    /// Which of the source's several names this is, where that makes a difference.
    fn several_names(&self, source: &Facts) -> Option<Names> {
        let options = self.run.options;
        let several = source.links > 1 && source.kind != Kind::Directory;
        if several && options.preserve.links && options.make != Make::HardLink {
            Some(if self.run.first_names.has_one(source.id()) { Names::Other } else { Names::First })
        } else {
            (several && options.update == Update::Older).then_some(Names::First)
        }
    }

    /// What stands at the destination, if that may be written to, or how many names it has or how old it is may decide.
    fn there(&self, at: usize, source: &Facts, written: bool) -> Option<Result<There, Errno>> {
        let frame = self.frames.last().filter(|frame| !frame.node.is_new())?;
        let options = self.run.options;
        let decides = written || options.preserve.links || options.update == Update::Older;
        let matters = source.kind != Kind::Directory && decides;
        let (_, to) = frame.places(&self.shown, self.pool, at).ok().filter(|_| matters)?;
        Some(to.look_at_name())
    }
}
