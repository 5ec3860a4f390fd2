//! zccp, called `cp`, against GNU cp: a list of lines of shell (`tests/oracle/cp/*.rows`), each run twice, in twin
//! directories made by one recipe, with GNU's and with ours first in PATH. What is compared: the tree
//! (`apparatus::tree`), both streams, the exit status.
//!
//! GNU's is `$ZCCP_GNU_CP`, else `/bin/cp`; `tests/gnu-suite --build DIR` makes a new one. The rows are what 9.10 does.
//! What `-n`, `-i` and `--update` do changed up to 9.5, so an older one is not held for GNU's, and the test is skipped by
//! name; a row that came to its present behaviour in a later version is marked with it (`@9.8`). One marked `@root` needs
//! to be run as root. `ZCCP_ROWS` runs only the rows that have its value in them, or in the name of their file or scene;
//! with `ZCCP_SHOW_ROWS` what GNU's did is printed as well. For many runs with one GNU cp (tests/mutants), its outcomes are
//! kept in the directory `ZCCP_GNU_OUTCOMES`, and `ZCCP_FIRST_DIFFERENCE=ROWS` ends a run of that many, mixed, at the first
//! that differs.
//!
//! GNU cp copies the entries of a directory in the order of their inode numbers. On a tmpfs these grow from one file made
//! to the next, so that is where the twins live; then a recipe decides what is copied first, and what is said first.

use crate::apparatus::{Scene, case, filesystems, skip, tree};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What every script begins with.
const PRELUDE: &str = "umask 022
user() { setpriv --reuid=65534 --regid=65534 --clear-groups \"$@\"; }
cd w || exit 99
";

/// One line of the list.
struct Row {
    /// File and scene.
    place: String,
    recipe: String,
    line: String,
    /// The version since which GNU's does what it does now.
    since: Option<(u32, u32)>,
    needs_root: bool,
}

impl Row {
    fn title(&self) -> String {
        format!("{}: {}", self.place, self.line)
    }
}

/// All rows of the file `name`.
fn rows(name: &str, text: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let (mut place, mut recipe, mut in_recipe) = (String::new(), String::new(), false);
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(title) = line.strip_prefix("== ") {
            (place, recipe, in_recipe) = (format!("{name}, {title}"), String::new(), true);
        } else if line == "--" {
            in_recipe = false;
        } else if in_recipe {
            let _ = writeln!(recipe, "{line}");
        } else {
            let (mut line, mut since, mut needs_root) = (line, None, false);
            while let Some((mark, rest)) = line.strip_prefix('@').and_then(|marked| marked.split_once(' ')) {
                assert!(mark == "root" || version(mark).is_some(), "{name}: what is @{mark}?");
                needs_root |= mark == "root";
                since = since.or_else(|| version(mark));
                line = rest;
            }
            for line in alternatives(line) {
                rows.push(Row { place: place.clone(), recipe: recipe.clone(), line, since, needs_root });
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

/// All rows there are, file by file.
fn all_rows() -> Vec<Row> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/cp");
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "rows"));
    files.sort();
    let read =
        |file: &PathBuf| rows(&file.file_stem().unwrap().to_string_lossy(), &std::fs::read_to_string(file).unwrap());
    files.iter().flat_map(read).collect()
}

/// A private directory on a tmpfs, if there is one.
fn scene() -> Scene {
    let shared_memory = Path::new("/dev/shm");
    match filesystems::mounted(filesystems::Fs::Tmpfs) {
        Ok(place) => Scene::below(place),
        Err(_) if tempfile_can_be_made(shared_memory) => Scene::below(shared_memory),
        Err(_) => Scene::new(),
    }
}

fn tempfile_can_be_made(place: &Path) -> bool {
    let name = place.join(format!("probe-{:?}", std::thread::current().id()));
    let made = std::fs::create_dir(&name).is_ok();
    made && std::fs::remove_dir(&name).is_ok()
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

    /// What came of a row before, as long as that is kept.
    fn remembered(&self, row: &Row) -> String {
        let Some(kept) = std::env::var_os("ZCCP_GNU_OUTCOMES") else { return self.outcome(row) };
        let mut hasher = DefaultHasher::new();
        (&row.recipe, &row.line, skip::is_root()).hash(&mut hasher);
        let kept = Path::new(&kept).join(format!("{:016x}", hasher.finish()));
        std::fs::read_to_string(&kept).unwrap_or_else(|_| {
            let outcome = self.outcome(row);
            std::fs::write(&kept, &outcome).unwrap();
            outcome
        })
    }

    /// What came of a row: the streams, the status and the tree, as text.
    fn outcome(&self, row: &Row) -> String {
        let scene = scene();
        let place = scene.directory("w");
        let script = format!("{PRELUDE}{}\n{}", row.recipe, row.line);
        let path = format!("{}:/usr/bin:/bin:/usr/sbin:/sbin", self.directory.display());
        // A row that hangs has an outcome as well, and the others go on.
        let command = scene.program("timeout").arguments(["-k", "1", "20", "/bin/sh", "-c", &script]);
        let outcome = command.variable("PATH", path).run();
        let here = std::fs::canonicalize(&place).unwrap().display().to_string();
        let mut text = format!("status {:?}\n", outcome.status.code());
        for (name, bytes) in [("stdout", &outcome.stdout), ("stderr", &outcome.stderr)] {
            let said = String::from_utf8_lossy(bytes).replace(&here, "$PWD");
            said.lines().for_each(|line| _ = writeln!(text, "{name} | {}", normalized(line)));
        }
        text += &tree::describe(&place).replace(&here, "$PWD");
        // What is left of an absolute name in a tree (--parents) has no more of the twins' own in it.
        let own = place.parent().and_then(Path::file_name).unwrap_or_default();
        text.replace(&*own.to_string_lossy(), "TWIN")
    }
}

/// The line of `--debug` tells how a file was copied, and that is ours to choose (docs/deviations.md); when it is said,
/// and in which words, is not.
fn normalized(line: &str) -> String {
    let words: Option<Vec<_>> = line
        .split(", ")
        .zip(["copy offload: ", "reflink: ", "sparse detection: "])
        .map(|(part, key)| part.strip_prefix(key))
        .collect();
    let known = ["unknown", "no", "yes", "avoided", "unsupported", "zeros", "SEEK_HOLE", "SEEK_HOLE + zeros"];
    match words {
        Some(words) if words.len() == 3 && words.iter().all(|word| known.contains(word)) => {
            "(how it was copied)".into()
        }
        _ => line.to_string(),
    }
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
    let mut all = all_rows();
    let wanted = std::env::var("ZCCP_ROWS").unwrap_or_default();
    all.retain(|row| row.title().contains(&wanted));
    let shown = std::env::var_os("ZCCP_SHOW_ROWS").is_some();
    let at_most = std::env::var("ZCCP_FIRST_DIFFERENCE").ok().map(|rows| rows.parse().unwrap());
    let first_only = at_most.is_some();
    if let Some(at_most) = at_most {
        // Of rows that are alike it is one or none that differs: in another order it is met sooner.
        all.sort_by_cached_key(|row| {
            let mut hasher = DefaultHasher::new();
            row.title().hash(&mut hasher);
            hasher.finish()
        });
        all.truncate(at_most);
    }
    let next = AtomicUsize::new(0);
    let different = Mutex::new(Vec::new());
    let work = || {
        while let Some(row) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            let title = row.title();
            if row.needs_root && !skip::is_root() {
                skip::skip!(format!("oracle row {title}"), "needs root");
                continue;
            }
            if row.since.is_some_and(|since| their_version < since) {
                skip::skip!(format!("oracle row {title}"), "GNU's is older");
                continue;
            }
            let expected = gnus.remembered(row).trim_end().to_string();
            if shown {
                println!("### {title}\n{expected}\n");
            }
            let got = ours.outcome(row).trim_end().to_string();
            if got != expected {
                let text = format!("{title}\n{}", lines_that_differ(&expected, &got));
                different.lock().unwrap().push(text);
                if first_only {
                    next.store(all.len(), Ordering::Relaxed);
                }
            }
        }
    };
    std::thread::scope(|scope| (0..2).for_each(|_| _ = scope.spawn(work)));
    let mut different = different.into_inner().unwrap();
    different.sort();
    assert!(different.is_empty(), "{} of {} rows differ:\n{}", different.len(), all.len(), different.join("\n"));
}

/// The lines that only one of them has; all of them if it is their order that differs.
fn lines_that_differ(expected: &str, got: &str) -> String {
    let missing = |from: &str, other: &str, mark: &str| {
        let gone = from.lines().filter(|line| !other.lines().any(|other| other == *line));
        gone.map(|line| format!("  {mark} {line}\n")).collect::<String>()
    };
    let text = missing(expected, got, "GNU's ") + &missing(got, expected, "ours  ");
    if text.is_empty() { format!("--- GNU's\n{expected}\n--- ours\n{got}\n") } else { text }
}

#[test]
fn the_list_is_read_as_it_is_written() {
    assert_eq!(alternatives("cp {|-f} {a b|c}"), ["cp  a b", "cp  c", "cp -f a b", "cp -f c"]);
    let read = rows("file", "# x\n== one\necho >a\n--\n@root @9.5 cp {a|b}\n== two\n--\ncp\n");
    let seen: Vec<_> = read.iter().map(|r| (r.place.as_str(), r.line.as_str(), r.since, r.needs_root)).collect();
    assert_eq!(
        seen,
        [
            ("file, one", "cp a", Some((9, 5)), true),
            ("file, one", "cp b", Some((9, 5)), true),
            ("file, two", "cp", None, false)
        ]
    );
    assert_eq!((read[0].recipe.as_str(), read[2].recipe.as_str()), ("echo >a\n", ""));
    assert!(version("9.10") > version("9.5"));
    assert!(all_rows().len() >= 1000, "only {} rows are left", all_rows().len());
    assert_eq!(
        normalized("copy offload: yes, reflink: no, sparse detection: SEEK_HOLE + zeros"),
        "(how it was copied)"
    );
    assert_eq!(normalized("copy offload: maybe, reflink: no, sparse detection: no").len(), 54);
}
