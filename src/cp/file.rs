//! One source to one destination: opened, and given to `cp::ends` to be copied, closed and said.
//!
//! Nothing of the destination is cut before both open descriptors are known to be different files; the cutting is left to
//! the copy, which first asks whether there is room.

use super::decide::Product;
use super::directory::Id;
use super::ends::Ends;
use super::location::Location;
use super::options::Keep;
use super::safety;
use super::sink::{File, Sink};
use super::source::{self, Source};
use super::{Run, attributes, links, refusals};
use crate::report::debug;
use crate::sys::facts::{Facts, Kind};
use rustix::io::Errno;
use std::os::fd::OwnedFd;

/// What came of trying to make a new file.
pub(super) enum Attempt {
    /// All that could be done and said was.
    Done,
    /// Something is there: the destination has to be looked at.
    NotNew(Source),
}

/// Copies a regular file to a destination that is hoped not to exist, without looking at it first. `directory`: the one it is
/// to be in, if others may be making files there or elsewhere.
pub(super) fn copy_if_new(
    run: &mut Run<'_>,
    from: &Location<'_>,
    to: &Location<'_>,
    directory: Option<Id>,
    source: Source,
) -> Attempt {
    let turn = directory.and_then(|directory| run.groups.turn_for_file(directory));
    let made = make_new(run, to, &source);
    drop(turn);
    match made {
        Some(made) => {
            fill_new(run, from, to, source, made);
            Attempt::Done
        }
        None => Attempt::NotNew(source),
    }
}

/// Makes the destination of a regular file, if nothing is there.
pub(super) fn make_new(run: &Run<'_>, to: &Location<'_>, source: &Source) -> Option<OwnedFd> {
    let labelled = run.options.preserve.context == Keep::Required;
    if source.opened.is_err() || source.facts.kind != Kind::Regular || run.options.safety.atomic || labelled {
        return None; // a directory is not for copying, and of the others some have to be waited for
    }
    let mode = attributes::mode_of_new_file(run.options, run.identity, &source.facts);
    to.create(mode, safety::access(run)).ok()
}

/// Copies a regular file into one that [`make_new`] has made, closes both and says what is to be said.
pub(super) fn fill_new(run: &mut Run<'_>, from: &Location<'_>, to: &Location<'_>, source: Source, made: OwnedFd) {
    let Ok(opened) = &source.opened else { return }; // it would not have been made
    if run.options.verbose {
        run.messages.print(format!("{} -> {}", from.quoted(), to.quoted()));
    }
    let sink = Sink::new(made);
    let said = Ends { from, opened, source: &source.facts, to, sink: &sink }.copy(run);
    said.close(run, source.opened, sink.file, from, to);
}

/// How the destination comes to be.
#[derive(Clone, Copy)]
pub(super) struct Creation {
    pub(super) product: Product,
    /// What is there has not got the name of its backup yet.
    pub(super) backed_up: bool,
    /// What comes to be there meanwhile stays: it is an entry of a tree, in a directory that this run has made. (An operand
    /// below `--parents` is [`Known::taken_for_free`] in such a directory and replaces it, as by GNU.)
    ///
    /// [`Known::taken_for_free`]: super::entry::Known::taken_for_free
    pub(super) yields: bool,
    /// What is there holds the source's bytes already (`--resume`), if it is this file.
    pub(super) whole: Option<Id>,
}

/// Copies the contents to a destination that was looked at, or is taken for free; whether that went well.
pub(super) fn contents(
    run: &mut Run<'_>,
    from: &Location<'_>,
    to: &Location<'_>,
    source: &mut Source,
    how: Creation,
) -> bool {
    let mut opened = std::mem::replace(&mut source.opened, Err(Errno::BADF));
    if source.facts.kind != Kind::Regular && opened.as_ref().err() != Some(&Errno::NOENT) {
        opened = source::open_waiting(from, source.facts.kind, opened);
    }
    let open = match &opened {
        Ok(open) => open,
        Err(errno) => {
            run.messages.error(refusals::unreadable(from, *errno));
            return false;
        }
    };
    let sink = if run.options.safety.atomic {
        let aside = safety::atomic::begin(run, how, (from, &source.facts), to);
        aside.map(Sink::aside)
    } else {
        open_sink(run, how, &source.facts, to, from)
    };
    match sink {
        Ok(sink) => {
            let said = Ends { from, opened: open, source: &source.facts, to, sink: &sink }.copy(run);
            said.close(run, opened, sink.file, from, to)
        }
        Err(text) => {
            if let Some(text) = text {
                run.messages.error(text);
            }
            if run.options.debug && !run.options.attributes_only {
                run.messages.print(debug::line(None));
            }
            false
        }
    }
}

/// Opens the sink; what is in it stays until the copy begins. An error without a text has been said.
fn open_sink(
    run: &mut Run<'_>,
    how: Creation,
    source: &Facts,
    to: &Location<'_>,
    from: &Location<'_>,
) -> Result<Sink, Option<String>> {
    let cannot_create = |errno| Some(refusals::cannot_create(to, errno));
    let mode = attributes::mode_of_new_file(run.options, run.identity, source);
    let access = safety::access(run);
    let create = || {
        to.create(mode, access).map(Sink::new).map_err(|errno| match to.facts(false) {
            Ok(facts) if errno == Errno::EXIST && facts.kind == Kind::Symlink => Some(refusals::dangling(to)),
            _ => cannot_create(to.not_made(errno)),
        })
    };
    match how.product {
        Product::ThroughLink => {
            return to.create_through_link(mode, access).map(Sink::new).map_err(cannot_create);
        }
        Product::Dangling => {
            return Err(Some(refusals::dangling(to)));
        }
        Product::AfterRemoval => {
            links::remove(run, to).map_err(|()| None)?;
            return create();
        }
        Product::Contents => {}
        _ => return create(),
    }
    let resumes = run.options.safety.resume;
    if resumes && let Ok(facts) = to.facts(true) {
        // Before it is opened: opening a FIFO that nobody reads waits, and opening a tape rewinds it.
        safety::resume::possible((from, source), (to, &facts)).map_err(Some)?;
    }
    let fd = match if resumes { safety::resume::open(to) } else { safety::open_existing(run, to) } {
        Ok(fd) => fd,
        Err(Errno::NOENT) => return create(), // it went away since it was looked at
        Err(_) if run.options.force => {
            links::remove(run, to).map_err(|()| None)?;
            return create();
        }
        Err(errno) => return Err(cannot_create(errno)),
    };
    let facts = Facts::of(&fd).map_err(cannot_create)?;
    if facts.same_file(source) {
        return Err(Some(refusals::same_file(from, to)));
    }
    if run.watch.json().is_some_and(|json| json.goes_to(&facts)) {
        return Err(Some(refusals::is_the_stream(to)));
    }
    if resumes {
        safety::resume::possible((from, source), (to, &facts)).map_err(Some)?;
    }
    let resumed = resumes && facts.size > 0;
    // An empty one is cut too: its times have to change (`cp /dev/null stamp`), and blocks allocated beyond its end have to go.
    let replaced = facts.kind == Kind::Regular && !run.options.attributes_only && !resumed;
    let whole = resumed && how.whole == Some(facts.id());
    Ok(Sink { file: File::Open(fd), facts: Some(facts), created: false, replaced, resumed, whole })
}
