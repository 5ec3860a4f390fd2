//! `--atomic`: the sink is a file beside the destination, which gets its name when all is well.

use super::super::Run;
use super::super::decide::Product;
use super::super::file::Creation;
use super::super::location::Location;
use super::super::options::Update;
use super::super::{attributes, backup, links, refusals};
use super::name_flushed;
use crate::report::{interrupt, safety as words};
use crate::sys::descriptor::close;
use crate::sys::facts::{Facts, Kind};
use crate::sys::text::strerror;
use crate::transfer::replacement::{Destination, Over, Replacement, Unput, take_over};
use rustix::fs::{self, Mode, OFlags};
use rustix::io::Errno;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

/// A sink that has no name yet, or not its own.
pub(in super::super) struct Aside {
    replacement: Replacement,
    /// What is there, whose owner, permissions and attributes are taken over.
    old: Option<(OwnedFd, Facts)>,
    over: Over,
    /// What is there gets the name of a backup.
    backed_up: bool,
}

/// Begins a file that is to take the place of what is at the destination. An error without a text has been said.
pub(in super::super) fn begin(
    run: &mut Run<'_>,
    how: Creation,
    from: (&Location<'_>, &Facts),
    to: &Location<'_>,
) -> Result<Aside, Option<String>> {
    let cannot_create = |errno| refusals::cannot_create(to, errno);
    let (mut over, mut followed, mut old) = (Over::Newcomer, false, None);
    match how.product {
        Product::Dangling => return Err(Some(refusals::dangling(to))),
        Product::AfterRemoval => links::remove(run, to).map_err(|()| None)?,
        Product::ThroughLink => followed = true,
        Product::Contents => {
            followed = true;
            old = open_old(run, from, to).map_err(Some)?;
            over = if old.is_some() { Over::Old } else { over };
        }
        _ if how.yields => {}
        _ => over = if to.facts(false).is_ok() { Over::Old } else { over },
    }
    let replaced_if_it_comes = run.options.update == Update::All && !run.options.ask && !how.yields;
    if over == Over::Newcomer && !replaced_if_it_comes {
        over = Over::Nothing;
    }
    if to.ends_in_slash() {
        return Err(Some(cannot_create(Errno::NOTDIR)));
    }
    interrupt::tidy(); // before it has a name that is not its own
    let destination = if followed { Destination::of } else { Destination::at };
    let mode = match old {
        Some(_) => 0o600, // nobody else's before it has the old one's owner and permissions
        None => attributes::mode_of_new_file(run.options, run.identity, from.1),
    };
    let refused =
        |errno| Some(if over == Over::Old { words::no_temporary(errno, &to.shown()) } else { cannot_create(errno) });
    let destination = destination(to.directory, &to.name).map_err(refused)?;
    if over == Over::Old && destination.stays() {
        // In such a directory neither the new file nor a backup could be removed again.
        return Err(Some(words::unput(Unput::Name(Errno::PERM), &to.shown())));
    }
    let replacement = Replacement::begin(destination, mode).map_err(refused)?;
    Ok(Aside { replacement, old, over, backed_up: how.backed_up })
}

/// What is there, as a place: it need be neither read nor written to. `None` if it has gone.
fn open_old(
    run: &Run<'_>,
    from: (&Location<'_>, &Facts),
    to: &Location<'_>,
) -> Result<Option<(OwnedFd, Facts)>, String> {
    let opened = fs::openat(to.directory, &*to.name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    let opened = match opened.and_then(|fd| Facts::of(&fd).map(|facts| (fd, facts))) {
        Ok(opened) => opened,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(refusals::cannot_create(to, errno)),
    };
    if opened.1.same_file(from.1) {
        return Err(refusals::same_file(from.0, to));
    }
    if opened.1.kind != Kind::Regular {
        return Err(words::not_replaceable(&to.shown()));
    }
    // That the directory may be written to is no permission to change a file that may not.
    if !run.options.force
        && let Err(errno) = to.may_be_written()
    {
        return Err(refusals::cannot_create(to, errno));
    }
    Ok(Some(opened))
}

impl Aside {
    /// The new file.
    pub(in super::super) fn file(&self) -> BorrowedFd<'_> {
        self.replacement.file()
    }

    /// Whether it is a new file, which takes nothing over.
    pub(in super::super) fn is_new(&self) -> bool {
        self.old.is_none()
    }

    /// The contents are there: it takes over what the old one has. Whether it could; why not has been said.
    pub(in super::super) fn take_over(&self, run: &mut Run<'_>, to: &Location<'_>) -> bool {
        let Some((old, was)) = &self.old else { return true };
        match take_over(old.as_fd(), was, self.replacement.file()) {
            Ok(()) => true,
            Err(refused) => super::said(run, words::refused(&refused, &to.shown())),
        }
    }

    /// Puts it in its place, or, if not all went well, leaves nothing of it. Whether it is there.
    pub(in super::super) fn close(self, run: &mut Run<'_>, complete: bool, to: &Location<'_>) -> bool {
        if !complete {
            if let Err(errno) = self.replacement.abandon() {
                super::said(run, format!("cannot remove the file beside {}: {}", to.quoted(), strerror(errno)));
            }
            return false;
        }
        let backup = run.options.backup.as_ref().filter(|_| self.backed_up);
        let mut kept = None;
        let keep = || {
            kept = backup.map(|backup| backup::keep(to, backup)).transpose()?;
            Ok(())
        };
        let put = self.replacement.put(self.over, keep);
        if let (Err(Unput::Name(_)), Some(kept)) = (&put, &kept) {
            backup::keep_no_more(to, kept);
        }
        let there = match put {
            Ok(file) => {
                run.note(to); // until now the name was the old one's, or nobody's
                close(file)
            }
            Err(Unput::Name(errno)) if self.over != Over::Old => {
                return super::said(run, refusals::cannot_create(to, errno));
            }
            Err(unput) => return super::said(run, words::unput(unput, &to.shown())),
        };
        if let Err(errno) = there {
            return super::said(run, format!("failed to close {}: {}", to.quoted(), strerror(errno)));
        }
        name_flushed(run, to)
    }
}
