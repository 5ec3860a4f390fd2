//! What this run has copied and made. Kept only where several sources could meet in one directory.

use super::decide::MadeBefore;
use super::directory::Id;
use super::location::Location;
use super::names;
use crate::sys::facts::{Facts, Kind};
use rustix::fs;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};

/// What this run has copied and made.
#[derive(Debug, Default)]
pub(super) struct Account {
    watching: bool,
    sources: HashMap<Id, Vec<OsString>>,
    /// By the name that is shown: another spelling is another name, as with GNU.
    made: HashMap<OsString, Id>,
    /// By the same names, what would stand there (`--dry-run`).
    foreseen: HashMap<OsString, Facts>,
}

impl Account {
    /// Keeps account from now on, or not.
    pub(super) fn watch(&mut self, watching: bool) {
        self.watching = watching;
    }

    /// Notes that this source is being copied; whether it was before: the same file by the same name, however its
    /// directory is spelled.
    pub(super) fn source_again(&mut self, source: &Facts, name: &OsStr) -> bool {
        if !self.watching {
            return false;
        }
        let names = self.sources.entry(source.id()).or_default();
        if names.iter().any(|before| names::is_one_name_as_it_stands((fs::CWD, before), (fs::CWD, name)) == Some(true))
        {
            return true;
        }
        names.push(name.to_os_string());
        false
    }

    /// Notes what was made at the destination.
    pub(super) fn note(&mut self, to: &Location<'_>) {
        if self.watching
            && let Ok(made) = to.facts(false)
        {
            self.made.insert(to.shown(), made.id());
        }
    }

    /// Notes what would stand at the destination.
    pub(super) fn foresee(&mut self, to: &Location<'_>, facts: Facts) {
        if self.watching {
            self.foreseen.insert(to.shown(), facts);
        }
    }

    /// What would stand at the destination by now.
    pub(super) fn foreseen(&self, to: &Location<'_>) -> Option<Facts> {
        self.foreseen.get(&to.shown()).copied()
    }

    /// What of the destination was made by this run. `followed`: the destination was looked at through a link.
    pub(super) fn made(&self, to: &Location<'_>, followed: bool) -> MadeBefore {
        if self.foreseen.is_empty() && self.made.is_empty() {
            return MadeBefore::Not; // no name is put together for an account that is not kept
        }
        match self.foreseen.get(&to.shown()) {
            Some(facts) if followed && facts.kind == Kind::Symlink => return MadeBefore::Link,
            Some(_) => return MadeBefore::File,
            None => {}
        }
        let Some(id) = self.made.get(&to.shown()) else { return MadeBefore::Not };
        match to.facts(false) {
            Ok(facts) if facts.id() != *id => MadeBefore::Not,
            Ok(facts) if followed && facts.kind == Kind::Symlink => MadeBefore::Link,
            Ok(_) => MadeBefore::File,
            Err(_) => MadeBefore::Not,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of the package, which the tests are run in.
    const ONE: &str = "Cargo.toml";
    const OTHER: &str = "Cargo.lock";

    #[test]
    fn account_is_kept_by_file_and_name_and_only_where_asked() {
        let [to, beside] = [ONE, OTHER].map(|name| Location::plain(OsStr::new(name)));
        let source = to.facts(false).expect("the package has a manifest");
        let mut account = Account::default();
        let again = |account: &mut Account, name: &str| account.source_again(&source, OsStr::new(name));
        for _ in 0..2 {
            assert!(!again(&mut account, ONE));
            account.note(&to);
            assert_eq!(account.made(&to, true), MadeBefore::Not);
        }
        account.watch(true);
        assert!(!again(&mut account, ONE));
        assert!(again(&mut account, "./Cargo.toml"));
        assert!(!again(&mut account, OTHER), "another name of the file");
        account.note(&to);
        assert_eq!(account.made(&to, true), MadeBefore::File);
        assert_eq!(account.made(&beside, true), MadeBefore::Not);
        account.made.insert(beside.name.clone().into_owned(), source.id());
        assert_eq!(account.made(&beside, true), MadeBefore::Not, "another file by that name");
    }
}
