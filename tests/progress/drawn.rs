//! Whether it is drawn: where it is wanted, where it can be, and what it costs where it is not.

use crate::apparatus::strace::{Call, trace};
use crate::apparatus::terminal::{Screen, Terminal};
use crate::apparatus::{Command, Output, Running, Scene, case, content, sockets};
use rustix::process::Signal;
use std::fs::File;
use std::io::Write;
use std::time::Duration;

/// A copy from a FIFO that has given a megabyte and then rests, on a terminal of its own; what it showed until it was
/// killed or its source ended.
struct OnTerminal {
    running: Running,
    screen: Screen,
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
    /// When there is a bar that counts what came.
    #[track_caller]
    fn with_bar(self) -> OnTerminal {
        self.running.wait_until("a bar", || self.screen.has("976 KiB"));
        self
    }

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
    assert_ne!(on_terminal(&Scene::new(), |command| command).with_bar().shown(), "");
}

#[test]
fn there_is_no_colour_and_ascii_where_the_locale_has_no_more() {
    let shown = on_terminal(&Scene::new(), |command| command.variable("NO_COLOR", "1")).with_bar().shown();
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
    let shown = on_terminal(&Scene::new(), listens).with_bar().shown();
    assert!(shown.contains("\x1b]9;4;3;") && shown.ends_with(off), "{shown:?}");
    for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
        let on = on_terminal(&Scene::new(), |command| listens(command).limit(libc::RLIMIT_CORE, 0)).with_bar();
        on.running.signal(signal);
        on.running.finish().dies_of(signal.as_raw());
        let shown = String::from_utf8(on.screen.finish()).unwrap();
        assert!(shown.contains("\x1b]9;4;3;") && shown.ends_with(off), "{signal:?}: {shown:?}");
        assert!(shown.contains("\r\x1b[Jzccp: interrupted at 976 KiB; what was copied stays\n"), "{shown:?}");
    }
    let in_tmux = on_terminal(&Scene::new(), |command| listens(command).variable("TMUX", "/tmp/tmux,1,0"));
    let in_tmux = in_tmux.with_bar().shown();
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
    let start = |scene: &Scene, terminal: &Terminal, mib: usize| {
        scene.file("a", &content::bytes(1, mib << 20));
        let errors = Output::Descriptor(terminal.slave.try_clone().unwrap().into());
        scene.zccp(["-g", "--rate-limit=4M", "a", "out"]).variable("TERM", "xterm").stderr(errors).spawn()
    };
    // A bar that was there for more than two seconds would leave a line behind, which nobody waits for either.
    for mib in [6, 12] {
        let (scene, terminal) = (Scene::new(), frozen());
        start(&scene, &terminal, mib).finish().succeeds().file_is("out", &content::bytes(1, mib << 20));
    }
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let (scene, terminal) = (Scene::new(), frozen());
        let running = start(&scene, &terminal, 6);
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
    let ours = |call: &&Call| {
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
    scene.symlink(case::zccp(), "cp");
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
        if drawn {
            running.wait_until("a bar", || screen.has("976 KiB"));
        }
        std::thread::sleep(Duration::from_millis(1000));
        drop(from);
        running.finish().succeeds();
        let shown = String::from_utf8(screen.finish()).unwrap();
        assert_eq!(shown.contains("stdin - 976 KiB"), drawn, "{option}: {shown:?}");
        assert!(!drawn || shown.ends_with("\r\x1b[J"), "{shown:?}");
    }
}
