//! `--json`: one object a line (docs/json.md has the schema), written by hand.
//!
//! A line is one write(2), and complete before the next begins. The first write that fails is remembered, nothing is
//! written after it, and the run fails: whoever reads half a stream must not take it for the whole.

mod object;

use super::foresee::Sources;
use super::line::View;
use super::quote::shell_always;
use crate::engine::Name;
use crate::sys::facts::{Facts, Kind};
use crate::sys::text::{errno_name, strerror};
use crate::sys::{descriptor, start};
use crate::transfer::Trail;
use crate::transfer::progress::Progress;
use crate::transfer::targets::Remains;
use object::Object;
use rustix::fs::{self, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where the objects go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard error, which then has nothing else.
    StandardError,
    /// A file, made or emptied.
    File(OsString),
    /// A descriptor that the program was started with.
    Descriptor(i32),
}

impl Target {
    /// What the option's value says: nothing, `fd:N`, or the name of a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(value: &OsStr) -> Result<Target, &'static str> {
        let Some(number) = value.as_bytes().strip_prefix(b"fd:") else {
            return if value.is_empty() { Err("it names no file") } else { Ok(Target::File(value.to_os_string())) };
        };
        let text = std::str::from_utf8(number).ok().filter(|text| !text.starts_with('+'));
        match text.and_then(|text| text.parse().ok()) {
            Some(2) => Ok(Target::StandardError),
            Some(number @ 0..) => Ok(Target::Descriptor(number)),
            _ => Err("what follows fd: is not the number of a descriptor"),
        }
    }
}

#[derive(Debug)]
enum Sink {
    Inherited(BorrowedFd<'static>),
    Own(OwnedFd),
}

impl Sink {
    fn fd(&self) -> BorrowedFd<'_> {
        match self {
            Sink::Inherited(fd) => *fd,
            Sink::Own(fd) => fd.as_fd(),
        }
    }
}

/// The stream of objects.
#[derive(Debug)]
pub struct Json {
    sink: Sink,
    /// As the user named it, for the message that it cannot be written.
    shown: String,
    standard_error: bool,
    /// What went wrong with it, and how many errors were told of.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failure: Option<Errno>,
    errors: u64,
    warnings: u64,
}

/// How it ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The numbers.
    pub progress: Progress,
    /// Since the program began.
    pub elapsed: Duration,
    /// Something went wrong.
    pub failed: bool,
    /// What is still in memory for a slow or removable target.
    pub remains: Option<Remains>,
}

/// One file that was copied, or not.
#[derive(Clone, Copy, Debug)]
pub struct File<'f> {
    /// Its name as given.
    pub source: &'f OsStr,
    /// Where it went; `None` for standard output.
    pub destination: Option<&'f OsStr>,
    /// What happened.
    pub trail: &'f Trail,
    /// `--resume`: what had been done before, and how many bytes were held against each other.
    pub resumed: Option<(&'f Trail, u64)>,
}

/// What the job has to do with the regular file of that name, if there is one: it is one of the sources, or in one, or
/// `inherited` has it.
fn part(name: &OsStr, sources: &Sources, inherited: &[i32]) -> Option<&'static str> {
    let facts = |name: &OsStr| Facts::at(fs::CWD, name, true);
    let stream = facts(name).ok().filter(|facts| facts.kind == Kind::Regular)?;
    let is_one = |source: &OsStr| facts(source).is_ok_and(|facts| facts.same_file(&stream));
    let has_it = |fd: i32| {
        let has = |fd| Facts::of(descriptor::inherited(fd)).is_ok_and(|facts| facts.same_file(&stream));
        inherited.contains(&fd) && !start::was_closed(fd) && has(fd)
    };
    if has_it(0) || sources.operands.iter().any(|source| is_one(source) || is_in(name, source, sources)) {
        return Some("it is to be copied");
    }
    has_it(1).then_some("it is copied to")
}

/// Whether the file is in this source, if that is a directory, and not left out.
fn is_in(name: &OsStr, source: &OsStr, sources: &Sources) -> bool {
    let directory = Facts::at(fs::CWD, source, sources.followed).is_ok_and(|facts| facts.kind == Kind::Directory);
    let places = || Some((std::fs::canonicalize(name).ok()?, std::fs::canonicalize(source).ok()?));
    let Some((file, root)) = places().filter(|_| directory) else { return false };
    let Ok(way) = file.strip_prefix(&root) else { return false };
    let left_out = |part: &Path| sources.excluded.is_some_and(|what| what.excludes(part.as_os_str(), part != way));
    !way.ancestors().filter(|part| !part.as_os_str().is_empty()).any(left_out)
}

impl Json {
    /// Opens the stream. A file that is one of the `sources`, or in one, is not, and keeps its contents; and so does what
    /// standard input (0) and output (1) are, if `inherited` says that they are used.
    ///
    /// # Errors
    /// What is to be said of it if it cannot be had.
    pub fn open(target: &Target, sources: &Sources, inherited: &[i32]) -> Result<Json, String> {
        if let Target::File(name) = target
            && let Some(why) = part(name, sources, inherited)
        {
            return Err(format!("cannot write JSON to {}: {why}", shell_always(name)));
        }
        let (sink, shown) = match target {
            Target::StandardError if start::was_closed(2) => (Err(Errno::BADF), "fd:2".into()),
            Target::StandardError => (Ok(Sink::Inherited(descriptor::inherited(2))), "standard error".into()),
            Target::Descriptor(number) => (
                descriptor::duplicate_inherited(*number).map(Sink::Own),
                shell_always(OsStr::new(&format!("fd:{number}"))),
            ),
            Target::File(name) => {
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOCTTY | OFlags::CLOEXEC;
                (fs::open(name, flags, Mode::from_raw_mode(0o666)).map(Sink::Own), shell_always(name))
            }
        };
        let standard_error = *target == Target::StandardError;
        match sink {
            Ok(sink) => Ok(Json { sink, shown, standard_error, state: Mutex::default() }),
            Err(errno) => Err(format!("cannot write JSON to {shown}: {}", strerror(errno))),
        }
    }

    /// Whether it goes to this file, of which it must stay the only contents.
    pub fn goes_to(&self, file: &Facts) -> bool {
        let own = matches!(self.sink, Sink::Own(_)) && file.kind == Kind::Regular;
        own && Facts::of(self.sink.fd()).is_ok_and(|facts| facts.same_file(file))
    }

    /// It goes to standard error, where it must stay alone.
    pub fn is_standard_error(&self) -> bool {
        self.standard_error
    }

    /// `start`
    pub fn start(&self, program: &str, operands: &[OsString]) {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut object = Object::new("start");
        object.text("program", program).text("version", env!("CARGO_PKG_VERSION"));
        object.number("pid", std::process::id().into()).seconds("time", time);
        object.list("operands", operands.iter(), |list, operand| {
            let mut one = Object::bare();
            one.name("name", operand);
            list.push_str(&one.end());
        });
        self.write(object);
    }

    /// `progress`
    pub fn progress(&self, view: &View) {
        let mut object = Object::new("progress");
        object.seconds("elapsed", view.elapsed).progress(&view.progress).number("rate", view.rate);
        if let Some(left) = view.left {
            object.seconds("left", left);
        }
        if !view.name.is_empty() {
            object.name("source", OsStr::from_bytes(&view.name));
        }
        self.write(object);
    }

    /// `file`
    pub fn file(&self, file: &File<'_>) {
        let trail = file.trail;
        let mut object = Object::new("file");
        object.name("source", file.source);
        match file.destination {
            Some(destination) => object.name("destination", destination),
            None => object.raw("destination", "null"),
        };
        let mut whole = Trail { holes: trail.holes, wall: trail.wall, ..Trail::default() };
        let before = file.resumed.map(|(before, _)| before);
        before.into_iter().chain([trail]).flat_map(|trail| &trail.moved).for_each(|(name, n)| whole.count(*name, *n));
        if let Some((before, compared)) = file.resumed {
            object.number("compared", compared);
            (whole.holes, whole.wall) = (whole.holes + before.holes, whole.wall + before.wall);
        }
        object.number("bytes", whole.bytes()).number("holes", whole.holes);
        object.list("engines", whole.moved.iter(), |list, (name, bytes): &(Name, u64)| {
            let mut one = Object::bare();
            one.text("engine", name.as_str()).number("bytes", *bytes);
            list.push_str(&one.end());
        });
        object.list("refusals", trail.refusals.iter(), |list, refusal| {
            let mut one = Object::bare();
            one.text("engine", refusal.engine.as_str()).text("errno", &errno_name(refusal.errno));
            one.number("at", refusal.at);
            list.push_str(&one.end());
        });
        object.seconds("seconds", whole.wall).truth("complete", trail.is_complete());
        self.write(object);
    }

    /// `error`, `warning`, `note` or `prompt`: what is otherwise said on standard error.
    pub fn said(&self, event: Said, text: &[u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Said::Error => state.errors += 1,
            Said::Warning => state.warnings += 1,
            Said::Note | Said::Prompt => {}
        }
        drop(state);
        let mut object = Object::new(event.name());
        object.name("text", OsStr::from_bytes(text));
        self.write(object);
    }

    /// `summary`, the last.
    ///
    /// # Errors
    /// What is to be said if not all could be written.
    pub fn summary(&self, outcome: &Outcome) -> Result<(), String> {
        let (errors, warnings) = {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            (state.errors, state.warnings)
        };
        let mut object = Object::new("summary");
        object
            .progress(&Progress { in_memory: None, ..outcome.progress })
            .number("errors", errors)
            .number("warnings", warnings);
        object.seconds("seconds", outcome.elapsed).number("status", outcome.failed.into());
        if let Some(remains) = &outcome.remains {
            let [source, kind, at] = remains.place.parts();
            object.number("in_memory", remains.bytes).name("device", source).name("kind", kind).name("mounted_on", at);
        }
        self.write(object);
        match self.state.lock().unwrap_or_else(PoisonError::into_inner).failure {
            Some(errno) => Err(format!("cannot write JSON to {}: {}", self.shown, strerror(errno))),
            None => Ok(()),
        }
    }

    fn write(&self, object: Object) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.failure.is_none() {
            state.failure = descriptor::write_all(self.sink.fd(), (object.end() + "\n").as_bytes()).err();
        }
    }
}

/// What is said to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// The exit status will be 1.
    Error,
    /// It will not for this.
    Warning,
    /// What was asked for: `--explain`.
    Note,
    /// A question (`-i`), whose answer is read from standard input.
    Prompt,
}

impl Said {
    fn name(self) -> &'static str {
        match self {
            Said::Error => "error",
            Said::Warning => "warning",
            Said::Note => "note",
            Said::Prompt => "prompt",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_file_unless_it_names_a_descriptor() {
        let parse = |text: &str| Target::parse(OsStr::new(text));
        assert_eq!(parse("log"), Ok(Target::File("log".into())));
        assert_eq!(parse("fd:2"), Ok(Target::StandardError));
        assert_eq!(parse("fd:3"), Ok(Target::Descriptor(3)));
        assert!(["", "fd:", "fd:x", "fd:-1", "fd:+3", "fd:99999999999"].iter().all(|text| parse(text).is_err()));
    }
}
