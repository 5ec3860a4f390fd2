//! Names and the directories they stand in.

use rustix::fs::{self, AtFlags};
use std::ffi::{OsStr, OsString};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// What follows the last slash that is followed by anything; a name of slashes only is `/`.
pub(super) fn last_component(name: &OsStr) -> &OsStr {
    OsStr::from_bytes(split(name).1)
}

/// The directory a name stands in, as a path: `.` where there is no slash.
pub(super) fn parent(name: &OsStr) -> &OsStr {
    match split(name).0 {
        b"" => OsStr::new("."),
        before => OsStr::from_bytes(before),
    }
}

/// What stands before the last component, as it is spelled, slashes included.
pub(super) fn leading(name: &OsStr) -> &OsStr {
    OsStr::from_bytes(split(name).0)
}

/// What is before the last component, slash included, and the last component.
fn split(name: &OsStr) -> (&[u8], &[u8]) {
    let bytes = name.as_bytes();
    let end = bytes.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    if end == 0 {
        let slash = bytes.len().min(1);
        return (&bytes[..slash], &bytes[..slash]);
    }
    let begin = bytes[..end].iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    (&bytes[..begin], &bytes[begin..end])
}

/// The same name with something put after it or in place of its last component.
pub(super) fn beside(name: &OsStr, last: &OsStr) -> OsString {
    let mut path = OsStr::from_bytes(split(name).0).to_os_string();
    path.push(last);
    path
}

/// `above/name`. Of the slashes at the end of `above` one stays; all of them, if it has nothing else. If `above` is empty,
/// the name alone.
pub(super) fn below(above: &OsStr, name: &OsStr) -> OsString {
    let mut path = OsString::with_capacity(above.len() + 1 + name.len());
    path.push(without_slashes(above));
    if above.as_bytes().iter().any(|byte| *byte != b'/') {
        path.push("/");
    }
    path.push(name);
    path
}

/// What a path was before it was made longer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    length: usize,
    slashes: usize,
}

/// Makes `path` that of `name` below it, as [`below`] does.
pub(super) fn lengthen(path: &mut OsString, name: &OsStr) -> Before {
    let mut bytes = std::mem::take(path).into_vec();
    let length = without_slashes(OsStr::from_bytes(&bytes)).len();
    let before = Before { length, slashes: bytes.len() - length };
    bytes.truncate(length);
    if bytes.iter().any(|byte| *byte != b'/') {
        bytes.push(b'/');
    }
    bytes.extend_from_slice(name.as_bytes());
    *path = OsString::from_vec(bytes);
    before
}

/// Takes back what [`lengthen`] has done.
pub(super) fn shorten(path: &mut OsString, before: Before) {
    let mut bytes = std::mem::take(path).into_vec();
    bytes.truncate(before.length);
    bytes.resize(before.length + before.slashes, b'/');
    *path = OsString::from_vec(bytes);
}

/// `name` without the slashes that end it, unless there is nothing else in it.
pub(super) fn without_slashes(name: &OsStr) -> &OsStr {
    let bytes = name.as_bytes();
    bytes.iter().rposition(|byte| *byte != b'/').map_or(name, |last| OsStr::from_bytes(&bytes[..=last]))
}

/// `name` without the slashes that end it; of `/` one stays.
pub(super) fn stripped(name: &OsStr) -> &OsStr {
    let bytes = name.as_bytes();
    let end = bytes.iter().rposition(|byte| *byte != b'/').map_or(bytes.len().min(1), |last| last + 1);
    OsStr::from_bytes(&bytes[..end])
}

/// `name` without the slashes that lead it.
pub(super) fn relative(name: &OsStr) -> &OsStr {
    let bytes = name.as_bytes();
    let from = bytes.iter().position(|byte| *byte != b'/').unwrap_or(bytes.len());
    OsStr::from_bytes(&bytes[from..])
}

/// Whether the name ends in `.` or `..`.
pub(super) fn ends_in_dots(name: &OsStr) -> bool {
    matches!(last_component(name).as_bytes(), b"." | b"..")
}

/// Whether it is the working directory by its spelling alone (`.`, `./.`), so that nothing has to be looked up.
pub(super) fn is_working_directory(name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    bytes.starts_with(b".") && bytes.split(|byte| *byte == b'/').all(|part| matches!(part, b"" | b"."))
}

/// Device and inode of the directory that `name`, looked up from `directory`, stands in.
fn place(directory: BorrowedFd<'_>, name: &OsStr) -> Option<(u64, u64)> {
    id(directory, parent(name), AtFlags::empty())
}

fn id(directory: BorrowedFd<'_>, name: &OsStr, flags: AtFlags) -> Option<(u64, u64)> {
    let stat = fs::statat(directory, name, flags).ok()?;
    Some((stat.st_dev, stat.st_ino))
}

/// As [`is_one_name`], but a symbolic link to the directory that a name stands in is not followed; `None` if a directory
/// cannot be looked at.
pub(super) fn is_one_name_as_it_stands(a: (BorrowedFd<'_>, &OsStr), b: (BorrowedFd<'_>, &OsStr)) -> Option<bool> {
    let place = |(directory, name)| id(directory, stripped(parent(name)), AtFlags::SYMLINK_NOFOLLOW);
    if last_component(a.1) != last_component(b.1) {
        return Some(false);
    }
    Some(place(a)? == place(b)?)
}

/// Whether both are one name in one directory, however the directory is spelled.
pub(super) fn is_one_name(a: (BorrowedFd<'_>, &OsStr), b: (BorrowedFd<'_>, &OsStr)) -> bool {
    last_component(a.1) == last_component(b.1) && place(a.0, a.1).is_some_and(|a| place(b.0, b.1) == Some(a))
}

/// Whether the name stands in the working directory.
pub(super) fn is_in_working_directory(directory: BorrowedFd<'_>, name: &OsStr) -> bool {
    place(directory, name).is_some_and(|there| place(fs::CWD, OsStr::new(".")) == Some(there))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_as_by_basename_and_dirname() {
        for (name, before, last) in [
            ("a", ".", "a"),
            ("a/b", "a/", "b"),
            ("a/b//", "a/", "b"),
            ("/a", "/", "a"),
            ("/", "/", "/"),
            ("//", "/", "/"),
            ("..", ".", ".."),
            ("a/..", "a/", ".."),
            ("", ".", ""),
        ] {
            assert_eq!(last_component(OsStr::new(name)), last, "{name}");
            assert_eq!(parent(OsStr::new(name)), before, "{name}");
        }
        for (name, expected) in [("a//", "a"), ("a/b", "a/b"), ("//", "/"), ("", "")] {
            assert_eq!(stripped(OsStr::new(name)), expected);
        }
        for (name, expected) in [("/a/b", "a/b"), ("a", "a"), ("//", ""), ("", "")] {
            assert_eq!(relative(OsStr::new(name)), expected);
        }
        for (above, expected) in [("a", "a/b"), ("a/", "a/b"), ("a//", "a/b"), ("/", "/b"), ("//", "//b"), ("", "b")] {
            assert_eq!(below(OsStr::new(above), OsStr::new("b")), expected);
            let mut path = OsString::from(above);
            let before = lengthen(&mut path, OsStr::new("b"));
            assert_eq!(path, expected);
            shorten(&mut path, before);
            assert_eq!(path, above);
        }
        for (name, expected) in
            [("a", false), (".", true), ("a/..//", true), ("a/./b", false), ("...", false), ("", false)]
        {
            assert_eq!(ends_in_dots(OsStr::new(name)), expected, "{name}");
        }
        for name in [".", "./", "./.", ".///.//"] {
            assert!(is_working_directory(OsStr::new(name)), "{name}");
        }
        for name in ["", "/", "/.", "..", "./..", "./a", "a/.", ".a"] {
            assert!(!is_working_directory(OsStr::new(name)), "{name}");
        }
    }
}
