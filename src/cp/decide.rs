//! What is to be done with one source and one destination: pure, from facts and options.

use crate::sys::facts::{Facts, Kind};
use std::ffi::{OsStr, OsString};

/// What stands at the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum There {
    /// Nothing.
    Nothing,
    /// A symbolic link that leads nowhere.
    DanglingLink,
    /// Something, symbolic links followed.
    File(Facts),
}

impl There {
    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        matches!(self, There::File(facts) if facts.kind == Kind::Directory)
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Make a new file.
    Create,
    /// Make a new file where the symbolic link at the destination points to.
    CreateThroughLink,
    /// Open what is there and replace its contents.
    Overwrite,
    /// Do nothing, and say why.
    Refuse(Refusal),
}

/// Why nothing is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The source is a directory, and `-r` was not given.
    OmitDirectory,
    /// Both are one file, by whatever names.
    SameFile,
    /// The destination is a directory, the source is not.
    OverwriteDirectory,
    /// The destination is a symbolic link to nothing; what it names is not ours to make.
    DanglingLink,
    /// This run has just written the destination from another source.
    JustCreated,
    /// This source was copied before in this run: a warning only.
    Again,
}

/// What the decision depends on besides the two files.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances {
    /// POSIXLY_CORRECT is set: dangling links are written through.
    pub posixly_correct: bool,
    /// This run wrote the file at the destination.
    pub just_created: bool,
    /// This run copied this source to this destination before.
    pub again: bool,
}

/// Decides.
pub fn decide(source: &Facts, there: &There, circumstances: Circumstances) -> Action {
    if source.kind == Kind::Directory {
        return Action::Refuse(Refusal::OmitDirectory);
    }
    if circumstances.again {
        return Action::Refuse(Refusal::Again);
    }
    match there {
        There::Nothing => Action::Create,
        There::DanglingLink if circumstances.posixly_correct => Action::CreateThroughLink,
        There::DanglingLink => Action::Refuse(Refusal::DanglingLink),
        There::File(there) if there.same_file(source) => Action::Refuse(Refusal::SameFile),
        There::File(there) if there.kind == Kind::Directory => Action::Refuse(Refusal::OverwriteDirectory),
        There::File(_) if circumstances.just_created => Action::Refuse(Refusal::JustCreated),
        There::File(_) => Action::Overwrite,
    }
}

/// What this run has copied and made, by device, inode and name: hard links are one file under several names, and each of
/// these is to be copied. Kept only where several sources could meet.
#[derive(Debug, Default)]
pub struct Created {
    watching: bool,
    sources: Vec<Named>,
    made: Vec<Named>,
}

type Named = ((u64, u64), OsString);

fn named(facts: &Facts, name: &OsStr) -> Named {
    ((facts.device, facts.inode), name.to_os_string())
}

impl Created {
    /// Keeps account from now on, or not.
    pub fn watch(&mut self, watching: bool) {
        self.watching = watching;
    }

    /// Whether account is kept.
    pub fn is_watching(&self) -> bool {
        self.watching
    }

    /// The names by which this source was copied before.
    pub fn names_of(&self, source: &Facts) -> impl Iterator<Item = &OsStr> {
        let id = (source.device, source.inode);
        self.sources.iter().filter(move |(seen, _)| *seen == id).map(|(_, name)| name.as_os_str())
    }

    /// Notes that this source is being copied.
    pub fn note_source(&mut self, source: &Facts, name: &OsStr) {
        if self.watching {
            self.sources.push(named(source, name));
        }
    }

    /// Notes a destination that was written, `name` in its directory.
    pub fn note(&mut self, made: &Facts, name: &OsStr) {
        if self.watching {
            self.made.push(named(made, name));
        }
    }

    /// Whether it was written by this run under that name.
    pub fn has_made(&self, there: &There, name: &OsStr) -> bool {
        matches!(there, There::File(facts) if self.made.contains(&named(facts, name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(kind: Kind, inode: u64) -> Facts {
        Facts {
            kind,
            mode: 0o644,
            device: 1,
            inode,
            raw_device: 0,
            links: 1,
            owner: 0,
            group: 0,
            size: 1,
            allocated: 4096,
            block_size: 4096,
            accessed: (0, 0),
            modified: (0, 0),
            changed: (0, 0),
        }
    }

    #[test]
    fn what_is_there_decides() {
        let source = facts(Kind::Regular, 1);
        let none = Circumstances::default();
        let other = There::File(facts(Kind::Regular, 2));
        let refuse = Action::Refuse;
        assert_eq!(decide(&source, &There::Nothing, none), Action::Create);
        assert_eq!(decide(&source, &other, none), Action::Overwrite);
        assert_eq!(decide(&source, &There::File(source), none), refuse(Refusal::SameFile));
        assert_eq!(decide(&source, &There::DanglingLink, none), refuse(Refusal::DanglingLink));
        let directory = There::File(facts(Kind::Directory, 3));
        assert_eq!(decide(&source, &directory, none), refuse(Refusal::OverwriteDirectory));
        assert_eq!(decide(&facts(Kind::Directory, 1), &other, none), refuse(Refusal::OmitDirectory));
        let posix = Circumstances { posixly_correct: true, ..none };
        assert_eq!(decide(&source, &There::DanglingLink, posix), Action::CreateThroughLink);
        let just = Circumstances { just_created: true, ..none };
        assert_eq!(decide(&source, &other, just), refuse(Refusal::JustCreated));
        assert_eq!(decide(&source, &other, Circumstances { again: true, ..just }), refuse(Refusal::Again));
    }

    #[test]
    fn account_is_kept_by_file_and_name_and_only_where_asked() {
        let source = facts(Kind::Regular, 1);
        let [x, y] = ["x", "y"].map(OsStr::new);
        let mut created = Created::default();
        created.note_source(&source, x);
        assert_eq!(created.names_of(&source).count(), 0);
        created.watch(true);
        created.note_source(&source, x);
        assert!(created.names_of(&source).eq([x]));
        assert_eq!(created.names_of(&facts(Kind::Regular, 2)).count(), 0);
        created.note(&source, x);
        assert!(created.has_made(&There::File(source), x));
        assert!(!created.has_made(&There::File(source), y));
        assert!(!created.has_made(&There::Nothing, x));
    }
}
