//! `--dry-run`: what would be done with one source, and by which engines. A tree is walked as when it is copied; a directory
//! that would be made is represented by the one that it would be made in ([`directory`]). Nothing is opened for writing, and
//! what notices being opened (FIFOs, devices) is not opened at all: only places (O_PATH) and regular sources are.

use super::decide::{Clear, Product, Steps, There};
use super::entry::Entry;
use super::first_names::{First, Task};
use super::location::Location;
use super::source::Source;
use super::{Run, backup, links, names, refusals, safety};
use crate::report::quote::shell_always;
use crate::report::{explain, failure, safety as words};
use crate::sys::facts::{Facts, Kind};
use crate::sys::text::strerror;
use crate::transfer::{Failure, Plan, endpoint};
use rustix::fs::{self, Access, AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::{SystemTime, UNIX_EPOCH};

/// The inode number of what is not there yet: no file has it.
const NOBODYS: u64 = 0;

/// What is made of what, and where.
pub(super) struct Making<'m> {
    pub(super) entry: &'m Entry<'m>,
    pub(super) source: &'m Source,
    pub(super) steps: Steps,
    /// What is at the destination.
    pub(super) there: There,
    /// The directory it would stand in would be made as well: so nothing is there, whatever a lookup finds.
    pub(super) in_new: bool,
    /// The user would be asked first.
    pub(super) asked: bool,
}

/// Says what would be made; of a directory, only what would give way to it. Whether it could be made, as far as can be told
/// without trying.
pub(super) fn say(run: &mut Run<'_>, making: &Making<'_>) -> bool {
    let Some(clearing) = clearing(run, making) else { return false };
    let ask = if making.asked { "ask, and then " } else { "" };
    if making.source.facts.kind == Kind::Directory {
        if let Some(clearing) = clearing {
            run.messages.print(format!("would {ask}{clearing}"));
        }
        return true;
    }
    let what = match linked(run, making).map_or_else(|| made(run, making), Ok) {
        Ok(what) => what,
        Err(text) => {
            run.messages.error(text);
            return false;
        }
    };
    let clearing = clearing.map(|clearing| clearing + " and ").unwrap_or_default();
    run.messages.print(format!("would {ask}{clearing}{what}"));
    foresee(run, making);
    true
}

/// What would be done with what is there; `None` where that would destroy the source, which was said.
fn clearing(run: &mut Run<'_>, making: &Making<'_>) -> Option<Option<String>> {
    let (from, to) = (making.entry.from, making.entry.to);
    let shown = to.quoted();
    Some(match (making.steps.clear, &run.options.backup) {
        (Clear::Backup, Some(backup)) => {
            if backup::would_destroy(&making.source.facts, &from.name, to, backup) {
                run.messages.error(refusals::might_destroy(from, to));
                return None;
            }
            Some(format!("rename {shown} to {}", backup::place(to, backup).quoted()))
        }
        (Clear::Remove, _) => Some(format!("remove {shown}")),
        _ => None,
    })
}

/// Says that what is there would stay; or, where its source has its `first` name already, become another name of that.
pub(super) fn skip(run: &mut Run<'_>, to: &Location<'_>, first: Option<&First>) {
    let what = match first {
        Some(first) => format!("make {} a hard link to {}", to.quoted(), shell_always(&first.shown)),
        None => format!("leave {} as it is", to.quoted()),
    };
    run.messages.print(format!("would {what}"));
}

/// The link that would be made to the first name of a source whose names are to stay names of one file.
fn linked(run: &mut Run<'_>, making: &Making<'_>) -> Option<String> {
    let Making { entry, source, .. } = making;
    if !entry.keeps_names(run, &source.facts) {
        return None;
    }
    match run.first_names.task(source.facts.id()) {
        Task::Link(first) => Some(format!("make {} a hard link to {}", entry.to.quoted(), shell_always(&first.shown))),
        Task::Copy => {
            run.first_names.settle(source.facts.id(), Some(entry.to));
            None
        }
    }
}

fn made(run: &mut Run<'_>, making: &Making<'_>) -> Result<String, String> {
    let Making { entry: Entry { from, to, .. }, source, .. } = making;
    let (name, shown) = (from.quoted(), to.quoted());
    let put = |replace, what: String| {
        let failed = |errno| format!("cannot create {what}: {}", strerror(errno));
        put(making, replace).map_err(failed)
    };
    match making.steps.product {
        Product::HardLink { replace } => {
            put(replace, format!("hard link {shown} to {name}"))?;
            Ok(format!("make {shown} a hard link to {name}"))
        }
        Product::SymbolicLink { replace } => {
            if links::means_nothing_there(from, to, making.in_new) {
                return Err(links::only_here(to));
            }
            put(replace, format!("symbolic link {shown} to {name}"))?;
            Ok(format!("make {shown} a symbolic link to {name}"))
        }
        Product::SameLink { replace } => {
            put(replace, format!("symbolic link {shown}"))?;
            Ok(format!("make {shown} the symbolic link that {name} is"))
        }
        Product::Special => {
            let what = if source.facts.kind == Kind::Pipe { "fifo" } else { "special file" };
            put(false, format!("{what} {shown}"))?;
            Ok(format!("make {shown} such a special file as {name} is"))
        }
        product => copy(run, (from, to), source, product, making.in_new),
    }
}

/// Whether a link could be put there, as far as the name and the directory go.
fn put(making: &Making<'_>, replace: bool) -> Result<(), Errno> {
    let to = making.entry.to;
    let taken = making.there != There::Nothing && making.steps.clear == Clear::Leave;
    if taken && !replace {
        return Err(Errno::EXIST);
    }
    if to.ends_in_slash() {
        return Err(Errno::NOENT);
    }
    if making.in_new { Ok(()) } else { may_be_added_to(to.directory, &to.name) }
}

/// Whether a name may be added to the directory that this one stands in.
fn may_be_added_to(above: BorrowedFd<'_>, name: &OsStr) -> Result<(), Errno> {
    fs::accessat(above, names::parent(name), Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS)
}

/// Notes what would stand there, for the operands that follow.
fn foresee(run: &mut Run<'_>, making: &Making<'_>) {
    let Some(account) = run.account.as_mut().filter(|_| making.entry.parent.is_none()) else { return };
    let source = making.source.facts;
    let kind = match making.steps.product {
        Product::SymbolicLink { .. } => Kind::Symlink,
        _ => source.kind,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = (now.as_secs().cast_signed(), now.subsec_nanos());
    let modified = if run.options.preserve.timestamps { source.modified } else { now };
    account.foresee(making.entry.to, Facts { kind, modified, inode: NOBODYS, links: 1, ..source });
}

/// The directory in which another would be made, which stands for that one in the walk, and its facts. That it would be made is
/// said.
pub(super) fn directory(
    run: &mut Run<'_>,
    (above, name): (BorrowedFd<'_>, &OsStr),
    shown: &OsStr,
    in_new: bool,
) -> Result<(OwnedFd, Facts), Errno> {
    if !in_new {
        may_be_added_to(above, name)?;
    }
    let place = place(above, names::parent(name))?;
    let facts = Facts::of(&place)?;
    run.messages.print(format!("would make directory {}", shell_always(shown)));
    Ok((place, facts))
}

/// `copy 'a' to 'b': 4096 bytes by read_write`
fn copy(
    run: &mut Run<'_>,
    (from, to): (&Location<'_>, &Location<'_>),
    source: &Source,
    product: Product,
    in_new: bool,
) -> Result<String, String> {
    let (name, shown) = (from.quoted(), to.quoted());
    if product == Product::Dangling {
        return Err(refusals::dangling(to));
    }
    let unreadable = |errno| refusals::unreadable(from, errno);
    let unwritable = |errno| refusals::cannot_create(to, errno);
    let here;
    let input = match &source.opened {
        Ok(fd) => fd.as_fd(),
        Err(errno) if source.facts.kind == Kind::Regular => return Err(unreadable(*errno)),
        Err(_) => {
            fs::accessat(from.directory, &*from.name, Access::READ_OK, AtFlags::empty()).map_err(unreadable)?;
            here = place(from.directory, &from.name).map_err(unreadable)?;
            here.as_fd()
        }
    };
    let replaces = product == Product::Contents;
    let (output, facts) = if replaces { existing(to, run.options.force) } else { parent(to, &source.facts, in_new) }
        .map_err(unwritable)?;
    // With --backup alone a directory is not refused before.
    if replaces && facts.kind == Kind::Directory && !run.options.safety.atomic {
        let force = run.options.force;
        return Err(if force {
            format!("cannot remove {shown}: {}", strerror(Errno::ISDIR))
        } else {
            unwritable(Errno::ISDIR)
        });
    }
    if run.options.attributes_only {
        return Ok(format!("copy the attributes of {name} to {shown}, and no contents"));
    }
    let resumes = replaces && run.options.safety.resume;
    if resumes {
        safety::resume::possible((from, &source.facts), (to, &facts))?;
    }
    if replaces && run.options.safety.atomic && facts.kind != Kind::Regular {
        return Err(words::not_replaceable(&to.shown()));
    }
    let sink = endpoint::own(output.as_fd(), facts);
    let replaced = replaces && facts.kind == Kind::Regular;
    let ask = endpoint::ask(endpoint::own(input, source.facts), sink, replaced, &run.options.policy, run.learned);
    let plan = Plan::of(&ask, run.learned);
    if run.options.explain {
        explain::before(run.messages, &format!("{name} -> {shown}"), &ask, &plan);
    }
    if plan.engines.is_empty() {
        return Err(failure::of_copy(&Failure::NoEngine, &plan, &from.shown(), &to.shown()));
    }
    let engines: Vec<&str> = plan.engines.iter().map(|engine| engine.as_str()).collect();
    let bytes = ask.expected.map_or_else(|| "until it ends".to_string(), |bytes| format!("{bytes} bytes"));
    let verb = match replaces {
        _ if resumes => format!("compare {shown} with {name} and mend it"),
        true if run.options.safety.atomic => format!("replace {shown} with a copy of {name}"),
        true => format!("overwrite {shown} with {name}"),
        false => format!("copy {name} to {shown}"),
    };
    Ok(format!("{verb}: {bytes} by {}", engines.join(", then ")))
}

/// A mere place: it can be looked at, and neither read nor written.
fn place(directory: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, Errno> {
    fs::openat(directory, name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
}

fn existing(to: &Location<'_>, force: bool) -> Result<(OwnedFd, Facts), Errno> {
    if let Err(errno) = fs::accessat(to.directory, &*to.name, Access::WRITE_OK, AtFlags::EACCESS)
        && !force
    {
        return Err(errno);
    }
    let fd = place(to.directory, &to.name)?;
    let facts = Facts::of(&fd)?;
    Ok((fd, facts))
}

/// The directory that the new file would stand in, and what the file would be.
fn parent(to: &Location<'_>, source: &Facts, in_new: bool) -> Result<(OwnedFd, Facts), Errno> {
    if !in_new {
        may_be_added_to(to.directory, &to.name)?;
    }
    let fd = place(to.directory, names::parent(&to.name))?;
    let facts = Facts::of(&fd)?;
    if to.ends_in_slash() {
        return Err(Errno::NOTDIR);
    }
    Ok((fd, Facts { kind: Kind::Regular, mode: source.mode, size: 0, allocated: 0, links: 1, ..facts }))
}
