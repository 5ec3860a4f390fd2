//! Descriptors that were there before us: shared offsets, append mode, closed ones, SIGPIPE, non-blocking ones.

use crate::apparatus::engines::CHOSEN;
use crate::apparatus::{Engine, Fs, Input, Output, Reader, Scene, content, for_each_engine, sockets};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

/// Sizes that end up in one write, in several, and in parts for the engines that split.
const LENGTHS: [usize; 3] = [7, 70_000, 1_500_000];

/// Runs a line of shell under every engine, each falling back to read and write.
fn shell(scene: &Scene, engine: Engine, script: &str) -> crate::apparatus::Outcome {
    let option = engine.option_with_fallback().unwrap_or_default();
    let name = engine.name();
    scene.shell(script).variable("ENGINE", option).described_as(name).run()
}

#[test]
fn one_output_is_shared_by_several() {
    for_each_engine(|engine| {
        for length in LENGTHS {
            let scene = Scene::new();
            let (a, b) = (content::bytes(1, length), content::bytes(2, length));
            scene.file("a", &a);
            scene.file("b", &b);
            let expected = [&a[..], b"between\n", &b].concat();
            let script = "{ \"$ZCCAT\" $ENGINE a; echo between; \"$ZCCAT\" $ENGINE b; }";
            shell(&scene, engine, &format!("{script} >out")).succeeds().stderr_is("").file_is("out", &expected);
            scene.file("log", b"before\n");
            let appended = [b"before\n", &expected[..]].concat();
            shell(&scene, engine, &format!("{script} >>log")).succeeds().stderr_is("").file_is("log", &appended);
        }
    });
}

#[test]
fn one_input_is_shared_by_several() {
    for_each_engine(|engine| {
        let scene = Scene::new();
        scene.file("f", &content::text(200_000));
        let text = scene.bytes("f");
        // What one leaves, the next finds: nothing is left by zccat, and everything after a line read by the shell.
        shell(&scene, engine, "(\"$ZCCAT\" $ENGINE; cat) <f").succeeds().stdout_is(&text);
        shell(&scene, engine, "(read line; \"$ZCCAT\" $ENGINE) <f")
            .succeeds()
            .stdout_is(&text[b"line 1 of the text\n".len()..]);
        shell(&scene, engine, "(dd bs=1000 count=3 status=none; \"$ZCCAT\" $ENGINE - ) <f").succeeds().stdout_is(&text);
    });
}

#[test]
fn the_offset_is_left_where_the_reading_ended() {
    for_each_engine(|engine| {
        let scene = Scene::new();
        let bytes = content::bytes(1, 300_001);
        scene.file("f", &bytes);
        let (mut input, mut output) = (scene.open("f"), scene.create("out"));
        input.seek(SeekFrom::Start(1000)).unwrap();
        output.seek(SeekFrom::Start(500)).unwrap();
        let command = scene.zccat(engine.option_with_fallback()).stdin_from(input.try_clone().unwrap());
        let outcome = command.stdout_to(output.try_clone().unwrap()).run();
        outcome.succeeds().file_is("out", &[&[0; 500][..], &bytes[1000..]].concat());
        assert_eq!(input.stream_position().unwrap(), 300_001, "input, {}", engine.name());
        assert_eq!(output.stream_position().unwrap(), 299_501, "output, {}", engine.name());
    });
}

#[test]
fn standard_input_is_read_where_a_dash_stands() {
    for_each_engine(|engine| {
        let scene = Scene::new();
        scene.file("a", b"a\n");
        let run = |arguments: &[&str]| {
            let command = scene.zccat(engine.option_with_fallback()).arguments(arguments);
            command.stdin(Input::Bytes(b"typed\n".to_vec())).run()
        };
        run(&["a", "-", "a"]).succeeds().stdout_is("a\ntyped\na\n");
        run(&["-", "a", "-"]).succeeds().stdout_is("typed\na\n");
        run(&[]).succeeds().stdout_is("typed\n");
    });
}

#[test]
fn what_is_behind_the_end_of_the_output_stays() {
    for_each_engine(|engine| {
        let scene = Scene::new();
        let (old, new) = (content::bytes(1, 100_000), content::bytes(2, 60_000));
        scene.file("out", &old);
        scene.file("new", &new);
        // `1<>out` opens without cutting: only the beginning is overwritten.
        shell(&scene, engine, "exec \"$ZCCAT\" $ENGINE new 1<>out").succeeds();
        let expected = [&new[..], &old[60_000..]].concat();
        assert_eq!(content::difference(&expected, &scene.bytes("out")), None, "{}", engine.name());
    });
}

#[test]
fn a_reader_that_goes_kills_silently() {
    for_each_engine(|engine| {
        let scene = Scene::new();
        scene.file("big", &content::bytes(1, 2_000_000));
        for reader in [Reader::Gone, Reader::Takes(1), Reader::Takes(100_000)] {
            let command = scene.zccat(engine.option_with_fallback()).argument("big").described_as(engine.name());
            command.stdout(Output::Pipe(reader)).run().dies_of(libc::SIGPIPE).stderr_is("");
        }
    });
}

#[test]
fn a_reader_that_goes_is_an_error_where_sigpipe_is_ignored() {
    for_each_engine(|engine| {
        let scene = Scene::new();
        scene.file("big", &content::bytes(1, 2_000_000));
        for reader in [Reader::Gone, Reader::Takes(1), Reader::Takes(100_000)] {
            let command = scene.zccat(engine.option_with_fallback()).argument("big").ignoring_sigpipe();
            let outcome = command.stdout(Output::Pipe(reader)).run();
            outcome.fails_with(1).stderr_is("zccat: write error: Broken pipe\n");
        }
    });
}

#[test]
fn the_shell_sees_sigpipe_as_from_cat() {
    let scene = Scene::new();
    scene.file("big", &content::bytes(1, 2_000_000));
    scene.shell("{ \"$ZCCAT\" big; echo $? >&2; } | head -c 1").run().succeeds().stderr_is("141\n");
    let ignored = scene.shell("trap '' PIPE; { \"$ZCCAT\" big; echo $? >&2; } | head -c 1").run();
    ignored.succeeds().stderr_is("zccat: write error: Broken pipe\n1\n");
}

/// Everything arrives although each end says "not now" whenever it can.
fn nonblocking(
    engine: Engine,
    scene: &Scene,
    stdout: impl Into<std::os::fd::OwnedFd>,
    expected: &[u8],
    reader: std::thread::JoinHandle<Vec<u8>>,
) {
    let command = scene.zccat(engine.option_with_fallback()).argument("big").described_as(engine.name());
    command.stdout_to(stdout).run().succeeds().stderr_is("");
    assert_eq!(content::difference(expected, &reader.join().unwrap()), None, "{}", engine.name());
}

#[test]
fn an_output_that_says_not_now_is_waited_for() {
    for_each_engine(|engine| {
        let scene = Scene::new();
        let bytes = content::bytes(1, 1_000_000);
        scene.file("big", &bytes);
        let (read, write) = sockets::pipe();
        sockets::set_nonblocking(&write);
        nonblocking(engine, &scene, write, &bytes, sockets::read_slowly(File::from(read)));
        let (theirs, ours) = sockets::unix_pair();
        sockets::set_nonblocking(&theirs);
        nonblocking(engine, &scene, theirs, &bytes, sockets::read_slowly(ours));
        let (theirs, ours) = sockets::tcp_pair();
        sockets::set_nonblocking(&theirs);
        nonblocking(engine, &scene, theirs, &bytes, sockets::read_slowly(ours));
    });
}

#[test]
fn an_input_that_says_not_now_is_waited_for() {
    for_each_engine(|engine| {
        let scene = Scene::new();
        let bytes = content::bytes(1, 100_000);
        let (read, write) = sockets::pipe();
        sockets::set_nonblocking(&read);
        let writer = sockets::write_slowly(File::from(write), bytes.clone(), 3000);
        scene.zccat(engine.option_with_fallback()).stdin_from(read).run().succeeds().stderr_is("").stdout_is(&bytes);
        writer.join().unwrap();
        let (theirs, ours) = sockets::tcp_pair();
        sockets::set_nonblocking(&theirs);
        let writer = sockets::write_slowly(ours, bytes.clone(), 3000);
        scene.zccat(engine.option_with_fallback()).stdin_from(theirs).run().succeeds().stderr_is("").stdout_is(&bytes);
        writer.join().unwrap();
    });
}

#[test]
fn waiting_costs_no_processor() {
    for_each_engine(|engine| {
        let scene = Scene::new();
        let (read, write) = sockets::pipe();
        let mut write = File::from(write);
        sockets::set_nonblocking(&read);
        let running = scene.zccat(engine.option_with_fallback()).stdin_from(read).spawn();
        std::thread::sleep(std::time::Duration::from_millis(300));
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", running.pid().as_raw_nonzero())).unwrap();
        // utime and stime, fields 14 and 15 of proc(5), in hundredths: start-up takes one or two, a spin takes 30.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks = fields[11].parse::<u32>().unwrap() + fields[12].parse::<u32>().unwrap();
        write.write_all(b"at last").unwrap();
        drop(write);
        running.finish().succeeds().stdout_is("at last");
        assert!(ticks < 15, "{} spun for {ticks} ticks of 300 ms", engine.name());
    });
}

#[test]
fn a_line_is_passed_on_before_the_next_one_comes() {
    for_each_engine(|engine| {
        let scene = Scene::new();
        let ((read, write), (out, out_end)) = (sockets::pipe(), sockets::pipe());
        let (mut write, mut out) = (File::from(write), File::from(out));
        let running = scene.zccat(engine.option_with_fallback()).stdin_from(read).stdout_to(out_end).spawn();
        for line in [b"one\n", b"two\n"] {
            write.write_all(line).unwrap();
            let mut seen = [0; 4];
            out.read_exact(&mut seen).unwrap();
            assert_eq!(&seen, line, "{}", engine.name());
        }
        drop(write);
        running.finish().succeeds();
    });
}

#[test]
fn a_pipes_reader_is_never_locked_out_by_a_source_that_waits() {
    // splice(2) straight from a socket into the pipe sleeps with the pipe locked: its reader then cannot even be killed.
    for_each_engine(|engine| {
        let scene = Scene::new();
        let (theirs, mut ours) = sockets::unix_pair();
        let (read, write) = sockets::pipe();
        let running = scene.zccat(engine.option_with_fallback()).stdin_from(theirs).stdout_to(write).spawn();
        ours.write_all(b"first").unwrap();
        let reader = scene.shell("head -c 5; kill -0 $$").stdin_from(read.try_clone().unwrap()).run();
        reader.succeeds().stdout_is("first");
        drop(ours);
        running.finish().succeeds();
        drop(read);
    });
}

#[test]
fn zccp_through_dev_stdin_and_dev_stdout() {
    for engine in [CHOSEN, Engine::named("read_write")] {
        let scene = Scene::new();
        let bytes = content::bytes(1, 200_000);
        scene.file("a", &bytes);
        let from = scene.zccp(engine.option()).arguments(["/dev/stdin", "b"]).stdin(Input::Bytes(bytes.clone())).run();
        from.succeeds().file_is("b", &bytes);
        let to = scene.zccp(engine.option()).arguments(["a", "/dev/stdout"]).run();
        to.succeeds().stdout_is(&bytes);
    }
}

#[test]
fn sources_without_end_are_read_until_the_reader_has_enough() {
    for_each_engine(|engine| {
        let scene = Scene::new();
        shell(&scene, engine, "\"$ZCCAT\" $ENGINE /dev/zero | head -c 1G | wc -c").succeeds().stdout_is("1073741824\n");
        shell(&scene, engine, "yes | \"$ZCCAT\" $ENGINE | head -n 3").succeeds().stdout_is("y\ny\ny\n");
        shell(&scene, engine, "yes | \"$ZCCAT\" $ENGINE | \"$ZCCAT\" $ENGINE -n - /dev/zero | head -n 1")
            .succeeds()
            .stdout_is("     1\ty\n");
    });
}

#[test]
fn redirections_on_both_sides() {
    for_each_engine(|engine| {
        let scene = Scene::new();
        let (bytes, more) = (content::bytes(5, 300_000), content::bytes(6, 70_000));
        scene.file("f", &bytes);
        scene.file("more", &more);
        shell(&scene, engine, "\"$ZCCAT\" $ENGINE <f >g").succeeds().stderr_is("").file_is("g", &bytes);
        shell(&scene, engine, "\"$ZCCAT\" $ENGINE more >>g").succeeds().file_is("g", &[&bytes[..], &more].concat());
        shell(&scene, engine, "(\"$ZCCAT\" $ENGINE; \"$ZCCAT\" $ENGINE) <f").succeeds().stdout_is(&bytes);
    });
}

/// GNU cp reads ahead and takes with it what somebody else was to read.
#[test]
fn what_follows_an_answer_stays_in_the_pipe() {
    let scene = Scene::new();
    scene.file("a", b"a");
    scene.file("b", b"b");
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(b"y\nn\nrest\n").unwrap();
    drop(writer);
    let ask = || scene.zccp(["-i", "a", "b"]).called("zccp").stdin_from(reader.try_clone().unwrap()).run();
    ask().succeeds().file_is("b", b"a");
    ask().fails_with(1).stderr_is("zccp: overwrite 'b'? ");
    let mut left = String::new();
    reader.read_to_string(&mut left).unwrap();
    assert_eq!(left, "rest\n");
}

/// As long as offsets are at the edges of blocks.
#[test]
fn what_comes_after_the_first_file_is_shared_too_where_the_file_system_shares() {
    for fs in [Fs::Xfs, Fs::Btrfs] {
        let Some(scene) = Scene::on(fs) else { continue };
        let (a, b) = (content::bytes(1, 1 << 20), content::bytes(2, (1 << 20) + 5));
        scene.file("a", &a);
        scene.file("b", &b);
        let says = |script: &str, moved: &[&str], expected: &[&[u8]]| {
            let outcome = scene.shell(script).run();
            outcome.succeeds().file_is("out", &expected.concat());
            let said = outcome.stderr_text();
            let lines = said.lines().filter_map(|line| line.trim().strip_prefix("moved: "));
            let engines: Vec<&str> = lines.filter_map(|line| line.split(' ').next()).collect();
            assert_eq!(engines, moved, "{}: {script}\n{said}", fs.name());
        };
        let (shared, read) = ("reflink", "read_write");
        says("exec \"$ZCCAT\" --explain a b a >out", &[shared, shared, read], &[&a, &b, &a]);
        // Whoever shares the offset finds it where it should be.
        let script = "{ \"$ZCCAT\" --explain a; \"$ZCCAT\" --explain b; printf end; } >out";
        says(script, &[shared, shared], &[&a, &b, b"end"]);
        let script = "{ dd bs=8192 count=1 of=/dev/null status=none; \"$ZCCAT\" --explain; cat; } <a >out";
        says(script, &[shared], &[&a[8192..]]);
        let script = "{ dd bs=5 count=1 of=/dev/null status=none; \"$ZCCAT\" --explain; } <a >out";
        says(script, &[read], &[&a[5..]]);
        // What the file has behind what is written stays.
        scene.file("out", &b.repeat(3));
        let script = "{ dd if=a bs=8192 count=1 status=none; \"$ZCCAT\" --explain a a; } 1<>out";
        says(script, &[read, read], &[&a[..8192], &a, &a, &b.repeat(3)[(2 << 20) + 8192..]]);
    }
}
