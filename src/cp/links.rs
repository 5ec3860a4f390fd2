//! Links instead of copies: hard ones, symbolic ones, and copies of symbolic links.

use super::Run;
use super::account::First;
use super::destination::Destination;
use super::names;
use crate::report::quote::{shell_always, shell_if_needed};
use crate::sys::text::strerror;
use rustix::fs::{self, AtFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

/// Another name of the file `name`, or of what it leads to.
pub(super) fn hard(run: &mut Run<'_>, name: &OsStr, followed: bool, to: &Destination<'_>, replace: bool) -> bool {
    let flags = if followed { AtFlags::SYMLINK_FOLLOW } else { AtFlags::empty() };
    let link = |to: &Destination<'_>| fs::linkat(fs::CWD, name, to.directory, &to.name, flags);
    said(run, put(to, replace, link), || {
        format!("cannot create hard link {} to {}", shell_always(&to.shown), shell_always(name))
    })
}

/// Another name of what this run made of another name of the source.
pub(super) fn to_first(run: &mut Run<'_>, first: &First, to: &Destination<'_>) -> bool {
    let link = |to: &Destination<'_>| fs::linkat(to.directory, &first.name, to.directory, &to.name, AtFlags::empty());
    let put = put(to, true, link);
    if put == Ok(Put::Over) && run.options.verbose {
        run.messages.print(format!("removed {}", shell_always(&to.shown)));
    }
    said(run, put, || format!("cannot create hard link {} to {}", shell_always(&to.shown), shell_always(&first.shown)))
}

/// A symbolic link to `name`, which means something only in the directory where it was typed.
pub(super) fn symbolic(run: &mut Run<'_>, name: &OsStr, to: &Destination<'_>, replace: bool) -> bool {
    // Of a directory that is not there, creating the link says so.
    if !name.as_bytes().starts_with(b"/") && !names::is_in_working_directory(to.directory, &to.name) && to.has_place() {
        let to = shell_if_needed(&to.shown);
        run.messages.error(format!("{to}: can make relative symbolic links only in current directory"));
        return false;
    }
    let link = |to: &Destination<'_>| fs::symlinkat(name, to.directory, &to.name);
    said(run, put(to, replace, link), || {
        format!("cannot create symbolic link {} to {}", shell_always(&to.shown), shell_always(name))
    })
}

/// A symbolic link as `name` is one.
pub(super) fn same(run: &mut Run<'_>, name: &OsStr, to: &Destination<'_>) -> bool {
    let target = match fs::readlink(name, Vec::new()) {
        Ok(target) => target,
        Err(errno) => {
            run.messages.error(format!("cannot read symbolic link {}: {}", shell_always(name), strerror(errno)));
            return false;
        }
    };
    let made = fs::symlinkat(target.as_c_str(), to.directory, &to.name);
    said(run, made, || format!("cannot create symbolic link {}", shell_always(&to.shown)))
}

/// Removes what is there; what goes wrong has been said.
pub(super) fn remove(run: &mut Run<'_>, to: &Destination<'_>) -> Result<(), ()> {
    match to.remove() {
        Ok(()) if run.options.verbose => run.messages.print(format!("removed {}", shell_always(&to.shown))),
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => {
            run.messages.error(format!("cannot remove {}: {}", shell_always(&to.shown), strerror(errno)));
            return Err(());
        }
    }
    Ok(())
}

/// How a link came to its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Put {
    /// Nothing was there.
    New,
    /// What was there is gone.
    Over,
}

/// Makes a link; if a name is taken and is to give way, the link is made beside it and renamed over it, so that the name
/// is never missing.
fn put(
    to: &Destination<'_>,
    replace: bool,
    link: impl Fn(&Destination<'_>) -> Result<(), Errno>,
) -> Result<Put, Errno> {
    match link(to) {
        Err(Errno::EXIST) if replace => {}
        other => return other.map(|()| Put::New),
    }
    let mut number = std::process::id();
    let aside = loop {
        let aside = to.beside(OsStr::new(&format!("Cu{number:06x}")));
        match link(&aside) {
            Ok(()) => break aside,
            Err(Errno::EXIST) => number = number.wrapping_add(1),
            Err(errno) => return Err(errno),
        }
    };
    let renamed = aside.rename(to);
    // Still there if that failed, or if both were names of one file already (rename(2)).
    match aside.remove() {
        Ok(()) | Err(Errno::NOENT) => renamed.map(|()| Put::Over),
        Err(errno) => Err(renamed.err().unwrap_or(errno)),
    }
}

fn said<T>(run: &mut Run<'_>, made: Result<T, Errno>, what: impl FnOnce() -> String) -> bool {
    if let Err(errno) = made {
        run.messages.error(format!("{}: {}", what(), strerror(errno)));
    }
    made.is_ok()
}
