//! Command lines, and what GNU cp and cat 9.10 were seen to answer.

use super::*;
use crate::cat::options::{Format, Numbers};
use crate::engine::{Name, Reflink, Sparse};
use crate::report::quote::locale_quote;
use cp::options::Target;

const TRY: &str = "\nTry './cp --help' for more information.";

/// Mistakes and what is said; quotes as in UTF-8, without the line that points at `--help`.
const MISTAKES: &[(&[&str], &str)] = &[
    // getopt_long(3) names all of argv[0]; typed text is repeated as it was typed, a resolved name in full.
    (&["--foo=x", "--bar"], "./cp: unrecognized option '--foo=x'"),
    (&["-vy"], "./cp: invalid option -- 'y'"),
    (&["-:"], "./cp: invalid option -- ':'"),
    (&["-h"], "./cp: invalid option -- 'h'"),
    (&["-V"], "./cp: invalid option -- 'V'"),
    (&["--p"], "./cp: option '--p' is ambiguous; possibilities: '--parents' '--preserve'"),
    (
        &["--re=x"],
        "./cp: option '--re=x' is ambiguous; possibilities: '--recursive' '--remove-destination' '--reflink'",
    ),
    (&["--ver"], "./cp: option '--ver' is ambiguous; possibilities: '--verbose' '--version'"),
    (&["--sp"], "./cp: option '--sparse' requires an argument"),
    (&["--t"], "./cp: option '--target-directory' requires an argument"),
    (&["-vt"], "./cp: option requires an argument -- 't'"),
    (&["--verb=1"], "./cp: option '--verbose' doesn't allow an argument"),
    (&["--he=1"], "./cp: option '--help' doesn't allow an argument"),
    (&["a", "b", "--foo"], "./cp: unrecognized option '--foo'"),
    // Ours have no abbreviations; no GNU name begins so.
    (&["--expl"], "./cp: unrecognized option '--expl'"),
    // Values and operands: the program speaks.
    (
        &["--sparse=x", "--foo"],
        "cp: invalid argument ‘x’ for ‘--sparse’\nValid arguments are:\n  - ‘never’\n  - ‘auto’\n  - ‘always’",
    ),
    (
        &["--refl=a"],
        "cp: ambiguous argument ‘a’ for ‘--reflink’\nValid arguments are:\n  - ‘auto’\n  - ‘always’\n  - ‘never’",
    ),
    (
        &["--reflink="],
        "cp: ambiguous argument ‘’ for ‘--reflink’\nValid arguments are:\n  - ‘auto’\n  - ‘always’\n  - ‘never’",
    ),
    (&["--reflink", "--sparse=n", "a", "b"], "cp: --reflink can be used only with --sparse=auto"),
    (&[], "cp: missing file operand"),
    (&["-T", "-td"], "cp: missing file operand"),
    (&["-T", "it's"], "cp: missing destination file operand after \"it's\""),
    (&["-T", "a", "--", "-b", "c\n"], "cp: extra operand 'c'$'\\n'"),
];

/// The two mistakes that are said without the line that points at `--help`.
const BARE_MISTAKES: &[(&[&str], &str)] = &[
    (&["-ta", "--targ=b", "--foo"], "cp: multiple target directories specified"),
    (&["-ta", "-te", "--help"], "cp: multiple target directories specified"),
    (&["-Tt", "d", "a"], "cp: cannot combine --target-directory (-t) and --no-target-directory (-T)"),
];

fn read(argv0: &str, posixly_correct: bool, arguments: &[&str]) -> Result<Parsed, String> {
    let invocation = Invocation::new(argv0.into(), Program::Zccp);
    parse_as(&invocation, posixly_correct, arguments.iter().map(OsString::from), &mut |_| ())
        .map_err(|error| String::from_utf8_lossy(&error.render(&invocation)).into_owned())
}

fn zccp(arguments: &[&str]) -> cp::Options {
    match read("zccp", false, arguments) {
        Ok(Parsed::Run(Options::Zccp(options))) => options,
        other => panic!("{arguments:?}: {other:?}"),
    }
}

fn zccat(arguments: &[&str]) -> cat::Options {
    match read("zccat", false, arguments) {
        Ok(Parsed::Run(Options::Zccat(options))) => options,
        other => panic!("{arguments:?}: {other:?}"),
    }
}

#[test]
fn operands_alone_mean_without_the_table_what_they_mean_with_it() {
    let lines: [&[&str]; 6] = [&["a", "b"], &["a", "-", "b"], &["a", "-b"], &["--", "a", "b"], &["a"], &[]];
    for (argv0, arguments) in
        ["zccp", "./cp", "/bin/zccat", "cat"].into_iter().flat_map(|name| lines.map(|line| (name, line)))
    {
        let invocation = Invocation::new(argv0.into(), Program::Zccp);
        let words: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let has_options = arguments.iter().any(|word| word.len() > 1 && word.starts_with('-'));
        match plain::options(&invocation, words.clone()) {
            Ok(options) => {
                assert!(!has_options, "{argv0} {arguments:?}");
                assert_eq!(read(argv0, false, arguments), Ok(Parsed::Run(options.clone())), "{argv0} {arguments:?}");
                assert_eq!(read(argv0, true, arguments), Ok(Parsed::Run(options)), "{argv0} {arguments:?}");
            }
            Err(same) => {
                assert_eq!(same, words);
                let too_few = invocation.program() == Program::Zccp && arguments.len() < 2;
                assert!(has_options || too_few, "{argv0} {arguments:?}");
            }
        }
    }
}

#[test]
fn mistakes_are_answered_as_by_gnu_cp() {
    let quotes = locale_quote(OsStr::new(""));
    let quotes: Vec<char> = quotes.chars().collect();
    let in_this_charset = |text: &str| text.replace('‘', &quotes[0].to_string()).replace('’', &quotes[1].to_string());
    for (mistakes, after) in [(MISTAKES, TRY), (BARE_MISTAKES, "")] {
        for &(arguments, said) in mistakes {
            let said = if said.contains('‘') { in_this_charset(said) } else { said.to_owned() };
            assert_eq!(read("./cp", false, arguments), Err(said + after), "{arguments:?}");
        }
    }
}

#[test]
fn the_whole_last_component_of_the_name_decides() {
    for (argv0, program, strictly_gnu) in [
        ("zccat", Program::Zccat, false),
        ("/usr/bin/cat", Program::Zccat, true),
        ("./cp", Program::Zccp, true),
        ("zccp", Program::Zccp, false),
        ("scat", Program::Zccp, false),
        ("cat/", Program::Zccp, false),
        ("", Program::Zccp, false),
    ] {
        let invocation = Invocation::new(argv0.into(), Program::Zccp);
        assert_eq!((invocation.program, invocation.strictly_gnu), (program, strictly_gnu), "{argv0:?}");
    }
}

#[test]
fn operands_and_options_mix_but_for_posix() {
    assert_eq!(zccp(&["a", "-v", "--", "-f"]).operands, ["a", "-f"]);
    let Ok(Parsed::Run(Options::Zccp(options))) = read("zccp", true, &["-f", "a", "-v", "--"]) else {
        panic!("the options were refused");
    };
    assert_eq!(
        (options.operands, options.force, options.verbose),
        (vec!["a".into(), "-v".into(), "--".into()], true, false)
    );
}

#[test]
fn options_arrive() {
    let options = zccp(&["-vft", "d", "--explain", "a"]);
    assert_eq!(options.target, Target::Directory("d".into()));
    assert!(options.verbose && options.force && options.explain && !options.debug && !options.strictly_gnu);
    assert_eq!(zccp(&["-td", "a"]).target, Target::Directory("d".into()));
    assert_eq!(zccp(&["--target=", "a"]).target, Target::Directory("".into()));
    assert_eq!(zccp(&["-t", "--", "a"]).target, Target::Directory("--".into()));
    assert_eq!(zccp(&["-T", "a", "b"]).target, Target::NoDirectory);
    let debug = zccp(&["--debug", "a", "b"]);
    assert_eq!((debug.target, debug.verbose, debug.debug), (Target::LastOperand, true, true));
}

#[test]
fn the_last_reflink_and_sparse_win_and_never_sparse_means_no_sharing() {
    let policy = |arguments: &[&str]| {
        let policy = zccp(&[arguments, &["a", "b"]].concat()).policy;
        (policy.reflink, policy.sparse)
    };
    assert_eq!(policy(&[]), (Reflink::Auto, Sparse::Auto));
    assert_eq!(policy(&["--reflink=never", "--reflink"]), (Reflink::Always, Sparse::Auto));
    assert_eq!(policy(&["--sparse=al", "--sparse", "ne"]), (Reflink::Never, Sparse::Never));
    assert_eq!(policy(&["--sparse=always"]), (Reflink::Auto, Sparse::Always));
}

#[test]
fn engines_keep_their_order_and_the_last_list_wins() {
    assert_eq!(
        zccp(&["--engine=mmap", "--engine", "splice,copy-file_range,splice", "a", "b"]).policy.engines,
        [Name::Splice, Name::CopyFileRange]
    );
    for list in ["", "splice,", "rw", "mm"] {
        let said = read("zccp", false, &[&format!("--engine={list}"), "a", "b"]).expect_err("a bad list");
        let word = list.rsplit(',').next().unwrap_or_default();
        let expected = format!("zccp: invalid argument {}", locale_quote(OsStr::new(word)));
        assert!(said.starts_with(&expected), "{said}");
        assert!(Name::ALL.iter().all(|name| said.contains(name.as_str())), "{said}");
    }
}

#[test]
fn cat_reads_standard_input_when_nothing_is_named() {
    assert_eq!(zccat(&["-u"]).operands, ["-"]);
    assert_eq!(zccat(&["a", "-", "--engine=splice", "--explain"]).operands, ["a", "-"]);
    assert_eq!(
        read("cat", false, &["--n"]),
        Err("cat: option '--n' is ambiguous; possibilities: '--number-nonblank' '--number'\n\
             Try 'cat --help' for more information."
            .into())
    );
}

#[test]
fn cats_letters_mean_what_gnus_mean_in_any_order() {
    let plain = Format::default();
    let (all, non_blank) = (Numbers::All, Numbers::NonBlank);
    let shown = Format { ends: true, tabs: true, nonprinting: true, ..plain };
    for (arguments, format) in [
        (&["-u"][..], plain),
        (&["-A"], shown),
        (&["-vET"], shown),
        (&["-et"], shown),
        (&["--show-a"], shown),
        (&["-e"], Format { tabs: false, ..shown }),
        (&["-t"], Format { ends: false, ..shown }),
        (&["--show-non"], Format { nonprinting: true, ..plain }),
        (&["--show-e", "--show-t"], Format { nonprinting: false, ..shown }),
        (&["-n"], Format { numbers: all, ..plain }),
        (&["-bn"], Format { numbers: non_blank, ..plain }),
        (&["--number", "--number-"], Format { numbers: non_blank, ..plain }),
        (&["-ss", "f", "--squeeze"], Format { squeeze_blank: true, ..plain }),
    ] {
        assert_eq!(zccat(arguments).format, format, "{arguments:?}");
    }
}

#[test]
fn help_and_version_are_given_where_they_stand_and_have_gnus_shape() {
    let Ok(Parsed::Help(help)) = read("x/zccp", false, &["-v", "--hel", "--foo"]) else { panic!("no help") };
    assert!(
        help.starts_with("Usage: x/zccp [OPTION]... [-T] SOURCE DEST\n  or:  x/zccp [OPTION]... SOURCE... DIRECTORY\n")
    );
    assert!(help.contains("\n      --reflink[=WHEN]\n") && help.contains("\n  -t, --target-directory=DIRECTORY\n"));
    assert!(help.contains("\n  -h, --help\n"));
    let Ok(Parsed::Help(plain)) = read("cat", false, &["--help"]) else { panic!("no help") };
    assert!(plain.contains("\n      --help\n") && plain.contains("\n  -u\n"));
    assert_eq!(help.lines().chain(plain.lines()).find(|line| line.len() > 80), None);
    let Ok(Parsed::Version(version)) = read("zccp", false, &["-V"]) else { panic!("no version") };
    assert_eq!(version.lines().next(), Some(concat!("zccp (zccp) ", env!("CARGO_PKG_VERSION"))));
}
