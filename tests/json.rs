//! `--json`: every line an object that a reader which is not ours can read, and what is in it.

use crate::apparatus::{Command, Fs, Scene, content, skip, sockets};
use crate::apparatus::{Output, Reader};
use rustix::process::Signal;
use serde_json::Value;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;

/// The objects of a stream, each of them of this version.
#[track_caller]
fn objects(stream: &[u8]) -> Vec<Value> {
    assert!(stream.is_empty() || stream.ends_with(b"\n"));
    let text = std::str::from_utf8(stream).expect("JSON is UTF-8");
    let objects: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect();
    assert!(objects.iter().all(|object| object["v"] == 1), "{text}");
    let ends = |object: &Value| object["event"] != "summary" || object["scanning"] == false;
    assert!(objects.iter().all(ends), "nothing more can be found: {text}");
    objects
}

fn events(objects: &[Value]) -> Vec<&str> {
    objects.iter().map(|object| object["event"].as_str().unwrap()).collect()
}

#[test]
fn a_copy_is_told_from_start_to_summary() {
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    scene.file("a", &content::bytes(1, 300_000));
    let objects = objects(&scene.zccp(["--json", "--engine=reflink,read_write", "a", "b"]).run().succeeds().stderr);
    assert_eq!(events(&objects), ["start", "file", "summary"]);
    let (start, file, summary) = (&objects[0], &objects[1], &objects[2]);
    assert_eq!((&start["program"], &start["version"]), (&"zccp".into(), &env!("CARGO_PKG_VERSION").into()));
    assert_eq!(start["operands"], serde_json::json!([{"name": "a"}]));
    assert!(start["time"].as_f64() > Some(1e9) && start["pid"].as_u64() > Some(1), "{start}");
    assert_eq!((&file["source"], &file["destination"]), (&"a".into(), &"b".into()));
    assert_eq!(file["engines"], serde_json::json!([{"engine": "read_write", "bytes": 300_000}]));
    assert_eq!(file["refusals"], serde_json::json!([{"engine": "reflink", "errno": "EOPNOTSUPP", "at": 0}]));
    assert_eq!((&file["bytes"], &file["holes"], &file["complete"]), (&300_000.into(), &0.into(), &true.into()));
    assert!(file["seconds"].is_f64() && summary["seconds"].as_f64() >= file["seconds"].as_f64());
    for (key, value) in
        [("bytes", 300_000), ("moved", 300_000), ("files", 1), ("errors", 0), ("warnings", 0), ("status", 0)]
    {
        assert_eq!(summary[key], value, "{key}");
    }
}

#[test]
fn errors_and_warnings_are_events_and_stand_alone_on_standard_error() {
    let scene = Scene::new();
    scene.file("a", b"x");
    scene.directory("d");
    let outcome = scene.zccp(["--json", "-v", "a", "a", "missing", "d"]).run();
    let objects = objects(&outcome.fails_with(1).stdout_is("'a' -> 'd/a'\n").stderr);
    assert_eq!(events(&objects), ["start", "file", "warning", "error", "summary"]);
    assert_eq!(objects[2]["text"], "warning: source file 'a' specified more than once");
    assert_eq!(objects[3]["text"], "cannot stat 'missing': No such file or directory");
    assert_eq!(
        (&objects[4]["errors"], &objects[4]["warnings"], &objects[4]["status"]),
        (&1.into(), &1.into(), &1.into())
    );
}

#[test]
fn with_a_file_people_are_told_as_well() {
    let scene = Scene::new();
    scene.file("log", b"what was there before, which is longer than one might think it would be, all in all");
    let outcome = scene.zccp(["--json=log", "missing", "b"]).run();
    outcome.fails_with(1).stderr_is("zccp: cannot stat 'missing': No such file or directory\n");
    assert_eq!(events(&objects(&scene.bytes("log"))), ["start", "error", "summary"]);
}

#[test]
fn a_file_that_is_copied_from_or_to_is_not_written_to() {
    let scene = Scene::new();
    scene.file("a", b"contents");
    scene.file("there", b"old");
    scene.directory("d");
    scene.symlink("a", "link");
    for name in ["a", "./a", "link"] {
        let outcome = scene.zccp([&format!("--json={name}"), "there", "a", "d"]).run();
        let said = format!("zccp: cannot write JSON to '{name}': it is to be copied\n");
        outcome.fails_with(1).stderr_is(&said).file_is("a", b"contents").no_file("d/there");
    }
    scene.zccat(["--json=a", "a"]).run().fails_with(1).file_is("a", b"contents");
    for (command, why) in [
        ("\"$ZCCAT\" --json=a <a", "it is to be copied"),
        ("\"$ZCCAT\" there - --json=a <a", "it is to be copied"),
        ("\"$ZCCAT\" --json=a there >>a", "it is copied to"),
    ] {
        let said = format!("cannot write JSON to 'a': {why}\n");
        scene.shell(command).run().fails_with(1).stdout_is("").stderr_has(&said).file_is("a", b"contents");
    }
    // What is in a directory that is copied is as much a source.
    scene.directory("s");
    scene.directory("s/e");
    scene.file("s/e/log", b"contents");
    for stream in ["s/e/log", "./d/../s/e/log"] {
        let outcome = scene.zccp(["-r", &format!("--json={stream}"), "there", "s", "d"]).run();
        let said = format!("zccp: cannot write JSON to '{stream}': it is to be copied\n");
        outcome.fails_with(1).stderr_is(&said).file_is("s/e/log", b"contents").no_file("d/there");
    }
    for excluded in ["log", "e/", "/e/log"] {
        scene.file("s/e/log", b"old");
        let outcome = scene.zccp(["-r", "--json=s/e/log", &format!("--exclude={excluded}"), "s", "left"]).run();
        outcome.succeeds().stderr_is("").no_file("left/e/log");
        assert_eq!(events(&objects(&scene.bytes("s/e/log"))), ["start", "summary"], "{excluded}");
    }
    for (stream, to) in [("there", "there"), ("new", "new"), ("d/a", "d")] {
        let outcome = scene.zccp([&format!("--json={stream}"), "a", to]).run();
        let said = format!("zccp: cannot create regular file '{stream}': JSON is written to it\n");
        outcome.fails_with(1).stderr_is(&said);
        assert_eq!(events(&objects(&scene.bytes(stream))), ["start", "error", "summary"], "{stream}");
    }
}

#[test]
fn a_descriptor_is_used_if_it_is_there() {
    let scene = Scene::new();
    scene.file("a", b"x");
    scene.shell("\"$ZCCP\" --json=fd:7 a b 7>log").run().succeeds().stderr_is("");
    assert_eq!(events(&objects(&scene.bytes("log"))), ["start", "file", "summary"]);
    let outcome = scene.shell("exec 7>&-; exec \"$ZCCP\" --json=fd:7 a c").run();
    outcome.fails_with(1).stderr_is("zccp: cannot write JSON to 'fd:7': Bad file descriptor\n").no_file("c");
    scene
        .zccp(["--json=fd:x", "a", "c"])
        .run()
        .fails_with(1)
        .stderr_has("what follows fd: is not the number")
        .no_file("c");
    scene
        .zccp(["--json=d/log", "a", "c"])
        .run()
        .fails_with(1)
        .no_file("c")
        .stderr_is("zccp: cannot write JSON to 'd/log': No such file or directory\n");
}

#[test]
fn names_that_are_not_utf_8_survive() {
    let scene = Scene::new();
    let name = OsStr::from_bytes(b"a\xff\"\n\x1b");
    scene.file(name, b"x");
    let objects = objects(&scene.zccp([OsStr::new("--json"), name, OsStr::new("b")]).run().succeeds().stderr);
    for object in [&objects[0]["operands"][0], &objects[1]] {
        let key = if object["name"].is_null() { "source" } else { "name" };
        assert_eq!(object[key], "a\u{fffd}\"\n\u{1b}");
        assert_eq!(object[format!("{key}_bytes")], "61ff220a1b");
    }
    assert!(objects[1]["destination_bytes"].is_null());
}

#[test]
fn a_stream_that_cannot_be_written_is_a_failure_of_a_copy_that_is_whole() {
    let scene = Scene::new();
    scene.file("a", b"x");
    let outcome = scene.zccp(["--json=/dev/full", "a", "b"]).run();
    outcome.fails_with(1).stderr_is("zccp: cannot write JSON to '/dev/full': No space left on device\n");
    outcome.file_is("b", b"x");
    scene.zccp(["--json", "a", "c"]).stderr(Output::Full).run().fails_with(1).file_is("c", b"x");
    scene.zccp(["--json", "a", "d"]).stderr(Output::Pipe(Reader::Gone)).run().fails_with(1).file_is("d", b"x");
    scene.zccat(["--json", "a"]).stderr(Output::Pipe(Reader::Gone)).run().fails_with(1).stdout_is("x");
    scene.zccp(["--json", "a", "e"]).stderr(Output::Closed).run().fails_with(1).no_file("e");
}

#[test]
fn progress_comes_about_once_a_second() {
    let scene = Scene::new();
    let (read, write) = sockets::pipe();
    let running = scene.zccp(["--json=log", "/dev/stdin", "out"]).stdin_from(read).spawn();
    let mut from = File::from(write);
    for _ in 0..26 {
        from.write_all(&[b'x'; 10_000]).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    drop(from);
    running.finish().succeeds().stderr_is("");
    let objects = objects(&scene.bytes("log"));
    let progress: Vec<&Value> = objects.iter().filter(|object| object["event"] == "progress").collect();
    assert!((1..=3).contains(&progress.len()), "{objects:?}");
    let one = progress[0];
    assert_eq!((&one["source"], &one["scanning"]), (&"/dev/stdin".into(), &false.into()));
    assert!(one["bytes"].as_u64() > Some(0) && one["rate"].as_u64() > Some(0) && one["elapsed"].as_f64() > Some(0.9));
    assert!(one["expected_bytes"].is_null() && one["left"].is_null(), "nobody knows the end: {one}");
    assert_eq!(objects.last().unwrap()["bytes"], 260_000);
}

#[test]
fn what_zccat_may_not_read_is_no_part_of_the_total() {
    if !skip::is_root() {
        return skip::skip!("root is needed to become somebody else");
    }
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    scene.file("a", &content::bytes(1, 2 << 20));
    scene.file("secret", &content::bytes(2, 1 << 20));
    scene.program("/bin/chmod").arguments(["600", "secret"]).run().succeeds();
    let command = scene.zccat(["--json", "--rate-limit=2M", "secret", "a", "a"]);
    let objects = objects(&command.with_user(65_534).run().fails_with(1).stderr);
    let totals: Vec<u64> = objects.iter().filter_map(|object| object["expected_bytes"].as_u64()).collect();
    assert!(totals.len() > 1 && totals.iter().all(|total| *total == 4 << 20), "{objects:?}");
}

#[test]
fn who_was_stopped_is_not_slow_when_he_goes_on() {
    let scene = Scene::new();
    scene.file("a", &content::bytes(1, 12 << 20));
    let running = scene.zccp(["--json=log", "--rate-limit=2M", "a", "out"]).spawn();
    let told = || objects(&scene.bytes("log")).into_iter().filter(|object| object["event"] == "progress").count();
    running.wait_until("told of progress", || scene.path("log").exists() && told() > 1);
    running.signal(Signal::STOP);
    let before = told();
    std::thread::sleep(std::time::Duration::from_secs(4));
    running.signal(Signal::CONT);
    running.finish().succeeds();
    let objects = objects(&scene.bytes("log"));
    let progress: Vec<&Value> = objects.iter().filter(|object| object["event"] == "progress").collect();
    assert!(progress.len() > before + 1, "{progress:?}");
    for one in progress {
        assert!(one["rate"].as_u64() > Some(1 << 20), "{one}: 2 MiB a second while it runs");
    }
}

#[test]
fn of_a_refused_command_line_there_is_no_stream() {
    let scene = Scene::new();
    for arguments in
        [&["a"][..], &["--rate-limit=0", "a", "b"], &["--atomic", "--resume", "a", "b"], &["--bogus", "a", "b"]]
    {
        let outcome = scene.zccp(arguments).arguments(["--json=log"]).run();
        outcome.fails_with(1).stderr_has("--help' for more information.\n");
        assert!(!scene.path("log").exists(), "{arguments:?}");
    }
}

#[test]
fn zccat_tells_the_same_of_its_operands_raw_and_cooked() {
    let scene = Scene::new();
    scene.file("a", b"one\ntwo\n");
    for (option, written) in [("-u", "one\ntwo\n"), ("-E", "one$\ntwo$\n")] {
        let outcome = scene.zccat([option, "--json", "a", "missing"]).run();
        let objects = objects(&outcome.fails_with(1).stdout_is(written).stderr);
        assert_eq!(events(&objects), ["start", "file", "error", "summary"]);
        assert_eq!((&objects[0]["program"], &objects[1]["source"]), (&"zccat".into(), &"a".into()));
        assert!(objects[1]["destination"].is_null());
        assert_eq!(objects[1]["engines"], serde_json::json!([{"engine": "read_write", "bytes": 8}]));
        assert_eq!(objects[2]["text"], "missing: No such file or directory");
    }
}

#[test]
fn explanations_and_questions_are_events_too() {
    let scene = Scene::new();
    scene.file("a", b"x");
    scene.file("b", b"y");
    let command: Command = scene.zccp(["--json", "--explain", "-i", "a", "b"]).called("zccp");
    let objects = objects(&command.stdin(crate::apparatus::Input::Bytes(b"y\n".to_vec())).run().succeeds().stderr);
    assert_eq!(events(&objects), ["start", "prompt", "note", "file", "note", "summary"]);
    assert_eq!(objects[1]["text"], "zccp: overwrite 'b'? ");
    assert!(objects[2]["text"].as_str().unwrap().contains("\n  plan: "));
}

#[test]
fn the_schema_names_every_event_and_field() {
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md")).unwrap();
    let source = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/report/json.rs")).unwrap();
    let source = source.split("#[cfg(test)]").next().unwrap();
    for call in ["text", "number", "seconds", "name", "truth", "list", "raw"] {
        for (at, _) in source.match_indices(&format!(".{call}(\"")) {
            let key = source[at..].split('"').nth(1).unwrap();
            assert!(document.contains(&format!("`{key}`")), "{key}");
        }
    }
    let events: Vec<&str> = ["Object::new(\"", " => \""]
        .into_iter()
        .flat_map(|before| source.match_indices(before).map(move |(at, _)| at + before.len()))
        .map(|at| source[at..].split('"').next().unwrap())
        .collect();
    for event in ["start", "progress", "file", "warning", "error", "note", "prompt", "summary"] {
        assert!(events.contains(&event), "{event}: {events:?}");
    }
    for event in events {
        assert!(document.contains(&format!("### `{event}`")), "{event}");
    }
}

#[test]
fn several_workers_tell_of_every_file_in_the_stream_and_nowhere_else() {
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    let names: Vec<String> = (0..800).map(|n| format!("t/{}/{n}", n % 8)).collect();
    scene.directory("t");
    (0..8).for_each(|n| _ = scene.directory(format!("t/{n}")));
    names.iter().for_each(|name| _ = scene.file(name, name.as_bytes()));
    // Several times: how the work is shared is a matter of time.
    for round in 0..10 {
        let (log, copy) = (format!("log{round}"), format!("copy{round}"));
        scene.zccp(["-r", "--jobs=4", &format!("--json={log}"), "t", &copy]).run().succeeds().stderr_is("");
        let objects = objects(&std::fs::read(scene.path(&log)).unwrap());
        let told = objects.iter().filter(|object| object["event"] == "file").count();
        assert_eq!(told, names.len());
        let (summary, bytes) = (objects.last().unwrap(), names.iter().map(String::len).sum::<usize>());
        assert_eq!((&summary["bytes"], &summary["expected_bytes"]), (&bytes.into(), &bytes.into()), "{summary}");
        for name in &names {
            let copied = std::fs::read(scene.path(name.replacen('t', &copy, 1))).unwrap();
            assert_eq!(copied, name.as_bytes(), "{name}");
        }
    }
}

#[test]
fn what_is_resumed_is_told_of_with_all_that_was_done_and_so_is_what_was_complete() {
    let scene = Scene::new();
    let bytes = content::bytes(1, 3_000_000);
    scene.file("a", &bytes);
    let told = |scene: &Scene| {
        let objects = objects(&scene.zccp(["--json", "--resume", "a", "b"]).run().succeeds().stderr);
        assert_eq!(events(&objects), ["start", "file", "summary"]);
        let number = |key: &str| objects[1][key].as_u64();
        let summary = objects[2]["bytes"].as_u64();
        (number("compared"), number("bytes"), objects[1]["complete"].as_bool(), summary)
    };
    assert_eq!(told(&scene), (None, Some(3_000_000), Some(true), Some(3_000_000)), "there was nothing");
    assert_eq!(told(&scene), (Some(3_000_000), Some(0), Some(true), Some(3_000_000)), "it was complete");
    // 1 byte of what is there is wrong, and a third is missing: 4096 bytes (or a block) and 1,000,000.
    scene.file("b", &bytes[..2_000_000]);
    scene.open_with("b", 0).write_all_at(&[!bytes[10]], 10).unwrap();
    let (compared, moved, complete, _) = told(&scene);
    assert_eq!((compared, complete), (Some(2_000_000), Some(true)));
    assert!(moved > Some(1_000_000) && moved < Some(2_100_000), "{moved:?}");
    scene.zccp(["--resume", "--json", "a", "/dev/null"]).run().fails_with(1).stderr_lacks("\"file\"");
}

#[test]
fn an_empty_file_of_a_tree_is_a_file() {
    let scene = Scene::new();
    scene.directory("d");
    scene.file("d/a", b"");
    scene.file("d/b", b"x");
    let objects = objects(&scene.zccp(["-r", "-j1", "--json", "d", "e"]).run().succeeds().stderr);
    let mut names: Vec<&str> = objects.iter().filter_map(|object| object["source"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["d/a", "d/b"]);
    assert_eq!(objects.last().map(|last| &last["expected_bytes"]), Some(&1.into()));
    let alone = self::objects(&scene.zccp(["--json", "d/a", "f"]).run().succeeds().stderr);
    assert_eq!(alone.last().map(|last| &last["expected_bytes"]), Some(&0.into()), "that is known");
    assert_eq!(objects.last().map(|last| &last["files"]), Some(&2.into()));
}
