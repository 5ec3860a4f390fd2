//! `--exclude`: what of a tree is left out, by its name. Patterns as a line of .gitignore has them, without negation.
//!
//! A pattern is a list of components, each of which stands for one name (fnmatch(3)), or, as `**`, for any number of them.

use super::names;
use super::tree::Listing;
use crate::report::foresee::Excludes;
use crate::sys::facts::{Facts, Kind};
use crate::sys::text::matches_glob;
use std::ffi::{CString, OsStr};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt as _;

/// What is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exclude(Vec<Glob>);

/// One pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Glob {
    components: Vec<Component>,
    /// It had a slash at the beginning or in the middle: it is for the whole way from the operand, not for a name anywhere.
    anchored: bool,
    /// It had a slash at the end.
    directories: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Component {
    /// `**`
    Any,
    Name(CString),
}

impl Exclude {
    /// Another pattern.
    ///
    /// # Errors
    /// Why it is no pattern, as the words that follow it in the message.
    pub fn add(&mut self, pattern: &OsStr) -> Result<(), &'static str> {
        let bytes = pattern.as_bytes();
        let (bytes, directories) = bytes.strip_suffix(b"/").map_or((bytes, false), |bytes| (bytes, true));
        let anchored = bytes.contains(&b'/');
        let bytes = bytes.strip_prefix(b"/").unwrap_or(bytes);
        if bytes.is_empty() {
            return Err("it names nothing");
        }
        let components = bytes.split(|byte| *byte == b'/').map(component).collect::<Result<_, _>>()?;
        self.0.push(Glob { components, anchored, directories });
        Ok(())
    }

    /// Whether nothing is left out.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Removes what is left out from the entries of `directory`, which is at `way` below the operand. `followed`: symbolic
    /// links are followed, so that one to a directory is a directory.
    pub(super) fn take_from(
        &self,
        listing: &mut Listing,
        directory: Option<BorrowedFd<'_>>,
        way: &OsStr,
        followed: bool,
    ) {
        let looked = |name: &OsStr| directory.is_some_and(|at| is_directory(at, name, followed));
        listing.retain(|name, kind| {
            let is_directory = || match kind {
                Kind::Directory => true,
                Kind::Symlink => followed && looked(name),
                Kind::Other => looked(name), // the file system does not say in its listings
                _ => false,
            };
            let whole = if way.is_empty() { name.to_os_string() } else { names::below(way, name) };
            !self.matches(&whole, is_directory)
        });
    }

    fn matches(&self, way: &OsStr, is_directory: impl Fn() -> bool) -> bool {
        let names: Option<Vec<CString>> =
            way.as_bytes().split(|byte| *byte == b'/').map(|name| CString::new(name).ok()).collect();
        let Some(names) = names else { return false }; // no name has a zero byte
        self.0.iter().any(|glob| glob.matches(&names) && (!glob.directories || is_directory()))
    }
}

impl Excludes for Exclude {
    fn excludes(&self, way: &OsStr, directory: bool) -> bool {
        self.matches(way, || directory)
    }
}

fn is_directory(at: BorrowedFd<'_>, name: &OsStr, followed: bool) -> bool {
    Facts::at(at, name, followed).is_ok_and(|facts| facts.kind == Kind::Directory)
}

impl Glob {
    fn matches(&self, names: &[CString]) -> bool {
        match self.anchored {
            true => all_match(&self.components, names),
            false => all_match(&self.components, &names[names.len().saturating_sub(1)..]),
        }
    }
}

/// Whether the components stand for all of these names. A `**` takes as few as it can, and one more where what follows does
/// not fit; of several only the last has to be tried again, so this takes no more than components times names.
fn all_match(components: &[Component], names: &[CString]) -> bool {
    let (mut component, mut name) = (0, 0);
    let mut again = None;
    while name < names.len() {
        match components.get(component) {
            Some(Component::Any) if component + 1 == components.len() => return true, // `a/**`: what is below a
            Some(Component::Any) => {
                component += 1;
                again = Some((component, name));
            }
            Some(Component::Name(pattern)) if matches_glob(pattern, &names[name]) => {
                component += 1;
                name += 1;
            }
            _ => match &mut again {
                Some((after, from)) => {
                    *from += 1;
                    (component, name) = (*after, *from);
                }
                None => return false,
            },
        }
    }
    component == components.len()
}

fn component(pattern: &[u8]) -> Result<Component, &'static str> {
    match pattern {
        b"" => return Err("there is nothing between two slashes"),
        b"." | b".." => return Err("names below SOURCE have no . or .. in them"),
        b"**" => return Ok(Component::Any),
        _ => {}
    }
    let mut at = 0;
    while at < pattern.len() {
        at = match pattern[at] {
            b'\\' if at + 1 == pattern.len() => return Err("there is nothing to quote after the last \\ of a name"),
            b'\\' => at + 2,
            b'[' => end_of_set(pattern, at + 1).ok_or("a [ has no ] in the same name")?,
            _ => at + 1,
        };
    }
    CString::new(pattern).map(Component::Name).map_err(|_| "it has a zero byte")
}

/// Where the set that begins at `at`, behind its bracket, is over.
fn end_of_set(pattern: &[u8], mut at: usize) -> Option<usize> {
    if matches!(pattern.get(at)?, b'!' | b'^') {
        at += 1;
    }
    let first = at;
    loop {
        match (*pattern.get(at)?, pattern.get(at + 1).copied()) {
            (b']', _) if at > first => return Some(at + 1),
            (b'\\', _) => at += 2,
            (b'[', Some(kind @ (b':' | b'.' | b'='))) => {
                let inside = &pattern[at + 2..];
                at += 4 + inside.windows(2).position(|pair| pair == [kind, b']'])?;
            }
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excludes(pattern: &[u8], way: &[u8], directory: bool) -> bool {
        let mut exclude = Exclude::default();
        exclude.add(OsStr::from_bytes(pattern)).expect("a pattern");
        exclude.excludes(OsStr::from_bytes(way), directory)
    }

    #[test]
    fn patterns_stand_for_what_gitignore_has_them_stand_for() {
        for (pattern, yes, no) in [
            (&b"*.o"[..], &["a.o", "d/a.o", ".o"][..], &["a.c", "a.o/b", "a.oo"][..]),
            (b"/a", &["a"], &["d/a", "ab"]),
            (b"d/a", &["d/a"], &["e/d/a", "a"]),
            (b"d/*", &["d/a", "d/.a"], &["d/e/a", "d"]),
            (b"d/**", &["d/a", "d/e/a"], &["d", "e/d/a"]),
            (b"**/a", &["a", "d/a", "d/e/a"], &["ab", "a/b"]),
            (b"d/**/a", &["d/a", "d/e/a", "d/e/f/a"], &["d/ab", "e/d/a"]),
            (b"**/x/**/y/z", &["x/y/z", "x/y/y/z", "a/x/b/y/y/z"], &["y/z", "x/z", "x/y/z/a"]),
            (b"a**b", &["ab", "axb", "d/axxb"], &["a/b"]),
            (b"[ab]?", &["ax", "d/bx"], &["cx", "a"]),
            (b"[!a]", &["b"], &["a"]),
            (b"[]x]", &["]", "x"], &["[]x]"]),
            (b"[[:digit:]]", &["7"], &["x", ":"]),
            (b"\\*", &["*"], &["a"]),
            (b"!a", &["!a"], &["a", "b"]),
        ] {
            let of =
                |ways: &[&str]| ways.iter().map(|way| excludes(pattern, way.as_bytes(), false)).collect::<Vec<_>>();
            let pattern = pattern.escape_ascii();
            assert!(of(yes).iter().all(|found| *found), "{pattern} {yes:?}: {:?}", of(yes));
            assert!(of(no).iter().all(|found| !found), "{pattern} {no:?}: {:?}", of(no));
        }
        assert!(excludes(b"d/", b"d", true) && excludes(b"d/", b"e/d", true) && !excludes(b"d/", b"d", false));
        assert!(excludes(b"*\xff", b"d/a\xff", false) && excludes(b"a?b", b"a\xffb", false));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in ["", "/", "//", "a//b", "./a", "a/..", "[a", "a[/]", "[!]", "[[:alpha:]", "a\\", "a\\/b"] {
            assert!(Exclude::default().add(OsStr::new(pattern)).is_err(), "{pattern:?}");
        }
    }
}
