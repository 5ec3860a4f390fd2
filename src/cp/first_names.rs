//! The first names, in the destination, of files that have several, so that their other names become names of one file there
//! too. Shared by all workers: one that meets another name of a file that is just being copied waits for the copy. A copy that
//! failed gives nobody a first name.

use super::directory::Id;
use super::location::Location;
use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The name that the first copy got.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct First {
    /// From the directory that the operands' names are looked up from: to itself, or, below an operand, to that.
    pub(super) way: OsString,
    /// Below an operand: from there to the directory it is in, and its name.
    pub(super) below: Option<(OsString, OsString)>,
    /// As it is shown.
    pub(super) shown: OsString,
}

impl First {
    fn of(to: &Location<'_>) -> First {
        let (way, below) = match to.in_tree() {
            None => (to.from_base().1, None),
            Some((way, inside)) => (way.to_os_string(), Some((inside.to_os_string(), to.name.clone().into_owned()))),
        };
        First { way, below, shown: to.shown() }
    }
}

#[derive(Debug)]
enum State {
    /// It is being copied.
    Underway,
    /// It is there.
    Made(Arc<First>),
}

/// What is to be done with a name of such a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Copy it, and say with [`FirstNames::settle`] what came of that.
    Copy,
    /// Link to this.
    Link(Arc<First>),
}

/// The names that files with several have got.
#[derive(Debug, Default)]
pub(super) struct FirstNames {
    names: Mutex<HashMap<Id, State>>,
    settled: Condvar,
    /// Files of the destination that have several names and were there, and which file of the source each is a copy of.
    kept: Mutex<HashMap<Id, Kept>>,
}

/// A file of the destination that has several names and was there.
#[derive(Clone, Copy, Debug)]
struct Kept {
    source: Id,
    /// It was found to be a whole copy.
    whole: bool,
}

impl FirstNames {
    fn names(&self) -> MutexGuard<'_, HashMap<Id, State>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be done with another name of the file; waits while somebody is at work on one.
    pub(super) fn task(&self, id: Id) -> Task {
        let mut names = self.names();
        loop {
            match names.get(&id) {
                None => {
                    names.insert(id, State::Underway);
                    return Task::Copy;
                }
                Some(State::Made(first)) => return Task::Link(Arc::clone(first)),
                Some(State::Underway) => {
                    names = self.settled.wait(names).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    /// Whether the file has got its first name.
    pub(super) fn has_one(&self, id: Id) -> bool {
        matches!(self.names().get(&id), Some(State::Made(_)))
    }

    /// Whether `there`, which has several names and was there, stays as the copy of `source`: if it is a whole one, which
    /// `is_whole` is asked once, and is not taken for that of another file.
    pub(super) fn keeps(&self, there: Id, source: Id, is_whole: impl FnOnce() -> bool) -> bool {
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = *kept().entry(there).or_insert(Kept { source, whole: false });
        // A worker that comes while another looks does not wait: the name gives way, and becomes a name of the copy again.
        if known.whole || known.source != source {
            return known.whole && known.source == source;
        }
        let whole = is_whole();
        kept().insert(there, Kept { source, whole });
        whole
    }

    /// The copy is at `to`, or it failed and is forgotten.
    pub(super) fn settle(&self, id: Id, to: Option<&Location<'_>>) {
        let mut names = self.names();
        match to {
            Some(to) => {
                names.insert(id, State::Made(Arc::new(First::of(to))));
            }
            None => _ = names.remove(&id),
        }
        drop(names);
        self.settled.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn what_was_there_is_kept_as_the_copy_of_one_file_and_looked_at_once() {
        let names = FirstNames::default();
        assert!(names.keeps((2, 1), (1, 1), || true));
        assert!(names.keeps((2, 1), (1, 1), || unreachable!("it was looked at")));
        assert!(!names.keeps((2, 1), (1, 2), || unreachable!("it is another's")));
        assert!(!names.keeps((2, 2), (1, 3), || false));
        assert!(!names.keeps((2, 2), (1, 4), || unreachable!("it was taken for another's")));
    }

    #[test]
    fn another_name_waits_for_the_first_and_takes_over_when_it_fails() {
        let names = FirstNames::default();
        assert_eq!(names.task((1, 1)), Task::Copy);
        assert_eq!(names.task((1, 2)), Task::Copy, "another file");
        assert!(!names.has_one((1, 1)), "it is yet to be made");
        std::thread::scope(|scope| {
            let other = scope.spawn(|| names.task((1, 1)));
            names.settle((1, 1), None);
            assert_eq!(other.join().expect("it ends"), Task::Copy);
        });
        names.settle((1, 1), Some(&Location::plain(OsStr::new("a"))));
        assert!(names.has_one((1, 1)));
        assert_eq!(names.task((1, 1)), Task::Link(Arc::new(First { way: "a".into(), below: None, shown: "a".into() })));
    }
}
