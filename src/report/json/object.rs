//! One object of the stream, as it is written: what JSON wants of names, numbers and strings (RFC 8259).

use crate::transfer::progress::Progress;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::time::Duration;

/// The version of the schema. It changes when a field changes its meaning or goes; new fields and events may come without.
const VERSION: u32 = 1;

/// An object that is being written.
pub(super) struct Object(String);

impl Object {
    pub(super) fn new(event: &str) -> Object {
        let mut object = Object::bare();
        object.number("v", VERSION.into()).text("event", event);
        object
    }

    pub(super) fn bare() -> Object {
        Object(String::from("{"))
    }

    pub(super) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }

    fn key(&mut self, key: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        let _ = write!(self.0, "\"{key}\":"); // keys are ours: nothing to escape
    }

    pub(super) fn raw(&mut self, key: &str, value: &str) -> &mut Object {
        self.key(key);
        self.0.push_str(value);
        self
    }

    pub(super) fn number(&mut self, key: &str, value: u64) -> &mut Object {
        self.raw(key, &value.to_string())
    }

    pub(super) fn truth(&mut self, key: &str, value: bool) -> &mut Object {
        self.raw(key, if value { "true" } else { "false" })
    }

    pub(super) fn seconds(&mut self, key: &str, time: Duration) -> &mut Object {
        self.raw(key, &format!("{}.{:06}", time.as_secs(), time.subsec_micros()))
    }

    pub(super) fn text(&mut self, key: &str, value: &str) -> &mut Object {
        self.key(key);
        escape(&mut self.0, value);
        self
    }

    /// What may not be UTF-8: as text, in which what is not is U+FFFD, and then `KEY_bytes`, all of it in hexadecimal.
    pub(super) fn name(&mut self, key: &str, name: &OsStr) -> &mut Object {
        self.text(key, &name.to_string_lossy());
        if name.to_str().is_none() {
            let digits = name.as_bytes().iter().fold(String::new(), |mut digits, byte| {
                let _ = write!(digits, "{byte:02x}");
                digits
            });
            self.text(&format!("{key}_bytes"), &digits);
        }
        self
    }

    pub(super) fn list<T>(
        &mut self,
        key: &str,
        items: impl Iterator<Item = T>,
        one: impl Fn(&mut String, T),
    ) -> &mut Object {
        self.key(key);
        self.0.push('[');
        for (at, item) in items.enumerate() {
            if at > 0 {
                self.0.push(',');
            }
            one(&mut self.0, item);
        }
        self.0.push(']');
        self
    }

    pub(super) fn progress(&mut self, progress: &Progress) -> &mut Object {
        self.number("bytes", progress.done()).number("moved", progress.given).number("files", progress.files);
        if !progress.scanning && !progress.endless {
            self.number("expected_bytes", progress.expected);
        }
        if let Some(in_memory) = progress.in_memory {
            self.number("in_memory", in_memory);
        }
        self.truth("scanning", progress.scanning)
    }
}

/// A string as RFC 8259 has it (section 7), all of it printable ASCII or above.
fn escape(to: &mut String, text: &str) {
    to.push('"');
    for c in text.chars() {
        match c {
            '"' => to.push_str("\\\""),
            '\\' => to.push_str("\\\\"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            // A terminal that shows the stream must not obey it: C0 has to be escaped, DEL and C1 may be.
            c if c.is_control() => _ = write!(to, "\\u{:04x}", u32::from(c)),
            c => to.push(c),
        }
    }
    to.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_and_names_keep_their_bytes() {
        let mut object = Object::new("x");
        object.text("a", "q\"b\\s\n\t\r\u{1b}\u{7f}\u{9b}é").name("n", OsStr::from_bytes(b"a\xff"));
        object.name("m", OsStr::new("é")).truth("t", false).seconds("s", Duration::from_micros(1_000_007));
        object.list("l", [1, 2].iter(), |list, n| list.push_str(&n.to_string()));
        assert_eq!(
            object.end(),
            "{\"v\":1,\"event\":\"x\",\"a\":\"q\\\"b\\\\s\\n\\t\\r\\u001b\\u007f\\u009bé\",\"n\":\"a\u{fffd}\",\
             \"n_bytes\":\"61ff\",\"m\":\"é\",\"t\":false,\"s\":1.000007,\"l\":[1,2]}"
        );
    }
}
