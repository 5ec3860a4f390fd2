//! The same argument lines for GNU cat and for ours: the same bytes on both streams, in the same order, and the same
//! status. `ZCCP_GNU_CAT` names the oracle; without it, it is the `cat` of the PATH, if that is GNU's.
//!
//! What GNU cat has changed since 9.1, which Debian 12 has, is not asked of it but recorded here.

use crate::apparatus::case::zccat;
use crate::apparatus::{Command, Input, Output, Scene, skip};
use std::path::PathBuf;

/// Options, alone and in company, in every spelling.
const OPTIONS: &[&[&str]] = &[
    &["-A"],
    &["-b"],
    &["-e"],
    &["-E"],
    &["-n"],
    &["-s"],
    &["-t"],
    &["-T"],
    &["-u"],
    &["-v"],
    &["-bn"],
    &["-nb"],
    &["-sn"],
    &["-sb"],
    &["-sE"],
    &["-nE"],
    &["-nET"],
    &["-ET"],
    &["-nv"],
    &["-bsA"],
    &["-nsTv"],
    &["-benstuvAET"],
    &["--show-all"],
    &["--number-nonblank", "--number"],
    &["--show-ends", "--show-tabs"],
    &["--number", "--squeeze-blank"],
    &["--show-nonprinting", "-s"],
    &["--show-a"],
    &["--number-"],
    &["--sq", "--show-e"],
    &["--show-n", "-uuE"],
];

/// Operands that follow them.
const OPERANDS: &[&[&str]] = &[
    &["text"],
    &["returns", "blank", "text"],
    &["open", "open", "return", "newline", "return", "text"],
    &["bytes"],
    &["-", "text", "-"],
    &["blank", "missing", "blank", "directory", "a b", "new\nline", "text"],
    &["empty", "long"],
];

/// Lines that are wrong, or read in a particular way.
const LINES: &[&[&str]] = &[
    &[],
    &["-"],
    &["--"],
    &["--", "-n"],
    &["text", "-n", "--", "--number"],
    &["--n", "text"],
    &["--nu"],
    &["--number=3"],
    &["--number-nonblank="],
    &["--show"],
    &["--show-"],
    &["--s"],
    &["--show=x"],
    &["--="],
    &["--showy"],
    &["--foo", "text"],
    &["--foo=bar", "--n"],
    &["text", "--foo"],
    &["-z"],
    &["-nzb", "text"],
    &["-n5", "text"],
    &["-n=", "text"],
    &["-\u{e9}"],
    &["-n", "", "text"],
    &["-E", "missing", "it's", "directory/missing", "text/x", "loop"],
    &["missing", "text"],
    &["directory"],
    &["--ver=1"],
    &["--help=1"],
];

fn scene() -> Scene {
    let scene = Scene::new();
    scene.file(
        "text",
        b"one\ttwo\n\n\n\nthree\n\nfour, which is longer than a chunk of a few dozen bytes, by far\n\tlast\n",
    );
    scene.file("returns", b"dos\r\n\r\n\r\r\nlone\rinside\r");
    scene.file("return", b"\r");
    scene.file("newline", b"\n");
    scene.file("blank", b"\n\n\n");
    scene.file("open", b"no newline");
    scene.file("empty", b"");
    let every: Vec<u8> = (0..=255).flat_map(|byte: u8| [b'x', byte, byte, b'\n', byte]).chain(0..=255).collect();
    scene.file("bytes", &every);
    let long = (0..300_000u32).map(|at| if at % 70_001 == 70_000 { b'\n' } else { b'a' + (at % 23) as u8 });
    scene.file("long", &long.collect::<Vec<u8>>());
    scene.directory("directory");
    scene.symlink("loop", "loop");
    scene
}

/// GNU's program; `None`, and the test skipped by name, without one.
fn oracle(scene: &Scene) -> Option<PathBuf> {
    let program = std::env::var_os("ZCCP_GNU_CAT").map_or_else(|| PathBuf::from("cat"), PathBuf::from);
    let version = scene.program(program.clone()).argument("--version").run();
    if version.stdout.starts_with(b"cat (GNU coreutils)") {
        return Some(program);
    }
    skip::skip!("the cat of the PATH is not GNU's, and ZCCP_GNU_CAT names no other");
    None
}

/// What a line comes to: both streams into one file, so that their order shows.
fn outcome(scene: &Scene, program: PathBuf, line: &[&str]) -> (Option<i32>, String) {
    let both = scene.create("both");
    let errors = both.try_clone().unwrap();
    let command: Command = scene.program(program).called("cat").arguments(line);
    let stdin = Input::Bytes(b"from\tstdin\r\n\n\nto the end\r".to_vec());
    let done = command.stdin(stdin).stdout_to(both).stderr(Output::Descriptor(errors.into())).run();
    (done.status.code(), scene.bytes("both").escape_ascii().to_string())
}

#[test]
fn every_line_comes_to_what_gnu_cat_makes_of_it() {
    let scene = scene();
    let Some(gnu) = oracle(&scene) else { return };
    let combined =
        OPTIONS.iter().flat_map(|options| OPERANDS.iter().map(move |operands| [*options, *operands].concat()));
    let lines: Vec<Vec<&str>> = combined.chain(LINES.iter().map(|line| line.to_vec())).collect();
    assert!(lines.len() >= 150, "only {} lines", lines.len());
    for line in lines {
        let theirs = outcome(&scene, gnu.clone(), &line);
        let ours = outcome(&scene, zccat(), &line);
        assert!(ours == theirs, "cat {line:?}\n  GNU  {theirs:?}\n  ours {ours:?}");
    }
}

/// The rule of 9.6: the input is the output file only if reading would meet what is written.
#[test]
fn the_input_is_the_output_file_only_if_reading_would_meet_what_is_written() {
    for option in ["-u", "-T"] {
        let scene = Scene::new();
        let shell = |script: &str| scene.shell(&script.replace("$ZCCAT", &format!("\"$ZCCAT\" {option}"))).run();
        scene.file("x", b"x\n");
        shell("$ZCCAT x >>x").fails_with(1).stderr_is("zccat: x: input file is output file\n");
        shell("$ZCCAT x 1<>x").succeeds();
        shell("$ZCCAT x >x").succeeds().stderr_is("").file_is("x", b"");
        scene.file("x", b"x\n");
        shell("$ZCCAT <x >>x").fails_with(1).stderr_is("zccat: -: input file is output file\n");
        scene.file("f", b"f\n");
        scene.file("o", b"abc\n");
        shell("$ZCCAT - f <o 1<>o").succeeds().stderr_is("");
        shell("{ echo y; $ZCCAT x f; } 1<>x").fails_with(1).stderr_is("zccat: x: input file is output file\n");
    }
}
