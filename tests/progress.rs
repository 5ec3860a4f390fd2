//! The screens: how far a copy is, on a real terminal and on what is none. Copies are made slow by a FIFO at one end.

use crate::apparatus::strace::trace;
use crate::apparatus::terminal::Terminal;
use crate::apparatus::tmux::Tmux;
use crate::apparatus::{Command, Scene, content, sockets};
use crate::apparatus::{Output, Running};
use rustix::process::Signal;
use std::fs::File;
use std::io::Write;
use std::time::Duration;

/// Reads a FIFO slowly, in the background of the shell: 1 MiB, then a tenth of a second of rest.
const DRAIN: &str = "(while head -c 1048576 | wc -c | grep -qv '^0$'; do sleep 0.1; done) <";

/// Feeds a FIFO slowly.
const FEED: &str = "(while head -c 1000000 /dev/zero && test ! -e stop; do sleep 0.05; done) >";

/// A file that takes some seconds into the FIFO `to`.
fn slow_sink(scene: &Scene) {
    scene.sparse_file("big.iso", 40 << 20, &[]);
    scene.fifo("to");
}

fn has_bar(screen: &str) -> bool {
    screen.contains('█') && screen.contains("MiB/s")
}

#[test]
fn a_bar_comes_by_itself_and_takes_itself_away() {
    let scene = Scene::new();
    slow_sink(&scene);
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
    slow_sink(&scene);
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
    slow_sink(&scene);
    scene.directory("d");
    std::fs::rename(scene.path("to"), scene.path("d/big.iso")).unwrap();
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
    slow_sink(&scene);
    scene.directory("d");
    std::fs::rename(scene.path("to"), scene.path("d/big.iso")).unwrap();
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

/// A copy from a FIFO that has given a megabyte and then rests, on a terminal of its own; what it showed until it was
/// killed or its source ended.
struct OnTerminal {
    running: Running,
    screen: crate::apparatus::terminal::Screen,
    from: File,
}

fn on_terminal(scene: &Scene, change: impl FnOnce(Command) -> Command) -> OnTerminal {
    let terminal = Terminal::raw();
    let (read, write) = sockets::pipe();
    let command = scene.zccp(["/dev/stdin", "out"]).variable("TERM", "xterm").stdin_from(read);
    let running = change(command.stderr(Output::Descriptor(terminal.slave.into()))).spawn();
    let screen = Terminal::screen(terminal.master);
    let mut from = File::from(write);
    from.write_all(&vec![b'x'; 1_000_000]).unwrap();
    OnTerminal { running, screen, from }
}

impl OnTerminal {
    /// After a second in which a bar comes if one comes at all.
    fn shown(self) -> String {
        std::thread::sleep(Duration::from_millis(1000));
        drop(self.from);
        self.running.finish().succeeds();
        String::from_utf8(self.screen.finish()).unwrap()
    }
}

#[test]
fn nothing_is_drawn_where_it_is_not_wanted() {
    type Change = fn(Command) -> Command;
    let cases: [(&str, Change); 4] = [
        ("--quiet", |command| command.argument("-q")),
        ("--progress=never", |command| command.argument("--progress=never")),
        ("TERM=dumb", |command| command.variable("TERM", "dumb")),
        ("no TERM", |command| command.variable("TERM", "")),
    ];
    for (what, change) in cases {
        assert_eq!(on_terminal(&Scene::new(), change).shown(), "", "{what}");
    }
    assert_eq!(on_terminal(&Scene::new(), |command| command.called("cp")).shown(), "", "cp");
    assert_ne!(on_terminal(&Scene::new(), |command| command).shown(), "");
}

#[test]
fn there_is_no_colour_and_ascii_where_the_locale_has_no_more() {
    let shown = on_terminal(&Scene::new(), |command| command.variable("NO_COLOR", "1")).shown();
    assert!(shown.is_ascii() && shown.contains("/dev/stdin - 976 KiB"), "{shown:?}");
    // Of escape sequences there are three: wrap no lines, wrap them again, erase to the end of the screen.
    let known: usize = ["\x1b[?7l", "\x1b[?7h", "\x1b[J"].map(|sequence| shown.matches(sequence).count()).iter().sum();
    assert_eq!(shown.matches('\x1b').count(), known, "{shown:?}");
    assert!(shown.ends_with("\r\x1b[J"), "{shown:?}");
}

#[test]
fn the_task_bar_is_told_only_where_it_is_known_to_listen_and_is_cleared_on_every_way_out() {
    let off = "\x1b]9;4;0;\x1b\\";
    let listens = |command: Command| command.variable("TERM_PROGRAM", "ghostty");
    let shown = on_terminal(&Scene::new(), listens).shown();
    assert!(shown.contains("\x1b]9;4;3;") && shown.ends_with(off), "{shown:?}");
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        let on = on_terminal(&Scene::new(), |command| listens(command).limit(libc::RLIMIT_CORE, 0));
        std::thread::sleep(Duration::from_millis(1000));
        on.running.signal(signal);
        on.running.finish().dies_of(signal.as_raw());
        let shown = String::from_utf8(on.screen.finish()).unwrap();
        assert!(shown.contains("\x1b]9;4;3;") && shown.ends_with(off), "{signal:?}: {shown:?}");
        assert!(shown.contains("\r\x1b[Jzccp: interrupted at 976 KiB; what was copied stays\n"), "{shown:?}");
    }
    let in_tmux = on_terminal(&Scene::new(), |command| listens(command).variable("TMUX", "/tmp/tmux,1,0")).shown();
    assert!(!in_tmux.contains("\x1b]") && in_tmux.contains("KiB"), "{in_tmux:?}");
}

/// A terminal that takes nothing more, as after Ctrl-S or where the connection hangs.
fn frozen() -> Terminal {
    let terminal = Terminal::raw();
    let flags = rustix::fs::fcntl_getfl(&terminal.slave).unwrap();
    rustix::fs::fcntl_setfl(&terminal.slave, flags | rustix::fs::OFlags::NONBLOCK).unwrap();
    while (&terminal.slave).write(&[b'x'; 100]).is_ok() {}
    rustix::fs::fcntl_setfl(&terminal.slave, flags).unwrap();
    terminal
}

#[test]
fn nobody_waits_for_a_terminal_that_is_frozen() {
    let start = |scene: &Scene, terminal: &Terminal| {
        scene.file("a", &content::bytes(1, 6 << 20));
        let errors = Output::Descriptor(terminal.slave.try_clone().unwrap().into());
        scene.zccp(["-g", "--rate-limit=4M", "a", "out"]).variable("TERM", "xterm").stderr(errors).spawn()
    };
    let (scene, terminal) = (Scene::new(), frozen());
    start(&scene, &terminal).finish().succeeds().file_is("out", &content::bytes(1, 6 << 20));
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let (scene, terminal) = (Scene::new(), frozen());
        let running = start(&scene, &terminal);
        std::thread::sleep(Duration::from_millis(800)); // a frame was tried
        running.signal(Signal::USR1);
        let copied = || std::fs::metadata(scene.path("out")).map_or(0, |out| out.len());
        let before = copied();
        running.wait_until("copied on", || copied() > before);
        running.signal(signal);
        running.finish().dies_of(signal.as_raw());
        assert!(copied() < 6 << 20);
    }
}

#[test]
fn off_a_terminal_it_is_a_line_every_ten_seconds_and_only_if_asked_for() {
    let (scene, other) = (Scene::new(), Scene::new());
    let start = |scene: &Scene, option: &str| {
        let (read, write) = sockets::pipe();
        let running = scene.zccp([option, "/dev/stdin", "out"]).stdin_from(read).spawn();
        File::from(write.try_clone().unwrap()).write_all(&vec![b'x'; 1_000_000]).unwrap();
        (running, write)
    };
    let (asked, one) = start(&scene, "-g");
    let (unasked, two) = start(&other, "--progress=auto");
    std::thread::sleep(Duration::from_millis(10_500));
    drop((one, two));
    let outcome = asked.finish();
    let line = outcome.succeeds().stderr_text();
    assert!(line.starts_with("zccp: /dev/stdin: 976 KiB") && line.ends_with("KiB/s\n"), "{line:?}");
    assert_eq!(line.lines().count(), 1, "{line:?}");
    unasked.finish().succeeds().stderr_is("");
}

#[test]
fn a_closed_or_full_standard_error_is_no_reason_to_fail() {
    for errors in [Output::Closed, Output::Full] {
        let scene = Scene::new();
        let bytes = content::bytes(1, 40 << 20);
        scene.file("a", &bytes);
        scene.zccp(["-g", "a", "b"]).stderr(errors).run().succeeds().file_is("b", &bytes);
    }
}

/// The calls that only progress and signals need.
fn extra(scene: &Scene, command: Command) -> Option<Vec<String>> {
    let (outcome, trace) = trace(scene, &[], command)?;
    outcome.succeeds();
    let ours = |call: &&crate::apparatus::strace::Call| {
        let first = call.arguments.first().map_or("", String::as_str);
        match call.name.as_str() {
            "rt_sigaction" => ["SIGUSR1", "SIGINT", "SIGTERM", "SIGHUP"].contains(&first),
            // musl unblocks two signals of its own before the first handler is set.
            "rt_sigprocmask" => first != "SIG_UNBLOCK",
            "clone" | "clone3" | "futex" | "getpgrp" => true,
            "ioctl" => first == "2",
            _ => false,
        }
    };
    Some(trace.calls.iter().filter(ours).map(|call| format!("{} {}", call.name, call.arguments[0])).collect())
}

#[test]
fn a_short_copy_pays_for_nothing_and_cp_for_less() {
    let scene = Scene::new();
    scene.file("a", &content::bytes(1, 4096));
    let handlers = ["SIGUSR1", "SIGHUP", "SIGINT", "SIGTERM"].map(|signal| format!("rt_sigaction {signal}"));
    let Some(calls) = extra(&scene, scene.zccp(["a", "b"])) else { return };
    assert_eq!(calls, handlers);
    let terminal = Terminal::raw();
    let on_terminal = scene.zccp(["a", "b"]).variable("TERM", "xterm");
    let calls = extra(&scene, on_terminal.stderr(Output::Descriptor(terminal.slave.into()))).unwrap();
    assert_eq!(calls, handlers, "on a terminal");
    // Also where a bar is asked for: unless the copy lasts, which below strace it may, nobody is started to draw it.
    scene.file("larger", &content::bytes(1, 200_000));
    let started = || {
        let terminal = Terminal::raw();
        let command = scene.zccp(["-g", "larger", "b"]).variable("TERM", "xterm");
        let calls = extra(&scene, command.stderr(Output::Descriptor(terminal.slave.into()))).unwrap();
        calls.iter().any(|call| call.starts_with("clone"))
    };
    assert!((0..20).any(|_| !started()), "each time a thread was started");
    scene.symlink(crate::apparatus::case::zccp(), "cp");
    let cp = scene.program(scene.path("cp")).arguments(["a", "c"]);
    assert_eq!(extra(&scene, cp).unwrap(), [""; 0], "as cp");
}

#[test]
fn zccat_leaves_the_terminal_to_others_unless_asked() {
    for (option, drawn) in [("--progress=auto", false), ("-g", true)] {
        let scene = Scene::new();
        let terminal = Terminal::raw();
        let (read, write) = sockets::pipe();
        let command = scene.zccat([option]).stdin_from(read).variable("TERM", "xterm");
        let running = command.stderr(Output::Descriptor(terminal.slave.into())).spawn();
        let screen = Terminal::screen(terminal.master);
        let mut from = File::from(write);
        from.write_all(&vec![b'x'; 1_000_000]).unwrap();
        std::thread::sleep(Duration::from_millis(1000));
        drop(from);
        running.finish().succeeds();
        let shown = String::from_utf8(screen.finish()).unwrap();
        assert_eq!(shown.contains("stdin - 976 KiB"), drawn, "{option}: {shown:?}");
        assert!(!drawn || shown.ends_with("\r\x1b[J"), "{shown:?}");
    }
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
