//! How many system calls the files of a tree take: those of all threads, from the tree's first open to its last close.

use super::plant;
use crate::apparatus::strace::{Call, trace};
use crate::apparatus::{Fs, Scene};

const DIRECTORIES: usize = 3;
/// Files of the smaller tree; the larger has twice as many in as many directories, so that the difference is what files
/// take and nothing else.
const FILES: usize = 450;
/// Calls that more entries take beside those for the files: to list them, and to wait for another worker.
const MORE_ENTRIES: usize = 20;
/// Calls that a tree takes beside those for its files: directories, what is asked of the system once (66 seen with one
/// worker), and moving to another processor (three calls; two workers under strace moved up to eight times each).
const BESIDE: usize = 200;
/// Calls that each further worker takes: to start and end its thread, to part its descriptors and to be given directories
/// (31 to 49 seen each with three to five). How many are started depends on how long the disk is waited for, not on the
/// files.
const A_WORKER: usize = 80;

/// The calls for a tree with `files` files of `bytes` bytes each.
fn calls(fs: Fs, files: usize, bytes: usize, jobs: &str) -> Option<Vec<Call>> {
    let scene = Scene::on(fs)?;
    plant(&scene, "source-tree", DIRECTORIES, files / DIRECTORIES, bytes);
    let (outcome, trace) = trace(&scene, &[], scene.zccp(["-r", jobs, "source-tree", "copy"]))?;
    outcome.succeeds().stderr_is("");
    super::same_trees(&scene, "source-tree", "copy");
    let opens_tree = |call: &Call| {
        let opens = ["open", "openat", "openat2"].contains(&call.name.as_str());
        opens && call.arguments.iter().any(|argument| argument == "\"source-tree\"")
    };
    let first = trace.calls.iter().position(opens_tree).expect("nothing opens the tree");
    let last = trace.calls.iter().rposition(|call| call.name == "close").expect("nothing is closed");
    Some(trace.calls[first..=last].to_vec())
}

/// How often each call was made.
fn counts(calls: &[Call]) -> String {
    let mut names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
    names.sort_unstable();
    let counts: Vec<_> = names.chunk_by(|a, b| a == b).map(|same| format!("{} {}", same.len(), same[0])).collect();
    counts.join(", ")
}

#[track_caller]
fn takes_at_most(fs: Fs, bytes: usize, each: usize) {
    let name = fs.name();
    // By one worker, who makes the same calls each time: how often work is given away is a matter of time.
    let one = |files| calls(fs, files, bytes, "--jobs=1");
    let (Some(few), Some(many)) = (one(FILES), one(2 * FILES)) else { return };
    let more = many.len().saturating_sub(few.len());
    assert!(more <= each * FILES + MORE_ENTRIES, "{name}: {more} calls for {FILES} more files: {}", counts(&many));
    let Some(many) = calls(fs, 2 * FILES, bytes, "--jobs=auto") else { return };
    let workers = many.iter().filter(|call| call.name == "clone3").count();
    let most = each * 2 * FILES + BESIDE + workers * A_WORKER;
    assert!(many.len() <= most, "{name}: {} calls, {most} allowed: {}", many.len(), counts(&many));
}

#[test]
fn a_small_file_in_a_tree_takes_seven_calls_where_a_short_read_is_the_end() {
    for fs in [Fs::Ext4, Fs::Xfs, Fs::XfsPlain, Fs::Btrfs, Fs::Tmpfs] {
        takes_at_most(fs, 1000, 7);
    }
}

#[test]
fn a_small_file_in_a_tree_takes_eight_calls_elsewhere() {
    takes_at_most(Fs::Overlay, 1000, 8);
}

#[test]
fn an_empty_file_in_a_tree_takes_five_calls() {
    for fs in [Fs::Ext4, Fs::Xfs, Fs::XfsPlain, Fs::Btrfs, Fs::Tmpfs] {
        takes_at_most(fs, 0, 5);
    }
}
