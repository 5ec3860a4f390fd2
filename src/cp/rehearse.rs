//! `--dry-run`: what would be done with one source, and by which engines. Nothing is opened for writing, and of what can
//! be woken by being opened (FIFOs, devices) nothing is opened at all: only places (O_PATH) and regular sources.

use super::decide::{Clear, Product, Steps};
use super::location::Location;
use super::source::Source;
use super::{Run, backup, names, refusals};
use crate::report::explain;
use crate::sys::facts::{Facts, Kind};
use crate::transfer::{Plan, endpoint};
use rustix::fs::{self, Access, AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::{AsFd as _, OwnedFd};

/// Says what would be made. Whether it could be, as far as that can be told without trying.
pub(super) fn say(
    run: &mut Run<'_>,
    from: &Location<'_>,
    to: &Location<'_>,
    source: &Source,
    steps: Steps,
    asked: bool,
) -> bool {
    let (name, shown) = (from.quoted(), to.quoted());
    let first = match (steps.clear, &run.options.backup) {
        (Clear::Backup, Some(backup)) => {
            if backup::would_destroy(&source.facts, &from.name, to, backup) {
                run.messages.error(refusals::might_destroy(from, to));
                return false;
            }
            format!("rename {shown} to {} and ", backup::place(to, backup).quoted())
        }
        (Clear::Remove, _) => format!("remove {shown} and "),
        _ => String::new(),
    };
    let what = match steps.make {
        Product::HardLink { .. } => format!("make {shown} a hard link to {name}"),
        Product::SymbolicLink { .. } => format!("make {shown} a symbolic link to {name}"),
        Product::SameLink => format!("make {shown} the symbolic link that {name} is"),
        Product::Special => format!("make {shown} such a special file as {name} is"),
        Product::Directory | Product::IntoDirectory => format!("copy {name} to {shown} with everything in it"),
        product => match copy(run, from, to, source, product) {
            Ok(what) => what,
            Err(text) => {
                run.messages.error(text);
                return false;
            }
        },
    };
    let ask = if asked { "ask, and then " } else { "" };
    run.messages.print(format!("would {ask}{first}{what}"));
    true
}

/// `copy 'a' to 'b': 4096 bytes by read_write`
fn copy(
    run: &mut Run<'_>,
    from: &Location<'_>,
    to: &Location<'_>,
    source: &Source,
    product: Product,
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
    let (output, facts) =
        if replaces { existing(to, run.options.force) } else { parent(to, &source.facts) }.map_err(unwritable)?;
    let sink = endpoint::own(output.as_fd(), facts);
    let replaced = replaces && facts.kind == Kind::Regular;
    let ask = endpoint::ask(endpoint::own(input, source.facts), sink, replaced, &run.options.policy, run.learned);
    let plan = Plan::of(&ask, run.learned);
    if run.options.explain {
        explain::before(run.messages, &format!("{name} -> {shown}"), &ask, &plan);
    }
    if plan.engines.is_empty() {
        return Err(crate::report::failure::of_copy(
            &crate::transfer::Failure::NoEngine,
            &plan,
            &from.shown(),
            &to.shown(),
        ));
    }
    let engines: Vec<&str> = plan.engines.iter().map(|engine| engine.as_str()).collect();
    let bytes = ask.expected.map_or_else(|| "until it ends".to_string(), |bytes| format!("{bytes} bytes"));
    let verb = if replaces { format!("overwrite {shown} with {name}") } else { format!("copy {name} to {shown}") };
    Ok(format!("{verb}: {bytes} by {}", engines.join(", then ")))
}

/// A mere place: it can be looked at, and neither read nor written.
fn place(directory: std::os::fd::BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, Errno> {
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
fn parent(to: &Location<'_>, source: &Facts) -> Result<(OwnedFd, Facts), Errno> {
    let directory = names::parent(&to.name);
    fs::accessat(to.directory, directory, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS)?;
    let fd = place(to.directory, directory)?;
    let facts = Facts::of(&fd)?;
    if to.ends_in_slash() {
        return Err(Errno::NOTDIR);
    }
    Ok((fd, Facts { kind: Kind::Regular, mode: source.mode, size: 0, allocated: 0, links: 1, ..facts }))
}
