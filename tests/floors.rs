//! The rules of the house, read off the sources: each prints the file and line that break it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The floors, top to bottom; a room uses rooms of lower floors only. `main` is everything outside a room: `lib.rs`,
/// `main.rs` and `bin/`.
const FLOORS: [&[&str]; 7] = [&["main"], &["cli"], &["cp", "cat"], &["report"], &["transfer"], &["engine"], &["sys"]];

/// Lines in a file of `src`, its test module not counted.
const LONGEST_FILE: usize = 450;
/// Lines in a function, from `fn` to its closing brace.
const LONGEST_FUNCTION: usize = 70;

/// A source file, its test modules blanked out.
struct Source {
    path: PathBuf,
    /// Every line as it stands.
    lines: Vec<String>,
    /// Which lines belong to a `#[cfg(test)]` module.
    in_tests: Vec<bool>,
}

impl Source {
    fn read(path: PathBuf) -> Source {
        let lines: Vec<String> = std::fs::read_to_string(&path).unwrap().lines().map(String::from).collect();
        let mut in_tests = vec![path.file_name().is_some_and(|n| n == "tests.rs"); lines.len()];
        for start in 0..lines.len() {
            if lines[start].trim() != "#[cfg(test)]" {
                continue;
            }
            // rustfmt puts the closing brace below the line that opened the module, in the same column.
            let end = format!("{}}}", &lines[start][..lines[start].len() - lines[start].trim_start().len()]);
            let braced = lines.get(start + 1).is_some_and(|l| l.ends_with('{'));
            let last = if braced { (start..lines.len()).find(|&i| lines[i] == end) } else { Some(start + 1) };
            in_tests[start..=last.unwrap_or(lines.len() - 1)].fill(true);
        }
        Source { path, lines, in_tests }
    }

    /// The lines of code that are not tests, without their comments: (line number, code).
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.lines.iter().zip(&self.in_tests).enumerate();
        lines.filter(|(_, (_, test))| !**test).map(|(i, (line, _))| (i + 1, without_comment(line)))
    }

    /// The room the file is in.
    fn room(&self) -> &str {
        let inside = self.path.strip_prefix(root().join("src")).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
        let room = first.trim_end_matches(".rs");
        if FLOORS.iter().any(|floor| floor.contains(&room)) { room } else { "main" }
    }

    fn at(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path.strip_prefix(root()).unwrap().display())
    }
}

/// A line up to a `//` that is not inside a string.
fn without_comment(line: &str) -> &str {
    let mut from = 0;
    while let Some(at) = line[from..].find("//").map(|at| at + from) {
        if line[..at].matches('"').count().is_multiple_of(2) {
            return &line[..at];
        }
        from = at + 2;
    }
    line
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below `directory`.
fn sources(directory: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut waiting = vec![root().join(directory)];
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(Source::read(path));
            }
        }
    }
    assert!(!found.is_empty());
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

#[track_caller]
fn none(broken: &[String]) {
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

/// Every line of code in `src` that `breaks` gives a reason for.
#[track_caller]
fn no_line(breaks: impl Fn(&Source, &str) -> Option<String>) {
    let sources = sources("src");
    let all = sources.iter().flat_map(|s| s.code().map(move |(number, line)| (s, number, line)));
    none(&all.filter_map(|(s, number, line)| breaks(s, line).map(|why| s.at(number, &why))).collect::<Vec<_>>());
}

/// Whether `word` stands in `line` with no letter, digit or underscore beside it.
fn has_word(line: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(part_of_name) && !line[at + word.len()..].starts_with(part_of_name))
}

/// The rooms named by `crate::room` or `crate::{room, …}` in a file: (line number, room).
fn rooms_used(source: &Source) -> BTreeSet<(usize, String)> {
    // One text, so that a list over several lines is read whole; the line is found again by counting.
    let mut text = String::new();
    let mut numbers = Vec::new();
    for (number, line) in source.code() {
        text.push_str(line);
        text.push('\n');
        numbers.resize(text.len(), number);
    }
    let mut used = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        if text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let after = at + "crate::".len();
        for (begin, name) in names_after(&text[after..]) {
            used.insert((numbers[after + begin], name));
        }
    }
    used
}

/// The first name of each path in `name…` or `{name::…, name, …}`, with its offset.
fn names_after(text: &str) -> Vec<(usize, String)> {
    let name_at = |at: usize| -> (usize, String) {
        (at, text[at..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
    };
    if !text.starts_with('{') {
        return vec![name_at(0)];
    }
    let (mut depth, mut names, mut expects) = (0, Vec::new(), false);
    for (at, c) in text.char_indices() {
        match c {
            '{' => {
                depth += 1;
                expects = depth == 1;
            }
            '}' if depth == 1 => break,
            '}' => depth -= 1,
            ',' if depth == 1 => expects = true,
            c if expects && c.is_alphabetic() => {
                names.push(name_at(at));
                expects = false;
            }
            _ => {}
        }
    }
    names
}

#[test]
fn a_room_uses_rooms_below_it_and_never_above() {
    let floor_of = |room: &str| FLOORS.iter().position(|floor| floor.contains(&room));
    let mut broken = Vec::new();
    for source in sources("src") {
        let room = source.room().to_string();
        let own = floor_of(&room).unwrap();
        for (line, used) in rooms_used(&source) {
            let Some(other) = floor_of(&used) else { continue };
            // cp and cat are on one floor and do not know each other.
            if other < own || (other == own && used != room) {
                broken.push(source.at(line, &format!("{room} uses {used}, which is not below it")));
            }
        }
    }
    none(&broken);
}

#[test]
fn nobody_leaves_a_room_by_super() {
    // `crate::` is what the rule above reads; `super::` must not lead to the same places unseen.
    let mut broken = Vec::new();
    for source in sources("src") {
        let inside = source.path.strip_prefix(root().join("src")).unwrap();
        let is_module_file = inside.file_name().is_some_and(|n| n == "mod.rs");
        let depth = inside.components().count() - usize::from(is_module_file);
        for (number, line) in source.code() {
            if source.room() != "main" && line.contains(&"super::".repeat(depth)) {
                broken.push(source.at(number, "super:: leads out of the room; say crate::"));
            }
        }
    }
    none(&broken);
}

#[test]
fn unsafe_is_in_sys_only() {
    no_line(|source, line| {
        (source.room() != "sys" && has_word(line, "unsafe")).then(|| "unsafe outside src/sys".into())
    });
    // The apparatus may, each file saying why; the cases may not. This file only names the word.
    let allowed = |s: &Source| s.path.starts_with(root().join("tests/apparatus")) || s.path.ends_with(file!());
    let cases: Vec<_> = sources("tests").into_iter().filter(|s| !allowed(s)).collect();
    let lines = cases.iter().flat_map(|s| s.code().map(move |(number, line)| (s, number, line)));
    let broken = lines.filter(|(_, _, line)| has_word(line, "unsafe"));
    none(&broken.map(|(s, number, _)| s.at(number, "unsafe in a case")).collect::<Vec<_>>());
}

#[test]
fn files_are_short() {
    let counted = |s: &Source| s.in_tests.iter().filter(|test| !**test).count();
    let long = sources("src").into_iter().filter(|s| counted(s) > LONGEST_FILE);
    none(&long.map(|s| s.at(counted(&s), &format!("a file of more than {LONGEST_FILE} lines"))).collect::<Vec<_>>());
}

#[test]
fn functions_are_short() {
    let mut broken = Vec::new();
    for source in sources("src") {
        for (start, line) in source.lines.iter().enumerate() {
            let code = without_comment(line);
            if source.in_tests[start] || !has_word(code, "fn") || code.trim_end().ends_with(';') {
                continue;
            }
            let indent = code.len() - code.trim_start().len();
            let end = format!("{}}}", &line[..indent]);
            let is_item = code.trim_start().split("fn ").next().is_some_and(|before| {
                before.split_whitespace().all(|word| {
                    word.starts_with("pub")
                        || ["const", "unsafe", "extern", "\"C\"", "super)", "crate)"].contains(&word)
                })
            });
            let one_line = code.trim_end().ends_with('}');
            if !is_item || one_line {
                continue;
            }
            let Some(last) = source.lines[start..].iter().position(|l| *l == end) else { continue };
            if last + 1 > LONGEST_FUNCTION {
                broken.push(source.at(start + 1, &format!("a function of {} lines", last + 1)));
            }
        }
    }
    none(&broken);
}

#[test]
fn what_loses_bytes_or_panics_is_not_used() {
    // println! panics on a full or closed descriptor; fs::copy and io::copy choose their own path and drop close
    // errors; env::args panics on a name that is not UTF-8.
    let banned = ["println!", "eprintln!", "print!", "eprint!", "fs::copy", "io::copy", "env::args"];
    let found =
        |line: &str| banned.iter().find(|b| line.contains(*b) && has_word(line, b.trim_end_matches('!'))).copied();
    no_line(|_, line| found(line).map(|banned| format!("{banned} is not used here")));
}

/// Threads have descriptor tables of their own, and /proc/self is the first one's: the same number may be another file there.
#[test]
fn no_descriptor_is_named_by_the_first_threads_table() {
    let named = |line: &str| ["/proc/self/fd/{", "/proc/self/fdinfo/{"].iter().any(|name| line.contains(name));
    no_line(|_, line| named(line).then(|| "name it by sys::descriptor::name_in_proc".to_string()));
    assert!(named(r#"format!("/proc/self/fd/{}", fd.as_raw_fd())"#));
}

#[test]
fn nothing_is_left_to_do() {
    let mut broken = Vec::new();
    for source in ["src", "benches", "xtask/src"].into_iter().flat_map(sources) {
        for (number, line) in source.lines.iter().enumerate() {
            for word in ["TODO", "FIXME", "XXX", "todo!", "unimplemented!"] {
                if line.contains(word) {
                    broken.push(source.at(number + 1, word));
                }
            }
        }
    }
    none(&broken);
}

#[test]
fn every_file_says_what_it_is() {
    let silent = ["src", "tests", "benches", "xtask/src"].into_iter().flat_map(sources);
    let silent = silent.filter(|s| !s.lines.first().is_some_and(|l| l.starts_with("//! ")));
    none(&silent.map(|s| s.at(1, "a file opens with //! and what it is")).collect::<Vec<_>>());
}

#[test]
fn no_file_is_named_after_nothing() {
    let mut broken = Vec::new();
    for source in ["src", "tests", "benches", "xtask/src"].into_iter().flat_map(sources) {
        let inside = source.path.strip_prefix(root()).unwrap().with_extension("");
        let parts = inside.iter().map(|part| part.to_string_lossy().into_owned());
        let words: Vec<String> = parts.flat_map(|p| p.split('_').map(String::from).collect::<Vec<_>>()).collect();
        for name in ["util", "utils", "helper", "helpers", "common", "manager", "misc"] {
            if words.iter().any(|w| w == name) {
                broken.push(source.at(1, &format!("{name} says nothing")));
            }
        }
    }
    none(&broken);
}

#[test]
fn the_reader_of_these_rules_reads_right() {
    assert_eq!(without_comment("let a = \"//\"; // b"), "let a = \"//\"; ");
    assert!(has_word("unsafe { x }", "unsafe") && !has_word("#![allow(unsafe_code)]", "unsafe"));
    let names = |text: &str| names_after(text).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
    assert_eq!(names("sys::facts::{Facts, Kind}"), ["sys"]);
    assert_eq!(names("{engine::{Name, Policy},\n    sys, transfer::Plan};"), ["engine", "sys", "transfer"]);
}
