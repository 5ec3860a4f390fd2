//! The man pages and the completions: that nothing the programs know is missing from them, and that real shells and a
//! real formatter take them. (That they are what the tables make of them is xtask's own test.)

use clap::{Arg, Command};
use std::fs;
use std::process;
use zccp::cli::gnu::{GNU_CAT, GNU_CP};
use zccp::cli::table;
use zccp::engine::Name;

/// Letters of GNU cp and cat 9.10 (`cp --help`, `cat --help`), without `-u` of cat, which has no effect.
const LETTERS: [(&str, &str); 2] = [("zccp", "abdfHilLnprstuvxPRSTZ"), ("zccat", "AbeEnstTv")];

fn tables() -> [Command; 2] {
    [table::zccp(), table::zccat()]
}

fn page(path: &str) -> String {
    fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn options(table: &Command) -> Vec<&Arg> {
    table.get_arguments().filter(|option| !option.is_positional()).collect()
}

/// `text` as one of the words of `page`, so that `--help` is not found in `--helpful`.
fn has_word(page: &str, text: &str) -> bool {
    let part_of_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    page.match_indices(text)
        .any(|(at, _)| !page[..at].ends_with(part_of_word) && !page[at + text.len()..].starts_with(part_of_word))
}

#[test]
fn every_option_is_in_the_man_page() {
    for table in tables() {
        let page = page(&format!("man/{}.1", table.get_name())).replace("\\-", "-");
        let page = page.replace("\\fB", " ").replace("\\fR", " ");
        for option in options(&table) {
            if let Some(long) = option.get_long() {
                assert!(has_word(&page, &format!("--{long}")), "{} --{long}", table.get_name());
            }
            if let Some(letter) = option.get_short() {
                assert!(has_word(&page, &format!("-{letter}")), "{} -{letter}", table.get_name());
            }
        }
    }
}

#[test]
fn every_engine_has_its_paragraph_in_both_man_pages() {
    for page in [page("man/zccp.1"), page("man/zccat.1")] {
        for name in Name::ALL {
            assert!(page.contains(&format!(".TP\n.B {name}\n")), "{name}");
        }
    }
}

#[test]
fn every_option_of_gnus_is_built() {
    for ((table, gnu), (name, letters)) in tables().into_iter().zip([GNU_CP, GNU_CAT]).zip(LETTERS) {
        assert_eq!(table.get_name(), name);
        for letter in letters.chars() {
            let has = |option: &Arg| {
                let others = option.get_visible_short_aliases().unwrap_or_default();
                option.get_short() == Some(letter) || others.contains(&letter)
            };
            assert!(options(&table).iter().any(|option| has(option)), "{name} -{letter}");
        }
        for long in gnu.all {
            let has = |option: &Arg| {
                option.get_long() == Some(long) || option.get_all_aliases().unwrap_or_default().contains(long)
            };
            assert!(options(&table).iter().any(|option| has(option)), "{name} --{long}");
        }
    }
}

#[test]
fn every_option_is_in_every_completion() {
    for table in tables() {
        let name = table.get_name();
        for file in ["{}.bash", "_{}", "{}.fish", "{}.elv", "_{}.ps1", "{}.nu"] {
            let file = format!("completions/{}", file.replace("{}", name));
            let script = page(&file);
            for option in options(&table) {
                let Some(long) = option.get_long() else { continue };
                let fishes = format!("-l {long}");
                let spelled = if file.ends_with(".fish") { fishes } else { format!("--{long}") };
                assert!(has_word(&script, &spelled), "{file}: {spelled}");
            }
        }
    }
}

#[test]
fn the_readme_names_every_engine_and_shows_only_options_there_are() {
    let readme = page("README.md");
    for name in Name::ALL {
        assert!(readme.contains(&format!("\n| `{name}` |")), "{name}");
    }
    for table in tables() {
        let call = format!("{} ", table.get_name());
        let code = readme.lines().filter_map(|line| line.strip_prefix("    "));
        let shown: Vec<&str> =
            code.map(|line| line.trim_start_matches("$ ")).filter(|l| l.starts_with(&call)).collect();
        assert!(!shown.is_empty(), "{call}");
        let words = shown.iter().flat_map(|line| line.split('|').next().unwrap_or_default().split([' ', '=']));
        for long in words.filter_map(|word| word.strip_prefix("--")) {
            assert!(options(&table).iter().any(|option| option.get_long() == Some(long)), "--{long}");
        }
    }
}

/// What a shell printed; `None`, and said, where there is no such shell.
fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = process::Command::new(program);
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).env("LC_ALL", "C.UTF-8");
    match command.output() {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => {
            eprintln!("SKIPPED {program}: {error}");
            None
        }
    }
}

/// What bash offers for the last word. bash itself cuts words at `=`.
fn bash(words: &[&str]) -> Option<Vec<String>> {
    // compopt works only where readline asks; what it says elsewhere goes to standard error.
    let script = "source completions/$1.bash; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _$1; \
                  printf '%s\\n' \"${COMPREPLY[@]}\"";
    let mut arguments = vec!["--norc", "-c", script, "bash"];
    arguments.extend(words);
    said("bash", &arguments).map(|text| text.split_whitespace().map(str::to_string).collect())
}

#[test]
fn bash_completes_options_values_and_lists() {
    let cases: [(&[&str], &[&str]); 11] = [
        (&["zccp", "--sp"], &["--sparse="]),
        (&["zccp", "--ref"], &["--reflink", "--reflink="]),
        (&["zccp", "--sparse", "=", "al"], &["always"]),
        (&["zccp", "--sparse", "al"], &["always"]),
        (&["zccp", "--reflink", "="], &["auto", "always", "never"]),
        (&["zccp", "--reflink=ne"], &["--reflink=never"]),
        // The word after --reflink is an operand: bash's own business.
        (&["zccp", "--reflink", "al"], &[]),
        (&["zccp", "--engine", "=", "reflink,se"], &["reflink,sendfile"]),
        (&["zccp", "big.iso", ""], &[]),
        (&["zccp", "--", "--sp"], &[]),
        (&["zccat", "--e"], &["--engine=", "--explain"]),
    ];
    for (words, expected) in cases {
        if let Some(offered) = bash(words) {
            assert_eq!(offered, expected, "{words:?}");
        }
    }
}

#[test]
fn fish_completes_options_values_and_lists() {
    let cases: [(&str, &[&str]); 5] = [
        ("zccp --sp", &["--sparse"]),
        ("zccp --sparse=al", &["--sparse=always"]),
        ("zccp --reflink=n", &["--reflink=never"]),
        ("zccp --engine=reflink,se", &["--engine=reflink,sendfile"]),
        ("zccat --ex", &["--explain"]),
    ];
    for (line, expected) in cases {
        let script = format!("source completions/zccp.fish; source completions/zccat.fish; complete -C '{line}'");
        if let Some(text) = said("fish", &["--no-config", "-c", &script]) {
            let offered: Vec<&str> = text.lines().filter_map(|line| line.split('\t').next()).collect();
            assert_eq!(offered, expected, "{line}");
        }
    }
}

#[test]
fn zsh_takes_the_scripts() {
    for name in ["zccp", "zccat"] {
        let script = format!("zsh -n completions/_{name} && echo fine");
        if said("zsh", &["-f", "-c", "true"]).is_some() {
            assert_eq!(said("sh", &["-c", &script]).as_deref(), Some("fine\n"), "{name}");
        }
    }
}

/// What of a PowerShell script is neither text between quotes nor a comment; fails where a quote is not closed.
fn code_of_powershell(script: &str) -> String {
    let (mut code, mut rest) = (String::new(), script);
    while let Some(at) = rest.find(['\'', '"', '#']) {
        code.push_str(&rest[..at]);
        let (quote, behind) = rest[at..].split_at(1);
        let end = match quote {
            "#" => behind.find('\n').unwrap_or(behind.len()),
            // A quote that is doubled stands for itself: one text ends and another begins.
            quote => behind.find(quote).unwrap_or_else(|| panic!("{quote} is not closed: {behind}")) + 1,
        };
        rest = &behind[end..];
    }
    code + rest
}

/// Debian has no PowerShell. This much can be said without one; the scripts were read without an error by the grammar of
/// tree-sitter-pwsh 0.38.
#[test]
fn the_scripts_for_powershell_are_well_formed() {
    for name in ["zccp", "zccat"] {
        let script = page(&format!("completions/_{name}.ps1"));
        let mut open = Vec::new();
        for bracket in code_of_powershell(&script).chars().filter(|c| "(){}[]".contains(*c)) {
            match bracket {
                '(' => open.push(')'),
                '{' => open.push('}'),
                '[' => open.push(']'),
                closing => assert_eq!(open.pop(), Some(closing), "{name}"),
            }
        }
        assert!(open.is_empty(), "{name}: {open:?}");
        // What is offered: a text, what is shown of it, its kind, and a tooltip that is not empty.
        let offers: Vec<&str> = script.lines().filter(|line| line.contains("[CompletionResult]::new(")).collect();
        assert!(offers.len() > 40, "{name}");
        for offer in offers {
            let texts: Vec<&str> = offer.split('\'').skip(1).step_by(2).collect();
            assert!(texts.len() >= 3 && texts.iter().take(3).all(|text| !text.is_empty()), "{offer}");
            assert_eq!(texts[0], texts[1].trim_end(), "{offer}");
        }
        assert!(script.contains("'--engine=reflink'"), "{name}");
        assert!(!script.contains("CommandElements"), "{name}: nothing would be offered behind an operand");
    }
}

#[test]
fn the_man_pages_have_no_lint() {
    for name in ["zccp", "zccat"] {
        if let Some(lint) = said("mandoc", &["-Tlint", "-Wwarning", &format!("man/{name}.1")]) {
            assert_eq!(lint, "", "{name}");
        }
    }
}
