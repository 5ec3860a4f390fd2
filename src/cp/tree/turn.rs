//! Entries that have to be copied in the order of the walk, because what comes after them would come out differently: each
//! waits until everything ahead of it is done.
//!
//! Only a tree that is copied onto an existing one has such entries. In a new one nobody can tell what was copied first, unless
//! messages tell it of each file (`--dry-run`, `--debug`, `--explain`). They are:
//!
//! * The first name of a source file that has several. If that name exists at the destination, its contents are replaced; what
//!   stands at the other names is removed, and `-v` says so. The copy also gets its access control list, group and label
//!   from the directory of the first name.
//! * Entries that are written to one file of the destination by several names: the last one's contents stay, as with GNU cp.
//!   (Not waited for: one that writes to the file by its only name while another is led there by a symbolic link.)
//! * Entries that take the place of one of several names of a file at the destination. The last name that is left is no
//!   longer removed but written to, or (`-l`) refused. With `-u`, a file that was written to is new by all its names, and
//!   stays.

use super::super::decide::{There, Wishes};
use super::super::options::{Make, Update};
use super::walk::Walker;
use crate::sys::facts::{Facts, Kind};
use rustix::io::Errno;

/// Whether an entry may be copied now.
pub(super) enum Turn {
    /// Yes; with what stands at the destination, if that was looked up.
    Now(Option<Result<There, Errno>>),
    /// Not before everything ahead of it is done.
    Later,
}

/// Which of its names a source file is met by.
#[derive(PartialEq, Eq)]
enum Names {
    /// The first, or what may become the first.
    First,
    /// A later one: it becomes a link to the copy of the first, and what stands there is not written to.
    Other,
}

/// Whether what stands at the destination has another name, too.
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
