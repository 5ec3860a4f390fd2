//! `--generate`: what the programs carry is what is committed.

use crate::apparatus::{Output, Scene};

/// What can be asked for, and the file it is; `{}` is the program's name.
const PAGES: [(&str, &str); 7] = [
    ("bash", "completions/{}.bash"),
    ("zsh", "completions/_{}"),
    ("fish", "completions/{}.fish"),
    ("elvish", "completions/{}.elv"),
    ("powershell", "completions/_{}.ps1"),
    ("nushell", "completions/{}.nu"),
    ("man", "man/{}.1"),
];

#[test]
fn each_page_is_the_committed_file_under_every_name() {
    let scene = Scene::new();
    for (name, called) in [("zccp", "zccp"), ("zccat", "zccat"), ("zccp", "cp"), ("zccat", "cat")] {
        for (kind, file) in PAGES {
            let path = format!("{}/{}", env!("CARGO_MANIFEST_DIR"), file.replace("{}", name));
            let committed = std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
            assert!(committed.len() > 500, "{path}");
            let command = scene.zccp([format!("--generate={kind}")]).called(called);
            command.run().succeeds().stdout_is(committed).stderr_is("");
        }
    }
}

#[test]
fn what_would_be_lost_is_refused() {
    let scene = Scene::new();
    scene.file("a", b"bytes");
    for (arguments, said) in [
        (&["--generate=man", "a", "b"][..], "zccp: extra operand 'a'\nTry '"),
        (&["--generate=csh"], "zccp: invalid argument 'csh' for '--generate'\nValid arguments are:\n  - 'bash'\n"),
        (&["--generate"], "option '--generate' requires an argument\n"),
        (&["--gener=man"], "unrecognized option '--gener=man'\n"),
    ] {
        scene.zccp(arguments).run().fails_with(1).stdout_is("").stderr_has(said).no_file(scene.path("b"));
    }
    let full = scene.zccp(["--generate=man"]).stdout(Output::Full).run();
    full.fails_with(1).stderr_has("No space left on device");
}
