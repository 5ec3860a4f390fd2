//! A run's system calls as records, and errors injected into them.
//!
//! `strace -f -o FILE` writes one line a call, `PID name(arguments) = result`; a call during which another thread's is
//! shown is split in two, `<unfinished ...>` and `<... name resumed>`, which are joined here.

use super::skip;
use super::{Command, Outcome, Scene};
use std::collections::HashMap;
use std::path::Path;

/// One system call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The thread that made it.
    pub thread: u32,
    /// `openat`, `read`, …
    pub name: String,
    /// Its arguments as strace prints them.
    pub arguments: Vec<String>,
    /// What it returned, or the name of the errno (`"EXDEV"`).
    pub result: Result<i64, String>,
    /// Whether strace put the result there.
    pub injected: bool,
}

impl Call {
    /// Whether one of its descriptor arguments is `fd`.
    pub fn touches(&self, fd: i64) -> bool {
        let fd = fd.to_string();
        let places: &[usize] = match self.name.as_str() {
            // out, in, …
            "sendfile" => &[0, 1],
            // in, offset, out, …
            "splice" | "copy_file_range" => &[0, 2],
            "tee" => &[0, 1],
            // address, length, protection, flags, fd, offset
            "mmap" => &[4],
            // request is an argument too, so that FICLONE counts for both files
            "ioctl" => &[0, 2],
            "openat" | "statx" | "newfstatat" | "unlinkat" => &[0],
            _ => &[0],
        };
        places.iter().any(|&i| self.arguments.get(i) == Some(&fd))
    }
}

/// The calls of one run, in the order they ended.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// All of them.
    pub calls: Vec<Call>,
}

/// Runs `command` under strace with these extra options (`-e inject=…`) and reads the trace; `None`, and the test
/// skipped by name, without strace.
#[track_caller]
pub fn trace(scene: &Scene, options: &[&str], command: Command) -> Option<(Outcome, Trace)> {
    if !skip::has_program("strace") {
        skip::skip!("strace is not installed");
        return None;
    }
    let file = scene.path("strace.out");
    let mut all = vec!["-f", "-qq", "-s", "64", "-o", file.to_str().unwrap()];
    all.extend(options);
    let outcome = command.under("strace", all).run();
    let trace = Trace::read(&file);
    std::fs::remove_file(&file).unwrap();
    Some((outcome, trace))
}

/// Runs `command` with results made up by strace, `inject(&scene, &["copy_file_range:error=ENOSYS"], …)`. Fails where one of
/// them was never asked for: the case would say nothing. (Of signals and delays strace tells nothing: whether those came the
/// case has to see for itself.) `None` without strace.
#[track_caller]
pub fn inject(scene: &Scene, what: &[&str], command: Command) -> Option<(Outcome, Trace)> {
    let options: Vec<String> = what.iter().map(|w| format!("--inject={w}")).collect();
    let (outcome, trace) = trace(scene, &options.iter().map(String::as_str).collect::<Vec<_>>(), command)?;
    for what in what.iter().filter(|what| what.contains(":error=") || what.contains(":retval=")) {
        let calls = what.split(':').next().unwrap_or_default();
        let is_one = |call: &Call| call.injected && calls.split(',').any(|name| name == call.name);
        if !trace.calls.iter().any(is_one) {
            outcome.fail(&format!("nothing was injected of {what}"));
        }
    }
    Some((outcome, trace))
}

impl Trace {
    /// Reads what `strace -f -o` wrote.
    #[track_caller]
    pub fn read(path: &Path) -> Trace {
        let text = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Trace::parse(&String::from_utf8_lossy(&text))
    }

    /// Parses what `strace -f -o` wrote.
    pub fn parse(text: &str) -> Trace {
        let mut calls = Vec::new();
        let mut halves: HashMap<u32, String> = HashMap::new();
        for line in text.lines() {
            let Some((thread, rest)) = line.split_once(' ') else { continue };
            let Ok(thread) = thread.parse::<u32>() else { continue };
            let rest = rest.trim_start();
            if let Some(begun) = rest.strip_suffix("<unfinished ...>") {
                halves.insert(thread, begun.trim_end().to_string());
                continue;
            }
            let whole = match rest.strip_prefix("<... ").and_then(|r| r.split_once(" resumed>")) {
                Some((_, end)) => halves.remove(&thread).unwrap_or_default() + end,
                None => rest.to_string(),
            };
            calls.extend(parse_call(thread, &whole));
        }
        Trace { calls }
    }

    /// The calls of that name.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Call> {
        self.calls.iter().filter(move |call| call.name == name)
    }

    /// How many calls there were of that name.
    pub fn count(&self, name: &str) -> usize {
        self.named(name).count()
    }

    /// The sum of what the calls of that name returned: bytes, for those that move bytes. Failed ones count nothing.
    pub fn sum(&self, name: &str) -> i64 {
        self.named(name).filter_map(|call| call.result.as_ref().ok()).sum()
    }

    /// The calls that were given the descriptor `fd`.
    pub fn touching(&self, fd: i64) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(move |call| call.touches(fd))
    }

    /// The descriptor that the first open of `path` returned.
    pub fn opened(&self, path: &str) -> Option<i64> {
        self.calls.iter().find(|call| call.opens(path)).and_then(|call| call.result.clone().ok())
    }

    /// What was done for the operands: the calls of all threads from the first open of one of them to the last close of
    /// a descriptor that such an open returned.
    pub fn between_operands(&self, operands: &[&str]) -> &[Call] {
        let opens = |call: &Call| operands.iter().any(|path| call.opens(path));
        let Some(first) = self.calls.iter().position(opens) else { return &[] };
        let mut open = Vec::new();
        let mut last = first;
        for (index, call) in self.calls.iter().enumerate().skip(first) {
            match call.result {
                Ok(fd) if opens(call) => open.push(fd.to_string()),
                Ok(0) if call.name == "close" && open.contains(&call.arguments[0]) => {
                    open.retain(|fd| *fd != call.arguments[0]);
                    last = index;
                }
                _ => {}
            }
        }
        &self.calls[first..=last]
    }

    /// How many results strace made up.
    pub fn injected(&self) -> usize {
        self.calls.iter().filter(|call| call.injected).count()
    }
}

impl Call {
    fn opens(&self, path: &str) -> bool {
        let quoted = format!("\"{path}\"");
        let place = match self.name.as_str() {
            "open" => 0,
            "openat" | "openat2" => 1,
            _ => return false,
        };
        self.result.is_ok() && self.arguments.get(place) == Some(&quoted)
    }
}

/// `name(arguments) = result …`; signals and exits give `None`.
fn parse_call(thread: u32, line: &str) -> Option<Call> {
    let (name, rest) = line.split_once('(')?;
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return None;
    }
    let (inside, after) = split_arguments(rest)?;
    let result = after.trim_start().strip_prefix('=')?.trim_start();
    let mut words = result.split_whitespace();
    let value = words.next()?;
    // "?" is the result of a call that never returned: exit_group, or one cut short by a fatal signal.
    let result = if value == "-1" || value == "?" {
        Err(words.next().unwrap_or("?").to_string())
    } else if let Some(hex) = value.strip_prefix("0x") {
        Ok(i64::from_str_radix(hex, 16).unwrap_or(-1))
    } else {
        Ok(value.parse().ok()?)
    };
    let injected = after.contains("(INJECTED)");
    Some(Call { thread, name: name.to_string(), arguments: inside, result, injected })
}

/// The arguments up to the closing parenthesis, split at commas that are not inside quotes or brackets, and the rest.
fn split_arguments(text: &str) -> Option<(Vec<String>, &str)> {
    let mut arguments = Vec::new();
    let mut current = String::new();
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    for (index, c) in text.char_indices() {
        if quoted {
            quoted = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            current.push(c);
            continue;
        }
        match c {
            '"' => quoted = true,
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => {
                if !current.trim().is_empty() {
                    arguments.push(current.trim().to_string());
                }
                return Some((arguments, &text[index + 1..]));
            }
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                arguments.push(std::mem::take(&mut current).trim().to_string());
                continue;
            }
            _ => {}
        }
        current.push(c);
    }
    None
}

#[test]
fn split_calls_are_joined_and_arguments_kept_whole() {
    let text = "\
7  openat(AT_FDCWD, \"a,b\", O_RDONLY|O_CLOEXEC) = 3
7  read(3, \"x\\\"),\"..., 262144 <unfinished ...>
8  write(4, \"y\", 1) = 1
7  <... read resumed>) = 10
8  copy_file_range(3, [0], 4, [5], 4096, 0) = -1 EXDEV (Invalid cross-device link) (INJECTED)
7  close(3) = 0
7  +++ exited with 0 +++
";
    let trace = Trace::parse(text);
    assert_eq!(trace.calls.len(), 5);
    assert_eq!(trace.opened("a,b"), Some(3));
    assert_eq!(trace.sum("read"), 10);
    assert_eq!(trace.named("read").next().unwrap().arguments, ["3", "\"x\\\"),\"...", "262144"]);
    let copy = trace.named("copy_file_range").next().unwrap();
    assert_eq!(copy.result, Err("EXDEV".to_string()));
    assert!(copy.touches(3) && copy.touches(4) && !copy.touches(0) && copy.injected);
    assert_eq!(trace.between_operands(&["a,b"]).len(), 5);
}
