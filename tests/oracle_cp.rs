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
//! Most of the time would go to the recipes, each a dozen programs that start. So a recipe's tree is made by the shell once
//! and made again for every row (`apparatus::replica`), where that gives the same tree and the rows need nothing else of the
//! recipe, such as a variable: most of them. The 1,501 rows of existing.rows took 20.7 s and take 5.9
//! (`ZCCP_ROWS=existing, cargo test ours_does_what`, two processors).
//!
//! GNU cp copies the entries of a directory in the order of their inode numbers. On a tmpfs these grow from one file made
//! to the next, so that is where the twins live; then a recipe decides what is copied first, and what is said first.

use crate::apparatus::replica::Replica;
use crate::apparatus::{Outcome, Scene, case, filesystems, skip, tree};
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

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

/// The trees that the recipes of these rows make: `None` where it has to be done by the shell each time.
struct Recipes<'r>(HashMap<&'r str, OnceLock<Option<Replica>>>);

impl<'r> Recipes<'r> {
    fn of(rows: &'r [Row]) -> Recipes<'r> {
        Recipes(rows.iter().map(|row| (row.recipe.as_str(), OnceLock::new())).collect())
    }

    /// The tree of this row's recipe; `rows` are all there are.
    fn tree(&self, row: &Row, rows: &[Row]) -> Option<&Replica> {
        let lines = || rows.iter().filter(|other| other.recipe == row.recipe).map(|other| other.line.as_str());
        self.0[row.recipe.as_str()].get_or_init(|| replica_of(&row.recipe, lines())).as_ref()
    }
}

/// The tree that a recipe makes, if a replica of it is the same, and if it is all that the recipe leaves to its rows.
fn replica_of<'r>(recipe: &str, mut rows: impl Iterator<Item = &'r str>) -> Option<Replica> {
    // A function, or the program under test.
    if recipe.contains("()") || recipe.contains("cp ") {
        return None;
    }
    let (model, second, third) = (scene(), scene(), scene());
    let state = "set >../$1.variables; { umask; pwd; } >../$1.place";
    let script = format!("{PRELUDE}state() {{ {state}; }}\nstate before\n{recipe}\nstate after");
    for scene in [&model, &second] {
        scene.directory("w");
        let _whatever_it_says = shell(scene, &script, None);
    }
    let read = |name: &str| String::from_utf8_lossy(&model.bytes(name)).into_owned();
    let [before, after] = ["before.variables", "after.variables"].map(read);
    let known: HashSet<&str> = before.lines().collect();
    let set = after.lines().filter(|line| !known.contains(line)).filter_map(|line| line.split_once('='));
    let names: Vec<&str> = set.map(|(name, _)| name).collect();
    let uses = |row: &str, name: &str| {
        let is_its_own = row.contains(&format!("for {name} in "));
        !is_its_own && (row.contains(&format!("${name}")) || row.contains(&format!("${{{name}")))
    };
    let is_used = rows.any(|row| names.iter().any(|name| uses(row, name)));
    if is_used || read("before.place") != read("after.place") {
        return None;
    }
    let replica = Replica::of(&model.path("w")).ok()?;
    replica.make(&third.path("w")).ok()?;
    // Of the model itself times have changed when it was read.
    let same = tree::describe(&second.path("w")) == tree::describe(&third.path("w"));
    (same && replica.order() == Replica::of(&third.path("w")).ok()?.order()).then_some(replica)
}

/// Runs `script` in the scene, what is in the directory `first` before the system's programs.
fn shell(scene: &Scene, script: &str, first: Option<&Path>) -> Outcome {
    let system = "/usr/bin:/bin:/usr/sbin:/sbin";
    let path = first.map_or(system.into(), |first| format!("{}:{system}", first.display()));
    let command = scene.program("/bin/sh").arguments(["-c", script]).variable("PATH", path);
    // A row that hangs has an outcome as well, and the others go on.
    command.time_out(Duration::from_secs(20)).spawn().finish_or_kill()
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
    fn remembered(&self, row: &Row, replica: Option<&Replica>) -> String {
        let Some(kept) = std::env::var_os("ZCCP_GNU_OUTCOMES") else { return self.outcome(row, replica) };
        let mut hasher = DefaultHasher::new();
        (&row.recipe, &row.line, skip::is_root()).hash(&mut hasher);
        let kept = Path::new(&kept).join(format!("{:016x}", hasher.finish()));
        std::fs::read_to_string(&kept).unwrap_or_else(|_| {
            let outcome = self.outcome(row, replica);
            std::fs::write(&kept, &outcome).unwrap();
            outcome
        })
    }

    /// What came of a row: the streams, the status and the tree, as text.
    fn outcome(&self, row: &Row, replica: Option<&Replica>) -> String {
        let scene = scene();
        let place = scene.path("w");
        let script = match replica.map(|replica| replica.make(&place)) {
            Some(made) => made.map(|()| format!("{PRELUDE}{}", row.line)).unwrap(),
            None => {
                scene.directory("w");
                format!("{PRELUDE}{}\n{}", row.recipe, row.line)
            }
        };
        let outcome = shell(&scene, &script, Some(&self.directory));
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
    let recipes = Recipes::of(&all);
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
            let replica = recipes.tree(row, &all);
            let expected = gnus.remembered(row, replica).trim_end().to_string();
            if shown {
                println!("### {title}\n{expected}\n");
            }
            let got = ours.outcome(row, replica).trim_end().to_string();
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
