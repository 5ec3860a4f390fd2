//! Completion for bash. clap_complete's script answers every word with the list of options, so that
//! `zccp big.iso <Tab>` offers no file; it does not know that bash cuts words at `=`; and it offers the word after
//! `--reflink` as its argument. This one completes options where a word begins with `-`, the words of an argument where
//! there is one, and leaves everything else to bash.

use crate::completions::{names, spellings, words};
use clap::{Arg, Command, ValueHint};
use std::fmt::Write as _;

/// What comes before the option's name is taken apart. Indented as in the function it stands in.
const TAKE_APART: &str = r#"    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} before= i
    COMPREPLY=()
    # After "--" there are operands only.
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == -- ]] && return
    done
    # "--name=value" is cut at "=" unless somebody took that out of COMP_WORDBREAKS.
    if [[ $cur == "=" ]]; then
        prev+="=" cur=
    elif [[ $prev == "=" ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}=
    elif [[ $cur == --*=* ]]; then
        prev=${cur%%=*}= before=$prev cur=${cur#*=}
    fi
"#;

/// After the words of all options have been offered.
const OPTIONS: &str = r#"    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
"#;

/// The script.
pub fn script(table: &Command) -> String {
    let name = table.get_name();
    let mut text = format!("# bash completion for {name}\n\n_{name}()\n{{\n{TAKE_APART}    case $prev in\n");
    table.get_opts().for_each(|option| text.push_str(&argument(option)));
    let options: Vec<String> = table.get_arguments().flat_map(spellings).collect();
    let options = options.join(" ");
    let _ = write!(
        text,
        "    esac\n    [[ $cur == -* ]] || return\n    \
         COMPREPLY=($(compgen -W \"{options}\" -- \"$cur\"))\n{OPTIONS}}}\n\n\
         complete -o bashdefault -o default -F _{name} {name}\n"
    );
    text
}

/// The branch for an option that takes an argument.
fn argument(option: &Arg) -> String {
    let spelled = names(option);
    let words = words(option).join(" ");
    let what = if option.get_value_hint() == ValueHint::DirPath {
        "            compopt +o bashdefault +o default -o dirnames\n".to_string()
    } else if option.get_value_delimiter().is_some() {
        format!(
            "            [[ $cur == *,* ]] && before+=${{cur%,*}},\n            \
             COMPREPLY=($(compgen -P \"$before\" -W \"{words}\" -- \"${{cur##*,}}\"))\n            \
             compopt -o nospace\n"
        )
    } else {
        format!("            COMPREPLY=($(compgen -P \"$before\" -W \"{words}\" -- \"$cur\"))\n")
    };
    format!("        {})\n{what}            return\n            ;;\n", spelled.join(" | "))
}
