//! Where the bytes of a copy go, open.

use super::safety::atomic::Aside;
use crate::sys::facts::Facts;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

/// A sink that is open.
pub(super) struct Sink {
    pub(super) file: File,
    /// What it is, if that had to be asked.
    pub(super) facts: Option<Facts>,
    pub(super) created: bool,
    /// It is a file that was there, whose contents the copy replaces.
    pub(super) replaced: bool,
    /// It is a file that was there, which is repaired and gone on with.
    pub(super) resumed: bool,
    /// It was found to hold the source's bytes already, and is not compared again.
    pub(super) whole: bool,
}

/// Where the bytes go.
pub(super) enum File {
    /// To the destination.
    Open(OwnedFd),
    /// To a file that is to take its place.
    Aside(Box<Aside>),
}

impl Sink {
    pub(super) fn new(fd: OwnedFd) -> Sink {
        Sink { file: File::Open(fd), facts: None, created: true, replaced: false, resumed: false, whole: false }
    }

    pub(super) fn aside(aside: Aside) -> Sink {
        let file = File::Aside(Box::new(aside));
        Sink { file, facts: None, created: false, replaced: false, resumed: false, whole: false }
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        match &self.file {
            File::Open(fd) => fd.as_fd(),
            File::Aside(aside) => aside.file(),
        }
    }

    /// It has nothing that was there before.
    pub(super) fn is_new(&self) -> bool {
        match &self.file {
            File::Open(_) => self.created,
            File::Aside(aside) => aside.is_new(),
        }
    }
}
