//! The screens: how far a copy is, on a real terminal and on what is none. Copies are made slow by a FIFO at one end.

// Whether it is drawn, where nobody types: wishes, frozen and foreign terminals, no terminal, and what it costs.
mod drawn;

use crate::apparatus::strace::trace;
use crate::apparatus::tmux::Tmux;
use crate::apparatus::{Scene, content};
use std::time::Duration;

/// Reads a FIFO slowly, in the background of the shell: 1 MiB, then a tenth of a second of rest.
const DRAIN: &str = "(while head -c 1048576 | wc -c | grep -qv '^0$'; do sleep 0.1; done) <";

/// Feeds a FIFO slowly.
const FEED: &str = "(while head -c 1000000 /dev/zero && test ! -e stop; do sleep 0.05; done) >";

/// A file, `big.iso`, that takes some seconds into the FIFO `to`, whose directory is made for it.
fn slow_sink(scene: &Scene, to: &str) {
    scene.sparse_file("big.iso", 40 << 20, &[]);
    if let Some((directory, _)) = to.split_once('/') {
        scene.directory(directory);
    }
    scene.fifo(to);
}

fn has_bar(screen: &str) -> bool {
    screen.contains('█') && screen.contains("MiB/s")
}

#[test]
fn a_bar_comes_by_itself_and_takes_itself_away() {
    let scene = Scene::new();
    slow_sink(&scene, "to");
    let Some(tmux) = Tmux::new(&scene, 80, 12) else { return };
    tmux.type_line(&format!("{DRAIN}to & clear; \"$ZCCP\" big.iso to; echo \"status $?\""));
    let screen = tmux.wait_for("a bar", has_bar);
    let line = screen.lines().find(|line| line.contains('█')).unwrap();
    assert!(line.starts_with("big.iso █") && line.ends_with(" left"), "{line:?}");
    assert!(line.contains("░ ") && line.contains("%  ") && line.contains("/40.0 MiB  "), "{line:?}");
    let share = |screen: &str| -> Option<u32> {
        let line = screen.lines().find(|line| line.contains('%'))?;
        line.split('%').next()?.rsplit(' ').next()?.parse().ok()
    };
    let first = share(&screen);
    tmux.wait_for("progress", |screen| share(screen) > first);
    let end = tmux.wait_for("the end", |screen| screen.contains("status 0"));
    assert!(!end.contains('█') && !end.contains('%'), "{end}");
    // It was there for more than two seconds, so it leaves a line behind.
    assert!(end.lines().any(|line| line.starts_with("big.iso: 40.0 MiB in 0:0")), "{end}");
}

#[test]
fn a_terminal_that_is_made_narrower_keeps_nothing_of_the_bar() {
    let scene = Scene::new();
    slow_sink(&scene, "to");
    let Some(tmux) = Tmux::new(&scene, 100, 12) else { return };
    tmux.type_line(&format!("{DRAIN}to & clear; seq 6; echo above; \"$ZCCP\" big.iso to; echo \"status $?\""));
    tmux.wait_for("a bar", has_bar);
    for columns in [60, 40, 20] {
        tmux.resize(columns);
        let fits = |screen: &str| {
            let lines: Vec<&str> = screen.lines().filter(|line| line.contains("iB")).collect();
            lines.len() == 1 && lines[0].chars().count() < columns as usize && lines[0].contains('%')
        };
        // (With every line that is wrapped, tmux scrolls by one.)
        let screen = tmux.wait_for("one line that fits", fits);
        assert!(screen.contains("above"), "{screen}");
    }
    let end = tmux.wait_for("the end", |screen| screen.contains("status 0"));
    assert!(!end.contains('%') && !end.contains('█'), "{end}");
    assert_eq!(end.matches("above").count(), 1, "{end}");
}

#[test]
fn messages_lines_and_prompts_are_whole_beside_the_bar() {
    let scene = Scene::new();
    slow_sink(&scene, "d/big.iso");
    for name in ["a", "b", "d/b"] {
        scene.file(name, b"x");
    }
    // Wide enough for the question behind the program's name, whatever its path is.
    let Some(tmux) = Tmux::new(&scene, 200, 14) else { return };
    tmux.type_line(&format!("{DRAIN}d/big.iso & clear; yes y | head -n 1 >answer"));
    tmux.type_line("clear; \"$ZCCP\" -vi a big.iso missing b d <answer; echo \"status $?\"");
    // The one answer is for the FIFO that stands where big.iso goes.
    let screen = tmux.wait_for("a bar", has_bar);
    let bar = screen.lines().find(|line| line.contains('█')).unwrap();
    assert!(bar.contains("files  ") && bar.contains("/40.0 MiB"), "{bar:?}");
    let end = tmux.wait_for("the end", |screen| screen.contains("status 1"));
    for line in ["'a' -> 'd/a'", "'big.iso' -> 'd/big.iso'"] {
        assert!(end.lines().any(|seen| seen.ends_with(line)), "{line}:\n{end}");
    }
    assert!(end.lines().any(|line| line.ends_with("zccp: cannot stat 'missing': No such file or directory")), "{end}");
    assert!(end.contains("overwrite 'd/b'? "), "{end}");
    assert!(!end.contains('█') && !end.contains('%'), "{end}");
}

#[test]
fn a_prompt_is_left_alone_until_it_is_answered() {
    let scene = Scene::new();
    slow_sink(&scene, "d/big.iso");
    scene.file("b", b"x");
    scene.file("d/b", b"y");
    let Some(tmux) = Tmux::new(&scene, 90, 14) else { return };
    tmux.type_line(&format!("{DRAIN}d/big.iso & clear"));
    tmux.type_line("clear; \"$ZCCP\" -i big.iso b d; echo \"status $?\"");
    tmux.wait_for("the first question", |screen| screen.contains("overwrite 'd/big.iso'?"));
    tmux.type_line("y");
    tmux.wait_for("a bar", has_bar);
    tmux.wait_for("the second question", |screen| screen.contains("overwrite 'd/b'?"));
    std::thread::sleep(Duration::from_millis(400)); // four frames, had they been drawn
    let screen = tmux.screen();
    assert!(screen.ends_with("overwrite 'd/b'?"), "{screen}");
    tmux.type_line("y");
    tmux.wait_for("the end", |screen| screen.contains("status 0"));
    assert_eq!(scene.bytes("d/b"), b"x");
}

#[test]
fn a_question_that_nobody_has_ended_with_a_newline_stays() {
    let scene = Scene::new();
    slow_sink(&scene, "d/big.iso");
    let Some(tmux) = Tmux::new(&scene, 200, 14) else { return };
    tmux.type_line(&format!("{DRAIN}d/big.iso & clear; yes y | head -n 1 >answer"));
    tmux.type_line("clear; \"$ZCCP\" -i big.iso d <answer; echo \"status $?\"");
    let screen = tmux.wait_for("a bar", has_bar);
    assert!(screen.contains("overwrite 'd/big.iso'?"), "{screen}");
    let end = tmux.wait_for("the end", |screen| screen.contains("status 0"));
    assert!(end.lines().any(|line| line.ends_with("overwrite 'd/big.iso'?")), "{end}");

    scene.file("b", b"x");
    scene.file("d/b", b"y");
    tmux.type_line("clear; \"$ZCCP\" -i b d");
    tmux.wait_for("a question", |screen| screen.contains("overwrite 'd/b'?"));
    tmux.press("C-c");
    tmux.type_line("echo \"status $?\"");
    let end = tmux.wait_for("the end", |screen| screen.contains("status 130"));
    assert!(end.lines().any(|line| line.starts_with("zccp: interrupted")), "{end}");
}

#[test]
fn where_the_end_is_unknown_a_sign_of_life_is_shown_and_ctrl_c_says_how_far_it_got() {
    let scene = Scene::new();
    scene.fifo("from");
    let Some(tmux) = Tmux::new(&scene, 80, 12) else { return };
    tmux.type_line(&format!("{FEED}from & clear; \"$ZCCP\" from out"));
    let screen = tmux.wait_for("a line", |screen| screen.contains("MiB/s"));
    let line = screen.lines().find(|line| line.contains("MiB/s")).unwrap();
    assert!(line.starts_with("from ") && !line.contains('%') && line.contains(" MiB  0:0"), "{line:?}");
    tmux.press("C-c");
    tmux.wait_for("its last word", |screen| screen.contains("interrupted"));
    tmux.type_line("echo \"status $?\"");
    let end = tmux.wait_for("the end", |screen| screen.contains("status 130"));
    assert!(!end.contains("MiB/s"), "{end}");
    assert!(end.contains("zccp: interrupted at ") && end.contains("; what was copied stays"), "{end}");
}

/// A tree of four files of 4 MiB, one of them in a directory below, with a link that leads nowhere.
fn tree(scene: &Scene) {
    scene.directory("s");
    scene.directory("s/d");
    for name in ["s/a", "s/b", "s/c", "s/d/e"] {
        scene.file(name, &content::bytes(4, 4 << 20));
    }
    scene.symlink("nowhere", "s/link");
}

#[test]
fn of_a_tree_the_whole_is_known_long_before_its_end() {
    let scene = Scene::new();
    tree(&scene);
    let Some(tmux) = Tmux::new(&scene, 100, 12) else { return };
    tmux.type_line("clear; \"$ZCCP\" -r --rate-limit=4M s n; echo \"status $?\"");
    let screen = tmux.wait_for("a bar", has_bar);
    let line = screen.lines().find(|line| line.contains('█')).unwrap();
    assert!(line.contains("/16.0 MiB  ") && line.contains("/4 files  ") && line.ends_with(" left"), "{line:?}");
    assert!(line.contains("%  ") && !line.contains("100%"), "{line:?}");
    let end = tmux.wait_for("the end", |screen| screen.contains("status 0"));
    assert!(end.lines().any(|line| line.starts_with("4 files: 16.0 MiB in 0:0")), "{end}");
}

#[test]
fn what_of_a_tree_is_skipped_or_is_a_link_does_not_stand_between_the_copy_and_its_end() {
    let scene = Scene::new();
    tree(&scene);
    std::fs::hard_link(scene.path("s/a"), scene.path("s/f")).unwrap();
    scene.directory("n");
    scene.directory("n/s");
    scene.file("n/s/b", b"stays");
    let command = scene.zccp(["-a", "-n", "-j1", "--json", "--rate-limit=3M", "s", "n"]);
    let outcome = command.run();
    let said = String::from_utf8(outcome.succeeds().stderr.clone()).unwrap();
    let totals: Vec<u64> = said
        .lines()
        .filter_map(|line| line.split_once("\"expected_bytes\":"))
        .map(|(_, rest)| rest.split([',', '}']).next().unwrap().parse().unwrap())
        .collect();
    let (first, last) = (totals[0], totals[totals.len() - 1]);
    assert!(first > 12 << 20 && first <= 20 << 20, "{totals:?}");
    assert_eq!(last, 12 << 20, "{said}");
}

#[test]
fn nobody_looks_ahead_where_nothing_is_shown() {
    let scene = Scene::new();
    tree(&scene);
    for arguments in [&["-r"][..], &["-r", "-q"], &["-rL", "--json=log"]] {
        let command = scene.zccp(arguments).arguments(["-j1", "--rate-limit=3M", "s/d", "n"]);
        let Some((_, trace)) = trace(&scene, &[], command) else { return };
        assert_eq!(trace.count("getdents64"), 2, "{arguments:?}");
        std::fs::remove_dir_all(scene.path("n")).unwrap();
    }
}

#[test]
fn hostile_and_wide_names_are_shown_and_not_obeyed() {
    let scene = Scene::new();
    let name = "\u{1b}[2J\u{202e}日本\n";
    scene.fifo(name);
    let Some(tmux) = Tmux::new(&scene, 80, 12) else { return };
    tmux.type_line(&format!("{FEED}*本* & clear; echo above; \"$ZCCP\" *本* out"));
    let screen = tmux.wait_for("a line", |screen| screen.contains("MiB/s"));
    assert!(screen.contains("above"), "{screen}");
    let line = screen.lines().find(|line| line.contains("MiB/s")).unwrap();
    assert!(line.starts_with("\\x1b") && line.contains("日本\\x0a "), "{line:?}");
    tmux.press("C-c");
    tmux.wait_for("the end", |screen| screen.contains("interrupted") && !screen.contains("MiB/s"));
}

#[test]
fn a_job_in_the_background_leaves_the_terminal_alone() {
    let scene = Scene::new();
    scene.fifo("from");
    let Some(tmux) = Tmux::new(&scene, 80, 12) else { return };
    tmux.type_line(&format!("{FEED}from & clear; \"$ZCCP\" from out & sleep 1.5; echo waited"));
    let screen = tmux.wait_for("the sleep's end", |screen| screen.lines().any(|line| line == "waited"));
    assert!(!screen.contains("MiB/s"), "{screen}");
    tmux.type_line("clear; fg %2");
    tmux.wait_for("a line", |screen| screen.contains("MiB/s"));
    tmux.press("C-c");
}

/// The percentages that are shown until the shell says the status, and the lines that they are in.
fn shares(tmux: &Tmux) -> (Vec<u32>, String) {
    let (mut shares, mut seen) = (Vec::new(), String::new());
    tmux.wait_for("the end", |screen| {
        let line = screen.lines().find(|line| line.contains('%')).unwrap_or_default();
        shares.extend(line.split('%').next().and_then(|before| before.rsplit(' ').next()?.parse::<u32>().ok()));
        seen = format!("{seen}{line}\n");
        ["status 0", "status 1"].iter().any(|end| screen.contains(end))
    });
    (shares, seen)
}

#[test]
fn comparing_and_reading_back_are_shown_as_what_they_are_and_never_run_backwards() {
    let scene = Scene::new();
    let bytes = content::bytes(1, 40 << 20);
    scene.file("a", &bytes);
    scene.file("b", &bytes[..25 << 20]);
    let Some(tmux) = Tmux::new(&scene, 100, 12) else { return };
    for (options, words) in [
        ("--resume", &["comparing "][..]),
        ("--verify", &["verifying "]),
        ("--resume --verify", &["comparing ", "verifying "]),
    ] {
        tmux.type_line("clear");
        tmux.wait_for("an empty screen", |screen| screen == "$"); // nothing of the run before
        tmux.type_line(&format!("\"$ZCCP\" {options} --rate-limit=16M a b; echo \"status $?\""));
        let (shares, seen) = shares(&tmux);
        assert!(shares.len() > 4 && shares.is_sorted(), "{options}: {shares:?}");
        assert!(shares.last() > Some(&60), "{options}: {shares:?}");
        for word in words {
            assert!(seen.lines().any(|line| line.contains(word) && line.contains("/40.0 MiB")), "{options}: {seen}");
        }
        assert!(tmux.screen().contains("status 0"), "{}", tmux.screen());
        scene.file("b", &bytes[..25 << 20]);
    }
}

/// Each frame is a tenth of a second or more after the one before, whatever the copy does.
#[test]
fn the_thread_that_draws_wakes_ten_times_a_second_at_most() {
    if !crate::apparatus::skip::has_program("strace") {
        return crate::apparatus::skip::skip!("strace is not installed");
    }
    let scene = Scene::new();
    scene.file("a", &content::bytes(1, 40 << 20));
    let Some(tmux) = Tmux::new(&scene, 80, 12) else { return };
    tmux.type_line("clear; strace -f -ttt -o trace \"$ZCCP\" --rate-limit=16M a b; echo \"status $?\"");
    tmux.wait_for("the end", |screen| screen.contains("status 0"));
    let trace = std::fs::read_to_string(scene.path("trace")).unwrap();
    let calls = trace.lines().filter_map(|line| {
        let (thread, rest) = line.split_once(' ')?;
        let (time, call) = rest.trim_start().split_once(' ')?;
        Some((thread, time.parse::<f64>().ok()?, call))
    });
    let calls: Vec<(&str, f64, &str)> = calls.collect();
    let frame = |call: &str| call.starts_with("write(") && call.contains(", \"\\r\\33[?7l");
    let drawer = calls.iter().find(|(_, _, call)| frame(call)).map(|(thread, ..)| *thread).expect("a frame");
    // What it waits with comes back by itself (ETIMEDOUT), or because it is over.
    let wakes = calls.iter().filter(|(thread, _, call)| *thread == drawer && call.contains("ETIMEDOUT"));
    let wakes: Vec<f64> = wakes.map(|(_, time, _)| *time).collect();
    assert!(wakes.len() > 5, "{wakes:?}");
    for from in &wakes {
        let within = wakes.iter().filter(|at| (*from..from + 1.0).contains(at)).count();
        assert!(within <= 10, "{within} in the second from {from} on: {wakes:?}");
    }
}
