//! Completions for six shells, by clap_complete from the option tables.
//!
//! What clap_complete does not know of the tables is put right here: an argument that is optional has to follow its
//! option's `=` (a word of its own would be an operand), and `--engine` takes a list. Its script for bash also offers
//! options where a copy wants file names, that for PowerShell none behind the first operand; those for elvish and nushell
//! are worse: these three are ours ([`crate::bash`], [`crate::elvish`], [`crate::nushell`]).

use crate::pages::Page;
use crate::{bash, elvish, nushell};
use clap::{Arg, ArgAction, Command};
use clap_complete::{Generator, Shell};

/// The completions of one program.
pub fn of(table: &Command) -> Result<Vec<Page>, String> {
    let table = &for_shells(table);
    Ok(vec![
        ours(table, "bash", bash::script),
        page(table, Shell::Zsh).and_then(|page| put_right(table, page, zsh))?,
        page(table, Shell::Fish).and_then(|page| put_right(table, page, fish))?,
        ours(table, "elv", elvish::script),
        page(table, Shell::PowerShell).and_then(|page| powershell(table, page))?,
        ours(table, "nu", nushell::script),
    ])
}

/// The table as shells want it.
fn for_shells(table: &Command) -> Command {
    table.clone().mut_args(|option| {
        // "see below" speaks of the text under the table of --help.
        let option = match option.get_help().map(ToString::to_string) {
            Some(help) => option.help(help.replace(": see below", "")),
            None => option,
        };
        // The program takes beginnings of these words too, and so knows them elsewhere.
        let is_backup = option.get_long() == Some("backup");
        if is_backup { option.value_parser(CONTROLS) } else { option }
    })
}

/// What `--backup` may be.
const CONTROLS: [&str; 8] = ["none", "off", "simple", "never", "existing", "nil", "numbered", "t"];

/// A script that is all our own. The table gets the options that clap adds to it, as clap_complete's scripts have them.
fn ours(table: &Command, ending: &str, script: fn(&Command) -> String) -> Page {
    let mut table = table.clone();
    table.build();
    Page { path: format!("completions/{}.{ending}", table.get_name()), text: script(&table) }
}

fn page(table: &Command, shell: impl Generator) -> Result<Page, String> {
    let mut table = table.clone();
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

/// The script takes the first operand for a subcommand, behind which it offers nothing; and it knows no argument's words.
/// They are offered where there is a `=` already, which is where PowerShell gives the word whole.
fn powershell(table: &Command, mut page: Page) -> Result<Page, String> {
    let changed = |what: &str| format!("{}: clap_complete no longer writes {what}", page.path);
    let (begins, ends) = ("    $commandElements = ", "    }) -join ';'\n");
    let subcommand = page.text.find(begins).zip(page.text.find(ends).map(|at| at + ends.len()));
    let subcommand = subcommand.filter(|(from, to)| from < to).ok_or_else(|| changed("$commandElements"))?;
    let filter = "$_.CompletionText -like \"$wordToComplete*\"";
    if !page.text.contains(filter) {
        return Err(changed(filter));
    }
    let mut text = page.text.clone();
    text.replace_range(subcommand.0..subcommand.1, &format!("    $command = '{}'\n", table.get_name()));
    let values = "($wordToComplete.Contains('=') -or -not $_.CompletionText.Contains('='))";
    text = text.replace(filter, &format!("{filter} -and {values}"));
    let mut lines = String::new();
    for option in table.get_opts().filter(|option| !option.is_positional()) {
        let long = option.get_long().unwrap_or_default();
        for word in words(option) {
            let whole = format!("'--{long}={word}'");
            lines += &format!(
                "            [CompletionResult]::new({whole}, {whole}, [CompletionResultType]::ParameterValue, '{word}')\n"
            );
        }
    }
    let end = "            break\n";
    let at = text.rfind(end).ok_or_else(|| changed("break"))?;
    text.insert_str(at, &lines);
    page.text = text;
    Ok(page)
}

fn is_list(option: &Arg) -> bool {
    option.get_value_delimiter().is_some()
}

/// The words an option's value may be.
pub fn words(option: &Arg) -> Vec<String> {
    option.get_possible_values().iter().map(|word| word.get_name().to_string()).collect()
}

/// How an option is written: with `=` where an argument follows.
pub fn spellings(option: &Arg) -> Vec<String> {
    let letters = option.get_short().into_iter().chain(option.get_visible_short_aliases().unwrap_or_default());
    let mut spellings: Vec<String> = letters.map(|letter| format!("-{letter}")).collect();
    if let Some(long) = option.get_long() {
        let takes_value = option.get_action().takes_values();
        if !takes_value || option.is_require_equals_set() {
            spellings.push(format!("--{long}"));
        }
        if takes_value {
            spellings.push(format!("--{long}="));
        }
    }
    spellings
}

/// What an argument of the option stands behind: `--long=`, and as a word of its own `--long` or the letter, if that is
/// allowed.
pub fn names(option: &Arg) -> Vec<String> {
    let long = option.get_long().unwrap_or_default();
    let mut names = vec![format!("--{long}=")];
    if !option.is_require_equals_set() {
        names.push(format!("--{long}"));
        names.extend(option.get_short().map(|letter| format!("-{letter}")));
    }
    names
}

/// What the scripts that are ours offer.
pub struct Offered {
    /// Every spelling of every option, and what the option does.
    pub options: Vec<(String, String)>,
    /// What is known of arguments.
    pub arguments: Vec<Argument>,
}

/// The words an argument may be.
pub struct Argument {
    /// What it stands behind.
    pub names: Vec<String>,
    /// Whether it is a list with commas between.
    pub list: bool,
    /// The words; never none.
    pub words: Vec<String>,
}

/// Reads the table.
pub fn offered(table: &Command) -> Offered {
    let all = || table.get_arguments().filter(|option| !option.is_positional());
    let help = |option: &Arg| option.get_help().map(ToString::to_string).unwrap_or_default().replace('\n', " ");
    let options = all().flat_map(|option| spellings(option).into_iter().map(move |spelled| (spelled, help(option))));
    let arguments = table.get_opts().filter(|option| !option.is_positional() && !words(option).is_empty());
    let arguments =
        arguments.map(|option| Argument { names: names(option), list: is_list(option), words: words(option) });
    Offered { options: options.collect(), arguments: arguments.collect() }
}

/// The program in one line.
pub fn summary(table: &Command) -> String {
    let about = table.get_about().map(ToString::to_string).unwrap_or_default();
    about.replace('\n', " ")
}
