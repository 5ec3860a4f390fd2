//! The end of a directory: when everything in it is done it gets its attributes, and then the directory above may be done, too.

use super::super::attributes::{self, Handle, Opened};
use super::super::location::Location;
use super::super::options::Keep;
use super::node::Node;
use super::order::Passage;
use super::reopen;
use super::walk::{Frame, Walker};
use rustix::fs::OFlags;
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

impl Node {
    /// Counts one more worker in it, or one more directory in it that is not finished.
    pub(super) fn add_part(&self) {
        self.parts.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one less; whether that was the last.
    fn is_last_part(&self) -> bool {
        self.parts.fetch_sub(1, Ordering::AcqRel) == 1
    }
}

impl Walker<'_, '_, '_> {
    /// Notes that this worker's part of a directory is done, and finishes each directory of which that was the last part.
    pub(super) fn part_done(&mut self, frame: &Frame) {
        // Others are still at work in it: messages about its end come after those about its contents.
        if let Some(passage) = self.passage.as_ref().filter(|_| frame.first)
            && frame.node.parts.load(Ordering::Acquire) > 1
        {
            let late = Passage::new();
            passage.insert(&late);
            *frame.node.late.lock().unwrap_or_else(PoisonError::into_inner) = Some(late);
        }
        if !frame.node.is_last_part() {
            return;
        }
        let descriptors = frame.descriptors(self.pool).map(|(source, destination)| (Some(source), destination));
        self.finish(&frame.node, descriptors.ok());
        let mut node = frame.node.parent.as_ref();
        while let Some(above) = node {
            if !above.is_last_part() {
                break;
            }
            self.finish(above, None);
            node = above.parent.as_ref();
        }
    }

    /// Sets the attributes of a directory in which everything is done.
    fn finish(&mut self, node: &Node, open: Option<(Option<BorrowedFd<'_>>, BorrowedFd<'_>)>) {
        let late = node.late.lock().unwrap_or_else(PoisonError::into_inner).take();
        if node.finish.is_due(self.run) {
            if late.is_some() {
                self.tell(); // messages so far belong into another passage
            }
            self.set_attributes(node, open);
        }
        if let Some(late) = late {
            self.pool.say_whole(&late, self.run.messages.take_record());
        }
    }

    fn set_attributes(&mut self, node: &Node, open: Option<(Option<BorrowedFd<'_>>, BorrowedFd<'_>)>) {
        let shown = node.shown();
        let reopened: (Option<Result<Opened, Errno>>, OwnedFd);
        let (source, destination) = match open {
            Some((source, destination)) => (source.map(|fd| Ok(Handle::Open(fd))), destination),
            None => match self.reopen_both(node) {
                Ok(both) => {
                    reopened = both;
                    (reopened.0.as_ref().map(Opened::handle), reopened.1.as_fd())
                }
                Err(errno) => return self.say_lost(&node.lost_destination, &shown.to, errno),
            },
        };
        let [from, to] = [&shown.from, &shown.to].map(|name| Location::plain(name));
        let pair = attributes::Pair {
            source: &node.facts,
            leads: false,
            from: source,
            from_location: &from,
            to: &to,
            handle: if shown.to.is_empty() { Handle::Nameless(destination) } else { node.finish.handle(destination) },
            new: node.finish.new,
            mode: node.finish.mode,
        };
        attributes::set(self.run, &pair);
    }

    fn reopen_both(&self, node: &Node) -> Result<(Option<Result<Opened, Errno>>, OwnedFd), Errno> {
        let way = node.way();
        let follows = self.pool.follows;
        let flags = node.finish.flags();
        let destination = reopen::from_root(self.pool.destination, &way, flags, follows, node.id)?;
        let preserve = self.run.options.preserve;
        let needed = preserve.mode || preserve.xattr != Keep::No || preserve.context != Keep::No;
        let open = |flags| {
            let root = self.pool.source.ok_or(Errno::BADF)?;
            reopen::from_root(root, &way, flags, follows, node.facts.id())
        };
        let source = match needed.then(|| open(OFlags::RDONLY)) {
            None => None,
            Some(Ok(fd)) => Some(Ok(Opened::Readable(fd))),
            // It cannot be read, but its owner can read its attributes. In the root not even `.` may be looked up.
            Some(Err(_)) => Some(match self.pool.place {
                Some(place) => fcntl_dupfd_cloexec(place, 0).map(Opened::Place),
                None => open(OFlags::PATH).map(Opened::Place),
            }),
        };
        Ok((source, destination))
    }
}

/// Ends the passage of a worker whose task is done.
pub(super) fn end_passage(walker: &mut Walker<'_, '_, '_>) {
    walker.tell();
    if let Some(passage) = walker.passage.take() {
        passage.end();
        walker.pool.read_on(None);
    }
}
