//! One worker's way through its part of a tree: entry after entry, and into each directory when its turn comes.

use super::super::Run;
use super::super::apart::Spacing;
use super::super::decide::There;
use super::super::directory::{self, Directory, Finish};
use super::super::entry::{self, Known};
use super::super::file::{self, Attempt};
use super::super::location::Location;
use super::super::source::{self, Hint, Source};
use super::super::workers::{LONG, Load};
use super::listing::Listing;
use super::node::{Above, Node, Shown};
use super::order::Passage;
use super::pool::{Pool, Task};
use super::reopen;
use super::turn::Turn;
use crate::sys::facts::Kind;
use crate::sys::text::strerror;
use rustix::fs::{CWD, OFlags};
use rustix::io::Errno;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A descriptor of a directory that a frame works with.
#[derive(Debug)]
pub(super) enum Descriptor {
    /// The root's, which stays open.
    Root,
    Own(OwnedFd),
    /// Closed, so that few are open; opened again when the walk comes back to it.
    Closed,
}

/// A directory that a worker is in, or a part of one.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) node: Arc<Node>,
    pub(super) listing: Arc<Listing>,
    pub(super) next: usize,
    pub(super) end: usize,
    pub(super) source: Descriptor,
    pub(super) destination: Descriptor,
    /// How to shorten the shown paths again, if this worker came from the directory above.
    pub(super) above: Option<Above>,
    /// The passages of what was given away of it, the last part first.
    pub(super) given: Vec<Arc<Passage>>,
    /// Whether this is the frame of the worker that entered the directory, not of one that was given a part.
    pub(super) first: bool,
    /// What was copied in it so far.
    pub(super) load: Load,
}

impl Frame {
    fn source<'f>(&'f self, pool: &'f Pool<'_>) -> Result<BorrowedFd<'f>, Errno> {
        match &self.source {
            Descriptor::Own(fd) => Ok(fd.as_fd()),
            Descriptor::Root => pool.source.ok_or(Errno::BADF),
            Descriptor::Closed => Err(Errno::BADF),
        }
    }

    fn destination<'f>(&'f self, pool: &'f Pool<'_>) -> Result<BorrowedFd<'f>, Errno> {
        match &self.destination {
            Descriptor::Own(fd) => Ok(fd.as_fd()),
            Descriptor::Root => Ok(pool.destination),
            Descriptor::Closed => Err(Errno::BADF),
        }
    }

    /// Both, if they are open.
    pub(super) fn descriptors<'f>(&'f self, pool: &'f Pool<'_>) -> Result<(BorrowedFd<'f>, BorrowedFd<'f>), Errno> {
        Ok((self.source(pool)?, self.destination(pool)?))
    }

    /// The two places of an entry.
    pub(super) fn places<'f>(
        &'f self,
        shown: &'f Shown,
        pool: &'f Pool<'_>,
        at: usize,
    ) -> Result<(Location<'f>, Location<'f>), Errno> {
        let name = Cow::Borrowed(self.listing.entry(at).0);
        let Shown { from, to, way } = shown;
        let base = |base, way| Some((base, OsStr::new(way)));
        Ok((
            Location {
                directory: self.source(pool)?,
                name: name.clone(),
                above: Some(from),
                spelled: false,
                base: base(CWD, from),
                root: None,
                operand: false,
            },
            Location {
                directory: self.destination(pool)?,
                name,
                above: Some(to),
                spelled: false,
                base: base(pool.base, way),
                root: Some((pool.destination, pool.root_way)),
                operand: false,
            },
        ))
    }
}

/// One worker.
pub(super) struct Walker<'w, 'r, 'p> {
    pub(super) run: &'w mut Run<'r>,
    pub(super) pool: &'w Pool<'p>,
    pub(super) frames: Vec<Frame>,
    /// The innermost directory, as it is shown.
    pub(super) shown: Shown,
    /// Where its messages go, once there are several workers.
    pub(super) passage: Option<Arc<Passage>>,
    /// How many entries this worker has met since another worker was last considered.
    pub(super) seen: usize,
    /// Keeps it away from the processors of the others.
    pub(super) spacing: Spacing,
}

impl<'w, 'r, 'p> Walker<'w, 'r, 'p> {
    /// The worker of this number; the first one's is 0.
    pub(super) fn new(run: &'w mut Run<'r>, pool: &'w Pool<'p>, number: usize) -> Walker<'w, 'r, 'p> {
        Walker {
            run,
            pool,
            frames: Vec::new(),
            shown: Shown::default(),
            passage: None,
            seen: 0,
            spacing: Spacing::of(number),
        }
    }

    /// Begins with the root of the tree.
    pub(super) fn enter_root(&mut self, root: Node, shown: Shown) {
        self.shown = shown;
        self.run.moved = 0; // what was moved for operands before it says nothing of this tree
        let listing = self.list(self.pool.source);
        self.push(Arc::new(root), listing, (Descriptor::Root, Descriptor::Root), None);
    }

    /// Goes through everything this worker has, and calls `turn` before each entry.
    pub(super) fn walk(&mut self, turn: &mut dyn FnMut(&mut Self)) {
        while let Some(frame) = self.frames.last_mut() {
            if frame.next == frame.end {
                self.leave();
            } else {
                let at = frame.next;
                frame.next += 1;
                turn(self);
                self.spacing.keep_apart(&self.pool.processors);
                if self.pool.is_hungry() {
                    self.share();
                }
                self.entry(at, turn);
                if self.run.into_itself {
                    self.frames.iter_mut().for_each(|frame| frame.next = frame.end); // as GNU cp does
                }
            }
            self.tell();
        }
        self.run.tally.tell(self.run.watch.counters());
    }

    /// One entry of the innermost directory.
    fn entry(&mut self, at: usize, turn: &mut dyn FnMut(&mut Self)) {
        let Some(source) = self.look(at) else { return };
        match self.begins_a_row(&source) {
            true => self.row(at, source, turn),
            false => self.looked_at(at, source, turn),
        }
    }

    /// One entry that was looked at.
    pub(super) fn looked_at(&mut self, at: usize, source: Source, turn: &mut dyn FnMut(&mut Self)) {
        let Turn::Now(there) = self.turn(at, &source.facts) else { return self.hold() };
        if source.facts.kind == Kind::Regular && source.facts.size >= LONG {
            self.prepare_for_long(&source, turn);
        }
        let directory = self.copy(at, source, there);
        self.run.come_upon();
        self.weigh();
        let Some(directory) = directory else { return };
        let Some(frame) = self.frames.last() else { return };
        let name = frame.listing.entry(at).0;
        let child = Node {
            operand: Arc::clone(&frame.node.operand),
            parent: Some(Arc::clone(&frame.node)),
            name: name.to_os_string(),
            facts: directory.facts,
            id: directory.id,
            finish: directory.finish,
            lost_source: false.into(),
            lost_destination: false.into(),
            parts: 1.into(),
            late: Default::default(),
        };
        frame.node.add_part();
        let above = self.shown.enter(name);
        let Directory { source, destination, .. } = directory;
        self.enter(Arc::new(child), (source, destination), above);
    }

    fn look(&mut self, at: usize) -> Option<Source> {
        let Walker { run, frames, shown, pool, .. } = self;
        let frame = frames.last()?;
        let (from, _) = frame.places(shown, pool, at).ok()?; // open, or its entries would have been skipped
        let may_stay = run.options.may_leave() && !frame.node.is_new();
        source::look_at_source(run, &from, false, Hint { kind: Some(frame.listing.entry(at).1), may_stay })
    }

    /// Copies an entry; a directory is made and returned, to be entered.
    fn copy(&mut self, at: usize, source: Source, there: Option<Result<There, Errno>>) -> Option<Directory> {
        let Walker { run, frames, shown, pool, .. } = self;
        let frame = frames.last()?;
        let (from, to) = frame.places(shown, pool, at).ok()?;
        let taken_for_free = frame.node.is_new();
        let mut known = Known { there, parent: Some(&frame.node), taken_for_free, ..Known::default() };
        let source = if frame.node.takes_for_new(run, pool, &source) {
            let shared = self.passage.is_some().then_some(frame.node.id);
            match file::copy_if_new(run, &from, &to, shared, source) {
                Attempt::Done => return None,
                Attempt::NotNew(source) => source,
            }
        } else {
            source
        };
        known.source = Some(source);
        entry::copy(run, &from, &to, known)
    }

    fn enter(&mut self, node: Arc<Node>, (source, destination): (Option<OwnedFd>, OwnedFd), above: Above) {
        let listing = self.list(source.as_ref().map(|fd| fd.as_fd()));
        let source = source.map_or(Descriptor::Closed, Descriptor::Own);
        self.push(node, listing, (source, Descriptor::Own(destination)), Some(above));
        // Those nearest to the root are needed last.
        let open = self.pool.open_at_once;
        if let Some(far) = self.frames.len().checked_sub(open + 1)
            && let Some(frame) = self.frames.get_mut(far)
        {
            for descriptor in [&mut frame.source, &mut frame.destination] {
                if matches!(descriptor, Descriptor::Own(_)) {
                    *descriptor = Descriptor::Closed;
                }
            }
        }
    }

    fn list(&mut self, source: Option<BorrowedFd<'_>>) -> Listing {
        let Some(source) = source else { return Listing::default() };
        let listing = Listing::read(source, &mut self.run.scratch.small);
        listing.unwrap_or_else(|errno| {
            let shown = crate::report::quote::shell_always(&self.shown.from);
            self.run.messages.error(format!("cannot access {shown}: {}", strerror(errno)));
            Listing::default()
        })
    }

    fn push(
        &mut self,
        node: Arc<Node>,
        mut listing: Listing,
        (source, destination): (Descriptor, Descriptor),
        above: Option<Above>,
    ) {
        let options = self.run.options;
        if !options.exclude.is_empty() {
            let directory = if let Descriptor::Own(fd) = &source { Some(fd.as_fd()) } else { self.pool.source };
            options.exclude.take_from(&mut listing, directory, &node.way(), options.follows(false));
        }
        let end = listing.len();
        self.seen += end + 1;
        self.run.watch.current(&self.shown.from);
        let listing = Arc::new(listing);
        let given = Vec::new();
        self.frames.push(Frame {
            node,
            listing,
            next: 0,
            end,
            source,
            destination,
            above,
            given,
            first: true,
            load: Load::default(),
        });
    }

    /// Begins with a part that another worker gave away.
    pub(super) fn take_up(&mut self, task: Task) {
        let Task { node, listing, entries, passage } = task;
        passage.begin();
        self.passage = Some(passage);
        let shown = node.shown();
        let way = node.way();
        let (mut source, mut destination) = (Descriptor::Root, Descriptor::Root);
        if node.parent.is_some() {
            source = self.reopened_from_root(&node, &way, true, &shown);
            destination = self.reopened_from_root(&node, &way, false, &shown);
        }
        let given = Vec::new();
        let (next, end) = (entries.start, entries.end);
        self.frames.push(Frame {
            node,
            listing,
            next,
            end,
            source,
            destination,
            above: None,
            given,
            first: false,
            load: Load::default(),
        });
        self.shown = shown;
        self.skip_if_lost();
    }

    /// Leaves out what is in a directory that cannot be opened again; a message has said so.
    fn skip_if_lost(&mut self) {
        let pool = self.pool;
        if let Some(frame) = self.frames.last_mut()
            && frame.next < frame.end
            && frame.descriptors(pool).is_err()
        {
            frame.next = frame.end;
        }
    }

    fn reopened_from_root(&mut self, node: &Node, way: &OsStr, source: bool, shown: &Shown) -> Descriptor {
        if !source && self.run.options.dry_run && node.is_new() {
            return self.foreseen_place(node, shown);
        }
        let (root, flags, id) = match source {
            true => (self.pool.source, OFlags::RDONLY, node.facts.id()),
            false => (Some(self.pool.destination), node.finish.flags(), node.id),
        };
        let Some(root) = root else { return Descriptor::Closed };
        match reopen::from_root(root, way, flags, self.pool.follows, id) {
            Ok(fd) => Descriptor::Own(fd),
            Err(errno) => {
                match source {
                    true => self.say_lost(&node.lost_source, &shown.from, errno),
                    false => self.say_lost(&node.lost_destination, &shown.to, errno),
                }
                Descriptor::Closed
            }
        }
    }

    /// Says that a directory cannot be opened again; once, however many workers tried.
    pub(super) fn say_lost(&mut self, said: &AtomicBool, shown: &OsStr, errno: Errno) {
        if !said.swap(true, Ordering::Relaxed) {
            let shown = crate::report::quote::shell_always(shown);
            self.run.messages.error(format!("cannot access {shown}: {}", strerror(errno)));
        }
    }

    /// With `--dry-run`, what stands in for a directory that would be made: the nearest one above it that exists.
    fn foreseen_place(&mut self, node: &Node, shown: &Shown) -> Descriptor {
        let mut above = node.parent.as_deref();
        while let Some(node) = above {
            if !node.is_new() {
                return self.reopened_from_root(node, &node.way(), false, shown);
            }
            above = node.parent.as_deref();
        }
        Descriptor::Root
    }

    /// Leaves the innermost directory, in which this worker has done its part.
    fn leave(&mut self) {
        self.tell();
        let Some(mut frame) = self.frames.pop() else { return };
        if let Some(above) = frame.above {
            self.shown.leave(above);
        }
        // A real run would have met its own copy in here.
        if self.run.options.dry_run && frame.first && self.run.roots.is_foreseen_in(frame.node.facts.id()) {
            let (of, into) = frame.node.operand();
            directory::refuse_into_itself(self.run, (&of, &into));
            self.frames.iter_mut().for_each(|frame| frame.next = frame.end);
        }
        self.place_given(&mut frame);
        self.part_done(&frame);
        self.open_again(&frame);
        self.skip_if_lost();
    }

    /// Opens the directory above the one that was left again, if it was closed.
    fn open_again(&mut self, left: &Frame) {
        let Some(frame) = self.frames.last() else { return };
        let node = Arc::clone(&frame.node);
        let way = std::cell::OnceCell::new();
        for source in [true, false] {
            let Some(frame) = self.frames.last() else { return };
            let closed = if source { &frame.source } else { &frame.destination };
            if !matches!(closed, Descriptor::Closed) {
                continue;
            }
            let (child, flags, id) = match source {
                true => (left.source(self.pool), OFlags::RDONLY, node.facts.id()),
                false => (left.destination(self.pool), node.finish.flags(), node.id),
            };
            let above = child.and_then(|child| reopen::above(child, flags, id)).map(Descriptor::Own);
            let opened = above.unwrap_or_else(|_| {
                let shown = node.shown();
                self.reopened_from_root(&node, way.get_or_init(|| node.way()), source, &shown)
            });
            if let Some(frame) = self.frames.last_mut() {
                *(if source { &mut frame.source } else { &mut frame.destination }) = opened;
            }
        }
    }

    /// Passes on the messages since the last call: into this worker's passage, if there are several workers.
    pub(super) fn tell(&mut self) {
        if let Some(passage) = &self.passage
            && self.run.messages.has_record()
        {
            self.pool.say(passage, self.run.messages.take_record());
        }
    }
}

impl Finish {
    /// How the destination is opened again.
    pub(super) fn flags(&self) -> OFlags {
        if self.is_place { OFlags::PATH } else { OFlags::RDONLY }
    }
}
