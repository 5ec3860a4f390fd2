//! `zccat --size`: what is told of a stream that does not tell its size.

use crate::apparatus::{Output, Scene, sockets};
use std::fs::File;
use std::io::Write;

/// What `--json` says while the first operand of `arguments`, standard input, is not yet at its end.
fn told(arguments: &[&str]) -> String {
    let scene = Scene::new();
    scene.file("a", &[b'a'; 1000]);
    let (theirs, ours) = sockets::pipe();
    let mut ours = File::from(ours);
    let said = || std::fs::read_to_string(scene.path("said")).unwrap_or_default();
    let null = File::options().write(true).open("/dev/null").unwrap();
    let command = scene.zccat(["--json"]).arguments(arguments).stdin_from(theirs).stdout_to(null);
    let running = command.stderr(Output::Descriptor(scene.create("said").into())).spawn();
    ours.write_all(&[b'x'; 3000]).unwrap();
    let progress = || said().lines().find(|line| line.contains("\"event\":\"progress\"")).map(String::from);
    running.wait_until("told how far it is", || progress().is_some());
    let seen = progress().unwrap();
    drop(ours);
    running.finish().succeeds();
    // In the end it is what came, whatever was expected.
    assert!(said().contains("\"status\":0"), "{}", said());
    seen
}

#[test]
fn it_is_the_total_of_a_stream_raw_and_formatted() {
    for arguments in [&["--size=4kB"][..], &["--size=4kB", "-n"], &["--size=4000", "-"]] {
        let said = told(arguments);
        assert!(said.contains("\"bytes\":3000,") && said.contains("\"expected_bytes\":4000,"), "{said}");
    }
}

#[test]
fn without_it_there_is_no_total_and_a_file_tells_its_own() {
    assert!(!told(&[]).contains("\"expected_bytes\":4000"));
    let said = told(&["--size=4kB", "-", "a"]);
    assert!(said.contains("\"expected_bytes\":5000,"), "{said}");
}

#[test]
fn what_is_no_size_is_refused_in_one_sentence() {
    let scene = Scene::new();
    for (text, problem) in [
        ("", "it is not a number of bytes with or without a suffix like K, MiB or GB"),
        ("1x", "it is not a number of bytes with or without a suffix like K, MiB or GB"),
        ("0", "it is zero"),
        ("1Q", "it is more than 18446744073709551615 bytes"),
    ] {
        let said = format!("zccat: invalid argument '{text}' for '--size': {problem}\nTry '");
        scene.zccat([format!("--size={text}")]).run().fails_with(1).stdout_is("").stderr_has(&said);
    }
}
