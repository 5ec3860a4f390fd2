//! `--rate-limit`: never faster than was said, the same bytes all the same. Times are bounds from below: a slow machine
//! passes.

use crate::apparatus::strace::trace;
use crate::apparatus::{Command, Engine, Fs, Input, Outcome, Output, Reader, Scene, content, for_each_engine, sockets};
use std::fs::File;
use std::time::{Duration, Instant};

/// What may be saved up before the first byte, and what the kernel's clocks are out by.
const SAVED: Duration = Duration::from_millis(110);

/// Runs `command`, which moves `bytes` bytes at `rate` bytes per second, and holds the time it took against that.
#[track_caller]
fn takes_its_time(bytes: usize, rate: usize, command: Command) -> Outcome {
    let least = Duration::from_secs_f64(bytes as f64 / rate as f64).saturating_sub(SAVED);
    let began = Instant::now();
    let outcome = command.run();
    let took = began.elapsed();
    if took < least {
        outcome.fail(&format!("{bytes} bytes at {rate} a second took only {took:?}"));
    }
    outcome
}

#[test]
fn every_engine_that_moves_bytes_keeps_to_it() {
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    let bytes = content::bytes(1, 400_000);
    scene.file("a", &bytes);
    for_each_engine(|engine| {
        if engine == Engine::named("reflink") {
            return;
        }
        let options: Vec<String> =
            engine.option_with_fallback().into_iter().chain(["--rate-limit=1MB".into()]).collect();
        let zccat = || scene.zccat(&options).argument("a");
        takes_its_time(bytes.len(), 1_000_000, zccat()).succeeds().stdout_is(&bytes).stderr_is("");
        let (theirs, ours) = sockets::tcp_pair();
        let received = sockets::read_all(ours);
        takes_its_time(bytes.len(), 1_000_000, zccat().stdout_to(theirs)).succeeds();
        assert_eq!(content::difference(&bytes, &received.join().unwrap()), None, "{}", engine.name());
        if engine != Engine::named("zerocopy") {
            let zccp = scene.zccp(&options).arguments(["a", "b"]);
            takes_its_time(bytes.len(), 1_000_000, zccp).succeeds().file_is("b", &bytes);
        }
    });
}

#[test]
fn two_threads_keep_to_it_together() {
    for fs in [Fs::Tmpfs, Fs::Xfs] {
        let Some(scene) = Scene::on(fs) else { continue };
        let bytes = content::bytes(2, 10_000_000);
        scene.file("a", &bytes);
        let zccp = scene.zccp(["--engine=read_write", "--rate-limit=20MB", "--explain", "a", "b"]);
        let outcome = takes_its_time(bytes.len(), 20_000_000, zccp);
        outcome.succeeds().file_is("b", &bytes).stderr_has("    2 threads\n");
    }
}

#[test]
fn it_is_for_all_files_of_a_run_together() {
    let scene = Scene::new();
    let bytes = content::bytes(3, 20_000);
    scene.directory("d");
    let names: Vec<String> = (0..20).map(|number| format!("f{number}")).collect();
    for name in &names {
        scene.file(name, &bytes);
    }
    let zccp = scene.zccp(["--rate-limit=500kB", "-t", "d"]).arguments(&names);
    takes_its_time(20 * bytes.len(), 500_000, zccp).succeeds().file_is("d/f19", &bytes);
    let zccat = scene.zccat(["--rate-limit=500kB"]).arguments(&names);
    takes_its_time(20 * bytes.len(), 500_000, zccat).succeeds().stdout_is(bytes.repeat(20));
}

#[test]
fn streams_and_formatted_output_keep_to_it_too() {
    let scene = Scene::new();
    let text = b"x\n".repeat(20_000);
    let numbered: Vec<u8> = (1..=20_000).flat_map(|number| format!("{number:6}\tx\n").into_bytes()).collect();
    let limited = |option: &str| scene.zccat([option, "--rate-limit=200000"]).stdin(Input::Bytes(text.clone()));
    takes_its_time(text.len(), 200_000, limited("-u")).succeeds().stdout_is(&text);
    // What is counted is what goes out.
    takes_its_time(numbered.len(), 200_000, limited("-n")).succeeds().stdout_is(&numbered);
    scene.file("a", &text);
    let peer = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let to = format!("--connect=tcp:{}", peer.local_addr().unwrap());
    let received = std::thread::spawn(move || sockets::read_all(peer.accept().unwrap().0).join().unwrap());
    let zccat = scene.zccat([&to, "--rate-limit=100k", "a"]);
    takes_its_time(text.len(), 102_400, zccat).succeeds().stderr_is("");
    assert_eq!(content::difference(&text, &received.join().unwrap()), None);
}

#[test]
fn no_call_moves_more_than_a_tenth_of_a_seconds_worth() {
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    let bytes = content::bytes(4, 1_500_000);
    scene.file("a", &bytes);
    for (engine, calls) in [
        ("read_write", &["pwrite64"][..]),
        ("splice", &["splice"]),
        ("sendfile", &["sendfile"]),
        ("copy_file_range", &["copy_file_range"]),
        ("mmap", &["pwrite64", "pwritev2"]), // the second is musl's pwrite
    ] {
        let option = Engine::named(engine).option_with_fallback().unwrap();
        let command = scene.zccp([&option, "--rate-limit=5MB", "a", "b"]);
        let Some((outcome, seen)) = trace(&scene, &[], command) else { return };
        outcome.succeeds().file_is("b", &bytes);
        let most = calls.iter().flat_map(|name| seen.named(name)).filter_map(|call| call.result.clone().ok()).max();
        assert!(most.is_some_and(|most| (1..=500_000).contains(&most)), "{engine}: {most:?}");
    }
}

#[test]
fn a_clone_moves_no_bytes_and_does_not_wait() {
    let Some(scene) = Scene::on(Fs::Xfs) else { return };
    // At a byte a second this would take half a year.
    let bytes = content::bytes(5, 16_000_000);
    scene.file("a", &bytes);
    scene.zccp(["--rate-limit=1", "--reflink=always", "a", "b"]).run().succeeds().file_is("b", &bytes);
}

#[test]
fn a_message_is_not_cut_by_it() {
    let scene = Scene::new();
    let (theirs, ours) = sockets::seqpacket_pair();
    let message = content::bytes(6, 30_000);
    let (arrived, output) = sockets::pipe();
    let running = scene.zccat(["--rate-limit=100k"]).stdin_from(theirs).stdout_to(output).spawn();
    for _ in 0..3 {
        std::io::Write::write_all(&mut &ours, &message).unwrap();
    }
    drop(ours);
    let arrived = sockets::read_all(File::from(arrived));
    running.finish().succeeds();
    assert_eq!(content::difference(&message.repeat(3), &arrived.join().unwrap()), None);
}

#[test]
fn an_o_direct_descriptor_is_given_whole_blocks() {
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    let bytes = content::bytes(7, 8192);
    scene.file("a", &bytes);
    let direct = scene.open_with("a", libc::O_DIRECT);
    // A tenth of a second's worth is a hundred bytes, which O_DIRECT would refuse.
    let outcome = scene.zccat(["--rate-limit=10000"]).stdin_from(direct).run();
    outcome.succeeds().stdout_is(&bytes);
}

#[test]
fn what_is_no_rate_is_refused_in_one_sentence() {
    let scene = Scene::new();
    scene.file("a", b"a");
    let no_size = "it is not a number of bytes with or without a suffix like K, MiB or GB";
    for (text, problem) in [
        ("", no_size),
        ("fast", no_size),
        ("-1", no_size),
        ("1.5M", no_size),
        ("1Kb", no_size),
        ("0", "it is zero"),
        ("0MB", "it is zero"),
        ("18446744073709551616", "it is more than 18446744073709551615 bytes"),
        ("16E", "it is more than 18446744073709551615 bytes"),
        ("1Q", "it is more than 18446744073709551615 bytes"),
    ] {
        let option = format!("--rate-limit={text}");
        for (name, command) in [("zccat", scene.zccat([&option, "a"])), ("zccp", scene.zccp([&option, "a", "b"]))] {
            let outcome = command.run();
            let said = format!("{name}: invalid argument '{text}' for '--rate-limit': {problem}\nTry '");
            outcome.fails_with(1).stdout_is("").stderr_has(&said).no_file("b");
        }
    }
    // The argument may be the next word.
    scene.zccat(["--rate-limit", "a", "a"]).run().fails_with(1).stderr_has("invalid argument 'a' for '--rate-limit'");
    scene.zccat(["--rate-limit", "1K", "a"]).run().succeeds().stdout_is("a");
}

#[test]
fn a_write_error_or_a_reader_that_goes_ends_it_at_once() {
    let scene = Scene::new();
    scene.sparse_file("a", 100_000_000, &[]);
    let full = scene.zccat(["--rate-limit=1M", "a"]).stdout(Output::Full).run();
    full.fails_with(1).stderr_is("zccat: write error: No space left on device\n");
    let gone = scene.zccat(["--rate-limit=1M", "a"]).stdout(Output::Pipe(Reader::Takes(1000))).run();
    gone.dies_of(libc::SIGPIPE);
}

#[test]
fn the_workers_of_a_tree_keep_to_it_together() {
    let scene = Scene::new();
    let bytes = content::bytes(8, 40_000);
    scene.directory("t");
    for directory in 0..4 {
        scene.directory(format!("t/{directory}"));
        for file in 0..5 {
            scene.file(format!("t/{directory}/{file}"), &bytes);
        }
    }
    let zccp = scene.zccp(["-r", "-j4", "--rate-limit=1MB", "t", "u"]);
    takes_its_time(20 * bytes.len(), 1_000_000, zccp).succeeds().file_is("u/3/4", &bytes);
}

#[test]
fn what_is_compared_or_read_back_counts_too() {
    let scene = Scene::new();
    let bytes = content::bytes(7, 2_000_000);
    scene.file("a", &bytes);
    scene.file("b", &bytes);
    let rate = ["--rate-limit=2MB", "a", "b"];
    let resumed = scene.zccp(["--resume"]).arguments(rate);
    takes_its_time(bytes.len(), 2_000_000, resumed).succeeds().stderr_is("").file_is("b", &bytes);
    let verified = scene.zccp(["--verify"]).arguments(rate);
    takes_its_time(2 * bytes.len(), 2_000_000, verified).succeeds().file_is("b", &bytes);
}
