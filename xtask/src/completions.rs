//! Completions for six shells, by clap_complete from the option tables.
//!
//! What clap_complete does not know of the tables is put right here: an argument that is optional has to follow its
//! option's `=` (a word of its own would be an operand), and `--engine` takes a list. Its script for bash also offers
//! options where a copy wants file names, so that one is ours ([`crate::bash`]).

use crate::bash::Bash;
use crate::pages::Page;
use clap::{Arg, ArgAction, Command};
use clap_complete::{Generator, Shell};
use clap_complete_nushell::Nushell;

/// The completions of one program.
pub fn of(table: &Command) -> Result<Vec<Page>, String> {
    Ok(vec![
        page(table, Bash)?,
        page(table, Shell::Zsh).and_then(|page| put_right(table, page, zsh))?,
        page(table, Shell::Fish).and_then(|page| put_right(table, page, fish))?,
        page(table, Shell::Elvish)?,
        page(table, Shell::PowerShell)?,
        page(table, Nushell)?,
    ])
}

fn page(table: &Command, shell: impl Generator) -> Result<Page, String> {
    // "see below" speaks of the text under the table of --help.
    let mut table = table.clone().mut_args(|option| match option.get_help().map(ToString::to_string) {
        Some(help) => option.help(help.replace(": see below", "")),
        None => option,
    });
    let name = table.get_name().to_string();
    let path = format!("completions/{}", shell.file_name(&name));
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut table, name, &mut text);
    let text = String::from_utf8(text).map_err(|error| format!("{path}: {error}"))?;
    Ok(Page { path, text })
}

/// What is to be replaced in a script on account of one option, and by what.
type Repair = fn(&Arg) -> Vec<(String, String)>;

/// Makes the repairs; one that finds nothing to replace is an error, so that a newer clap_complete is noticed.
fn put_right(table: &Command, mut page: Page, repair: Repair) -> Result<Page, String> {
    let written = page.text.clone();
    for (from, to) in table.get_opts().flat_map(repair) {
        if !written.contains(&from) {
            return Err(format!("{}: clap_complete no longer writes {from}", page.path));
        }
        page.text = page.text.replace(&from, &to);
    }
    Ok(page)
}

fn zsh(option: &Arg) -> Vec<(String, String)> {
    let Some(long) = option.get_long() else { return Vec::new() };
    if option.is_require_equals_set() {
        let several = if matches!(option.get_action(), ArgAction::Append) { "*" } else { "" };
        let mut repairs = vec![(format!("'{several}--{long}=["), format!("'{several}--{long}=-["))];
        if let Some(letter) = option.get_short() {
            // The letter takes no argument at all.
            let help = option.get_help().map(ToString::to_string).unwrap_or_default();
            let value = option.get_value_names().and_then(<[_]>::first).map_or("", |name| name.as_str());
            let offered = format!("::{value}:({})' \\", words(option).join(" "));
            let shown = format!("[{}]", help.replace('\n', " ").replace(':', "\\:"));
            repairs.push((format!("'-{letter}+{shown}{offered}"), format!("'-{letter}{shown}' \\")));
        }
        return repairs;
    }
    let words = words(option).join(" ");
    let list = || (format!(":({words})' \\"), format!(":_sequence compadd - {words}' \\"));
    if is_list(option) { vec![list()] } else { Vec::new() }
}

fn fish(option: &Arg) -> Vec<(String, String)> {
    if words(option).is_empty() {
        return Vec::new(); // nothing to offer
    }
    let offered: Vec<String> = words(option).iter().map(|word| format!("{word}\\t''")).collect();
    let offered = format!("-a \"{}\"", offered.join("\n"));
    if option.is_require_equals_set() {
        return vec![(format!("-r -f {offered}"), format!("-f {offered}"))];
    }
    let each = words(option).join(",");
    let list = format!("-a \"(__fish_complete_list , 'string split , {each}')\"");
    if is_list(option) { vec![(offered, list)] } else { Vec::new() }
}

fn is_list(option: &Arg) -> bool {
    option.get_value_delimiter().is_some()
}

/// The words an option's value may be.
pub fn words(option: &Arg) -> Vec<String> {
    option.get_possible_values().iter().map(|word| word.get_name().to_string()).collect()
}
