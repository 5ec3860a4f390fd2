//! The man pages: prose written by hand in `xtask/man/`, with what the option tables say set into it.
//!
//! A line of the prose that begins with `@` is a place to be filled: `@synopsis` and `@options` by clap_mangen from the
//! table, and the rest by passages that both pages share. `@version` inside a line is the program's version.

use crate::pages::Page;
use clap::{Arg, Command};
use clap_mangen::Man;
use std::io;

/// `zccp.1`
pub fn zccp(table: &Command) -> Result<Page, String> {
    page(table, include_str!("../man/zccp.roff"))
}

/// `zccat.1`
pub fn zccat(table: &Command) -> Result<Page, String> {
    page(table, include_str!("../man/zccat.roff"))
}

fn page(table: &Command, prose: &str) -> Result<Page, String> {
    let name = table.get_name();
    let source = format!("xtask/man/{name}.roff");
    let version = table.get_version().unwrap_or_default();
    let mut text = format!(".\\\" Written by `cargo run -p xtask -- pages` from {source} and the option table.\n");
    for line in prose.lines() {
        match line.strip_prefix('@') {
            Some(place) => text.push_str(&passage(table, place).map_err(|error| format!("{source}: {error}"))?),
            None => text.push_str(&line.replace("@version", version)),
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    Ok(Page { path: format!("man/{name}.1"), text })
}

fn passage(table: &Command, place: &str) -> Result<String, String> {
    match place {
        "synopsis" => section(|out| Man::new(table.clone()).render_synopsis_section(out)),
        "options" => {
            section(|out| Man::new(for_print(table)).render_options_section(out)).map(|text| with_equals_signs(&text))
        }
        "engines" => Ok(include_str!("../man/engines.roff").to_string()),
        "rate_limit" => Ok(include_str!("../man/rate_limit.roff").to_string()),
        "explain" => Ok(include_str!("../man/explain.roff").to_string()),
        "progress" => Ok(include_str!("../man/progress.roff").replace("@phases\n", phases(table))),
        "locale" => Ok(include_str!("../man/locale.roff").to_string()),
        _ => Err(format!("nothing fills @{place}")),
    }
}

/// What only zccp does besides copying.
fn phases(table: &Command) -> &'static str {
    if table.get_name() == "zccp" { include_str!("../man/phases.roff") } else { "" }
}

/// As GNU's pages have it: `--sparse=WHEN`, `--reflink[=WHEN]`.
fn with_equals_signs(options: &str) -> String {
    options.replace("\\fR \\fI<", "\\fR=\\fI").replace("[=\\fI<", "[=\\fI").replace(">\\fR", "\\fR")
}

/// What clap_mangen writes, without the definition of a string (`Aq`, the apostrophe) that comes before: where it is used,
/// what it stands for is written.
fn section(render: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> Result<String, String> {
    let mut out = Vec::new();
    render(&mut out).map_err(|error| error.to_string())?;
    let text = String::from_utf8(out).map_err(|error| error.to_string())?;
    let lines: String = text.lines().filter(|line| !line.contains(".ds Aq")).flat_map(|line| [line, "\n"]).collect();
    Ok(lines.replace("\\*(Aq", "\\(aq"))
}

/// The table as it reads well on paper: no operands among the options, and the words a value may be in a sentence
/// instead of a list an inch deep.
fn for_print(table: &Command) -> Command {
    let below = |option: &Arg| match (table.get_name(), option.get_long()) {
        ("zccat", _) => " (see SOCKETS)",
        (_, Some("backup")) => " (see EXISTING FILES)",
        _ => " (see SHARING AND HOLES)",
    };
    table.clone().mut_args(|option| {
        if option.is_positional() {
            return option.hide(true);
        }
        let help = option.get_help().map(ToString::to_string).unwrap_or_default();
        let words = missing_words(&option, &help);
        let value = option.get_value_names().and_then(<[_]>::first).cloned().unwrap_or_default();
        let help = match words.as_slice() {
            [] => help,
            [rest @ .., last] => format!("{help}.\n{value} is {} or {last}", rest.join(", ")),
        };
        let below = below(&option);
        let hide = option.get_action().takes_values();
        option.hide_possible_values(hide).help(help.replace(": see below", below))
    })
}

/// The words an option's value may be, unless its help names them.
fn missing_words(option: &Arg, help: &str) -> Vec<String> {
    let words = option.get_possible_values();
    let said = |word: &str| help.split([' ', ',', '.', '\n']).any(|part| part == word);
    if words.iter().all(|word| said(word.get_name())) {
        return Vec::new();
    }
    words.iter().map(|word| word.get_name().to_string()).collect()
}
