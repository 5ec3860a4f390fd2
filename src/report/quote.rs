//! How names and values are quoted in messages: as GNU cp and cat 9.10 do it, observed byte by byte in the locales `C`
//! and `C.UTF-8`. What comes out is printable in the charset, whatever bytes went in, so it is always a `String`.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::sync::OnceLock;

/// What the user's terminal can show, as far as quoting needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// Every byte above 0x7f is shown by its number.
    Ascii,
    /// UTF-8: printable characters are shown as they are.
    Utf8,
}

impl Charset {
    /// The charset of the environment, looked up when the first name is quoted and then remembered.
    pub fn current() -> Charset {
        static CURRENT: OnceLock<Charset> = OnceLock::new();
        *CURRENT.get_or_init(|| Charset::chosen_by(|variable| std::env::var_os(variable)))
    }

    /// The charset chosen by the first of LC_ALL, LC_CTYPE and LANG that is set and not empty (locale(7)).
    fn chosen_by(variable: impl Fn(&str) -> Option<OsString>) -> Charset {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(variable).find(|value| !value.is_empty());
        // language[_territory][.codeset][@modifier] (locale(7)).
        let locale = locale.as_deref().and_then(OsStr::to_str).unwrap_or_default();
        let codeset = locale.split('@').next().and_then(|name| name.split_once('.')).map_or("", |(_, codeset)| codeset);
        if codeset.eq_ignore_ascii_case("UTF-8") || codeset.eq_ignore_ascii_case("UTF8") {
            Charset::Utf8
        } else {
            Charset::Ascii
        }
    }

    fn shows(self, c: char) -> bool {
        match self {
            _ if c.is_ascii() => !c.is_ascii_control(),
            Charset::Ascii => false,
            Charset::Utf8 => is_printable(c),
        }
    }
}

/// A name as cp writes it: always quoted, such that a shell reads it back.
pub fn shell_always(name: &OsStr) -> String {
    shell(name.as_bytes(), Charset::current())
}

/// A name as cat writes it: quoted only if a shell, or who looks for the `:` that ends it, would read it otherwise.
pub fn shell_if_needed(name: &OsStr) -> String {
    shell_if_needed_in(name.as_bytes(), Charset::current())
}

/// A bad value of an option: ‘x’, or 'x' where the charset has no such quotes.
pub fn locale_quote(value: &OsStr) -> String {
    locale_quote_in(value.as_bytes(), Charset::current())
}

/// A piece of a name: a character that can be shown, or a byte that cannot.
enum Piece {
    Shown(char),
    Byte(u8),
}

fn pieces(name: &[u8], charset: Charset) -> impl Iterator<Item = Piece> {
    name.utf8_chunks().flat_map(move |chunk| {
        let valid = chunk.valid().chars().flat_map(move |c| {
            let mut bytes = [0; 4];
            let length = if charset.shows(c) { 0 } else { c.encode_utf8(&mut bytes).len() };
            let shown = (length == 0).then_some(Piece::Shown(c));
            shown.into_iter().chain(bytes.into_iter().take(length).map(Piece::Byte))
        });
        valid.chain(chunk.invalid().iter().copied().map(Piece::Byte))
    })
}

fn shell(name: &[u8], charset: Charset) -> String {
    // What is special to a shell as the first byte alone does no harm there.
    let rest = name.strip_prefix(b"~").or(name.strip_prefix(b"#")).unwrap_or(name);
    if name.contains(&b'\'') && pieces(rest, charset).all(|piece| is_plain_between_double_quotes(&piece)) {
        return format!("\"{}\"", String::from_utf8_lossy(name));
    }
    let mut text = String::with_capacity(name.len() + 2);
    text.push('\'');
    let mut escaping = false;
    for piece in pieces(name, charset) {
        match piece {
            // An apostrophe stands between two quoted strings; the first of them may be a $'' one.
            Piece::Shown('\'') => {
                text.push_str("'\\''");
                escaping = false;
            }
            Piece::Shown(c) => {
                if std::mem::take(&mut escaping) {
                    text.push_str("''");
                }
                text.push(c);
            }
            Piece::Byte(byte) => {
                if !std::mem::replace(&mut escaping, true) {
                    text.push_str("'$'");
                }
                push_escape(&mut text, byte);
            }
        }
    }
    text.push('\'');
    text
}

fn is_plain_between_double_quotes(piece: &Piece) -> bool {
    match piece {
        Piece::Shown(c) if c.is_ascii() => c.is_ascii_alphanumeric() || " %'+,-./:@]_".contains(*c),
        Piece::Shown(_) => true,
        Piece::Byte(_) => false,
    }
}

fn shell_if_needed_in(name: &[u8], charset: Charset) -> String {
    let special_first = matches!(name, [b'#' | b'~', ..] | b"{" | b"}" | b"");
    let special = |piece| match piece {
        Piece::Shown(c) => " !\"$&'()*:;<=>?[\\^`|".contains(c),
        Piece::Byte(_) => true,
    };
    if special_first || pieces(name, charset).any(special) {
        shell(name, charset)
    } else {
        String::from_utf8_lossy(name).into_owned()
    }
}

fn locale_quote_in(value: &[u8], charset: Charset) -> String {
    let (open, close) = match charset {
        Charset::Ascii => ('\'', '\''),
        Charset::Utf8 => ('‘', '’'),
    };
    let mut text = String::from(open);
    for piece in pieces(value, charset) {
        match piece {
            Piece::Shown(c) => {
                if c == '\\' || c == close {
                    text.push('\\');
                }
                text.push(c);
            }
            Piece::Byte(byte) => push_escape(&mut text, byte),
        }
    }
    text.push(close);
    text
}

fn push_escape(text: &mut String, byte: u8) {
    let letter = match byte {
        0x07 => 'a',
        0x08 => 'b',
        b'\t' => 't',
        b'\n' => 'n',
        0x0b => 'v',
        0x0c => 'f',
        b'\r' => 'r',
        _ => {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\{byte:03o}");
            return;
        }
    };
    text.push('\\');
    text.push(letter);
}

/// Whether glibc's iswprint(3) holds for a character that is not ASCII: everything but control characters, line and
/// paragraph separators and what is not assigned. Rust's own notion also leaves out spaces, format characters and
/// private use, which are therefore listed here (general categories Zs, Cf and Co of the Unicode Character Database).
/// Compared over all code points with glibc 2.36's C.UTF-8: only characters assigned since its Unicode 14 differ.
fn is_printable(c: char) -> bool {
    // A character that extends another counts as not printable for Rust only at the start of a string.
    let mut after_space = [0u8; 5];
    after_space[0] = b' ';
    let length = 1 + c.encode_utf8(&mut after_space[1..]).len();
    let text = std::str::from_utf8(&after_space[..length]).unwrap_or_default();
    text.escape_debug().count() == 2
        || matches!(c,
            '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
            | '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}'
            | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}'
            | '\u{e0020}'..='\u{e007f}'
            | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{ffffd}' | '\u{100000}'..='\u{10fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use Charset::{Ascii, Utf8};

    /// Name, charset; then what `LC_ALL=C` or `LC_ALL=C.UTF-8` GNU 9.10 was seen to print: `cp -T NAME`, `cat NAME` and
    /// `cp --reflink=NAME`.
    const SEEN: &[(&[u8], Charset, &str, &str, &str)] = &[
        (b"x", Ascii, "'x'", "x", "'x'"),
        (b"x", Utf8, "'x'", "x", "‘x’"),
        (b"", Ascii, "''", "''", "''"),
        (b"", Utf8, "''", "''", "‘’"),
        (b"a b", Ascii, "'a b'", "'a b'", "'a b'"),
        (b"a b", Utf8, "'a b'", "'a b'", "‘a b’"),
        (b"it's", Ascii, "\"it's\"", "\"it's\"", "'it\\'s'"),
        (b"it's", Utf8, "\"it's\"", "\"it's\"", "‘it's’"),
        (b"a'b\"c", Ascii, "'a'\\''b\"c'", "'a'\\''b\"c'", "'a\\'b\"c'"),
        (b"a'b\"c", Utf8, "'a'\\''b\"c'", "'a'\\''b\"c'", "‘a'b\"c’"),
        (b"it's \"x\"", Ascii, "'it'\\''s \"x\"'", "'it'\\''s \"x\"'", "'it\\'s \"x\"'"),
        (b"it's \"x\"", Utf8, "'it'\\''s \"x\"'", "'it'\\''s \"x\"'", "‘it's \"x\"’"),
        (b"'#", Ascii, "''\\''#'", "''\\''#'", "'\\'#'"),
        (b"'#", Utf8, "''\\''#'", "''\\''#'", "‘'#’"),
        (b"~it's", Ascii, "\"~it's\"", "\"~it's\"", "'~it\\'s'"),
        (b"~it's", Utf8, "\"~it's\"", "\"~it's\"", "‘~it's’"),
        (b"#'", Ascii, "\"#'\"", "\"#'\"", "'#\\''"),
        (b"#'", Utf8, "\"#'\"", "\"#'\"", "‘#'’"),
        (b"##'", Ascii, "'##'\\'''", "'##'\\'''", "'##\\''"),
        (b"a''", Ascii, "\"a''\"", "\"a''\"", "'a\\'\\''"),
        (b"a''", Utf8, "\"a''\"", "\"a''\"", "‘a''’"),
        (b"x\ny", Ascii, "'x'$'\\n''y'", "'x'$'\\n''y'", "'x\\ny'"),
        (b"x\ny", Utf8, "'x'$'\\n''y'", "'x'$'\\n''y'", "‘x\\ny’"),
        (b"x\n", Ascii, "'x'$'\\n'", "'x'$'\\n'", "'x\\n'"),
        (b"x\n", Utf8, "'x'$'\\n'", "'x'$'\\n'", "‘x\\n’"),
        (b"\nx", Ascii, "''$'\\n''x'", "''$'\\n''x'", "'\\nx'"),
        (b"\nx", Utf8, "''$'\\n''x'", "''$'\\n''x'", "‘\\nx’"),
        (b"~", Ascii, "'~'", "'~'", "'~'"),
        (b"~", Utf8, "'~'", "'~'", "‘~’"),
        (b"a~", Ascii, "'a~'", "a~", "'a~'"),
        (b"a~", Utf8, "'a~'", "a~", "‘a~’"),
        (b"#a", Ascii, "'#a'", "'#a'", "'#a'"),
        (b"#a", Utf8, "'#a'", "'#a'", "‘#a’"),
        (b"a#", Ascii, "'a#'", "a#", "'a#'"),
        (b"a#", Utf8, "'a#'", "a#", "‘a#’"),
        (b"{", Ascii, "'{'", "'{'", "'{'"),
        (b"{", Utf8, "'{'", "'{'", "‘{’"),
        (b"a}", Ascii, "'a}'", "a}", "'a}'"),
        (b"a}", Utf8, "'a}'", "a}", "‘a}’"),
        (b"{}", Ascii, "'{}'", "{}", "'{}'"),
        (b"{}", Utf8, "'{}'", "{}", "‘{}’"),
        (b"a:b", Ascii, "'a:b'", "'a:b'", "'a:b'"),
        (b"a:b", Utf8, "'a:b'", "'a:b'", "‘a:b’"),
        (b"a=b", Ascii, "'a=b'", "'a=b'", "'a=b'"),
        (b"a=b", Utf8, "'a=b'", "'a=b'", "‘a=b’"),
        (b"a]", Ascii, "'a]'", "a]", "'a]'"),
        (b"a]", Utf8, "'a]'", "a]", "‘a]’"),
        (b"[a", Ascii, "'[a'", "'[a'", "'[a'"),
        (b"[a", Utf8, "'[a'", "'[a'", "‘[a’"),
        (b"$x", Ascii, "'$x'", "'$x'", "'$x'"),
        (b"$x", Utf8, "'$x'", "'$x'", "‘$x’"),
        (b"a\\b", Ascii, "'a\\b'", "'a\\b'", "'a\\\\b'"),
        (b"a\\b", Utf8, "'a\\b'", "'a\\b'", "‘a\\\\b’"),
        (b"-x", Ascii, "'-x'", "-x", "'-x'"),
        (b"-x", Utf8, "'-x'", "-x", "‘-x’"),
        (b"\x01\x7f3", Ascii, "''$'\\001\\177''3'", "''$'\\001\\177''3'", "'\\001\\1773'"),
        (b"\x01\x7f3", Utf8, "''$'\\001\\177''3'", "''$'\\001\\177''3'", "‘\\001\\1773’"),
        (b"\x07\x08\t\x0b\x0c\r", Ascii, "''$'\\a\\b\\t\\v\\f\\r'", "''$'\\a\\b\\t\\v\\f\\r'", "'\\a\\b\\t\\v\\f\\r'"),
        (b"\x07\x08\t\x0b\x0c\r", Utf8, "''$'\\a\\b\\t\\v\\f\\r'", "''$'\\a\\b\\t\\v\\f\\r'", "‘\\a\\b\\t\\v\\f\\r’"),
        (b"\xc3\xa9", Ascii, "''$'\\303\\251'", "''$'\\303\\251'", "'\\303\\251'"),
        (b"\xc3\xa9", Utf8, "'é'", "é", "‘é’"),
        (b"caf\xc3\xa9\n", Ascii, "'caf'$'\\303\\251\\n'", "'caf'$'\\303\\251\\n'", "'caf\\303\\251\\n'"),
        (b"caf\xc3\xa9\n", Utf8, "'café'$'\\n'", "'café'$'\\n'", "‘café\\n’"),
        (b"\xc3\xa9'", Ascii, "''$'\\303\\251'\\'''", "''$'\\303\\251'\\'''", "'\\303\\251\\''"),
        (b"\xc3\xa9'", Utf8, "\"é'\"", "\"é'\"", "‘é'’"),
        (b"\n'", Ascii, "''$'\\n'\\'''", "''$'\\n'\\'''", "'\\n\\''"),
        (b"\n'", Utf8, "''$'\\n'\\'''", "''$'\\n'\\'''", "‘\\n'’"),
        (b"'\xff'", Ascii, "''\\'''$'\\377'\\'''", "''\\'''$'\\377'\\'''", "'\\'\\377\\''"),
        (b"'\xff'", Utf8, "''\\'''$'\\377'\\'''", "''\\'''$'\\377'\\'''", "‘'\\377'’"),
        (b"a\xffb", Ascii, "'a'$'\\377''b'", "'a'$'\\377''b'", "'a\\377b'"),
        (b"a\xffb", Utf8, "'a'$'\\377''b'", "'a'$'\\377''b'", "‘a\\377b’"),
        (b"a\xc3\nb", Ascii, "'a'$'\\303\\n''b'", "'a'$'\\303\\n''b'", "'a\\303\\nb'"),
        (b"a\xc3\nb", Utf8, "'a'$'\\303\\n''b'", "'a'$'\\303\\n''b'", "‘a\\303\\nb’"),
        (b"\xf0\x9f\x98", Ascii, "''$'\\360\\237\\230'", "''$'\\360\\237\\230'", "'\\360\\237\\230'"),
        (b"\xf0\x9f\x98", Utf8, "''$'\\360\\237\\230'", "''$'\\360\\237\\230'", "‘\\360\\237\\230’"),
        (b"\xed\xa0\x80", Ascii, "''$'\\355\\240\\200'", "''$'\\355\\240\\200'", "'\\355\\240\\200'"),
        (b"\xed\xa0\x80", Utf8, "''$'\\355\\240\\200'", "''$'\\355\\240\\200'", "‘\\355\\240\\200’"),
        (b"e\xcc\x81", Ascii, "'e'$'\\314\\201'", "'e'$'\\314\\201'", "'e\\314\\201'"),
        (b"e\xcc\x81", Utf8, "'e\u{301}'", "e\u{301}", "‘e\u{301}’"),
        (b"\xc2\xa0", Ascii, "''$'\\302\\240'", "''$'\\302\\240'", "'\\302\\240'"),
        (b"\xc2\xa0", Utf8, "'\u{a0}'", "\u{a0}", "‘\u{a0}’"),
        (b"\xc2\x85", Ascii, "''$'\\302\\205'", "''$'\\302\\205'", "'\\302\\205'"),
        (b"\xc2\x85", Utf8, "''$'\\302\\205'", "''$'\\302\\205'", "‘\\302\\205’"),
        (b"\xe2\x80\xae", Ascii, "''$'\\342\\200\\256'", "''$'\\342\\200\\256'", "'\\342\\200\\256'"),
        (b"\xe2\x80\xae", Utf8, "'\u{202e}'", "\u{202e}", "‘\u{202e}’"),
        (b"\xe2\x80\xa8", Ascii, "''$'\\342\\200\\250'", "''$'\\342\\200\\250'", "'\\342\\200\\250'"),
        (b"\xe2\x80\xa8", Utf8, "''$'\\342\\200\\250'", "''$'\\342\\200\\250'", "‘\\342\\200\\250’"),
        (b"\xcd\xb8", Ascii, "''$'\\315\\270'", "''$'\\315\\270'", "'\\315\\270'"),
        (b"\xcd\xb8", Utf8, "''$'\\315\\270'", "''$'\\315\\270'", "‘\\315\\270’"),
        (b"\xee\x80\x80", Ascii, "''$'\\356\\200\\200'", "''$'\\356\\200\\200'", "'\\356\\200\\200'"),
        (b"\xee\x80\x80", Utf8, "'\u{e000}'", "\u{e000}", "‘\u{e000}’"),
        (
            b"\xe2\x80\x98x\xe2\x80\x99",
            Ascii,
            "''$'\\342\\200\\230''x'$'\\342\\200\\231'",
            "''$'\\342\\200\\230''x'$'\\342\\200\\231'",
            "'\\342\\200\\230x\\342\\200\\231'",
        ),
        (b"\xe2\x80\x98x\xe2\x80\x99", Utf8, "'‘x’'", "‘x’", "‘‘x\\’’"),
    ];

    #[test]
    fn quotes_as_gnu_was_seen_to() {
        for &(name, charset, always, if_needed, value) in SEEN {
            assert_eq!(shell(name, charset), always, "cp, {charset:?}, {name:?}");
            assert_eq!(shell_if_needed_in(name, charset), if_needed, "cat, {charset:?}, {name:?}");
            assert_eq!(locale_quote_in(name, charset), value, "value, {charset:?}, {name:?}");
        }
    }

    #[test]
    fn the_first_variable_that_is_set_and_not_empty_decides() {
        for (all, ctype, lang, expected) in [
            ("", "", "", Ascii),
            ("C.UTF-8", "", "", Utf8),
            ("", "de_DE.utf8@euro", "C", Utf8),
            ("", "", "en_US.UTF-8", Utf8),
            ("C", "C.UTF-8", "C.UTF-8", Ascii),
            ("POSIX", "", "C.UTF-8", Ascii),
            ("", "", "ja_JP.eucJP", Ascii),
            ("", "", "de_DE@UTF-8", Ascii),
        ] {
            let variable = |name: &str| match name {
                "LC_ALL" => Some(all.into()),
                "LC_CTYPE" => Some(ctype.into()),
                _ => Some(lang.into()),
            };
            assert_eq!(Charset::chosen_by(variable), expected, "{all:?} {ctype:?} {lang:?}");
        }
        assert_eq!(Charset::chosen_by(|_| None), Ascii);
    }
}
