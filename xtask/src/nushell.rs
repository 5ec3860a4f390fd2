//! Completion for nushell. clap_complete_nushell's script declares every option, and nushell then takes the command line
//! apart by it and puts it together again: `--reflink=always a b` reaches the program as four words, `always` an operand
//! (nushell 0.115), and `zccp a b --reflink` is an error. This one declares operands only, so that what was typed is what
//! the program gets, and completes by a function of its own.

use crate::completions::{Offered, offered, summary};
use clap::Command;
use std::fmt::Write as _;

/// From the words typed to what is offered; `null` leaves it to nushell, which offers files.
const BODY: &str = r#"    let word = $spans | last
    let before = $spans | drop 1
    if ("--" in $before) { return null }
    let given = $word | parse --regex '^(?<name>--[^=]+)=(?<value>.*)$'
    let name = if ($given | is-empty) { $before | last } else { $"($given.0.name)=" }
    let found = $arguments | where {|argument| $name in $argument.names }
    if ($found | is-not-empty) {
      let value = if ($given | is-empty) { $word } else { $given.0.value }
      let listed = if $found.0.list { $value | parse --regex '^(?<start>.*,)' | get --optional start.0 | default "" } else { "" }
      let start = (if ($given | is-empty) { "" } else { $name }) + $listed
      return ($found.0.words | each {|one| $start + $one } | where {|one| $one | str starts-with $word })
    }
    if not ($word | str starts-with "-") { return null }
    $options | where {|option| $option.value | str starts-with $word }
"#;

/// The script.
pub fn script(table: &Command) -> String {
    let name = table.get_name();
    let mut text = format!("# nushell completion for {name}\n\nmodule \"{name} completions\" {{\n");
    let _ = writeln!(text, "  def \"nu-complete {name}\" [spans: list<string>] {{\n    let options = [");
    let Offered { options, arguments } = offered(table);
    for (spelled, help) in options {
        let _ = writeln!(text, "      {{value: {}, description: {}}}", quoted(&spelled), quoted(&help));
    }
    text.push_str("    ]\n    let arguments = [\n");
    for argument in arguments {
        let list = |words: &[String]| words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        let (names, words) = (list(&argument.names), list(&argument.words));
        let _ = writeln!(text, "      {{names: [{names}], list: {}, words: [{words}]}}", argument.list);
    }
    let _ = write!(
        text,
        "    ]\n{BODY}  }}\n\n  # {}\n  @complete \"nu-complete {name}\"\n  export extern {name} [...FILE: glob]\n}}\n\n\
         export use \"{name} completions\" *\n",
        summary(table)
    );
    text
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
