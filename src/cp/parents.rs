//! `--parents`: the directories of a source's name, made below the destination, and given the attributes of their models
//! when the copy is done.

use super::attributes::{self, Handle, Opened, Pair};
use super::entry::Known;
use super::location::Location;
use super::options::Options;
use super::{Run, directory, names, operands, rehearse};
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
    /// The model's; `None` where it is no directory, and nothing of it is needed.
    facts: Option<Facts>,
    destination: OwnedFd,
    new: bool,
    /// The permissions it is to have if the source's are not kept.
    mode: Option<u32>,
}

/// Copies `source` to its own name below `directory`. `new`: whether the directory for the operand before had to be made. As
/// with GNU, that is taken to hold for a next operand without a directory in its name too, so that what is there under that
/// name is in the way.
pub(super) fn copy(run: &mut Run<'_>, source: &OsStr, name: &OsStr, directory: BorrowedFd<'_>, new: &mut bool) {
    let leading = names::leading(source);
    let way = way_of(leading);
    let (there, made) = match there(run, name, directory, leading) {
        Ok(Some(there)) => (Some(there), Vec::new()),
        Ok(None) => match make(run, leading, (directory, name), new) {
            Ok(made) => (None, made),
            Err(()) => return,
        },
        Err(()) => return,
    };
    let above = if leading.is_empty() { name.to_os_string() } else { joined(name, leading.as_bytes()) };
    let last = made.last().map(|parent| parent.destination.as_fd());
    let to = Location {
        directory: last.or(there.as_ref().map(|there| there.as_fd())).unwrap_or(directory),
        name: Cow::Borrowed(names::last_component(source)),
        above: Some(&above),
        spelled: !leading.is_empty(),
        base: (!way.is_empty()).then_some((directory, way)),
        root: None,
        operand: true,
    };
    // As by GNU, a directory that was just made is taken for empty, although `a/.` would be there.
    if there.is_some() {
        *new = false;
    }
    operands::copy(run, &Location::plain(source), &to, Known { taken_for_free: *new, ..Known::default() });
    if made.iter().any(|parent| parent.new) && !run.options.dry_run {
        let _one_failed = made.iter().rev().all(|parent| finish(run, parent));
    }
}

/// Without the slashes that lead it and those that end it.
fn way_of(leading: &OsStr) -> &OsStr {
    let bytes = leading.as_bytes();
    let from = bytes.iter().position(|byte| *byte != b'/').unwrap_or(bytes.len());
    let to = bytes.iter().rposition(|byte| *byte != b'/').map_or(from, |last| last + 1);
    OsStr::from_bytes(&bytes[from..to])
}

/// `directory/way`; slashes that lead the way serve as the one between.
fn joined(directory: &OsStr, way: &[u8]) -> OsString {
    if !way.starts_with(b"/") {
        return names::below(directory, OsStr::from_bytes(way));
    }
    [names::without_slashes(directory), OsStr::from_bytes(way)].into_iter().collect()
}

/// The directory that the last component goes to, if it is there: then the source's directories are not looked at. If what is
/// there is no directory, that has been said.
fn there(run: &mut Run<'_>, name: &OsStr, directory: BorrowedFd<'_>, leading: &OsStr) -> Result<Option<OwnedFd>, ()> {
    let way = way_of(leading);
    if way.is_empty() {
        return Ok(None);
    }
    // It may be reached by a symbolic link, as the directory operand may.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match fs::openat(directory, way, flags, Mode::empty()) {
        Ok(there) => Ok(Some(there)),
        Err(Errno::NOTDIR) if fs::statat(directory, way, AtFlags::empty()).is_ok() => {
            let shown = joined(name, names::stripped(leading).as_bytes());
            run.messages.error(format!("{} exists but is not a directory", shell_always(&shown)));
            Err(())
        }
        Err(_) => Ok(None),
    }
}

/// Makes what is not there; an error was said.
fn make(
    run: &mut Run<'_>,
    leading: &OsStr,
    (directory, name): (BorrowedFd<'_>, &OsStr),
    new: &mut bool,
) -> Result<Vec<Parent>, ()> {
    let leading = leading.as_bytes();
    let mut made: Vec<Parent> = Vec::new();
    let mut end = 0;
    loop {
        let begin = end + leading[end..].iter().take_while(|byte| **byte == b'/').count();
        end = begin + leading[begin..].iter().take_while(|byte| **byte != b'/').count();
        if begin == end {
            break;
        }
        let component = OsStr::from_bytes(&leading[begin..end]);
        let from = OsStr::from_bytes(&leading[..end]).to_os_string();
        let to = joined(name, &leading[..end]);
        let above = made.last().map_or(directory, |parent| parent.destination.as_fd());
        // Nothing is in a directory that is yet to be made (`--dry-run`).
        let in_new = run.options.dry_run && made.last().is_some_and(|parent| parent.new);
        let parent = step(run, (from, to), (above, component, in_new), new)?;
        made.push(parent);
    }
    Ok(made)
}

/// The permission bits that a directory does not get before it has its model's attributes. As with GNU, others may write into
/// it at once where no attribute is kept.
fn omitted(options: &Options) -> u32 {
    match options.preserve {
        preserve if preserve.ownership => 0o077,
        preserve if preserve.mode => 0o022,
        _ => 0,
    }
}

/// One directory: made if it is not there, which is noted in `next_to_new` whether or not it can be made.
fn step(
    run: &mut Run<'_>,
    (from, to): (OsString, OsString),
    (above, component, in_new): (BorrowedFd<'_>, &OsStr, bool),
    next_to_new: &mut bool,
) -> Result<Parent, ()> {
    let fail = |run: &mut Run<'_>, what: String, errno| {
        run.messages.error(format!("{what}: {}", strerror(errno)));
        Err(())
    };
    // As with GNU, what is there needs no model unless it is to get the model's attributes.
    let there = match in_new {
        true => Err(Errno::NOENT),
        false => fs::statat(above, component, AtFlags::empty()).map(|stat| Facts::from_stat(&stat).kind),
    };
    let preserve = run.options.preserve;
    let needed = there.is_err() || preserve.mode || preserve.ownership || preserve.timestamps;
    let model = match fs::stat(&from).map(|stat| Facts::from_stat(&stat)) {
        Ok(facts) if facts.kind == Kind::Directory => Ok(facts),
        Ok(_) => Err(Errno::NOTDIR),
        Err(errno) => Err(errno),
    };
    let facts = match model {
        Err(errno) if needed => {
            return fail(run, format!("failed to get attributes of {}", shell_always(&from)), errno);
        }
        facts => facts.ok(),
    };
    if there.is_ok_and(|kind| kind != Kind::Directory) {
        run.messages.error(format!("{} exists but is not a directory", shell_always(&to)));
        return Err(());
    }
    let new = there.is_err();
    *next_to_new = new;
    if new && run.options.dry_run {
        return match rehearse::directory(run, (above, component), &to, in_new) {
            Ok((destination, _)) => Ok(Parent { from, to, facts, destination, new, mode: None }),
            Err(errno) => fail(run, format!("cannot make directory {}", shell_always(&to)), errno),
        };
    }
    let model = if preserve.no_mode { 0o777 } else { facts.map_or(0, |facts| facts.mode & 0o1777) };
    let omitted = model & omitted(run.options);
    if new {
        let mode = Mode::from_raw_mode(model & !omitted | 0o700);
        if !attributes::label_is_there(run, &Location::plain(&from), true) {
            return Err(());
        }
        if let Err(errno) = fs::mkdirat(above, component, mode) {
            return fail(run, format!("cannot make directory {}", shell_always(&to)), errno);
        }
        if run.options.verbose {
            let line = [from.as_bytes(), b" -> ", to.as_bytes()].concat(); // not quoted: GNU's
            run.messages.print(line);
        }
    }
    let opened = if new {
        directory::open_new(above, component)
            .map(|(fd, made)| (fd, directory::restored(&made, model, omitted, run.identity.umask)))
    } else {
        // It may be reached by a symbolic link, as the directory operand may.
        fs::openat(above, component, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map(|fd| (fd, None))
    };
    match opened {
        Ok((destination, mode)) => Ok(Parent { from, to, facts, destination, new, mode }),
        Err(errno) => fail(run, format!("cannot access {}", shell_always(&to)), errno),
    }
}

/// Sets the attributes, also of those that were there before. Whether that went well; if not, those nearer to the root are
/// left as they are, as with GNU.
fn finish(run: &mut Run<'_>, parent: &Parent) -> bool {
    let Some(facts) = &parent.facts else { return true };
    if !run.options.preserve.any_attribute() && parent.mode.is_none() {
        return true;
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let source = fs::open(&parent.from, flags, Mode::empty()).map(Opened::Place);
    let [from, to] = [&parent.from, &parent.to].map(|name| Location::plain(name));
    let fd = parent.destination.as_fd();
    let pair = Pair {
        source: facts,
        leads: true,
        from: Some(Opened::handle(&source)),
        from_location: &from,
        to: &to,
        handle: if parent.new { Handle::Open(fd) } else { Handle::Place(fd) },
        new: parent.new,
        mode: parent.mode,
    };
    attributes::set(run, &pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_a_name_is_put_behind_the_directory() {
        for (name, way, above) in [
            ("a", "", ""),
            ("a/b", "a", "n/a/"),
            ("a//b/c", "a//b", "n/a//b/"),
            ("a/b//", "a", "n/a/"),
            ("/a/b", "a", "n/a/"),
            ("//a/b", "a", "n//a/"),
            ("./a", ".", "n/./"),
            ("a/../b", "a/..", "n/a/../"),
            ("la/", "", ""),
        ] {
            let leading = names::leading(OsStr::new(name));
            assert_eq!(way_of(leading), way, "{name}");
            if !leading.is_empty() {
                assert_eq!(joined(OsStr::new("n"), leading.as_bytes()), above, "{name}");
            }
        }
    }
}
