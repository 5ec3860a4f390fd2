//! How many system calls the files of a tree take: those of all threads, from the tree's first open to its last close.

use super::plant;
use crate::apparatus::strace::{Call, trace};
use crate::apparatus::{Fs, Scene};

const FILES: usize = 600;
/// What a directory takes beside its files, and what a thread does: opens, facts, entries, names made, waiting.
const A_DIRECTORY: usize = 14;
const THREADS: usize = 40;

/// The calls for a tree of 3 directories with `FILES` files in all, of `bytes` bytes each.
fn calls(fs: Fs, bytes: usize) -> Option<Vec<Call>> {
    let scene = Scene::on(fs)?;
    plant(&scene, "source-tree", 3, FILES / 3, bytes);
    let (outcome, trace) = trace(&scene, &[], scene.zccp(["-r", "source-tree", "copy"]))?;
    outcome.succeeds().stderr_is("");
    super::same_trees(&scene, "source-tree", "copy");
    let opens_tree = |call: &Call| {
        ["open", "openat", "openat2"].contains(&call.name.as_str())
            && call.arguments.iter().any(|a| a == "\"source-tree\"")
    };
    let first = trace.calls.iter().position(opens_tree).expect("nothing opens the tree");
    let last = trace.calls.iter().rposition(|call| call.name == "close").expect("nothing is closed");
    Some(trace.calls[first..=last].to_vec())
}

#[track_caller]
fn takes_at_most(fs: Fs, bytes: usize, each: usize) {
    let Some(calls) = calls(fs, bytes) else { return };
    let allowed = each * FILES + 4 * A_DIRECTORY + THREADS;
    if calls.len() > allowed {
        let mut names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
        names.sort_unstable();
        let counts: Vec<_> = names.chunk_by(|a, b| a == b).map(|same| format!("{} {}", same.len(), same[0])).collect();
        panic!("{}: {} calls for {FILES} files of {bytes} bytes: {}", fs.name(), calls.len(), counts.join(", "));
    }
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
