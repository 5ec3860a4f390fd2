//! `make install`, `make uninstall` and `make links`, into a directory of the test's own.

use crate::apparatus::{Command, Scene, case, skip};
use std::path::Path;

/// Everything that is installed below `/usr`.
const INSTALLED: [&str; 16] = [
    "bin/zccat",
    "bin/zccp",
    "libexec/zccp/cat",
    "libexec/zccp/cp",
    "share/bash-completion/completions/zccat",
    "share/bash-completion/completions/zccp",
    "share/elvish/lib/zccat.elv",
    "share/elvish/lib/zccp.elv",
    "share/fish/vendor_completions.d/zccat.fish",
    "share/fish/vendor_completions.d/zccp.fish",
    "share/man/man1/zccat.1",
    "share/man/man1/zccp.1",
    "share/nushell/vendor/autoload/zccat.nu",
    "share/nushell/vendor/autoload/zccp.nu",
    "share/zsh/site-functions/_zccat",
    "share/zsh/site-functions/_zccp",
];

/// `make` in the source's own directory, with the program that is tested; `None`, and said, where there is no make.
pub fn make(scene: &Scene, arguments: &[&str]) -> Option<Command> {
    if !skip::has_program("make") {
        skip::skip!("there is no make");
        return None;
    }
    let program = format!("PROGRAM={}", case::zccp().display());
    let directory = ["-C", env!("CARGO_MANIFEST_DIR"), "--no-print-directory", &program];
    Some(scene.program("make").arguments(directory).arguments(arguments))
}

/// The files and links below `directory`, from there, sorted.
fn files(directory: &Path) -> Vec<String> {
    fn walk(top: &Path, directory: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                walk(top, &entry.path(), found);
            } else {
                found.push(entry.path().strip_prefix(top).unwrap().display().to_string());
            }
        }
    }
    let mut found = Vec::new();
    walk(directory, directory, &mut found);
    found.sort();
    found
}

#[test]
fn what_is_installed_works_under_all_names_and_goes_again() {
    let scene = Scene::new();
    // A blank, because somebody has one there.
    let root = scene.directory("a root");
    let destdir = format!("DESTDIR={}", root.display());
    let Some(install) = make(&scene, &["install", &destdir, "prefix=/usr"]) else { return };
    install.run().succeeds();
    let usr = root.join("usr");
    assert_eq!(files(&usr), INSTALLED);
    assert_eq!(std::fs::read_link(usr.join("bin/zccat")).unwrap(), Path::new("zccp"));

    scene.file("source", b"bytes");
    for name in ["bin/zccp", "libexec/zccp/cp"] {
        let copied = scene.program(usr.join(name)).arguments(["-v", "source", "copy"]).run();
        copied.succeeds().stdout_is("'source' -> 'copy'\n").file_is(scene.path("copy"), b"bytes");
        std::fs::remove_file(scene.path("copy")).unwrap();
    }
    for name in ["bin/zccat", "libexec/zccp/cat"] {
        scene.program(usr.join(name)).arguments(["-E", "source"]).run().succeeds().stdout_is("bytes");
    }
    for name in ["zccp", "zccat"] {
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        let pairs = [
            (format!("man/{name}.1"), format!("share/man/man1/{name}.1")),
            (format!("completions/{name}.bash"), format!("share/bash-completion/completions/{name}")),
            (format!("completions/_{name}"), format!("share/zsh/site-functions/_{name}")),
            (format!("completions/{name}.fish"), format!("share/fish/vendor_completions.d/{name}.fish")),
            (format!("completions/{name}.elv"), format!("share/elvish/lib/{name}.elv")),
            (format!("completions/{name}.nu"), format!("share/nushell/vendor/autoload/{name}.nu")),
        ];
        for (from, to) in pairs {
            assert_eq!(std::fs::read(source.join(&from)).unwrap(), std::fs::read(usr.join(&to)).unwrap(), "{to}");
        }
    }

    // Again, over what is there; and somebody else's file stays when ours go.
    make(&scene, &["install", &destdir, "prefix=/usr"]).unwrap().run().succeeds();
    assert_eq!(files(&usr), INSTALLED);
    std::fs::write(usr.join("bin/other"), b"").unwrap();
    for _ in 0..2 {
        make(&scene, &["uninstall", &destdir, "prefix=/usr"]).unwrap().run().succeeds();
        assert_eq!(files(&root), ["usr/bin/other"]);
        assert!(!usr.join("libexec/zccp").exists());
    }
}

#[test]
fn links_are_made_where_nothing_is_in_the_way() {
    let scene = Scene::new();
    let prefix = format!("prefix={}", scene.path("usr").display());
    let links = format!("DIR={}", scene.path("links").display());
    let Some(early) = make(&scene, &["links", &prefix, &links]) else { return };
    early.run().fails_with(2).stderr_has("is not there: make install first");
    make(&scene, &["install", &prefix]).unwrap().run().succeeds();
    for _ in 0..2 {
        make(&scene, &["links", &prefix, &links]).unwrap().run().succeeds().stdout_has("PATH=");
    }
    scene.file("source", b"bytes");
    scene.program(scene.path("links/cp")).arguments(["source", "copy"]).run().succeeds();
    scene.program(scene.path("links/cat")).arguments(["copy"]).run().succeeds().stdout_is("bytes");

    let precious = scene.directory("bin").join("cp");
    std::fs::write(&precious, b"GNU's").unwrap();
    let over = format!("DIR={}", scene.path("bin").display());
    let refused = make(&scene, &["links", &prefix, &over]).unwrap().run();
    refused.fails_with(2).stderr_has("bin/cp is there already and is not ours").file_is(&precious, b"GNU's");
    make(&scene, &["links", &prefix]).unwrap().run().fails_with(2).stderr_has("usage: make links DIR=DIRECTORY");
}
