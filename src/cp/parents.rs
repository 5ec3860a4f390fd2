//! `--parents`: the directories of a source's name, made below the destination, and given the attributes of their models
//! when the copy is done.

use super::attributes::{self, Handle, Made};
use super::entry::Known;
use super::location::Location;
use super::{Run, names, operands};
use crate::report::quote::shell_always;
use crate::sys::facts::{Facts, Kind};
use crate::sys::text::strerror;
use rustix::fs::{self, AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

/// A directory of the source's name, and its counterpart.
struct Parent {
    from: OsString,
    to: OsString,
    facts: Facts,
    destination: OwnedFd,
    new: bool,
    /// The permissions it is to have if the source's are not kept.
    mode: Option<u32>,
}

/// Copies `source` to its own name below `directory`.
pub(super) fn copy(run: &mut Run<'_>, source: &OsStr, name: &OsStr, directory: BorrowedFd<'_>) {
    let Ok(made) = make(run, source, name, directory) else { return };
    let leading = leading(source);
    let way = OsStr::from_bytes(leading.as_bytes());
    let above = match leading.as_bytes() {
        b"" => name.to_os_string(),
        _ => names::below(name, way),
    };
    let last = match names::last_component(source) {
        up if up == ".." => OsStr::new("."),
        last => last,
    };
    let to = Location {
        directory: made.last().map_or(directory, |parent| parent.destination.as_fd()),
        name: Cow::Borrowed(last),
        above: Some(&above),
        base: (!way.is_empty()).then_some((directory, way)),
        operand: true,
    };
    operands::copy(run, &Location::plain(source), &to, Known::default());
    for parent in made.iter().rev() {
        finish(run, parent);
    }
}

/// What of a name stands before its last component, without the slashes that lead it and those behind it.
fn leading(source: &OsStr) -> &OsStr {
    let parent = names::parent(source).as_bytes();
    if !source.as_bytes().contains(&b'/') {
        return OsStr::new("");
    }
    let from = parent.iter().position(|byte| *byte != b'/').unwrap_or(parent.len());
    let to = parent.iter().rposition(|byte| *byte != b'/').map_or(from, |last| last + 1);
    OsStr::from_bytes(&parent[from..to])
}

/// Makes what is not there; an error was said.
fn make(run: &mut Run<'_>, source: &OsStr, name: &OsStr, directory: BorrowedFd<'_>) -> Result<Vec<Parent>, ()> {
    let leading = leading(source).as_bytes();
    let root: &[u8] = if source.as_bytes().starts_with(b"/") { b"/" } else { b"" };
    let mut made: Vec<Parent> = Vec::new();
    let mut end = 0;
    while end < leading.len() {
        let begin = end + leading[end..].iter().take_while(|byte| **byte == b'/').count();
        end = begin + leading[begin..].iter().take_while(|byte| **byte != b'/').count();
        let component = OsStr::from_bytes(&leading[begin..end]);
        let from = OsString::from(OsStr::from_bytes(&[root, &leading[..end]].concat()));
        let to = names::below(name, OsStr::from_bytes(&leading[..end]));
        let above = made.last().map_or(directory, |parent| parent.destination.as_fd());
        let parent = step(run, (from, to), above, component)?;
        made.push(parent);
    }
    Ok(made)
}

fn step(
    run: &mut Run<'_>,
    (from, to): (OsString, OsString),
    above: BorrowedFd<'_>,
    component: &OsStr,
) -> Result<Parent, ()> {
    let fail = |run: &mut Run<'_>, what: String, errno| {
        run.messages.error(format!("{what}: {}", strerror(errno)));
        Err(())
    };
    let facts = match fs::stat(&from).map(|stat| Facts::from_stat(&stat)) {
        Ok(facts) if facts.kind == Kind::Directory => facts,
        Ok(_) => return fail(run, format!("failed to get attributes of {}", shell_always(&from)), Errno::NOTDIR),
        Err(errno) => return fail(run, format!("failed to get attributes of {}", shell_always(&from)), errno),
    };
    let there = fs::statat(above, component, AtFlags::empty()).map(|stat| Facts::from_stat(&stat).kind);
    if there.is_ok_and(|kind| kind != Kind::Directory) {
        run.messages.error(format!("{} exists but is not a directory", shell_always(&to)));
        return Err(());
    }
    let new = there.is_err();
    let omitted = attributes::omitted(run.options, &facts);
    if new {
        let mode = Mode::from_raw_mode(facts.mode & 0o1777 & !omitted | 0o700);
        if let Err(errno) = fs::mkdirat(above, component, mode) {
            return fail(run, format!("cannot make directory {}", shell_always(&to)), errno);
        }
        if run.options.verbose {
            let line = [from.as_bytes(), b" -> ", to.as_bytes()].concat(); // not quoted: GNU's
            run.messages.print(line);
        }
    }
    let opened = open(above, component, new).and_then(|fd| Facts::of(&fd).map(|now| (fd, now)));
    let (destination, now) = match opened {
        Ok(opened) => opened,
        Err(errno) => return fail(run, format!("cannot access {}", shell_always(&to)), errno),
    };
    let umask = run.identity.umask;
    let has = now.mode & 0o7777;
    let wanted = if run.options.preserve.no_mode {
        0o777 & !umask | has & 0o2000
    } else {
        has & !0o700 | facts.mode & 0o700 & !umask | omitted & !umask
    };
    let mode = (new && wanted != has).then_some(wanted);
    Ok(Parent { from, to, facts, destination, new, mode })
}

/// One that was there may be reached by a symbolic link, as the directory operand may.
fn open(above: BorrowedFd<'_>, component: &OsStr, new: bool) -> Result<OwnedFd, Errno> {
    let no_follow = if new { OFlags::NOFOLLOW } else { OFlags::empty() };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | no_follow;
    fs::openat(above, component, flags, Mode::empty())
}

/// Sets the attributes, of those that were there before as well.
fn finish(run: &mut Run<'_>, parent: &Parent) {
    if !run.options.preserve.any_attribute() && parent.mode.is_none() {
        return;
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let source = fs::open(&parent.from, flags, Mode::empty()).ok();
    let [from, to] = [&parent.from, &parent.to].map(|name| Location::plain(name));
    let made = Made {
        source: &parent.facts,
        from: source.as_ref().map(|fd| Handle::Place(fd.as_fd())),
        from_location: &from,
        to: &to,
        handle: Handle::Place(parent.destination.as_fd()),
        new: parent.new,
        mode: parent.mode,
    };
    attributes::set(run, &made);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_a_name_is_what_its_last_component_stands_in() {
        for (name, expected) in [
            ("a", ""),
            ("a/b", "a"),
            ("a//b/c", "a//b"),
            ("a/b//", "a"),
            ("/a/b", "a"),
            ("/a", ""),
            ("./a", "."),
            ("a/../b", "a/.."),
        ] {
            assert_eq!(leading(OsStr::new(name)), expected, "{name}");
        }
    }
}
