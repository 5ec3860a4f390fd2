//! The name that an existing destination gets before something takes its place, and the way back.

use super::location::Location;
use super::names;
use super::options::{Backup, Numbering};
use crate::sys::facts::Facts;
use crate::sys::temporary;
use crate::transfer::replacement;
use rustix::fs::{self, AtFlags, Dir, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;

/// Bytes of the longest name that GNU cp gives a backup: one less than there is room for (seen of 9.10, on tmpfs and ext4).
const LONGEST: usize = 254;

/// Where the backup of `to` goes.
pub(super) fn place<'a>(to: &Location<'a>, backup: &Backup) -> Location<'a> {
    let last = names::last_component(&to.name);
    let number = match backup.numbering {
        Numbering::Simple => None,
        Numbering::Existing => highest(to, last),
        Numbering::Numbered => Some(highest(to, last).unwrap_or_default()),
    };
    let mut name = last.to_os_string();
    match number {
        Some(number) => name.push(format!(".~{}~", increment(&number))),
        None => name.push(&backup.suffix),
    }
    to.beside(&name)
}

/// Moves `to` out of the way and tells where to. As with GNU cp, a name or path that would be too long is shortened, unless
/// the backup was to be a simple one; and no numbered backup replaces another file, nor does one with a shortened name.
pub(super) fn make<'a>(to: &Location<'a>, backup: &Backup) -> Result<Location<'a>, Errno> {
    loop {
        let place = place(to, backup);
        let numbered = is_numbered(&place, to, backup);
        let helps = backup.numbering != Numbering::Simple;
        if helps && names::last_component(&place.name).len() > LONGEST {
            return within_directory(to, &place, numbered);
        }
        match rename(to, &place, numbered) {
            Ok(()) => return Ok(place),
            Err(Errno::NAMETOOLONG) if helps => return within_directory(to, &place, numbered),
            Err(Errno::EXIST) if numbered => {} // somebody took the number meanwhile
            Err(errno) => return Err(errno),
        }
    }
}

fn rename(to: &Location<'_>, place: &Location<'_>, numbered: bool) -> Result<(), Errno> {
    match numbered.then(|| to.rename_if_free(place)) {
        // File systems without RENAME_NOREPLACE (renameat2(2)).
        None | Some(Err(Errno::INVAL | Errno::NOSYS)) => to.rename(place),
        Some(renamed) => renamed,
    }
}

/// Gives what is at `to` the name of its backup as a second one, for what takes its place whole (`--atomic`): the name is
/// never missing. A numbered backup gets a number that is free; a simple one takes the place of the one before.
///
/// # Errors
/// What linkat(2) and renameat(2) say: EPERM and EOPNOTSUPP where there are no hard links.
pub(super) fn keep<'a>(to: &Location<'a>, backup: &Backup) -> Result<Location<'a>, Errno> {
    loop {
        let place = place(to, backup);
        let link =
            |name: &Location<'_>| fs::linkat(to.directory, &*to.name, name.directory, &*name.name, AtFlags::empty());
        match link(&place) {
            Err(Errno::EXIST) if is_numbered(&place, to, backup) => {} // somebody took the number meanwhile
            Err(Errno::EXIST) => {
                // No dot before it, as there is before the new file's.
                let aside = [replacement::short(names::last_component(&place.name)), replacement::ENDING].concat();
                let aside = place.beside(OsStr::from_bytes(&aside));
                let make = || temporary::make(aside.directory, &aside.name, || link(&aside));
                let ((), mut noted) = match make() {
                    Err(Errno::EXIST) => aside.remove().and_then(|()| make())?, // left by one that was killed
                    made => made?,
                };
                return noted
                    .end(|| {
                        let renamed = aside.rename(&place);
                        // Still there if that failed, or if both were names of one file already (rename(2)).
                        let _ = aside.remove();
                        Ok(renamed)
                    })?
                    .map(|()| place);
            }
            linked => return linked.map(|()| place),
        }
    }
}

/// `to` was not replaced after all: the name that it was given as its backup is removed again.
pub(super) fn keep_no_more(to: &Location<'_>, place: &Location<'_>) {
    let same = to.facts(false).and_then(|old| Ok(old.same_file(&place.facts(false)?)));
    if same.unwrap_or(false) {
        let _ = place.remove(); // that the new one did not get its name is what is told
    }
}

/// Moves `to` within its open directory, so that the path is the name alone. Where there is no room for a suffix or number, the
/// backup's name is as much of `to`'s as fits with a tilde behind it.
fn within_directory<'a>(to: &Location<'a>, place: &Location<'a>, numbered: bool) -> Result<Location<'a>, Errno> {
    let directory = fs::openat(to.directory, names::parent(&to.name), OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    let longest = usize::try_from(fs::fstatvfs(&directory)?.f_namemax).unwrap_or(usize::MAX).min(LONGEST);
    let last = names::last_component(&to.name);
    let mut name = names::last_component(&place.name).as_bytes().to_vec();
    if name.len() > longest {
        name = [&last.as_bytes()[..last.len().min(longest.saturating_sub(1))], b"~"].concat();
    }
    let name = OsStr::from_bytes(&name);
    let inside = |name| Location { directory: directory.as_fd(), ..Location::plain(name) };
    rename(&inside(last), &inside(name), numbered)?;
    Ok(to.beside(name))
}

fn is_numbered(place: &Location<'_>, to: &Location<'_>, backup: &Backup) -> bool {
    let mut simple = names::last_component(&to.name).to_os_string();
    simple.push(&backup.suffix);
    names::last_component(&place.name) != simple
}

/// Whether a simple backup of `to` would take the place of the source.
pub(super) fn would_destroy(source: &Facts, name: &OsStr, to: &Location<'_>, backup: &Backup) -> bool {
    if backup.numbering == Numbering::Numbered {
        return false;
    }
    let mut simple = names::last_component(&to.name).to_os_string();
    simple.push(&backup.suffix);
    names::last_component(name) == simple && to.beside(&simple).facts(false).is_ok_and(|facts| facts.same_file(source))
}

/// The highest number of a backup of `last`, as decimal digits; `None` if there is none.
fn highest(to: &Location<'_>, last: &OsStr) -> Option<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = fs::openat(to.directory, names::parent(&to.name), flags, Mode::empty()).ok()?;
    let entries = Dir::new(directory).ok()?;
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| number(entry.file_name().to_bytes(), last.as_bytes()).map(<[u8]>::to_vec))
        .max_by(|a, b| (a.len(), a).cmp(&(b.len(), b)))
}

/// `12` of `last.~12~`; a number does not begin with 0.
fn number<'e>(entry: &'e [u8], last: &[u8]) -> Option<&'e [u8]> {
    let digits = entry.strip_prefix(last)?.strip_prefix(b".~")?.strip_suffix(b"~")?;
    let first = *digits.first()?;
    (first != b'0' && digits.iter().all(u8::is_ascii_digit)).then_some(digits)
}

/// One more. Digits, because nothing says that a number in a name fits a machine word.
fn increment(digits: &[u8]) -> String {
    let mut digits = digits.to_vec();
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return String::from_utf8_lossy(&digits).into_owned();
        }
        *digit = b'0';
    }
    digits.insert(0, b'1');
    String::from_utf8_lossy(&digits).into_owned()
}

/// The suffix of simple backups: the option's, else that of the environment, `~` if it is empty or would lead elsewhere.
/// As by GNU cp, slashes at its end are not minded; then no backup can be made.
pub fn suffix(option: Option<OsString>, environment: Option<OsString>) -> OsString {
    let fits = |suffix: &OsString| !suffix.is_empty() && !names::stripped(suffix).as_bytes().contains(&b'/');
    option.or(environment).filter(fits).unwrap_or_else(|| "~".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn numbers_are_read_and_counted_up() {
        for (entry, expected) in [
            ("a.~1~", Some("1")),
            ("a.~120~", Some("120")),
            ("a.~01~", None),
            ("a.~~", None),
            ("a.~x~", None),
            ("a~", None),
            ("b.~1~", None),
        ] {
            assert_eq!(number(entry.as_bytes(), b"a"), expected.map(str::as_bytes), "{entry}");
        }
        for (digits, next) in
            [("", "1"), ("1", "2"), ("9", "10"), ("199", "200"), ("99999999999999999999", "100000000000000000000")]
        {
            assert_eq!(increment(digits.as_bytes()), next);
        }
    }

    #[test]
    fn a_suffix_that_cannot_end_a_name_is_a_tilde() {
        let some = |text: &str| Some(OsString::from(text));
        assert_eq!(suffix(some(".b"), some(".c")), ".b");
        assert_eq!(suffix(None, some(".c")), ".c");
        assert_eq!(suffix(some(""), some(".c")), "~");
        assert_eq!(suffix(None, some("a/b")), "~");
        assert_eq!(suffix(None, None), "~");
    }

    #[test]
    fn no_numbered_backup_takes_the_place_of_another() {
        let place = std::env::temp_dir().join(format!("zccp-backups-{}", std::process::id()));
        std::fs::create_dir(&place).expect("a temporary directory");
        let opened = std::fs::File::open(&place).expect("it can be read");
        let backup = Backup { numbering: Numbering::Numbered, suffix: "~".into() };
        let to = || Location { directory: opened.as_fd(), ..Location::plain(OsStr::new("a")) };
        let write = || std::fs::write(place.join("a"), "").expect("there is room");
        let made = AtomicUsize::new(0);
        let twice = |step: &(dyn Fn() + Sync)| {
            std::thread::scope(|scope| (0..2).for_each(|_| _ = scope.spawn(|| (0..200).for_each(|_| step()))));
        };
        twice(&|| {
            write();
            match make(&to(), &backup) {
                Ok(_) => _ = made.fetch_add(1, Ordering::Relaxed),
                Err(errno) => assert_eq!(errno, Errno::NOENT, "the other one was first"),
            }
        });
        write();
        twice(&|| {
            keep(&to(), &backup).expect("there are hard links");
            made.fetch_add(1, Ordering::Relaxed);
        });
        let there = std::fs::read_dir(&place).expect("it can be read").count();
        assert_eq!(there, made.into_inner() + 1, "as many as were made, and the file");
        std::fs::remove_dir_all(&place).expect("nobody else is in it");
    }
}
