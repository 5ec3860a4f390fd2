//! zccp, called `cp`, against GNU cp: one list of lines of shell (`tests/oracle/cp.rows`), each run twice, in twin
//! directories made by one recipe, with GNU's and with ours first in PATH. What is compared: the tree (names, types, modes,
//! owners, contents, link targets, hard links, extended attributes, and times that were set and not just passed), both
//! streams, the exit status.
//!
//! GNU's is `$ZCCP_GNU_CP`, else `/bin/cp`. What `-n`, `-i` and `--update` do changed up to coreutils 9.5, so an older one
//! is not held for GNU's, and the test is skipped by name. A row marked `@9.5` came to its present behaviour in that
//! version; one marked `@root` needs to be run as root. `ZCCP_ROWS` runs only the rows that have its value in them.

use crate::apparatus::{Scene, case, skip};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Times before this were set by a recipe (2017-07-14); later ones passed by themselves.
const SET: i64 = 1_500_000_000;

/// One line of the list.
struct Row {
    recipe: String,
    line: String,
    /// The version since which GNU's does what it does now.
    since: Option<(u32, u32)>,
    needs_root: bool,
}

impl Row {
    fn title(&self, scene: &str) -> String {
        format!("{scene}: {}", self.line)
    }
}

/// All rows with the title of their scene.
fn rows(text: &str) -> Vec<(String, Row)> {
    let mut rows = Vec::new();
    let (mut scene, mut recipe, mut in_recipe) = (String::new(), String::new(), false);
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(title) = line.strip_prefix("== ") {
            (scene, recipe, in_recipe) = (title.to_string(), String::new(), true);
        } else if line == "--" {
            in_recipe = false;
        } else if in_recipe {
            let _ = writeln!(recipe, "{line}");
        } else {
            let (mut line, mut since, mut needs_root) = (line, None, false);
            while let Some((mark, rest)) = line.strip_prefix('@').and_then(|marked| marked.split_once(' ')) {
                needs_root |= mark == "root";
                since = since.or_else(|| version(mark));
                line = rest;
            }
            for line in alternatives(line) {
                rows.push((scene.clone(), Row { recipe: recipe.clone(), line, since, needs_root }));
            }
        }
    }
    rows
}

/// `a {b|c} d` is two lines.
fn alternatives(line: &str) -> Vec<String> {
    let Some((before, (inside, after))) = line.split_once("{").and_then(|(b, rest)| Some((b, rest.split_once('}')?)))
    else {
        return vec![line.to_string()];
    };
    inside.split('|').flat_map(|one| alternatives(&format!("{before}{one}{after}"))).collect()
}

fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// A program that is called `cp`, and its version if it is GNU's.
struct Candidate {
    directory: PathBuf,
    version: Option<(u32, u32)>,
}

impl Candidate {
    fn new(scene: &Scene, place: &str, program: &Path) -> Candidate {
        let directory = scene.directory(place);
        std::os::unix::fs::symlink(program, directory.join("cp")).unwrap();
        let said = scene.program(program).argument("--version").run();
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let first = said.lines().next().unwrap_or_default();
        let version = first.strip_prefix("cp (GNU coreutils) ").and_then(version);
        Candidate { directory, version }
    }

    /// What came of a row: the streams, the status and the tree, as text.
    fn outcome(&self, row: &Row) -> String {
        let scene = Scene::new();
        let place = scene.directory("w");
        let script = format!("umask 022; cd w; {}\n{}", row.recipe, row.line);
        let path = format!("{}:/usr/bin:/bin:/usr/sbin:/sbin", self.directory.display());
        let command = scene.program("/bin/sh").arguments(["-c", &script]);
        let outcome = command.variable("PATH", path).variable("LC_ALL", "C").run();
        let here = std::fs::canonicalize(&place).unwrap().display().to_string();
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&here, "$PWD");
        let mut text = format!("status {:?}\n", outcome.status.code());
        for (name, bytes) in [("stdout", &outcome.stdout), ("stderr", &outcome.stderr)] {
            said(bytes).lines().for_each(|line| _ = writeln!(text, "{name} | {line}"));
        }
        let mut files = BTreeMap::new();
        walk(&place, Path::new(""), &mut files);
        text + &tree(&files, &here)
    }
}

fn walk(root: &Path, inside: &Path, files: &mut BTreeMap<PathBuf, PathBuf>) {
    for entry in std::fs::read_dir(root.join(inside)).unwrap() {
        let name = inside.join(entry.unwrap().file_name());
        let path = root.join(&name);
        if path.symlink_metadata().unwrap().is_dir() {
            walk(root, &name, files);
        }
        files.insert(name, path);
    }
}

fn tree(files: &BTreeMap<PathBuf, PathBuf>, here: &str) -> String {
    let mut text = String::new();
    let mut names_of = HashMap::new();
    for (name, path) in files {
        let facts = path.symlink_metadata().unwrap();
        let kind = facts.file_type();
        let _ = write!(text, "{} {:o}", name.display(), facts.mode());
        let me = rustix::process::geteuid().as_raw();
        if facts.uid() != me || facts.gid() != rustix::process::getegid().as_raw() {
            let _ = write!(text, " of {}:{}", facts.uid(), facts.gid());
        }
        for (what, seconds, nanoseconds) in
            [("modified", facts.mtime(), facts.mtime_nsec()), ("accessed", facts.atime(), facts.atime_nsec())]
        {
            // Reading a link changes its time of access, on some days (relatime).
            if seconds < SET && !(kind.is_symlink() && what == "accessed") {
                let _ = write!(text, " {what} {seconds}.{nanoseconds:09}");
            }
        }
        if !kind.is_dir() && facts.nlink() > 1 {
            let first = names_of.entry(facts.ino()).or_insert_with(|| name.clone());
            let _ = write!(text, " = {}", first.display());
        }
        if kind.is_symlink() {
            let target = std::fs::read_link(path).unwrap();
            let _ = write!(text, " -> {}", target.display().to_string().replace(here, "$PWD"));
        } else if kind.is_file() {
            let bytes = std::fs::read(path).unwrap();
            let _ = write!(text, " {} bytes {:?}", bytes.len(), String::from_utf8_lossy(&bytes[..bytes.len().min(40)]));
        } else if kind.is_char_device() || kind.is_block_device() {
            let _ = write!(text, " device {}", facts.rdev());
        }
        text.push_str(&attributes(path));
        text.push('\n');
    }
    text
}

/// Extended attributes, access control lists among them.
fn attributes(path: &Path) -> String {
    let mut list = vec![0; 4096];
    let Ok(length) = rustix::fs::llistxattr(path, &mut list) else { return String::new() };
    let mut names: Vec<&[u8]> = list[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    let mut text = String::new();
    for name in names {
        let mut value = vec![0; 4096];
        let length = rustix::fs::lgetxattr(path, std::ffi::OsStr::from_bytes(name), &mut value).unwrap_or(0);
        let _ = write!(text, " {}={:?}", String::from_utf8_lossy(name), String::from_utf8_lossy(&value[..length]));
    }
    text
}

fn at_oracle(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle").join(name)
}

#[test]
fn ours_does_what_gnus_does() {
    let scene = Scene::new();
    let gnus = std::env::var_os("ZCCP_GNU_CP").map_or_else(|| PathBuf::from("/bin/cp"), PathBuf::from);
    let gnus = Candidate::new(&scene, "gnu", &gnus);
    let ours = Candidate::new(&scene, "ours", &case::zccp());
    let Some(their_version) = gnus.version.filter(|version| *version >= (9, 5)) else {
        return skip::skip!("ours_does_what_gnus_does", "no GNU cp of 9.5 or newer");
    };
    let mut all = rows(&std::fs::read_to_string(at_oracle("cp.rows")).unwrap());
    let wanted = std::env::var("ZCCP_ROWS").unwrap_or_default();
    all.retain(|(_, row)| row.line.contains(&wanted));
    let next = AtomicUsize::new(0);
    let different = Mutex::new(Vec::new());
    let work = || {
        while let Some((scene, row)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            let title = row.title(scene);
            if row.needs_root && !skip::is_root() {
                skip::skip!(format!("oracle row {title}"), "needs root");
                continue;
            }
            if row.since.is_some_and(|since| their_version < since) {
                skip::skip!(format!("oracle row {title}"), "GNU's is older");
                continue;
            }
            let expected = gnus.outcome(row).trim_end().to_string();
            let got = ours.outcome(row).trim_end().to_string();
            if got != expected {
                let text = format!("{title}\n--- GNU's\n{expected}\n--- ours\n{got}\n");
                different.lock().unwrap().push(text);
            }
        }
    };
    std::thread::scope(|scope| (0..2).for_each(|_| _ = scope.spawn(work)));
    let different = different.into_inner().unwrap();
    assert!(different.is_empty(), "{} of {} rows differ:\n{}", different.len(), all.len(), different.join("\n"));
}

#[test]
fn the_list_is_read_as_it_is_written() {
    assert_eq!(alternatives("cp {|-f} {a b|c}"), ["cp  a b", "cp  c", "cp -f a b", "cp -f c"]);
    let read = rows("# x\n== one\necho >a\n--\n@root @9.5 cp {a|b}\n== two\n--\ncp\n");
    let seen: Vec<_> = read.iter().map(|(s, r)| (s.as_str(), r.line.as_str(), r.since, r.needs_root)).collect();
    assert_eq!(
        seen,
        [("one", "cp a", Some((9, 5)), true), ("one", "cp b", Some((9, 5)), true), ("two", "cp", None, false)]
    );
    assert_eq!((read[0].1.recipe.as_str(), read[2].1.recipe.as_str()), ("echo >a\n", ""));
    assert!(version("9.10") > version("9.5"));
}
