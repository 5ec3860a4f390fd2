//! --exclude: what of a tree is left out.

use crate::apparatus::strace::trace;
use crate::apparatus::{Fs, Scene};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

/// A tree with the same names at several depths.
fn plant(scene: &Scene) {
    for directory in ["s", "s/build", "s/d", "s/d/build", "s/d/e"] {
        scene.directory(directory);
    }
    for file in ["s/a.o", "s/a.c", "s/build/x", "s/d/a.o", "s/d/build/x", "s/d/e/a.o", "s/d/e/build"] {
        scene.file(file, b"x");
    }
    scene.symlink("build", "s/link");
}

/// The files and links of a tree, by name.
fn files(scene: &Scene, root: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![scene.path(root)];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else {
                let way = entry.path().strip_prefix(scene.path(root)).unwrap().to_owned();
                found.push(way.as_os_str().as_bytes().escape_ascii().to_string());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn what_is_named_is_not_copied_nor_looked_into() {
    for fs in [Fs::Ext4, Fs::Tmpfs] {
        let Some(scene) = Scene::on(fs) else { continue };
        plant(&scene);
        for (arguments, left) in [
            (&["--exclude=*.o"][..], &["a.c", "build/x", "d/build/x", "d/e/build", "link"][..]),
            (&["--exclude=build"], &["a.c", "a.o", "d/a.o", "d/e/a.o", "link"]),
            (&["--exclude=build/"], &["a.c", "a.o", "d/a.o", "d/e/a.o", "d/e/build", "link"]),
            (&["--exclude=/build"], &["a.c", "a.o", "d/a.o", "d/build/x", "d/e/a.o", "d/e/build", "link"]),
            (&["--exclude=d/*/build", "--exclude", "a.?"], &["build/x", "d/build/x", "link"]),
            (&["--exclude=d/**", "-L"], &["a.c", "a.o", "build/x", "link/x"]),
            (&["--exclude=link/", "--exclude=d", "-L"], &["a.c", "a.o", "build/x"]),
            (&["--exclude=link/", "--exclude=d"], &["a.c", "a.o", "build/x", "link"]),
            (
                &["--exclude=s", "--exclude=/s"],
                &["a.c", "a.o", "build/x", "d/a.o", "d/build/x", "d/e/a.o", "d/e/build", "link"],
            ),
            (&["--exclude=!a.o", "--exclude=/*"], &[]),
        ] {
            for jobs in ["-j1", "-j4"] {
                let command = scene.zccp(["-r", jobs]).arguments(arguments).arguments(["s", "n"]);
                command.run().succeeds().stderr_is("");
                assert_eq!(files(&scene, "n"), left, "{arguments:?}");
                std::fs::remove_dir_all(scene.path("n")).unwrap();
            }
        }
    }
}

#[test]
fn names_that_are_no_text_are_matched_by_their_bytes() {
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    scene.directory("s");
    for name in [&b"s/a\xff"[..], b"s/b\xfe", b"s/\xc3\xa9", b"s/c"] {
        std::fs::write(scene.path("s").join(OsStr::from_bytes(&name[2..])), b"x").unwrap();
    }
    let exclude = OsStr::from_bytes(b"--exclude=*\xff");
    for locale in ["C", "C.UTF-8"] {
        let command = scene.zccp([OsStr::new("-r"), exclude, OsStr::new("--exclude=b?")]).variable("LC_ALL", locale);
        command.arguments(["s", "n"]).run().succeeds();
        assert_eq!(files(&scene, "n"), ["\\xc3\\xa9", "c"]);
        std::fs::remove_dir_all(scene.path("n")).unwrap();
    }
}

#[test]
fn what_is_left_out_is_not_even_opened_and_is_not_in_the_total() {
    let scene = Scene::new();
    plant(&scene);
    scene.sparse_file("s/d/big", 1 << 30, &[]);
    scene.sparse_file("s/some", 4 << 20, &[(0, &vec![1; 3 << 20])]);
    let command = scene.zccp(["-r", "--json", "--rate-limit=1M", "--exclude=d/", "s", "n"]);
    let Some((outcome, trace)) = trace(&scene, &["-e", "trace=open,openat,openat2"], command) else { return };
    let opened = |name: &str| trace.calls.iter().any(|call| call.arguments.iter().any(|a| a == &format!("\"{name}\"")));
    assert!(opened("some") && !["d", "s/d", "e", "big"].into_iter().any(opened), "{:?}", trace.calls);
    let said = String::from_utf8(outcome.succeeds().stderr.clone()).unwrap();
    let totals: Vec<&str> =
        said.lines().filter_map(|line| line.split_once("\"expected_bytes\":")?.1.split(',').next()).collect();
    assert!(totals.len() > 1 && totals.iter().all(|total| *total == "4194307"), "{said}");
}

#[test]
fn a_glob_that_does_not_parse_is_refused() {
    let scene = Scene::new();
    plant(&scene);
    for (glob, problem) in [
        ("", "it names nothing"),
        ("/", "it names nothing"),
        ("[a", "a [ has no ] in the same name"),
        ("a//b", "there is nothing between two slashes"),
        ("../a", "names below SOURCE have no . or .. in them"),
        ("a\\", "there is nothing to quote after the last \\ of a name"),
    ] {
        let outcome = scene.zccp(["-r", "--exclude", glob, "s", "n"]).called("zccp").run();
        let quoted = glob.replace('\\', "\\\\");
        let said = format!(
            "zccp: invalid argument '{quoted}' for '--exclude': {problem}\nTry 'zccp --help' for more information.\n"
        );
        outcome.fails_with(1).stderr_is(&said).no_file("n");
    }
}
