//! argv[0] decides which program it is: links, copies and other names.

use crate::apparatus::case::{zccat, zccp};
use crate::apparatus::{Outcome, Scene};
use std::path::Path;

/// A file to read, and a program under another name.
fn scene_with(link: impl Fn(&Path, &Path) -> std::io::Result<()>, program: &Path, name: &str) -> Scene {
    let scene = Scene::new();
    scene.file("a", b"some bytes\n");
    link(program, &scene.path(name)).unwrap();
    scene
}

fn run(scene: &Scene, name: &str, arguments: &[&str]) -> Outcome {
    scene.program(scene.path(name)).arguments(arguments).run()
}

fn symlink(from: &Path, to: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

#[test]
fn a_symbolic_link_names_the_program() {
    for name in ["zccat", "cat"] {
        let scene = scene_with(symlink, &zccp(), name);
        run(&scene, name, &["a"]).succeeds().stdout_is("some bytes\n");
    }
    for name in ["zccp", "cp"] {
        let scene = scene_with(symlink, &zccat(), name);
        run(&scene, name, &["a", "b"]).succeeds().stdout_is("").file_is("b", b"some bytes\n");
    }
}

#[test]
fn a_hard_link_names_the_program() {
    let scene = Scene::new();
    scene.file("a", b"some bytes\n");
    // The build directory and the scene are on one file system, or a hard link could not be.
    std::fs::hard_link(zccp(), scene.path("cat")).unwrap();
    run(&scene, "cat", &["a"]).succeeds().stdout_is("some bytes\n");
    std::fs::hard_link(zccat(), scene.path("cp")).unwrap();
    run(&scene, "cp", &["a", "b"]).succeeds().file_is("b", b"some bytes\n");
}

#[test]
fn a_copy_names_the_program() {
    let scene = Scene::new();
    scene.file("a", b"some bytes\n");
    scene.copy_of(&zccp(), "zccat");
    run(&scene, "zccat", &["a"]).succeeds().stdout_is("some bytes\n");
}

#[test]
fn another_name_leaves_it_what_it_was_built_as() {
    let scene = scene_with(symlink, &zccat(), "concatenate");
    run(&scene, "concatenate", &["a"]).succeeds().stdout_is("some bytes\n");
    let scene = scene_with(symlink, &zccp(), "duplicate");
    run(&scene, "duplicate", &["a", "b"]).succeeds().file_is("b", b"some bytes\n");
}

#[test]
fn the_name_begins_every_message() {
    for name in ["cp", "zccp"] {
        let scene = scene_with(symlink, &zccp(), name);
        let said = format!("{name}: cannot stat 'none': No such file or directory\n");
        run(&scene, name, &["none", "b"]).fails_with(1).stderr_is(&said);
    }
    for name in ["cat", "zccat"] {
        let scene = scene_with(symlink, &zccp(), name);
        let said = format!("{name}: none: No such file or directory\n");
        run(&scene, name, &["none"]).fails_with(1).stderr_is(&said);
    }
}

#[test]
fn argv_0_decides_and_not_the_file() {
    let scene = Scene::new();
    scene.file("a", b"some bytes\n");
    scene.zccp(["a"]).called("/no/such/directory/cat").run().succeeds().stdout_is("some bytes\n");
    scene.zccp(["a"]).called("cat").run().succeeds().stdout_is("some bytes\n");
    scene.zccat(["a", "b"]).called("cp").run().succeeds().file_is("b", b"some bytes\n");
}

#[test]
fn versions_and_help_end_well() {
    let scene = Scene::new();
    for name in ["zccp", "zccat"] {
        let version = scene.zccp(["--version"]).called(name).run();
        version.succeeds().stderr_is("").stdout_has(name).stdout_has(env!("CARGO_PKG_VERSION"));
        let help = scene.zccp(["--help"]).called(name).run();
        help.succeeds().stderr_is("").stdout_has("--engine").stdout_has("--explain");
    }
}
