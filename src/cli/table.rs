//! The options of each name: one clap `Command` each, from which everything else is derived — what the pre-pass accepts,
//! `--help`, the man pages and the completions. An option is one entry here and one line in [`super::mapping`].
//!
//! Conventions the rest relies on: `require_equals` marks an argument that is optional; a value delimiter marks a list;
//! help texts are wrapped by hand to fit 80 columns behind nine spaces.

use crate::engine::Name;
use clap::builder::{PossibleValue, PossibleValuesParser, ValueParser};
use clap::{Arg, ArgAction, Command, ValueHint};

/// What stands for the argument of `--backup`, `--context` or `--json` where it has none: nothing that a command line could
/// hold (an empty argument means something else there).
pub const NO_ARGUMENT: &str = "\0";

/// What `--engine` takes instead of engines, to ask which there are.
pub const ENGINES_HELP: &str = "help";

/// Options whose letters GNU does not have: called `cp` or `cat` they have the long name only.
pub const OUR_LETTERS: [&str; 5] = ["help", "version", "jobs", "progress", "quiet"];

/// `zccp`'s table.
pub fn zccp() -> Command {
    program("zccp")
        .about("Copy SOURCE to DEST, or each SOURCE into DIRECTORY, by the kernel's best path.")
        .override_usage(
            "zccp [OPTION]... [-T] SOURCE DEST\n       zccp [OPTION]... SOURCE... DIRECTORY\n       \
             zccp [OPTION]... -t DIRECTORY SOURCE...",
        )
        .after_help(
            "A sparse SOURCE is copied with its holes (--sparse=auto). With --sparse=always a\n\
             hole is also made of every long enough run of zero bytes; with --sparse=never\n\
             every byte is written.\n\n\
             Where SOURCE and DEST can share their data, they do, and a block is copied when\n\
             one of them changes it (--reflink=auto). With --reflink[=always] it is an error\n\
             if they cannot; --reflink=never makes an independent copy.\n\n\
             With --update=none a file that stays is no failure, with none-fail it is.\n\n\
             A backup is named DEST~ (simple) or DEST.~1~, DEST.~2~ and so on (numbered);\n\
             existing means numbered where there is a numbered one, and is the default.\n\
             $VERSION_CONTROL and $SIMPLE_BACKUP_SUFFIX are used where no option says how.\n\
             With --force, SOURCE may be DEST: the backup is made, and it is the copy.",
        )
        .args(first_half())
        .args(second_half())
        .args(help_and_version())
        .arg(operands())
}

/// What `--preserve` and `--no-preserve` take a list of.
const ATTRIBUTES: [&str; 7] = ["mode", "timestamps", "ownership", "links", "context", "xattr", "all"];

/// Its options up to `--no-clobber`, in the order of the alphabet.
fn first_half() -> Vec<Arg> {
    vec![
        switch('a', "archive", "same as -dR --preserve=all, but attributes that DEST cannot hold\nare no failure"),
        flag("attributes-only").long("attributes-only").help("copy no data, only the attributes that are to be preserved"),
        flag("atomic").long("atomic").help("whoever opens DEST finds the old file or the whole new one"),
        valued("backup", "CONTROL")
                .require_equals(true)
                .num_args(0..=1)
                .default_missing_value(NO_ARGUMENT)
                .action(ArgAction::Append)
                .value_parser(ValueParser::os_string())
                .value_hint(ValueHint::Other)
                .help("keep an existing DEST under another name; CONTROL is none or off,\nsimple or never, existing or nil, numbered or t: see below"),
        flag("b").short('b').help("like --backup without an argument"),
        valued("context", "CTX")
                .require_equals(true)
                .num_args(0..=1)
                .default_missing_value(NO_ARGUMENT)
                .value_parser(ValueParser::os_string())
                .value_hint(ValueHint::Other)
                .help("like -Z, or set the SELinux context of new files to CTX"),
        flag("copy-contents").long("copy-contents").help("with -R, read FIFOs and devices instead of making them anew"),
        flag("d").short('d').help("same as -P --preserve=links"),
        flag("debug").long("debug").help("say on standard output how each file was copied; implies -v"),
        flag("dry-run")
                .long("dry-run")
                .help("say on standard output what would be done with each SOURCE, and by\nwhich engines, and touch nothing"),
        flag("durable").long("durable").help("success means that data and names are on the device"),
        engine(),
        valued("exclude", "GLOB")
                .action(ArgAction::Append)
                .value_parser(ValueParser::os_string())
                .value_hint(ValueHint::Other)
                .help("with -R, leave out what in a SOURCE directory is named so, as a line\nof .gitignore would; may be given more than once"),
        explain(),
        switch('f', "force", "if an existing DEST cannot be opened, remove it and try again"),
        generate(),
        flag("H").short('H').help("follow symbolic links among the SOURCE operands"),
        switch('i', "interactive", "ask before an existing DEST is replaced; overrides an earlier -n"),
        json(),
        valued("jobs", "N")
                .short('j')
                .value_parser(ValueParser::os_string())
                .value_hint(ValueHint::Other)
                .help("copy many files with N threads, or as many as pay (auto, the default)"),
        flag("keep-directory-symlink")
                .long("keep-directory-symlink")
                .help("take an existing symbolic link to a directory for a directory to\ncopy a directory into"),
        switch('l', "link", "make hard links instead of copies"),
        switch('L', "dereference", "copy what symbolic links of SOURCE lead to (the default without -R)"),
        switch('n', "no-clobber", "leave existing files as they are, without a word; overrides an\nearlier -i"),
    ]
}

/// Its options from `--no-dereference` on.
fn second_half() -> Vec<Arg> {
    vec![
        switch('P', "no-dereference", "copy symbolic links of SOURCE as symbolic links (the default with\n-R)"),
        valued("no-preserve", "LIST")
                .action(ArgAction::Append)
                .value_delimiter(',')
                .value_parser(PossibleValuesParser::new(ATTRIBUTES))
                .help("do not preserve the attributes of LIST"),
        flag("one-file-system").short('x').long("one-file-system").help("leave out what is mounted in a tree"),
        flag("p").short('p').help("same as --preserve=mode,ownership,timestamps"),
        flag("parents").long("parents").alias("path").help("make the directories of SOURCE's name below DIRECTORY"),
        valued("preserve", "LIST")
                .require_equals(true)
                .num_args(0..=1)
                .default_missing_values(["mode", "ownership", "timestamps"])
                .action(ArgAction::Append)
                .value_delimiter(',')
                .value_parser(PossibleValuesParser::new(ATTRIBUTES))
                .help("keep the attributes of LIST (mode, ownership and timestamps if there\nis none): also links, context, xattr, or all"),
        progress("show how far the copy is, on standard error: auto (the default) on a\nterminal, always (if no WHEN is given) also elsewhere, or never"),
        flag("quiet").short('q').long("quiet").help("show no progress, and say nothing but errors and what is asked for"),
        switch('R', "recursive", "copy directories with everything in them").visible_short_alias('r'),
        rate_limit(),
        valued("reflink", "WHEN")
                .require_equals(true)
                .num_args(0..=1)
                .default_missing_value("always")
                .value_parser(PossibleValuesParser::new(["auto", "always", "never"]))
                .help("whether the copy shares its data with SOURCE: see below"),
        flag("remove-destination")
                .long("remove-destination")
                .help("remove an existing DEST before it is opened (unlike --force)"),
        flag("resume").long("resume").help("go on with what a broken copy left at DEST: compare it with SOURCE,\nrepair what differs, append what is missing"),
        flag("strip-trailing-slashes")
                .long("strip-trailing-slashes")
                .help("take no notice of slashes at the end of a SOURCE"),
        switch('s', "symbolic-link", "make symbolic links instead of copies"),
        valued("suffix", "SUFFIX")
                .short('S')
                .value_parser(ValueParser::os_string())
                .value_hint(ValueHint::Other)
                .help("what the name of a backup ends in, instead of ~; implies --backup"),
        valued("sparse", "WHEN")
                .value_parser(PossibleValuesParser::new(["never", "auto", "always"]))
                .help("where the copy has holes: see below"),
        valued("target-directory", "DIRECTORY")
                .short('t')
                .action(ArgAction::Append)
                .value_parser(ValueParser::os_string())
                .value_hint(ValueHint::DirPath)
                .help("copy every SOURCE into DIRECTORY"),
        valued("update", "WHICH")
                .require_equals(true)
                .num_args(0..=1)
                .default_missing_value("older")
                .value_parser(PossibleValuesParser::new(["all", "none", "none-fail", "older"]))
                .help("which existing files are replaced: all (the default), none,\nnone-fail, or older than SOURCE (if no WHICH is given)"),
        flag("older").short('u').help("same as --update=older"),
        switch('T', "no-target-directory", "never take DEST for a directory"),
        switch('v', "verbose", "name each file as it is copied"),
        flag("verify").long("verify").help("read DEST back from the device and compare it with SOURCE"),
        flag("Z").short('Z').help("give new files the SELinux context that is the default for them"),
    ]
}

/// `zccat`'s table.
pub fn zccat() -> Command {
    program("zccat")
        .about("Write each FILE to standard output, one after the other, by the\nkernel's best path.")
        .override_usage("zccat [OPTION]... [FILE]...")
        .after_help(
            "With no FILE, or where FILE is -, standard input is read.\n\n\
             ADDRESS is tcp:HOST:PORT or unix:PATH; for --listen also tcp:PORT, which is\n\
             reached from this machine only. An IPv6 address is written in brackets:\n\
             tcp:[::1]:9000. Nothing is encrypted. What the peer sends is discarded.",
        )
        .arg(switch('A', "show-all", "the same as -vET"))
        .arg(switch('b', "number-nonblank", "number the lines that are not empty; overrides -n"))
        .arg(flag("e").short('e').help("the same as -vE"))
        .arg(switch('n', "number", "number all lines, through all files"))
        .arg(switch('E', "show-ends", "show the end of each line as $, a carriage return before it as ^M"))
        .arg(switch(
            'v',
            "show-nonprinting",
            "show control characters as ^X and bytes from 128 on as M-X, but not\ntabs and the ends of lines",
        ))
        .arg(switch('T', "show-tabs", "show tabs as ^I"))
        .arg(switch('s', "squeeze-blank", "output only the first of empty lines in a row"))
        .arg(flag("t").short('t').help("the same as -vT"))
        .arg(
            valued("connect", "ADDRESS")
                .value_parser(ValueParser::os_string())
                .value_hint(ValueHint::Other)
                .help("send to this socket instead of standard output, half-close it, and\nwait until the peer has closed it: see below"),
        )
        .arg(flag("durable").long("durable").help("success means that all is on the device standard output is on"))
        .arg(engine())
        .arg(explain())
        .arg(generate())
        .arg(json())
        .arg(
            valued("listen", "ADDRESS")
                .value_parser(ValueParser::os_string())
                .value_hint(ValueHint::Other)
                .help("as --connect, to the first who connects to ADDRESS: see below"),
        )
        .arg(rate_limit())
        .arg(progress("show how far it is, on standard error: auto (the default) on a\nterminal with --connect or --listen, always (if no WHEN is given) also\nwithout, or never"))
        .arg(
            valued("size", "SIZE").value_parser(ValueParser::os_string()).value_hint(ValueHint::Other).help(
                "how much is to be expected of a pipe or another FILE that does not\ntell its size, for what -g, --json and SIGUSR1 say; a SIZE may have a\nsuffix as above",
            ),
        )
        .arg(
            valued("timeout", "SECONDS").value_parser(ValueParser::os_string()).value_hint(ValueHint::Other).help(
                "with --connect or --listen: fail if for SECONDS (0.5, say) nobody\n\
                 answers or connects, the peer takes nothing, or it does not close at\n\
                 the end; without it, 30 for answer and close, no limit for the others",
            ),
        )
        // In POSIX it means that no output is held back, which is so without it too: there is nothing to map.
        .arg(flag("unbuffered").short('u').help("(no effect: output is never held back)"))
        .args(help_and_version())
        .arg(operands())
}

fn program(name: &'static str) -> Command {
    Command::new(name)
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args_override_self(true)
}

fn flag(id: &'static str) -> Arg {
    Arg::new(id).action(ArgAction::SetTrue)
}

/// An option that is on or off, with a letter and a name.
fn switch(letter: char, name: &'static str, help: &'static str) -> Arg {
    flag(name).short(letter).long(name).help(help)
}

fn valued(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).action(ArgAction::Set)
}

fn engine() -> Arg {
    let names = Name::ALL.into_iter().map(Name::as_str).chain([ENGINES_HELP]).map(PossibleValue::new);
    valued("engine", "LIST")
        .value_delimiter(',')
        .value_parser(PossibleValuesParser::new(names))
        .help("move bytes only by the engines of LIST, in its order: reflink,\ncopy_file_range, sendfile, splice, zerocopy, mmap, read_write.\nAlone, help tries them all in DIRECTORY (or in this one), says how fast\neach is there, and copies nothing")
}

fn rate_limit() -> Arg {
    valued("rate-limit", "SIZE")
        .value_parser(ValueParser::os_string())
        .value_hint(ValueHint::Other)
        .help("move at most SIZE bytes per second, all files together; SIZE may have\na suffix: K, M, G... of 1024, KB, MB, GB... of 1000")
}

fn explain() -> Arg {
    flag("explain").long("explain").help("say on standard error what is planned for each file, and then what\nwas done: bytes by each engine, refusals, time")
}

fn generate() -> Arg {
    valued("generate", "WHAT")
        .value_parser(PossibleValuesParser::new(super::generate::KINDS))
        .help("print the completions for a shell, or the man page, and exit: bash,\nzsh, fish, elvish, powershell, nushell or man")
}

fn json() -> Arg {
    valued("json", "FILE")
        .require_equals(true)
        .num_args(0..=1)
        .default_missing_value(NO_ARGUMENT)
        .value_parser(ValueParser::os_string())
        .value_hint(ValueHint::FilePath)
        .help("tell what is done in JSON, one object a line, in FILE (fd:N for a\ndescriptor), or on standard error, which then has nothing else")
}

fn progress(help: &'static str) -> Arg {
    valued("progress", "WHEN")
        .short('g')
        .require_equals(true)
        .num_args(0..=1)
        .default_missing_value("always")
        .value_parser(PossibleValuesParser::new(["auto", "always", "never"]))
        .help(help)
}

fn help_and_version() -> [Arg; 2] {
    [
        flag("help").short('h').long("help").help("display this help and exit"),
        flag("version").short('V').long("version").help("output version information and exit"),
    ]
}

/// For the synopsis and the completions: the pre-pass keeps the operands for itself.
fn operands() -> Arg {
    Arg::new("FILE").num_args(0..).value_parser(ValueParser::os_string()).value_hint(ValueHint::AnyPath)
}

#[cfg(test)]
mod tests {
    use super::super::gnu::{GNU_CAT, GNU_CP};
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_tables_are_what_clap_takes_for_sound() {
        zccp().debug_assert();
        zccat().debug_assert();
    }

    #[test]
    fn only_these_long_names_are_ours_and_none_begins_a_name_of_gnus() {
        for (command, gnu) in [(zccp(), GNU_CP), (zccat(), GNU_CAT)] {
            let ours: Vec<&str> =
                command.get_arguments().filter_map(Arg::get_long).filter(|name| !gnu.all.contains(name)).collect();
            let mut expected: Vec<&str> = vec!["engine", "explain", "generate", "json", "progress", "rate-limit"];
            expected.extend_from_slice(match command.get_name() {
                "zccat" => &["connect", "durable", "listen", "size", "timeout"],
                _ => &["atomic", "dry-run", "durable", "exclude", "jobs", "quiet", "resume", "verify"],
            });
            let sorted = |names: &[&str]| BTreeSet::from_iter(names.iter().map(ToString::to_string));
            assert_eq!(sorted(&ours), sorted(&expected));
            assert!(ours.iter().all(|name| !gnu.all.iter().any(|theirs| theirs.starts_with(name))));
        }
    }

    #[test]
    fn every_long_name_of_gnus_is_in_the_table() {
        for (command, gnu) in [(zccp(), GNU_CP), (zccat(), GNU_CAT)] {
            let names = |option: &Arg| {
                let aliases = option.get_all_aliases().unwrap_or_default();
                option.get_long().into_iter().chain(aliases).map(str::to_string).collect::<Vec<_>>()
            };
            let ours: BTreeSet<String> = command.get_arguments().flat_map(names).collect();
            let missing: Vec<_> = gnu.all.iter().filter(|name| !ours.contains(**name)).collect();
            assert!(missing.is_empty(), "{}: {missing:?}", command.get_name());
        }
    }

    #[test]
    fn the_help_names_every_engine() {
        let help = engine().get_help().map(ToString::to_string).unwrap_or_default();
        let named: Vec<&str> = help.split([' ', ',', '.', '\n']).collect();
        assert!(Name::ALL.iter().all(|name| named.contains(&name.as_str())), "{help}");
    }
}
