//! One source to one destination, from the first look to the last word: look, decide, ask, clear the way, announce, make.

use super::decide::{self, Action, Circumstances, Clear, Made, Meeting, Product, Refusal, Steps, There, Wishes};
use super::destination::Destination;
use super::file::{self, Source};
use super::options::{Make, Update};
use super::{Run, backup, links, names, rehearse};
use crate::report::prompt;
use crate::report::quote::shell_always;
use crate::sys::facts::{Facts, Kind};
use crate::sys::text::strerror;
use rustix::fs;
use rustix::io::Errno;
use std::ffi::OsStr;

/// What was found out before.
#[derive(Default)]
pub(super) struct Known {
    /// The source.
    pub(super) source: Option<Source>,
    /// What stands at the destination, symbolic links followed.
    pub(super) there: Option<Result<There, Errno>>,
    /// The destination is the backup of the source: there is no other.
    pub(super) is_backup: bool,
}

/// One source and one destination.
struct Entry<'e> {
    name: &'e OsStr,
    to: &'e Destination<'e>,
    wishes: Wishes,
}

/// Copies to a destination that is looked at first.
pub(super) fn copy(run: &mut Run<'_>, name: &OsStr, to: &Destination<'_>, known: Known) {
    let mut wishes = Wishes::of(run.options);
    if known.is_backup {
        wishes.backup = None;
    }
    let Some(mut source) = known.source.or_else(|| file::look_at_source(run, name)) else { return };
    if source.facts.kind == Kind::Directory {
        return refuse(run, Refusal::OmitDirectory, name, to); // whatever the destination is
    }
    let entry = Entry { name, to, wishes };
    let followed = wishes.follows_destination(&source.facts);
    let there = match known.there.filter(|_| followed) {
        Some(there) => there,
        None if followed => to.look(),
        None => to.look_at_name(),
    };
    let there = match there {
        Ok(there) => there,
        Err(errno) if errno == Errno::NOTDIR && !to.ends_in_slash() => There::Nothing, // creating it says why not
        Err(errno) => {
            return run.messages.error(format!("cannot stat {}: {}", shell_always(&to.shown), strerror(errno)));
        }
    };
    let circumstances = Circumstances {
        posixly_correct: there == There::DanglingLink && std::env::var_os("POSIXLY_CORRECT").is_some(),
        made: if there == There::Nothing { Made::Not } else { run.account.made(to, followed) },
        again: run.account.source_again(&source.facts, name),
        meeting: entry.meeting(&source.facts, &there),
    };
    let (ask, action) = decide::decide(&wishes, &source.facts, &there, circumstances);
    if let (true, Action::Make(steps)) = (run.options.dry_run, action) {
        rehearse::say(run, name, to, &source, steps, ask);
        return;
    }
    if ask && !run.options.dry_run && !entry.agreed(run, &there) {
        return run.messages.fail();
    }
    if !matches!(action, Action::Make(_)) && !run.alone {
        run.watch.counters().unexpect(expected_of(&source.facts));
    }
    match action {
        Action::Make(steps) => entry.make(run, &mut source, steps),
        Action::Nothing => {}
        Action::Skip => entry.skip(run, &source.facts),
        Action::Refuse(refusal) => refuse(run, refusal, name, to),
    }
}

/// Bytes that a source was expected to come to, when the operands were added up.
fn expected_of(source: &Facts) -> u64 {
    if source.kind == Kind::Regular { source.size } else { 0 }
}

impl Entry<'_> {
    /// How the two names meet; asked only where the answer matters.
    fn meeting(&self, source: &Facts, there: &There) -> Meeting {
        let There::File(there) = there else { return Meeting::default() };
        if !source.same_file(there) {
            let may_lead = source.kind == Kind::Symlink && there.kind != Kind::Symlink;
            let leads_there = may_lead && fs::stat(self.name).is_ok_and(|s| Facts::from_stat(&s).same_file(there));
            return Meeting { leads_there, ..Meeting::default() };
        }
        let is_link = |name: &OsStr| fs::lstat(name).is_ok_and(|stat| Facts::from_stat(&stat).kind == Kind::Symlink);
        Meeting {
            one_name: names::is_one_name((fs::CWD, self.name), (self.to.directory, &self.to.name)),
            source_is_link: is_link(self.name),
            leads_there: false,
        }
    }

    /// Whether the user agrees that what is there is replaced.
    fn agreed(&self, run: &mut Run<'_>, there: &There) -> bool {
        let There::File(there) = there else { return true };
        let shown = shell_always(&self.to.shown);
        let question = if there.kind == Kind::Symlink || self.to.is_writable() {
            prompt::overwrite(&shown)
        } else {
            prompt::unwritable(&shown, there.mode, self.wishes.force || self.wishes.remove)
        };
        let question = [run.options.called.as_encoded_bytes(), b": ", question.as_bytes()].concat();
        run.messages.ask(&question)
    }

    /// What is there stays. As with GNU cp, it stands for its source all the same if that has several names: what is newer
    /// than another of them becomes a link to it.
    fn skip(&self, run: &mut Run<'_>, source: &Facts) {
        if run.options.debug {
            run.messages.print(format!("skipped {}", shell_always(&self.to.shown)));
        }
        if run.options.dry_run {
            return run.messages.print(format!("would leave {} as it is", shell_always(&self.to.shown)));
        }
        if self.wishes.links && self.wishes.update == Update::Older && self.wishes.make == Make::Copy {
            match run.account.first_name(source) {
                Some(first) => _ = links::to_first(run, &first, self.to),
                None => run.account.note_first_name(source, self.to),
            }
        }
    }

    fn make(&self, run: &mut Run<'_>, source: &mut Source, steps: Steps) {
        let Ok(backup) = self.clear(run, source, steps.clear) else { return };
        if run.options.verbose {
            let (from, to) = (shell_always(self.name), shell_always(&self.to.shown));
            let kept = backup.as_ref().map(|kept| format!(" (backup: {})", shell_always(&kept.shown)));
            run.messages.print(format!("{from} -> {to}{}", kept.unwrap_or_default()));
        }
        let first = run.account.first_name(&source.facts);
        let made = match &first {
            Some(first) => links::to_first(run, first, self.to),
            None => self.make_anew(run, source, steps.make),
        };
        if made && first.is_none() && self.wishes.links && self.wishes.make == Make::Copy {
            run.account.note_first_name(&source.facts, self.to);
        }
        if let Some(kept) = backup.filter(|_| !made) {
            self.restore(run, &kept);
        }
    }

    /// Makes it, and keeps account of it: of contents only where all of them arrived.
    fn make_anew(&self, run: &mut Run<'_>, source: &mut Source, product: Product) -> bool {
        let without_bytes =
            matches!(product, Product::HardLink { .. } | Product::SymbolicLink { .. } | Product::SameLink);
        if without_bytes && !run.alone {
            run.watch.counters().unexpect(expected_of(&source.facts));
        }
        let made = match product {
            Product::HardLink { replace } => links::hard(run, self.name, !self.wishes.no_dereference, self.to, replace),
            Product::SymbolicLink { replace } => links::symbolic(run, self.name, self.to, replace),
            Product::SameLink => links::same(run, self.name, self.to),
            product => return file::contents(run, self.name, self.to, source, product),
        };
        if made {
            run.account.note(self.to);
        }
        made
    }

    /// Clears the way, and tells where what was in it is kept. What goes wrong has been said.
    fn clear(&self, run: &mut Run<'_>, source: &mut Source, clear: Clear) -> Result<Option<Destination<'_>>, ()> {
        let mut kept = None;
        match (clear, &run.options.backup) {
            (Clear::Backup, Some(backup)) => {
                if backup::would_destroy(&source.facts, self.name, self.to, backup) {
                    let (to, from) = (shell_always(&self.to.shown), shell_always(self.name));
                    // Two spaces: GNU's.
                    run.messages.error(format!("backing up {to} might destroy source;  {from} not copied"));
                    return Err(());
                }
                match backup::make(self.to, backup) {
                    Ok(place) => kept = Some(place),
                    Err(Errno::NOENT) => {}
                    Err(errno) => {
                        let to = shell_always(&self.to.shown);
                        run.messages.error(format!("cannot backup {to}: {}", strerror(errno)));
                        return Err(());
                    }
                }
            }
            (Clear::Remove, _) => links::remove(run, self.to)?,
            _ => return Ok(None),
        }
        // The name that went may have led to the source.
        if self.wishes.make == Make::Copy
            && let Err(errno) = file::still_there(self.name, &source.facts)
        {
            source.opened = Err(errno);
        }
        Ok(kept)
    }

    /// The making failed: what was there gets its name back.
    fn restore(&self, run: &mut Run<'_>, kept: &Destination<'_>) {
        let (from, to) = (shell_always(&kept.shown), shell_always(&self.to.shown));
        match kept.rename(self.to) {
            Ok(()) if run.options.verbose => run.messages.print(format!("{from} -> {to} (unbackup)")),
            Ok(()) => {}
            Err(errno) => run.messages.error(format!("cannot un-backup {to}: {}", strerror(errno))),
        }
    }
}

fn refuse(run: &mut Run<'_>, refusal: Refusal, name: &OsStr, to: &Destination<'_>) {
    let (from, to) = (shell_always(name), shell_always(&to.shown));
    let text = match refusal {
        Refusal::OmitDirectory => format!("-r not specified; omitting directory {from}"),
        Refusal::SameFile => format!("{from} and {to} are the same file"),
        Refusal::NotReplacing => format!("not replacing {to}"),
        Refusal::OverwriteDirectory => format!("cannot overwrite directory {to} with non-directory {from}"),
        Refusal::Loop => format!("cannot stat {to}: {}", strerror(Errno::LOOP)),
        Refusal::JustCreated => format!("will not overwrite just-created {to} with {from}"),
        Refusal::ThroughJustCreated => format!("will not copy {from} through just-created symlink {to}"),
        Refusal::Again => {
            return run.messages.warn(format!("warning: source file {from} specified more than once"));
        }
    };
    run.messages.error(text);
}
