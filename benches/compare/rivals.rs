//! The programs that are compared: where they are found, and how each is told to do the same thing.

use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a row asks of a program.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Copy a file to a name.
    Copy,
    /// Write a file to standard output.
    Cat,
    /// Send standard input to a TCP port; those of `Cat` do it with the socket as standard output.
    Send,
}

/// How many files are copied at once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Many {
    /// As a tree, `-r`.
    Tree,
    /// As a tree with all attributes, `-a`.
    Archive,
    /// By their names, into one directory.
    Operands,
}

/// Where a program is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is this project's.
    Ours,
    /// In the peers' directory, then in PATH.
    Peers,
    /// In PATH only.
    Path,
}

/// One program there may be, with the words before its operands.
struct Known {
    name: &'static str,
    file: &'static str,
    place: Place,
    task: Task,
    words: &'static [&'static str],
    /// More words when the destination is there already.
    replace: &'static [&'static str],
}

const fn known(name: &'static str, place: Place, task: Task, words: &'static [&'static str]) -> Known {
    Known { name, file: name, place, task, words, replace: &[] }
}

/// In the order of the tables; the first of each task is the one the others are compared with.
const KNOWN: &[Known] = &[
    known("zccp", Place::Ours, Task::Copy, &[]),
    known("gnu-cp", Place::Peers, Task::Copy, &[]),
    known("cp", Place::Path, Task::Copy, &[]),
    known("uu-cp", Place::Peers, Task::Copy, &[]),
    Known { replace: &["--force"], ..known("cpz", Place::Peers, Task::Copy, &[]) },
    known("xcp", Place::Peers, Task::Copy, &["--no-progress"]),
    known("fcp", Place::Peers, Task::Copy, &[]),
    known("dd", Place::Path, Task::Copy, &["bs=1M", "status=none"]),
    known("rsync", Place::Path, Task::Copy, &[]),
    known("zccat", Place::Ours, Task::Cat, &[]),
    known("gnu-cat", Place::Peers, Task::Cat, &[]),
    known("cat", Place::Path, Task::Cat, &[]),
    known("uu-cat", Place::Peers, Task::Cat, &[]),
    known("pv", Place::Path, Task::Cat, &["-q"]),
    known("nc", Place::Path, Task::Send, &["-N"]),
    known("socat", Place::Path, Task::Send, &["-u", "-"]),
    known("ncat", Place::Path, Task::Send, &["--send-only"]),
];

/// A program that was found.
pub struct Program {
    /// Its name in the tables.
    pub name: &'static str,
    /// Where it is.
    pub path: PathBuf,
    /// What it is asked to do.
    pub task: Task,
    /// The first line it says about itself.
    pub version: String,
    known: &'static Known,
}

/// Where to look.
pub struct Search {
    /// A directory with other builds of `zccp` and `zccat`, instead of those cargo built.
    pub ours: Option<PathBuf>,
    /// The directory with the rivals, or with a `bin` that has them.
    pub peers: Option<PathBuf>,
    /// Names to keep; all if empty.
    pub only: Vec<String>,
}

/// All programs there are.
pub fn find(search: &Search) -> Result<Vec<Program>> {
    for name in &search.only {
        if !KNOWN.iter().any(|known| known.name == name) {
            let names: Vec<_> = KNOWN.iter().map(|known| known.name).collect();
            bail!("no program is called {name}; known are {}", names.join(" "));
        }
    }
    let mut found = Vec::new();
    for known in KNOWN.iter().filter(|known| search.only.is_empty() || search.only.iter().any(|n| n == known.name)) {
        if let Some(path) = locate(known, search)? {
            let version = version(&path);
            found.push(Program { name: known.name, path, task: known.task, version, known });
        }
    }
    Ok(found)
}

fn locate(known: &Known, search: &Search) -> Result<Option<PathBuf>> {
    if known.place == Place::Ours {
        let built = if known.name == "zccp" { env!("CARGO_BIN_EXE_zccp") } else { env!("CARGO_BIN_EXE_zccat") };
        let path = search.ours.as_ref().map_or_else(|| PathBuf::from(built), |directory| directory.join(known.file));
        std::fs::metadata(&path).with_context(|| format!("cannot find {}", path.display()))?;
        return Ok(Some(std::path::absolute(path)?)); // not its target, as below
    }
    let peers = search.peers.iter().filter(|_| known.place == Place::Peers);
    let path = std::env::var_os("PATH").unwrap_or_default();
    Ok(peers
        .flat_map(|directory| [directory.join("bin"), directory.clone()])
        .chain(std::env::split_paths(&path))
        .map(|directory| directory.join(known.file))
        .find(|path| path.is_file())
        // Not its target if it is a link: a program may go by its name.
        .and_then(|path| std::path::absolute(path).ok()))
}

fn version(path: &Path) -> String {
    // Those that have no --version say nothing on standard output, or fail.
    let output = Command::new(path).arg("--version").stdin(std::process::Stdio::null()).output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().find(|line| !line.trim().is_empty()).unwrap_or("?").to_owned()
}

impl Program {
    /// Copy `source` to `dest`, which is there already if `replace`.
    pub fn copy(&self, source: &Path, dest: &Path, replace: bool) -> Command {
        let mut command = self.command();
        if replace {
            command.args(self.known.replace);
        }
        if self.name == "dd" {
            command.arg(joined("if=", source)).arg(joined("of=", dest));
        } else {
            command.args([source, dest]);
        }
        command
    }

    /// Whether it copies many files so.
    pub fn copies(&self, many: Many) -> bool {
        let archives = ["zccp", "gnu-cp", "uu-cp"].contains(&self.name);
        archives || (many != Many::Archive && ["cpz", "xcp", "fcp"].contains(&self.name))
    }

    /// Copy what is in `sources`, a tree to `dest`, which is not there yet, or files into it.
    pub fn copy_many(&self, sources: &[PathBuf], dest: &Path, many: Many) -> Command {
        let mut command = self.command();
        match many {
            Many::Archive => _ = command.arg("-a"),
            // cpz and fcp copy a directory as they copy anything.
            Many::Tree if !["cpz", "fcp"].contains(&self.name) => _ = command.arg("-r"),
            Many::Tree | Many::Operands => {}
        }
        command.args(sources).arg(dest);
        command
    }

    /// Write `source` to standard output.
    pub fn cat(&self, source: &Path) -> Command {
        let mut command = self.command();
        command.arg(source);
        command
    }

    /// Send standard input to `port` of this machine.
    pub fn send(&self, port: u16) -> Command {
        let mut command = self.command();
        if self.name == "socat" {
            command.arg(format!("TCP4:127.0.0.1:{port}"));
        } else {
            command.args(["127.0.0.1".to_owned(), port.to_string()]);
        }
        command
    }

    /// Do nothing but start.
    pub fn do_nothing(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.arg("--version");
        command
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.args(self.known.words);
        command
    }
}

fn joined(key: &str, path: &Path) -> OsString {
    let mut word = OsString::from(key);
    word.push(path);
    word
}
