//! The completions in real shells, from where `make install` puts them: a beginning is typed, Tab is pressed, and what the
//! shell has made of it is on the screen. PowerShell's are not tried: Debian has no PowerShell.

use crate::apparatus::tmux::Tmux;
use crate::apparatus::{Scene, skip};
use crate::install::make;

/// What is typed, and what the line is after Tab. `=` where shells that know it put one.
const CASES: [(&str, &str); 11] = [
    ("zccp --spa", "zccp --sparse"),
    ("zccp --sparse=al", "--sparse=always"),
    ("zccp --sparse al", "zccp --sparse always"),
    ("zccp --backup=num", "--backup=numbered"),
    ("zccp --reflink=ne", "--reflink=never"),
    ("zccp --engine=reflink,se", "--engine=reflink,sendfile"),
    ("zccp alp", "zccp alpha.txt"),
    ("zccp x alp", "zccp x alpha.txt"),
    // An operand, and not the option's argument.
    ("zccp --reflink alp", "zccp --reflink alpha.txt"),
    ("zccp -- alp", "zccp -- alpha.txt"),
    ("zccat --exp", "zccat --explain"),
];

/// The cases in the shell that `start` starts, whose prompt is `> `; `$SHARE` is what was installed below `/usr/share`.
fn complete(program: &str, start: &str) {
    if !skip::has_program(program) {
        skip::skip!(format!("{program} is not installed"));
        return;
    }
    let scene = Scene::new();
    let root = format!("DESTDIR={}", scene.path("root").display());
    let Some(install) = make(&scene, &["install", &root, "prefix=/usr"]) else { return };
    install.run().succeeds();
    scene.file("alpha.txt", b"");
    let Some(tmux) = Tmux::new(&scene, 100, 12) else { return };
    tmux.type_line("SHARE=$PWD/root/usr/share PATH=$PWD/root/usr/bin:$PATH HOME=$PWD; export SHARE PATH HOME; clear");
    tmux.wait_for("an empty screen", |screen| screen == "$");
    tmux.type_line(start);
    tmux.wait_for("the shell", |screen| screen.lines().last().is_some_and(|line| line.starts_with('>')));
    for (typed, expected) in CASES {
        let wanted = |screen: &str| {
            // elvish puts a word with "=" between quotes, and shells tell what they offer below the line.
            let shown = screen.replace('\'', "");
            shown.lines().any(|line| line.contains(expected) && line.starts_with('>'))
        };
        tmux.type_keys(typed);
        tmux.wait_for(typed, |screen| screen.contains(typed));
        tmux.press("Tab");
        tmux.wait_for(&format!("{expected} after {typed} and Tab"), wanted);
        if matches!(program, "elvish" | "nu") {
            tmux.press("Escape"); // out of what is offered
            // Long enough for the shell to know that it was Escape, and no other key's beginning.
            std::thread::sleep(std::time::Duration::from_millis(600));
        }
        tmux.press("C-u");
        tmux.wait_for("an empty line", |screen| !screen.contains(typed));
    }
}

#[test]
fn bash() {
    let start = "(cat $SHARE/bash-completion/completions/*; echo 'PS1=\"> \"; clear') >rc; exec bash --rcfile rc";
    complete("bash", start);
}

#[test]
fn zsh() {
    let start = "echo 'fpath=($SHARE/zsh/site-functions $fpath); autoload -U compinit; compinit -u -D; PS1=\"> \"' >.zshrc; \
                 ZDOTDIR=$PWD exec zsh";
    complete("zsh", start);
}

#[test]
fn fish() {
    complete("fish", "XDG_DATA_DIRS=$SHARE exec fish -C 'function fish_prompt; echo \"> \"; end'");
}

#[test]
fn elvish() {
    let start = "printf 'use zccp\\nuse zccat\\nset edit:prompt = { put \"> \" }' >rc.elv; \
                 XDG_DATA_DIRS=$SHARE exec elvish -rc rc.elv";
    complete("elvish", start);
}

/// The first nushell whose completion these scripts were tried with; 0.108 does not look behind a `=`.
const NUSHELL: u32 = 115;

#[test]
fn nushell() {
    let version = std::process::Command::new("nu").arg("--version").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string()).unwrap_or_default();
    let minor = version.split('.').nth(1).and_then(|minor| minor.parse().ok());
    if minor.is_some_and(|minor: u32| minor < NUSHELL && version.starts_with("0.")) {
        skip::skip!(format!("nushell {version} is older than 0.{NUSHELL}"));
        return;
    }
    let start =
        "XDG_DATA_DIRS=$SHARE exec nu -e '$env.PROMPT_COMMAND = {\"\"}; $env.config.show_banner = false; clear'";
    complete("nu", start);
}
