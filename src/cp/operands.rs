//! Which source goes to which destination.

use super::decide::There;
use super::destination::Destination;
use super::options::Target;
use super::{Run, file};
use crate::report::quote::shell_always;
use crate::sys::text::strerror;
use rustix::fs::{self, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

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
            file::copy(run, source, &Destination::plain(to), file::Known::default());
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
    let mut known = file::Known::default();
    if !run.options.verbose {
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
        return file::copy(run, source, &inside, known);
    }
    known.there = Some(there);
    file::copy(run, source, &plain, known);
}

fn into(run: &mut Run<'_>, sources: &[OsString], name: &OsStr, directory: &OwnedFd) {
    run.created.watch(sources.len() > 1);
    for source in sources {
        let inside = Destination::inside(directory, name, source);
        file::copy(run, source, &inside, file::Known::default());
    }
}

/// A directory to copy into. Its contents need not be readable, so it is opened as a mere place (O_PATH).
fn open_directory(name: &OsStr) -> Result<OwnedFd, Errno> {
    fs::open(name, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

impl<'a> Destination<'a> {
    /// The name as given.
    pub(super) fn plain(name: &OsStr) -> Destination<'a> {
        Destination { directory: fs::CWD, name: name.to_os_string(), shown: name.to_os_string() }
    }

    /// DIRECTORY/basename of SOURCE; trailing slashes of both do not count, and a basename `..` is taken as `.`.
    fn inside(directory: &'a OwnedFd, directory_name: &OsStr, source: &OsStr) -> Destination<'a> {
        let mut last = last_component(source);
        if last == ".." {
            last = OsStr::new(".");
        }
        let mut shown = directory_name.to_os_string();
        if !directory_name.as_bytes().ends_with(b"/") {
            shown.push("/");
        }
        shown.push(last);
        Destination { directory: directory.as_fd(), name: last.to_os_string(), shown }
    }
}

/// What follows the last slash that is followed by anything; a name of slashes only is `/`.
pub(super) fn last_component(name: &OsStr) -> &OsStr {
    let bytes = name.as_bytes();
    let end = bytes.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    if end == 0 && !bytes.is_empty() {
        return OsStr::new("/");
    }
    let begin = bytes[..end].iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    OsStr::from_bytes(&bytes[begin..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_component_is_what_basename_prints() {
        for (name, last) in
            [("a", "a"), ("a/b", "b"), ("a/b//", "b"), ("/", "/"), ("//", "/"), ("..", ".."), ("a/..", ".."), ("", "")]
        {
            assert_eq!(last_component(OsStr::new(name)), last, "{name}");
        }
    }
}
