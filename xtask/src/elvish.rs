//! Completion for elvish. clap_complete's script offers options where a copy wants file names, fails behind the first
//! operand, and knows nothing of arguments. This one completes options where a word begins with `-`, the words of an
//! argument where there is one, and files everywhere else.

use crate::completions::{Offered, offered};
use clap::Command;
use std::fmt::Write as _;

/// From the words typed to what is offered. elvish leaves out what does not begin as the word does.
const BODY: &str = r#"    var word = $words[-1]
    var name start value = $words[-2] '' $word
    if (and (str:has-prefix $word --) (str:contains $word '=')) {
        var parts = [(str:split &max=2 '=' $word)]
        set name start value = $parts[0]'=' $parts[0]'=' $parts[1]
    }
    if (has-value $words[..-1] --) {
        edit:complete-filename $@words
    } elif (has-key $arguments $name) {
        if (and (has-value $lists $name) (str:contains $value ,)) {
            set start = $start(str:join , [(str:split , $value)][..-1]),
        }
        for one $arguments[$name] { put $start$one }
    } elif (str:has-prefix $word -) {
        for option $options {
            var text about = $@option
            var behind = ' '
            if (str:has-suffix $text '=') { set behind = '' }
            edit:complex-candidate $text &code-suffix=$behind &display=$text'  '$about
        }
    } else {
        edit:complete-filename $@words
    }
"#;

/// The script.
pub fn script(table: &Command) -> String {
    let name = table.get_name();
    let Offered { options, arguments } = offered(table);
    let mut text = format!("# elvish completion for {name}\n\nuse str\n\n");
    let _ = writeln!(text, "set edit:completion:arg-completer[{name}] = {{|@words|\n    var options = [");
    let taken: Vec<String> = options.iter().map(|(spelled, _)| spelled.clone()).collect();
    for (spelled, help) in options {
        // elvish puts a word with "=" in quotes: where the argument may be a word of its own, that is offered.
        let alone = spelled.trim_end_matches('=');
        let spelled = if taken.iter().any(|other| other == alone) { spelled.as_str() } else { alone };
        let _ = writeln!(text, "        [{} {}]", quoted(spelled), quoted(&help));
    }
    text.push_str("    ]\n    var arguments = [\n");
    let mut lists = String::new();
    for argument in arguments {
        let words: Vec<String> = argument.words.iter().map(|word| quoted(word)).collect();
        for name in &argument.names {
            let _ = writeln!(text, "        &{}=[{}]", quoted(name), words.join(" "));
            if argument.list {
                let _ = write!(lists, " {}", quoted(name));
            }
        }
    }
    let _ = write!(text, "    ]\n    var lists = [{}]\n{BODY}}}\n", lists.trim_start());
    text
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
