//! Formatted output beyond its bytes: when it is written, and what happens when reading or writing goes wrong.

use crate::apparatus::strace::{inject, trace};
use crate::apparatus::terminal::Terminal;
use crate::apparatus::{Input, Output, Reader, Scene, content, sockets};
use std::fs::File;
use std::io::{Read, Write};
use std::time::Duration;

/// What `cat -n` makes of `text`.
fn numbered(text: &[u8]) -> Vec<u8> {
    let lines = text.split_inclusive(|&byte| byte == b'\n').zip(1..);
    lines.flat_map(|(line, number): (&[u8], u32)| [format!("{number:6}\t").as_bytes(), line].concat()).collect()
}

#[test]
fn a_piece_of_a_pipe_or_a_terminal_is_output_before_the_next_is_waited_for() {
    let scene = Scene::new();
    let (theirs, ours) = sockets::pipe();
    let terminal = Terminal::raw();
    let sources = [(File::from(theirs), File::from(ours)), (terminal.slave, terminal.master)];
    for (theirs, mut ours) in sources {
        let (mut shown, output) = {
            let (read, write) = sockets::pipe();
            (File::from(read), write)
        };
        let running = scene.zccat(["-nE"]).stdin_from(theirs).stdout_to(output).spawn();
        for (piece, expected) in [("a", "     1\ta"), ("b\n\n", "b$\n     2\t$\n"), ("c\n", "     3\tc$\n")] {
            ours.write_all(piece.as_bytes()).unwrap();
            let mut bytes = vec![0; expected.len()];
            shown.read_exact(&mut bytes).unwrap(); // for ever, if it were held back
            assert_eq!(String::from_utf8_lossy(&bytes), expected);
        }
        drop(ours);
        let _ = running.finish(); // a terminal that is hung up is a read error, EIO
    }
}

#[test]
fn a_read_error_comes_after_what_was_read_and_the_next_operands_follow() {
    let scene = Scene::new();
    let text = content::text(400_000);
    scene.file("a", &text);
    scene.file("b", b"last\n");
    // Reads of 256 KiB: the second one of `a` fails. The descriptor keeps the loader's reads out of the count.
    let path = scene.path("a");
    let only = format!("--trace-path={}", path.display());
    let Some((outcome, _)) = trace(
        &scene,
        &[&only, "-e", "trace=read", "-e", "inject=read:error=EIO:when=2"],
        scene.zccat(["-n".as_ref(), path.as_os_str(), "b".as_ref()]),
    ) else {
        return;
    };
    let read: Vec<u8> = [&text[..256 * 1024], b"last\n"].concat();
    outcome.fails_with(1).stdout_is(numbered(&read));
    outcome.stderr_is(&format!("zccat: {}: Input/output error\n", path.display()));
}

#[test]
fn reads_and_writes_that_are_interrupted_are_made_again() {
    let scene = Scene::new();
    let text = content::text(600_000);
    let path = scene.file("a", &text);
    let only = format!("--trace-path={}", path.display());
    let reads = [&only, "-e", "trace=read", "-e", "inject=read:error=EINTR:when=1+2"];
    let writes = ["-e", "inject=write:error=EINTR:when=1+2"];
    for options in [&reads[..], &writes] {
        let Some((outcome, seen)) = trace(&scene, options, scene.zccat(["-n".as_ref(), path.as_os_str()])) else {
            return;
        };
        assert!(seen.injected() >= 2, "nothing was interrupted: {options:?}");
        outcome.succeeds().stdout_is(numbered(&text));
    }
}

#[test]
fn a_write_error_names_no_file_and_ends_it() {
    let scene = Scene::new();
    scene.file("a", &content::text(1000));
    let lines = [&["-n", "a", "missing"][..], &["-v", "-", "missing"]];
    for line in lines {
        let command = scene.zccat(line).stdin(Input::Bytes(b"x".to_vec())).stdout(Output::Full);
        command.run().fails_with(1).stderr_is("zccat: write error: No space left on device\n");
    }
    // The carriage return that was held back until the end.
    let command = scene.zccat(["-E"]).stdin(Input::Bytes(b"\r".to_vec())).stdout(Output::Full);
    command.run().fails_with(1).stderr_is("zccat: write error: No space left on device\n");
}

#[test]
fn a_reader_that_has_gone_is_sigpipe_or_a_write_error() {
    let scene = Scene::new();
    scene.file("a", &content::text(1_000_000));
    let gone = || scene.zccat(["-n", "a", "a"]).stdout(Output::Pipe(Reader::Takes(100)));
    gone().run().dies_of(libc::SIGPIPE).stderr_is("");
    gone().ignoring_sigpipe().run().fails_with(1).stderr_is("zccat: write error: Broken pipe\n");
}

#[test]
fn closed_descriptors_are_said_as_when_nothing_is_formatted() {
    let scene = Scene::new();
    scene.file("a", b"a\n");
    let output = scene.zccat(["-n", "a"]).stdout(Output::Closed).run();
    output.fails_with(1).stderr_is("zccat: standard output: Bad file descriptor\n");
    let input = scene.zccat(["-n", "-", "a", "-"]).stdin(Input::Closed).run();
    input.fails_with(1).stdout_is("     1\ta\n").stderr_is(
        "zccat: -: Bad file descriptor\nzccat: -: Bad file descriptor\nzccat: closing standard input: Bad file descriptor\n",
    );
}

#[test]
fn descriptors_that_others_made_non_blocking_are_waited_for() {
    let scene = Scene::new();
    let text = content::text(300_000);
    let (input, mut feeder) = {
        let (read, write) = sockets::pipe();
        (read, File::from(write))
    };
    let (read, output) = sockets::pipe();
    sockets::set_nonblocking(&input);
    sockets::set_nonblocking(&output);
    let shown = sockets::read_slowly(File::from(read));
    let running = scene.zccat(["-n"]).stdin_from(input).stdout_to(output).spawn();
    std::thread::sleep(Duration::from_millis(50)); // it waits for the first byte by now
    feeder.write_all(&text).unwrap();
    drop(feeder);
    running.finish().succeeds().stderr_is("");
    assert_eq!(content::difference(&numbered(&text), &shown.join().unwrap()), None);
}

#[test]
fn a_socket_that_keeps_message_boundaries_is_not_given_more_than_it_takes() {
    let scene = Scene::new();
    let text = content::text(200_000);
    scene.file("a", &text);
    let (theirs, ours) = sockets::seqpacket_pair();
    let shown = sockets::read_messages(ours.into(), Duration::from_secs(5));
    scene.zccat(["-n", "a"]).stdout_to(theirs).run().succeeds();
    let messages = shown.join().unwrap();
    assert_eq!(content::difference(&numbered(&text), &messages.concat()), None);
    assert!(messages.iter().all(|message| message.len() <= 32 * 1024));
}

#[test]
fn engines_that_cannot_look_at_bytes_are_refused_and_explain_says_that_there_is_no_choice() {
    let scene = Scene::new();
    scene.file("a", b"a\n");
    let refused = scene.zccat(["-n", "--engine=mmap,splice", "a"]).run();
    refused
        .fails_with(1)
        .stdout_is("")
        .stderr_is("zccat: mmap, splice cannot format a: every byte has to be looked at, which only read_write does\n");
    scene.zccat(["-n", "--engine=splice,read_write", "a"]).run().succeeds().stdout_is("     1\ta\n");
    let explained = scene.zccat(["-n", "--explain", "a"]).run();
    explained.succeeds().stderr_is("a: cooked: read, formatted and written; engines do not apply\n");
}

#[test]
fn little_memory_is_enough() {
    let scene = Scene::new();
    let text = content::text(1_000_000);
    scene.file("a", &text);
    let blocks =
        |calls: &crate::apparatus::strace::Trace| calls.calls.iter().filter(|call| call.name == "mmap").count();
    let Some((outcome, seen)) = trace(&scene, &[], scene.zccat(["-n", "a"])) else { return };
    outcome.succeeds();
    // The two blocks are the last mappings that are made; refused, smaller ones do.
    let refused = format!("mmap:error=ENOMEM:when={}", blocks(&seen) - 1);
    let Some((outcome, _)) = inject(&scene, &[&refused], scene.zccat(["-n", "a"])) else { return };
    outcome.succeeds().stdout_is(numbered(&text));
}

#[test]
fn bytes_are_read_and_never_mapped() {
    let scene = Scene::new();
    let text = content::text(1_000_000);
    scene.file("a", &text);
    for options in ["-n", "-A", "-sE"] {
        let Some((outcome, seen)) = trace(&scene, &[], scene.zccat([options, "a"])) else { return };
        outcome.succeeds();
        let fd = seen.opened("a").unwrap();
        let calls: Vec<_> = seen.between_operands(&["a"]).iter().filter(|call| call.touches(fd)).collect();
        let names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
        assert!(names.contains(&"read"), "{names:?}");
        for other in ["mmap", "sendfile", "splice", "copy_file_range"] {
            assert!(!names.contains(&other), "{options}: {names:?}");
        }
    }
}
