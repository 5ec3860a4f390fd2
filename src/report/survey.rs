//! `--engine=help`: which engines work in a directory, and how fast, as a table.

use super::amount::Bytes;
use super::quote::shell_always;
use super::{explain, failure};
use crate::engine::{Name, Remark};
use crate::sys::text::strerror;
use crate::transfer::survey::{Outcome, Sink, Survey, Tried, Unmeasurable};
use std::ffi::OsStr;
use std::fmt::Write as _;

/// Columns of an engine's name, the longest being `copy_file_range`.
const NAMES: usize = 17;
/// Columns of each sink.
const SINK: usize = 18;

/// Why nothing can be measured in `directory`.
pub fn unmeasurable(unmeasurable: Unmeasurable, directory: &OsStr) -> String {
    let what = match unmeasurable {
        Unmeasurable::Directory(errno) => strerror(errno),
        Unmeasurable::NoFile(errno) => format!("cannot create a temporary file there: {}", strerror(errno)),
        Unmeasurable::Writing(errno) => format!("error writing a temporary file there: {}", strerror(errno)),
        Unmeasurable::NoRoom { needed, free } => {
            format!("not enough room: {} have to be free, {} are", Bytes(needed), Bytes(free))
        }
    };
    format!("cannot try the engines in {}: {what}", shell_always(directory))
}

/// What was found, without the last newline.
pub fn table(survey: &Survey, directory: &OsStr) -> String {
    let on = survey.file_system.map(|fs| format!(" ({})", fs.name())).unwrap_or_default();
    let mut text =
        format!("In {}{on} each engine copies a file of {}\n\n", shell_always(directory), Bytes(survey.size));
    let mut row = |name: &str, cells: &mut dyn Iterator<Item = String>| {
        let mut line = format!("{name:<NAMES$}");
        cells.for_each(|cell| _ = write!(line, "{cell:<SINK$}"));
        let _ = writeln!(text, "{}", line.trim_end());
    };
    row("", &mut Sink::ALL.into_iter().map(|sink| heading(sink).to_string()));
    for engine in Name::ALL {
        row(
            engine.as_str(),
            &mut survey.tried.iter().filter(|tried| tried.engine == engine).map(|tried| cell(tried, survey.size)),
        );
    }
    text.push('\n');
    for (sink, engines) in &survey.chosen {
        let engines: Vec<&str> = engines.iter().map(|engine| engine.as_str()).collect();
        let _ = writeln!(text, "Without --engine, {}: {}", heading(*sink), engines.join(", then "));
    }
    text.push('\n');
    notes(&mut text, survey);
    let files = if survey.named { "files whose names were removed at once" } else { "files without a name" };
    let _ = write!(
        text,
        "Measured with {files}, which are gone. What was read was in memory,\n\
         and what was written was not waited for to reach the device; a stream was read\n\
         by a thread that looks at nothing. The fastest copy of each counts."
    );
    text
}

fn heading(sink: Sink) -> &'static str {
    match sink {
        Sink::File => "to a file there",
        Sink::Pipe => "to a pipe",
        Sink::Socket => "to TCP loopback",
    }
}

fn cell(tried: &Tried, size: u64) -> String {
    match &tried.outcome {
        // The speed is that of another engine.
        Outcome::Works(speed) if speed.by_others >= size => "by read_write".to_string(),
        Outcome::Works(speed) => format!("{}/s", Bytes(speed.rate)),
        Outcome::Fails(..) | Outcome::NoSink(_) => "no".to_string(),
    }
}

/// What a cell has no room for: why not, and what a figure means.
fn notes(text: &mut String, survey: &Survey) {
    let mut some = false;
    for Tried { engine, sink, outcome } in &survey.tried {
        let what = heading(*sink);
        match outcome {
            Outcome::Fails(why, plan) => {
                let _ = writeln!(text, "{}", failure::of_engine(why, plan, what));
                some = true;
            }
            Outcome::NoSink(errno) => {
                let _ = writeln!(text, "{engine} was not tried {what}: {}", strerror(*errno));
                some = true;
            }
            Outcome::Works(speed) => {
                if *engine == Name::Reflink {
                    let _ = writeln!(text, "reflink {what} shares the data: nothing is moved");
                    some = true;
                }
                if speed.by_others > survey.size / 2 {
                    let bytes = Bytes(speed.by_others);
                    let _ = writeln!(text, "{engine} {what} left {bytes} to read_write");
                    some = true;
                }
                let copies = |remark: &&Remark| matches!(remark, Remark::CompletionsCopied { .. });
                if let Some(remark) = speed.remarks.iter().find(copies) {
                    let _ = writeln!(text, "{engine} {what}: {}", explain::seen(remark, false));
                    some = true;
                }
            }
        }
    }
    if some {
        text.push('\n');
    }
}
