//! What is known of a directory of a tree from the moment it is made until everything in it is done; its descriptors may
//! have been closed meanwhile.

use super::super::directory::{Finish, Id};
use super::super::names;
use super::order::Passage;
use crate::sys::facts::Facts;
use std::ffi::{OsStr, OsString};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex};

/// The operand that a tree grows from.
#[derive(Debug)]
pub(super) struct Operand {
    /// As the source is shown.
    pub(super) from: OsString,
    /// As the destination is shown.
    pub(super) to: OsString,
    /// The way to the destination from the directory that operands are looked up from.
    pub(super) way: OsString,
}

/// A directory of a tree.
#[derive(Debug)]
pub(in crate::cp) struct Node {
    pub(super) operand: Arc<Operand>,
    pub(super) parent: Option<Arc<Node>>,
    /// Its name in the parent, here and there.
    pub(super) name: OsString,
    /// The source's facts.
    pub(super) facts: Facts,
    /// The destination's device and inode number.
    pub(super) id: Id,
    pub(super) finish: Finish,
    /// Whether a message has said that it cannot be opened again: the source, and the destination.
    pub(super) lost_source: AtomicBool,
    pub(super) lost_destination: AtomicBool,
    /// How many workers are at work in it, plus how many directories in it are not finished.
    pub(super) parts: AtomicUsize,
    /// The passage for what is said when it is finished, if other workers were still at work in it when the walk left it.
    pub(super) late: Mutex<Option<Arc<Passage>>>,
}

impl Node {
    fn chain(&self) -> impl Iterator<Item = &Node> {
        std::iter::successors(Some(self), |node| node.parent.as_deref())
    }

    /// The way from the root of the tree to it; nothing for the root itself.
    pub(super) fn way(&self) -> OsString {
        let mut names: Vec<&OsStr> =
            self.chain().filter(|node| node.parent.is_some()).map(|node| &*node.name).collect();
        names.reverse();
        names.join(OsStr::new("/"))
    }

    /// As its source and its destination are shown, and the way to the destination.
    pub(super) fn shown(&self) -> Shown {
        let way = self.way();
        let below = |above: &OsStr| if way.is_empty() { above.to_os_string() } else { names::below(above, &way) };
        Shown { from: below(&self.operand.from), to: below(&self.operand.to), way: below(&self.operand.way) }
    }

    /// The operands as they are shown.
    pub(in crate::cp) fn operand(&self) -> (OsString, OsString) {
        (self.operand.from.clone(), self.operand.to.clone())
    }

    /// Whether this run has made it in the destination.
    pub(in crate::cp) fn is_new(&self) -> bool {
        self.finish.new
    }

    /// The device that the root of the source is on.
    pub(in crate::cp) fn device(&self) -> u64 {
        self.chain().last().map_or(self.facts.device, |root| root.facts.device)
    }

    /// Whether the source directory of this device and inode number is its own, or one above.
    pub(in crate::cp) fn comes_from(&self, id: Id) -> bool {
        self.chain().any(|node| node.facts.id() == id)
    }
}

/// A directory's paths, as messages show them. A walker has one, for the directory it is in, and lengthens and shortens it:
/// one for each directory on the way would take memory by the square of the depth (2.6 GiB for
/// 3,000 levels with names of 200 bytes: three paths of up to 600 KB each at every level).
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) from: OsString,
    pub(super) to: OsString,
    pub(super) way: OsString,
}

/// How to shorten the paths to those of the directory above.
#[derive(Clone, Copy, Debug)]
pub(super) struct Above([names::Before; 3]);

impl Shown {
    /// Becomes the directory of this name in it.
    pub(super) fn enter(&mut self, name: &OsStr) -> Above {
        Above([&mut self.from, &mut self.to, &mut self.way].map(|path| names::lengthen(path, name)))
    }

    /// Becomes the directory above again.
    pub(super) fn leave(&mut self, Above([from, to, way]): Above) {
        names::shorten(&mut self.from, from);
        names::shorten(&mut self.to, to);
        names::shorten(&mut self.way, way);
    }
}
