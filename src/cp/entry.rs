//! One source to one destination, from the first look to the last word: look, decide, ask, clear the way, announce, make.
//!
//! An operand, or an entry of a tree. A directory is made here, and given back to be filled.

use super::decide::{self, Action, Circumstances, Clear, MadeBefore, Meeting, Product, Refusal, Steps, There, Wishes};
use super::directory::{self, Directory, Id};
use super::file;
use super::first_names::Task;
use super::location::Location;
use super::options::{Dereference, Make, Update};
use super::source::{self, Hint, Source};
use super::tree::Node;
use super::{Run, attributes, backup, links, names, refusals, rehearse, safety, special};
use crate::report::prompt;
use crate::sys::facts::{Facts, Kind};
use crate::sys::text::strerror;
use rustix::io::Errno;

/// What was found out before.
#[derive(Default)]
pub(super) struct Known<'n> {
    /// The source.
    pub(super) source: Option<Source>,
    /// What stands at the destination: of an operand, symbolic links followed; of an entry of a tree, no symbolic link.
    pub(super) there: Option<Result<There, Errno>>,
    /// The destination is the backup of the source: there is no other.
    pub(super) is_backup: bool,
    /// Of an entry of a tree: the directory it is in.
    pub(super) parent: Option<&'n Node>,
    /// The destination is not looked at: this run has just made the directory, so nothing should be there. If something is,
    /// either two names of the source are one name there (FAT, exFAT: `a` and `A`), or somebody else has put it there.
    pub(super) taken_for_free: bool,
}

/// One source and one destination.
pub(super) struct Entry<'e> {
    pub(super) from: &'e Location<'e>,
    pub(super) to: &'e Location<'e>,
    /// The directory of the tree; an operand is in none.
    pub(super) parent: Option<&'e Node>,
    /// As in [`Known`].
    taken_for_free: bool,
    wishes: Wishes,
}

/// Copies to a destination that is looked at first. What is given back is a directory that is to be filled.
pub(super) fn copy(
    run: &mut Run<'_>,
    from: &Location<'_>,
    to: &Location<'_>,
    mut known: Known<'_>,
) -> Option<Directory> {
    let mut wishes = Wishes::of(run.options, known.parent.is_none());
    if known.is_backup {
        wishes.backup = None;
    }
    let source = known.source.take();
    let mut source = source.or_else(|| {
        let hint = Hint { kind: None, may_stay: run.options.may_leave() };
        source::look_at_source(run, from, known.parent.is_none(), hint)
    })?;
    let entry = Entry { from, to, parent: known.parent, taken_for_free: known.taken_for_free, wishes };
    if source.facts.kind == Kind::Directory && !run.options.recursive {
        entry.refuse(run, Refusal::OmitDirectory); // whatever the destination is
        return None;
    }
    let again = entry.copied_before(run, &source.facts);
    let there =
        if known.taken_for_free { There::Nothing } else { entry.look(run, &source.facts, known.there, again)? };
    let there = match run.account.as_ref().filter(|_| run.options.dry_run && entry.parent.is_none()) {
        Some(account) => account.foreseen(to).map_or(there, There::File),
        None => there,
    };
    let circumstances = entry.circumstances(run, &source.facts, &there, again);
    let (ask, action) = decide::decide(&wishes, &source.facts, &there, circumstances);
    if let (true, Action::Make(steps)) = (run.options.dry_run, action) {
        let in_new = known.taken_for_free;
        let making = rehearse::Making { entry: &entry, source: &source, steps, there, in_new, asked: ask };
        let goes_on = rehearse::say(run, &making) && source.facts.kind == Kind::Directory;
        return if goes_on { directory::make(run, &entry, source, &there, in_new) } else { None };
    }
    if ask && !run.options.dry_run && !entry.agreed(run, &there) {
        run.messages.fail();
        if run.options.debug {
            entry.say_skipped(run);
        }
        return None;
    }
    match action {
        Action::Make(steps) if source.facts.kind == Kind::Directory => {
            // A backup of what is no directory is made in silence, as with GNU.
            let kept = entry.clear(run, &mut source, steps.clear).ok()?;
            let made = directory::make(run, &entry, source, &there, false);
            if let Some(kept) = kept.filter(|_| made.is_none()) {
                entry.restore(run, &kept);
            }
            return made;
        }
        Action::Make(steps) => {
            source = source::opened(run, from, entry.parent.is_none(), source)?;
            let kept = entry.kept(run, &source, steps, &there);
            let steps = kept.map_or(steps, |_| Steps { clear: Clear::Leave, product: Product::Contents });
            entry.make(run, &mut source, steps, kept);
        }
        Action::Nothing => {}
        Action::Skip => entry.skip(run, &source.facts),
        Action::Refuse(refusal) => entry.refuse(run, refusal),
    }
    None
}

impl Entry<'_> {
    /// What stands at the destination, which may be `known`; `None` where that cannot be found out, and is said, or where
    /// the source was copied before (`again`): that is said first, wherever it would go.
    fn look(
        &self,
        run: &mut Run<'_>,
        source: &Facts,
        known: Option<Result<There, Errno>>,
        again: bool,
    ) -> Option<There> {
        let followed = self.wishes.follows_destination(source);
        // A directory copied to an empty name goes into the working directory, whatever was found out for other sources.
        let nameless = source.kind == Kind::Directory && self.to.name.is_empty();
        let there = match known.filter(|_| (followed || self.parent.is_some()) && !nameless) {
            Some(there) => there,
            None if followed => self.to.look(),
            None => self.to.look_at_name(),
        };
        match there {
            Ok(there) => return Some(there),
            Err(_) if again && self.wishes.backup.is_none() => self.refuse(run, Refusal::Again),
            Err(errno) => run.messages.error(format!("cannot stat {}: {}", self.to.quoted(), strerror(errno))),
        }
        None
    }

    /// What the decision needs beside the two.
    fn circumstances(&self, run: &Run<'_>, source: &Facts, there: &There, again: bool) -> Circumstances {
        let followed = self.wishes.follows_destination(source);
        Circumstances {
            posixly_correct: *there == There::DanglingLink && std::env::var_os("POSIXLY_CORRECT").is_some(),
            made: if *there == There::Nothing { MadeBefore::Not } else { self.made_before(run, followed) },
            again,
            dots: source.kind == Kind::Directory && names::ends_in_dots(&self.from.name),
            meeting: self.meeting(source, there),
        }
    }

    /// What of the destination was made by this run; as with GNU only operands are minded.
    fn made_before(&self, run: &Run<'_>, followed: bool) -> MadeBefore {
        match &run.account {
            Some(account) if self.parent.is_none() => account.made(self.to, followed),
            _ => MadeBefore::Not,
        }
    }

    /// Whether this run has copied this source before; of operands alone, and directories are minded elsewhere.
    fn copied_before(&self, run: &mut Run<'_>, source: &Facts) -> bool {
        match &mut run.account {
            Some(account) if self.parent.is_none() && source.kind != Kind::Directory => {
                account.source_again(source, &self.from.name)
            }
            _ => false,
        }
    }

    /// How the two names meet; asked only where the answer matters.
    fn meeting(&self, source: &Facts, there: &There) -> Meeting {
        let There::File(there) = there else { return Meeting::default() };
        if !source.same_file(there) {
            let may_lead = source.kind == Kind::Symlink && there.kind != Kind::Symlink;
            let leads_there = may_lead && self.from.facts(true).is_ok_and(|source| source.same_file(there));
            let may_lead_back = there.kind == Kind::Symlink && source.kind != Kind::Symlink;
            let leads_back = may_lead_back && self.to.facts(true).is_ok_and(|there| there.same_file(source));
            return Meeting { leads_there, leads_back, ..Meeting::default() };
        }
        Meeting {
            one_name: self.is_one_name(),
            source_is_link: self.from.facts(false).is_ok_and(|facts| facts.kind == Kind::Symlink),
            ..Meeting::default()
        }
    }

    /// Whether both are one name: by the path, as GNU has it, and by the open directories where the path is too long.
    fn is_one_name(&self) -> bool {
        let (from, to) = (self.from.from_base(), self.to.from_base());
        names::is_one_name_as_it_stands((from.0, &from.1), (to.0, &to.1)).unwrap_or_else(|| {
            names::is_one_name((self.from.directory, &self.from.name), (self.to.directory, &self.to.name))
        })
    }

    /// Whether the user agrees that what is there is replaced.
    fn agreed(&self, run: &mut Run<'_>, there: &There) -> bool {
        let There::File(there) = there else { return true };
        let shown = self.to.quoted();
        let question = if there.kind == Kind::Symlink || self.to.is_writable() {
            prompt::overwrite(&shown)
        } else {
            prompt::unwritable(&shown, there.mode, self.wishes.force || self.wishes.remove)
        };
        let question = [run.options.called.as_encoded_bytes(), b": ", question.as_bytes()].concat();
        run.messages.ask(&question)
    }

    /// Whether the source may have several names: by its link count, or because symbolic links lead to it.
    fn may_have_several_names(&self, run: &Run<'_>, source: &Facts) -> bool {
        match run.options.dereference {
            Dereference::Always => true,
            Dereference::Operands => self.parent.is_none() || source.links > 1,
            Dereference::Never => source.links > 1,
        }
    }

    /// Whether its names are to stay names of one file. With `-l` they do so anyway.
    pub(super) fn keeps_names(&self, run: &Run<'_>, source: &Facts) -> bool {
        self.wishes.links && self.wishes.make != Make::HardLink && self.may_have_several_names(run, source)
    }

    /// What is there stays. As with GNU cp, it stands for its source all the same, whether links are to be preserved or
    /// not: what is newer than another name of it becomes a link to it. A file of one name is met again only where another
    /// operand leads to it.
    fn skip(&self, run: &mut Run<'_>, source: &Facts) {
        let met_again = self.may_have_several_names(run, source) || !run.alone;
        let mut first = None;
        if self.wishes.update == Update::Older && met_again {
            match run.first_names.task(source.id()) {
                Task::Link(other) => first = Some(other),
                Task::Copy => run.first_names.settle(source.id(), Some(self.to)),
            }
        }
        match first {
            first if run.options.dry_run => rehearse::skip(run, self.to, first.as_deref()),
            Some(first) => _ = links::to_first(run, &first, self.to),
            None => {}
        }
        if run.options.debug && !run.options.dry_run {
            self.say_skipped(run);
        }
    }

    fn say_skipped(&self, run: &mut Run<'_>) {
        run.messages.print(format!("skipped {}", self.to.quoted()));
    }

    /// `--resume`, where what is there has several names and would give way, so that nothing is written through another name.
    /// If it is the whole copy already it stays, unless it has more names than the source. Otherwise the name is given to a new
    /// file, as by GNU cp. Where the source has its first name already, this one becomes another name of that file, and is not
    /// missing until then.
    fn kept(&self, run: &Run<'_>, source: &Source, steps: Steps, there: &There) -> Option<Id> {
        let There::File(there) = there else { return None };
        let gives_way = steps == Steps { clear: Clear::Remove, product: Product::New } && run.options.safety.resume;
        let (facts, regular) = (&source.facts, |facts: &Facts| facts.kind == Kind::Regular);
        if !gives_way || !self.keeps_names(run, facts) {
            return None;
        }
        let alike = || regular(facts) && regular(there) && (2..=facts.links).contains(&there.links);
        let is_whole = || safety::resume::is_whole(run, source, self.to) == Some(there.id());
        let is_kept = || run.first_names.keeps(there.id(), facts.id(), is_whole);
        (run.first_names.has_one(facts.id()) || alike() && is_kept()).then(|| there.id())
    }

    fn make(&self, run: &mut Run<'_>, source: &mut Source, steps: Steps, kept: Option<Id>) {
        // With `--atomic` nothing is cleared away: what is there stays until the new file takes its place, and gets the name
        // of its backup as a second name.
        let whole = run.options.safety.atomic && steps.product == Product::New;
        let backed_up = whole && steps.clear == Clear::Backup;
        let cleared = match &run.options.backup {
            Some(_) if backed_up && self.would_destroy(run, &source.facts) => return,
            Some(backup) if backed_up => Ok(Some(backup::place(self.to, backup))),
            _ if whole => Ok(None),
            _ => self.clear(run, source, steps.clear),
        };
        let Ok(backup) = cleared else { return };
        if run.options.verbose {
            let kept = backup.as_ref().map(|kept| format!(" (backup: {})", kept.quoted()));
            let text = format!("{} -> {}{}", self.from.quoted(), self.to.quoted(), kept.unwrap_or_default());
            run.messages.print(text);
        }
        let yields = self.parent.is_some_and(Node::is_new);
        let how = file::Creation { product: steps.product, backed_up, yields, whole: kept };
        let id = source.facts.id();
        let made = if !self.keeps_names(run, &source.facts) {
            let made = self.make_anew(run, source, how);
            if !made && self.wishes.update == Update::Older {
                run.first_names.settle(id, None); // as GNU cp: what was skipped before stands for it no longer
            }
            made
        } else if let Task::Link(first) = run.first_names.task(id) {
            links::to_first(run, &first, self.to)
        } else {
            let made = self.make_anew(run, source, how);
            run.first_names.settle(id, made.then_some(self.to));
            made
        };
        if let Some(kept) = backup.filter(|_| !made && !backed_up) {
            self.restore(run, &kept);
        }
    }

    /// Makes it, and keeps account of it: of contents only where all of them arrived.
    fn make_anew(&self, run: &mut Run<'_>, source: &mut Source, how: file::Creation) -> bool {
        let followed = run.options.follows(self.parent.is_none());
        if !attributes::label_is_there(run, self.from, followed) {
            return false;
        }
        let made = match how.product {
            Product::HardLink { replace } => links::hard(run, self.from, followed, self.to, replace),
            Product::SymbolicLink { replace } => links::symbolic(run, self.from, self.to, &source.facts, replace),
            Product::SameLink { replace } => {
                links::same(run, self.from, self.to, &source.facts, replace, self.taken_for_free)
            }
            Product::Special => special::make(run, self.from, self.to, &source.facts),
            _ => return file::contents(run, self.from, self.to, source, how),
        };
        if made {
            run.note(self.to);
        }
        made && safety::name_flushed(run, self.to)
    }

    /// Clears the way, and tells where what was in the way is kept. What goes wrong has been said.
    fn clear(&self, run: &mut Run<'_>, source: &mut Source, clear: Clear) -> Result<Option<Location<'_>>, ()> {
        let mut kept = None;
        match (clear, &run.options.backup) {
            (Clear::Backup, Some(backup)) => {
                if self.would_destroy(run, &source.facts) {
                    return Err(());
                }
                match backup::make(self.to, backup) {
                    Ok(place) => {
                        safety::backup_flushed(run, &place);
                        kept = Some(place);
                    }
                    Err(Errno::NOENT) => {}
                    Err(errno) => {
                        run.messages.error(format!("cannot backup {}: {}", self.to.quoted(), strerror(errno)));
                        return Err(());
                    }
                }
            }
            (Clear::Remove, _) => links::remove(run, self.to)?,
            _ => return Ok(None),
        }
        // The name that was removed may have led to the source.
        if self.wishes.make == Make::Copy
            && source.facts.kind != Kind::Directory
            && let Err(errno) = source::still_there(self.from, &source.facts)
        {
            source.opened = Err(errno);
        }
        Ok(kept)
    }

    /// Whether the backup would take the place of the source; if so, that has been said.
    fn would_destroy(&self, run: &mut Run<'_>, source: &Facts) -> bool {
        let Some(backup) = &run.options.backup else { return false };
        let would = backup::would_destroy(source, &self.from.name, self.to, backup);
        if would {
            run.messages.error(refusals::might_destroy(self.from, self.to));
        }
        would
    }

    /// The making failed: what was there gets its name back.
    fn restore(&self, run: &mut Run<'_>, kept: &Location<'_>) {
        match kept.rename(self.to) {
            Ok(()) if run.options.verbose => {
                run.messages.print(format!("{} -> {} (unbackup)", kept.quoted(), self.to.quoted()));
            }
            Ok(()) => {}
            Err(errno) => {
                run.messages.error(format!("cannot un-backup {}: {}", self.to.quoted(), strerror(errno)));
            }
        }
    }

    fn refuse(&self, run: &mut Run<'_>, refusal: Refusal) {
        let (from, to) = (self.from.quoted(), self.to.quoted());
        let text = match refusal {
            Refusal::OmitDirectory => format!("-r not specified; omitting directory {from}"),
            Refusal::SameFile => refusals::same_file(self.from, self.to),
            Refusal::NotReplacing => format!("not replacing {to}"),
            Refusal::OverwriteDirectory => format!("cannot overwrite directory {to} with non-directory {from}"),
            Refusal::OverwriteNonDirectory => format!("cannot overwrite non-directory {to} with directory {from}"),
            Refusal::Loop => format!("cannot stat {to}: {}", strerror(Errno::LOOP)),
            Refusal::JustCreated => format!("will not overwrite just-created {to} with {from}"),
            Refusal::ThroughJustCreated => format!("will not copy {from} through just-created symlink {to}"),
            Refusal::Again => {
                return run.messages.warn(format!("warning: source file {from} specified more than once"));
            }
        };
        run.messages.error(text);
    }
}
