//! What is to be done with one source and one destination: pure, from facts and options.

use crate::sys::facts::{Facts, Kind};

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
    /// This run has just made the destination from another source.
    JustCreated,
    /// This source was copied before in this run: a warning only.
    Again,
}

/// What the decision depends on besides the two files.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances {
    /// POSIXLY_CORRECT is set: dangling links are written through.
    pub posixly_correct: bool,
    /// This run made the file at the destination.
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

/// What this run has copied and made, by device and inode. Kept only where several sources could meet.
#[derive(Debug, Default)]
pub struct Created {
    watching: bool,
    sources: Vec<(u64, u64)>,
    made: Vec<(u64, u64)>,
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

    /// Notes that this source is being copied; whether it was before.
    pub fn source_again(&mut self, source: &Facts) -> bool {
        let id = (source.device, source.inode);
        let again = self.watching && self.sources.contains(&id);
        if self.watching && !again {
            self.sources.push(id);
        }
        again
    }

    /// Notes a file that was made.
    pub fn note(&mut self, made: &Facts) {
        if self.watching {
            self.made.push((made.device, made.inode));
        }
    }

    /// Whether it was made by this run.
    pub fn has_made(&self, there: &There) -> bool {
        matches!(there, There::File(facts) if self.made.contains(&(facts.device, facts.inode)))
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
    fn a_source_is_seen_again_only_where_account_is_kept() {
        let source = facts(Kind::Regular, 1);
        let mut created = Created::default();
        assert!(!created.source_again(&source));
        assert!(!created.source_again(&source));
        created.watch(true);
        assert!(!created.source_again(&source));
        assert!(created.source_again(&source));
    }
}
