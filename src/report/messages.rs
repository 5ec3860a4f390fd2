//! The two streams the user reads: diagnostics on standard error, and lines (`-v`, `--debug`, `--help`) on standard
//! output, in the order in which they were said.

use super::json::{Json, Said};
use super::safety::Doubt;
use super::screen;
use crate::sys::{descriptor, start, text::strerror};
use rustix::io::Errno;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// Lines wait until so many bytes are there, or until something is said on standard error (stdio's BUFSIZ for a pipe).
const ENOUGH: usize = 4096;

/// The program's voice. It remembers whether anything went wrong, so that the exit status need not be carried around.
#[derive(Debug)]
pub struct Messages {
    program: Vec<u8>,
    output: BorrowedFd<'static>,
    output_was_closed: bool,
    errors: BorrowedFd<'static>,
    errors_were_closed: bool,
    waiting: Vec<u8>,
    line_by_line: Option<bool>,
    printed: bool,
    output_failure: Option<Errno>,
    answers: BorrowedFd<'static>,
    answers_were_closed: bool,
    answers_failed: bool,
    asked: bool,
    failed: bool,
    json: Option<Arc<Json>>,
    record: Option<Record>,
    /// How often each could have been said.
    doubts: Vec<(Doubt, u64)>,
}

/// What was said and has not been heard yet: pieces of the two streams, in their order.
#[derive(Debug, Default)]
pub struct Record {
    pieces: Vec<(Stream, Vec<u8>)>,
    failed: bool,
    bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Output,
    Errors(Said),
    /// On standard error as well, if it is the first of its kind.
    Doubt(Doubt),
}

impl Record {
    fn push(&mut self, stream: Stream, text: &[u8]) {
        self.bytes += text.len();
        match self.pieces.last_mut() {
            Some((last, waiting)) if *last == stream && stream == Stream::Output => waiting.extend_from_slice(text),
            _ => self.pieces.push((stream, text.to_vec())),
        }
    }

    /// Whether nothing was said and nothing failed.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty() && !self.failed
    }

    /// Of a case: this line was printed.
    #[cfg(test)]
    pub(crate) fn printed(line: impl AsRef<[u8]>) -> Record {
        let mut messages = Messages::recording("zccp");
        messages.print(line);
        messages.take_record()
    }

    /// How much was said, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Messages {
    /// The voice of `program` (its name as diagnostics begin with it) on the inherited streams.
    pub fn new(program: impl Into<Vec<u8>>) -> Messages {
        let mut messages = Messages::on(program, descriptor::inherited(1), descriptor::inherited(2));
        messages.output_was_closed = start::was_closed(1);
        messages.errors_were_closed = start::was_closed(2);
        messages
    }

    fn on(program: impl Into<Vec<u8>>, output: BorrowedFd<'static>, errors: BorrowedFd<'static>) -> Messages {
        Messages {
            program: program.into(),
            output,
            output_was_closed: false,
            errors,
            errors_were_closed: false,
            waiting: Vec::new(),
            line_by_line: None,
            printed: false,
            output_failure: None,
            answers: descriptor::inherited(0),
            answers_were_closed: start::was_closed(0),
            answers_failed: false,
            asked: false,
            failed: false,
            json: None,
            record: None,
            doubts: Vec::new(),
        }
    }

    /// A voice that is written down, to be heard later by [`Messages::replay`]: what a worker says while others work too.
    /// Nothing can be asked with it.
    pub fn recording(program: impl Into<Vec<u8>>) -> Messages {
        Messages { record: Some(Record::default()), ..Messages::new(program) }
    }

    /// What was written down since the last time.
    pub fn take_record(&mut self) -> Record {
        self.record.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Whether something was written down since the last time.
    pub fn has_record(&self) -> bool {
        self.record.as_ref().is_some_and(|record| !record.is_empty())
    }

    /// Says what was written down elsewhere.
    pub fn replay(&mut self, record: Record) {
        self.failed |= record.failed;
        for (stream, text) in record.pieces {
            match stream {
                Stream::Output => self.put(&text),
                Stream::Errors(event) => self.say(event, &text),
                Stream::Doubt(doubt) => self.doubt(doubt, text),
            }
        }
    }

    /// What is said on standard error goes to `json` too, and nowhere else if that is standard error.
    pub fn to_json(&mut self, json: Option<Arc<Json>>) {
        self.json = json;
    }

    /// Says `PROGRAM: text` on standard error; the exit status will be 1.
    pub fn error(&mut self, text: impl AsRef<[u8]>) {
        self.fail();
        self.say(Said::Error, text.as_ref());
    }

    /// Says `PROGRAM: text` on standard error; the exit status stays what it is.
    pub fn warn(&mut self, text: impl AsRef<[u8]>) {
        self.say(Said::Warning, text.as_ref());
    }

    /// Warns of what could not be proved of a file, if nothing of that kind was said before; else it is counted.
    pub fn doubt(&mut self, doubt: Doubt, text: impl AsRef<[u8]>) {
        if let Some(record) = &mut self.record {
            return record.push(Stream::Doubt(doubt), text.as_ref());
        }
        match self.doubts.iter_mut().find(|(said, _)| *said == doubt) {
            Some((_, count)) => *count += 1,
            None => {
                self.doubts.push((doubt, 1));
                self.warn(text);
            }
        }
    }

    /// Of how many more files than the first each kind of doubt could have been said; of kinds that have such.
    pub fn other_doubts(&self) -> Vec<(Doubt, u64)> {
        let others = self.doubts.iter().map(|(doubt, count)| (*doubt, count - 1));
        others.filter(|(_, others)| *others > 0).collect()
    }

    fn say(&mut self, event: Said, text: &[u8]) {
        if let Some(record) = &mut self.record {
            return record.push(Stream::Errors(event), text);
        }
        if self.tell(event, text) {
            let speaker: [&[u8]; 2] = if event == Said::Note { [b"", b""] } else { [&self.program, b": "] };
            let line = [speaker[0], speaker[1], text, b"\n"].concat();
            self.write(&line);
        }
    }

    /// Whether it has to be said to people as well.
    fn tell(&self, event: Said, text: &[u8]) -> bool {
        self.json.as_deref().is_none_or(|json| {
            json.said(event, text);
            !json.is_standard_error()
        })
    }

    /// Says `text` on standard error without the program's name: what was asked for (`--explain`) or is complete.
    pub fn note(&mut self, text: impl AsRef<[u8]>) {
        self.say(Said::Note, text.as_ref());
    }

    fn write(&mut self, line: &[u8]) {
        self.flush();
        let _alone = screen::cleared();
        // Nobody can be told that standard error does not work but the parent, by the exit status: as GNU does.
        if self.errors_were_closed || descriptor::write_all(self.errors, line).is_err() {
            self.failed = true;
        }
        screen::line_is_begun(false);
    }

    /// Asks on standard error and reads the answer, one line, from standard input; whether it is yes. The end of the
    /// input is no. Lines that wait go on waiting, as with GNU; on a terminal none do.
    ///
    /// The line is read byte by byte: what follows it is left to whoever reads there next.
    pub fn ask(&mut self, question: &[u8]) -> bool {
        self.asked = true;
        let _alone = screen::cleared(); // until the answer is there
        if self.tell(Said::Prompt, question) {
            if self.errors_were_closed || descriptor::write_all(self.errors, question).is_err() {
                self.failed = true;
            }
            screen::line_is_begun(true);
        }
        let mut first = None;
        loop {
            let mut byte = [0];
            match rustix::io::read(self.answers, &mut byte) {
                Ok(1..) if byte[0] != b'\n' => _ = first.get_or_insert(byte[0]),
                Err(Errno::INTR) => {}
                // In the locales whose messages are spoken here, yes begins with y or Y (`locale yesexpr`).
                end => {
                    self.answers_failed |= end.is_err();
                    // The newline of whoever types the answer is echoed.
                    if end.is_ok_and(|read| read == 1) && rustix::termios::isatty(self.answers) {
                        screen::line_is_begun(false);
                    }
                    return matches!(first, Some(b'y' | b'Y'));
                }
            }
        }
    }

    /// The exit status will be 1, for a reason that was said in another way.
    pub fn fail(&mut self) {
        match &mut self.record {
            Some(record) => record.failed = true,
            None => self.failed = true,
        }
    }

    /// Whether something went wrong so far.
    pub fn failed(&self) -> bool {
        self.failed
    }

    /// Writes `text` and a newline to standard output, at the latest before anything is said on standard error. What
    /// goes wrong is said by [`Messages::finish`].
    pub fn print(&mut self, text: impl AsRef<[u8]>) {
        let mut line = text.as_ref().to_vec();
        line.push(b'\n');
        self.put(&line);
    }

    fn put(&mut self, line: &[u8]) {
        if let Some(record) = &mut self.record {
            return record.push(Stream::Output, line);
        }
        self.printed = true;
        self.waiting.extend_from_slice(line);
        let output = self.output;
        if self.waiting.len() >= ENOUGH || *self.line_by_line.get_or_insert_with(|| rustix::termios::isatty(output)) {
            self.flush();
        }
    }

    /// Writes the lines that wait.
    pub fn flush(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() || self.output_failure.is_some() {
            return;
        }
        let _alone = screen::cleared();
        // There is a socket where nothing was (`sys::start`).
        let written =
            if self.output_was_closed { Err(Errno::BADF) } else { descriptor::write_all(self.output, &waiting) };
        self.output_failure = written.err();
        if self.line_by_line == Some(true) {
            screen::line_is_begun(false);
        }
    }

    /// Last thing of all: writes what waits, closes standard output if lines were printed, says what went wrong with it,
    /// and gives the exit status.
    pub fn finish(self) -> i32 {
        self.finish_by(|| descriptor::close_inherited(1))
    }

    fn finish_by(mut self, close_output: impl FnOnce() -> Result<(), Errno>) -> i32 {
        self.flush();
        if self.asked && self.answers_were_closed {
            self.error(format!("error closing file: {}", strerror(Errno::BADF))); // GNU's words
        } else if self.answers_failed {
            self.error("error closing file"); // GNU's words as well, which have forgotten why
        }
        if self.printed && !self.output_was_closed {
            let closed = close_output();
            self.output_failure = self.output_failure.or(closed.err());
        }
        if let Some(errno) = self.output_failure {
            self.error(format!("write error: {}", strerror(errno)));
        }
        i32::from(self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Read as _;
    use std::os::fd::{AsFd as _, OwnedFd};

    /// A voice whose two streams are the write end of one pipe, so that the order is seen.
    fn on_one_pipe() -> (Messages, OwnedFd) {
        let (reader, writer) = rustix::pipe::pipe().expect("a pipe");
        let writer: &'static OwnedFd = Box::leak(Box::new(writer));
        (Messages::on("zccp", writer.as_fd(), writer.as_fd()), reader)
    }

    fn said(reader: OwnedFd) -> String {
        let mut bytes = [0; 1024];
        let n = File::from(reader).read(&mut bytes).expect("something was said");
        String::from_utf8_lossy(&bytes[..n]).into_owned()
    }

    #[test]
    fn lines_come_before_the_diagnostic_that_follows_them() {
        let (mut messages, reader) = on_one_pipe();
        messages.print("'a' -> 'b'");
        messages.error("cannot stat 'c'");
        messages.print("'d' -> 'e'");
        assert_eq!(messages.finish_by(|| Ok(())), 1);
        assert_eq!(said(reader), "'a' -> 'b'\nzccp: cannot stat 'c'\n'd' -> 'e'\n");
    }

    #[test]
    fn what_was_written_down_is_heard_in_its_order() {
        let mut worker = Messages::recording("zccp");
        worker.print("'a' -> 'b'");
        worker.error("cannot stat 'c'");
        worker.print("'d' -> 'e'");
        assert!(!worker.failed() && worker.has_record());
        let (mut messages, reader) = on_one_pipe();
        messages.replay(worker.take_record());
        assert!(!worker.has_record());
        assert_eq!(messages.finish_by(|| Ok(())), 1);
        assert_eq!(said(reader), "'a' -> 'b'\nzccp: cannot stat 'c'\n'd' -> 'e'\n");
    }

    #[test]
    fn a_doubt_is_said_of_the_first_file_that_is_heard_of() {
        let (mut messages, reader) = on_one_pipe();
        let mut workers = [1, 2].map(|_| Messages::recording("zccp"));
        workers[1].doubt(Doubt::InMemory, "b");
        workers[0].doubt(Doubt::InMemory, "a");
        workers[0].doubt(Doubt::Served, "a is served");
        assert_eq!(workers[1].other_doubts(), []);
        workers.iter_mut().for_each(|worker| messages.replay(worker.take_record()));
        assert_eq!(messages.other_doubts(), [(Doubt::InMemory, 1)]);
        assert_eq!(messages.finish_by(|| unreachable!("nothing was printed")), 0);
        assert_eq!(said(reader), "zccp: a\nzccp: a is served\n");
    }

    #[test]
    fn a_warning_or_a_note_is_no_failure() {
        let (mut messages, reader) = on_one_pipe();
        messages.warn("w");
        messages.note("n");
        assert_eq!(messages.finish_by(|| unreachable!("nothing was printed")), 0);
        assert_eq!(said(reader), "zccp: w\nn\n");
    }

    #[test]
    fn a_close_that_fails_is_a_write_error() {
        let (mut messages, reader) = on_one_pipe();
        messages.print("x");
        assert_eq!(messages.finish_by(|| Err(Errno::DQUOT)), 1);
        assert_eq!(said(reader), "x\nzccp: write error: Disk quota exceeded\n");
    }

    #[test]
    fn output_that_was_closed_is_missed_only_when_there_is_something_to_print() {
        for (lines, expected) in [(0, 0), (1, 1)] {
            let (mut messages, reader) = on_one_pipe();
            messages.output_was_closed = true;
            (0..lines).for_each(|_| messages.print("x"));
            assert_eq!(messages.finish_by(|| Ok(())), expected);
            if expected == 1 {
                assert_eq!(said(reader), "zccp: write error: Bad file descriptor\n");
            }
        }
    }

    #[test]
    fn standard_error_that_cannot_be_written_shows_in_the_status() {
        let full: &'static File = Box::leak(Box::new(File::create("/dev/full").expect("/dev/full")));
        let mut messages = Messages::on("zccp", full.as_fd(), full.as_fd());
        messages.warn("w");
        assert_eq!(messages.finish_by(|| Ok(())), 1);
    }
}
