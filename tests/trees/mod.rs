//! Cases of whole trees, beside those that are compared with GNU cp (`oracle_cp`).

// How many system calls the files of a tree take.
mod budget;

// Attributes that cannot be read or set, and whose they are.
mod attributes;

// Somebody who swaps directories for links while a tree is copied.
mod attack;

// Depth, breadth, memory, descriptors.
mod size;

// Trees that go onto trees: what is done first.
mod turns;

// When a second worker is worth its start.
mod workers;

// Calls that are refused, disks that are full, entries that change or vanish.
mod trouble;

use crate::apparatus::{Scene, tree};
use std::path::Path;

/// A tree of `directories` directories with `files` files each, `bytes` bytes long.
pub fn plant(scene: &Scene, name: &str, directories: usize, files: usize, bytes: usize) {
    scene.directory(name);
    for directory in 0..directories {
        scene.directory(format!("{name}/d{directory:03}"));
        for file in 0..files {
            scene.file(format!("{name}/d{directory:03}/f{file}"), &vec![b'a' + (file % 26) as u8; bytes]);
        }
    }
}

/// Fails unless both directories hold the same tree.
#[track_caller]
fn same_trees(scene: &Scene, one: impl AsRef<Path>, other: impl AsRef<Path>) {
    let one = tree::describe(&scene.path(one.as_ref()));
    let other = tree::describe(&scene.path(other.as_ref()));
    if one != other {
        let lost: Vec<_> = one.lines().filter(|line| !other.contains(line)).take(10).collect();
        let new: Vec<_> = other.lines().filter(|line| !one.contains(line)).take(10).collect();
        panic!("the trees differ; only in the first: {lost:#?}; only in the second: {new:#?}");
    }
}
