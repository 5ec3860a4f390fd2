//! Which source goes to which destination.

use super::decide::There;
use super::destination::Destination;
use super::entry::{self, Known};
use super::options::{Make, Target};
use super::{Run, backup, file};
use crate::report::quote::shell_always;
use crate::sys::text::strerror;
use rustix::fs::{self, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;

/// Copies each operand to where it goes.
pub(super) fn each(run: &mut Run<'_>) {
    let options = run.options;
    let operands = &options.operands;
    match (&options.target, operands.as_slice()) {
        (Target::Directory(directory), sources) => match open_directory(directory) {
            Ok(opened) => into(run, sources, directory, &opened),
            Err(errno) => {
                let text = format!("target directory {}: {}", shell_always(directory), strerror(errno));
                run.messages.error(text);
            }
        },
        (Target::NoDirectory, [source, to]) => {
            single(run, source, to, Known::default());
        }
        (Target::LastOperand, [source, to]) => one(run, source, to),
        (_, [sources @ .., directory]) => match open_directory(directory) {
            Ok(opened) => into(run, sources, directory, &opened),
            Err(errno) => {
                run.messages.error(format!("target {}: {}", shell_always(directory), strerror(errno)));
            }
        },
        (_, []) => {} // the command line was refused for it
    }
}

/// SOURCE DEST: only what is not a new file has to be looked at, so creating it is tried first. Where `-v` announces the
/// copy the name is needed beforehand.
fn one(run: &mut Run<'_>, source: &OsStr, to: &OsStr) {
    let plain = Destination::plain(to);
    let mut known = Known::default();
    if !run.options.verbose && !run.options.dry_run && run.options.make == Make::Copy {
        match file::copy_if_new(run, source, &plain) {
            file::Attempt::Done => return,
            file::Attempt::NotNew(opened) => known.source = Some(opened),
        }
    }
    let there = plain.look();
    if there.as_ref().is_ok_and(There::is_directory)
        && let Ok(directory) = open_directory(to)
    {
        let inside = Destination::inside(&directory, to, source);
        return entry::copy(run, source, &inside, known);
    }
    known.there = Some(there);
    single(run, source, to, known);
}

/// A destination that is no directory. With `-f` and `--backup`, a file that is copied to its own name is copied to the
/// name of its backup.
fn single(run: &mut Run<'_>, source: &OsStr, to: &OsStr, mut known: Known) {
    let plain = Destination::plain(to);
    if let Some(backup) = run.options.backup.as_ref().filter(|_| run.options.force && source == to)
        && fs::stat(source).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_file())
    {
        known.there = None;
        known.is_backup = true;
        return entry::copy(run, source, &backup::place(&plain, backup), known);
    }
    entry::copy(run, source, &plain, known);
}

fn into(run: &mut Run<'_>, sources: &[OsString], name: &OsStr, directory: &OwnedFd) {
    run.account.watch(sources.len() > 1);
    for source in sources {
        let inside = Destination::inside(directory, name, source);
        entry::copy(run, source, &inside, Known::default());
    }
}

/// A directory to copy into. Its contents need not be readable, so it is opened as a mere place (O_PATH).
fn open_directory(name: &OsStr) -> Result<OwnedFd, Errno> {
    fs::open(name, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}
