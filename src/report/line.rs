//! The one line that shows how far the job is, for any width of terminal. Pure: it is given the numbers and the room.

use super::amount::{Bytes, Clock, Of};
use super::fit::{columns, fit};
use super::quote::Charset;
use crate::transfer::progress::{Phase, Progress};
use std::time::Duration;

/// What is to be shown.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The name of what is being copied.
    pub name: Vec<u8>,
    /// The numbers.
    pub progress: Progress,
    /// Ten-thousandths done, where the total is known; never less than before.
    pub share: Option<u32>,
    /// Bytes a second of late.
    pub rate: u64,
    /// Since the job began.
    pub elapsed: Duration,
    /// Until it ends, if it goes on like this.
    pub left: Option<Duration>,
}

/// The line in pieces: the bar, where there is one, takes the columns that are left between head and tail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Before the bar.
    pub head: String,
    /// Columns of the bar; 0: there is none.
    pub bar: usize,
    /// Of it, so much stands for what is done but still in memory, in ten-thousandths of the whole.
    pub in_memory: Option<u32>,
    /// A sign of life stands there instead of the bar.
    pub spinner: bool,
    /// Behind it.
    pub tail: String,
}

/// The narrowest bar that tells anything.
const NARROW: usize = 10;
/// The widest.
const WIDE: usize = 40;
/// Fewer columns than these say nothing of a name.
const SHORT_NAME: usize = 8;

/// The line for a terminal of `width` columns, the last of which stays free: there some terminals begin a new line.
pub fn line(view: &View, width: usize, charset: Charset) -> Line {
    let room = width.saturating_sub(1);
    match view.share {
        Some(share) => with_bar(view, share, room, charset),
        None => without(view, room, charset),
    }
}

/// One piece of the tail: what it says, and how soon it goes where there is no room (the highest first).
struct Piece(u8, String);

/// Leaves pieces out until the rest fits, two columns between each and the next. Nothing stays of what has no room at all: a
/// number that is cut is another number.
fn choose(mut pieces: Vec<Piece>, room: usize) -> String {
    let join =
        |pieces: &[Piece], between: &str| pieces.iter().map(|piece| piece.1.as_str()).collect::<Vec<_>>().join(between);
    loop {
        for between in ["  ", " "] {
            let text = join(&pieces, between);
            if columns(&text) <= room {
                return text;
            }
        }
        if pieces.len() == 1 {
            let text = pieces[0].1.trim_start(); // a percentage is set to the right
            return if columns(text) <= room { text.into() } else { String::new() };
        }
        let least = pieces.iter().enumerate().max_by_key(|(_, piece)| piece.0).map_or(0, |(at, _)| at);
        pieces.remove(least);
    }
}

/// What else than copying is done, so that the amount behind it is of that.
fn phase(progress: &Progress) -> &'static str {
    match progress.phase {
        Phase::Copying => "",
        Phase::Comparing => "comparing ",
        Phase::Verifying => "verifying ",
    }
}

fn with_bar(view: &View, share: u32, room: usize, charset: Charset) -> Line {
    let progress = &view.progress;
    let in_memory = in_memory(progress, share);
    let percent = share / 100;
    let mut pieces = vec![Piece(0, format!("{percent:>3}%"))];
    match in_memory.map(|more| (share + more) / 100 - percent) {
        // Half of that bar is reading back: the percentage is not that of the bytes on the device.
        Some(_) if progress.verifies => {
            let arrived = progress.done().saturating_sub(progress.in_memory.unwrap_or(0));
            let there = if room >= 60 { " on device" } else { "" };
            pieces.push(Piece(3, format!("{}{there}", Of(arrived.min(progress.expected), progress.expected))));
        }
        Some(more) if room >= 60 => pieces.push(Piece(3, format!("on device (+{more}% in memory)"))),
        Some(more) => pieces.push(Piece(3, format!("+{more}%"))),
        None => {
            let done = Of(progress.phase_done().min(progress.expected), progress.expected);
            pieces.push(Piece(3, format!("{}{done}", phase(progress))));
        }
    }
    if progress.expected_files > 1 {
        let files = progress.files.min(progress.expected_files);
        pieces.push(Piece(4, format!("{files}/{} files", progress.expected_files)));
    }
    pieces.push(Piece(2, format!("{}/s", Bytes(view.rate))));
    if let Some(left) = view.left {
        let word = if room >= 40 { " left" } else { "" };
        pieces.push(Piece(1, format!("{}{word}", Clock(left))));
    }
    // Name and bar have a share of a line that is long enough for them.
    let name_columns = columns(&fit(&view.name, usize::MAX, charset));
    let name_share = if room >= 50 { name_columns.min(room / 4) } else { 0 };
    let bar_share = if room >= 50 { NARROW } else { 0 };
    let between = usize::from(name_share > 0) + 2 * usize::from(bar_share > 0);
    let tail = choose(pieces, room.saturating_sub(name_share + bar_share + between));
    let mut left = room.saturating_sub(columns(&tail));
    let mut line = Line { tail, in_memory, ..Line::default() };
    if left > NARROW + 1 {
        let for_name = left.saturating_sub(NARROW + 3);
        if name_columns <= for_name || for_name >= SHORT_NAME {
            line.head = fit(&view.name, for_name.min((room / 3).max(SHORT_NAME)), charset);
        }
        left -= 1 + columns(&line.head) + usize::from(!line.head.is_empty());
        line.bar = left.min(WIDE);
    } else if left > SHORT_NAME {
        line.head = fit(&view.name, left - 1, charset);
    }
    line
}

/// What is done but in memory, in ten-thousandths of the whole: with the `share` that is on the device it is what is done, so
/// that both together are all in the end, whatever was cut from each.
fn in_memory(progress: &Progress, share: u32) -> Option<u32> {
    progress.in_memory.filter(|_| progress.phase == Phase::Copying)?;
    let (done, total) = Progress { in_memory: None, ..*progress }.share()?;
    Some(((u128::from(done) * 10_000 / u128::from(total)) as u32).saturating_sub(share))
}

fn without(view: &View, room: usize, charset: Charset) -> Line {
    let progress = &view.progress;
    let rate = format!("{}/s", Bytes(view.rate));
    let done = format!("{}{}", phase(progress), Bytes(progress.phase_done()));
    let many = progress.expected_files > 1;
    let mut pieces = Vec::new();
    if progress.scanning && many {
        let dots = if charset == Charset::Utf8 { "…" } else { "..." };
        let found = format!("{} files, {}", progress.expected_files, Bytes(progress.expected));
        pieces.push(Piece(4, format!("scanning{dots} {found};")));
        pieces.push(Piece(3, format!("{} copied,", progress.files)));
    } else if progress.files > 0 && many {
        pieces.push(Piece(3, format!("{} files,", progress.files)));
    }
    pieces.push(Piece(0, done));
    if let Some(bytes) = progress.in_memory.filter(|bytes| *bytes > 0) {
        pieces.push(Piece(3, format!("({} in memory)", Bytes(bytes))));
    }
    pieces.push(Piece(2, Clock(view.elapsed).to_string()));
    pieces.push(Piece(1, rate));
    let tail = choose(pieces, room.saturating_sub(2));
    let left = room.saturating_sub(columns(&tail) + 3);
    let head =
        if left >= SHORT_NAME { fit(&view.name, left.min((room / 3).max(SHORT_NAME)), charset) } else { String::new() };
    Line { head, spinner: room > 2, tail, ..Line::default() }
}

/// The whole line as text that needs no terminal: what `--progress=always` prints elsewhere.
pub fn plain(view: &View, charset: Charset) -> String {
    let line = match view.share {
        Some(share) => with_bar(view, share, usize::MAX / 2, charset),
        None => without(view, 200, charset),
    };
    let name = fit(&view.name, 60, charset);
    let space = if name.is_empty() { "" } else { ": " };
    format!("{name}{space}{}", line.tail.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Charset::{Ascii, Utf8};

    fn view(name: &str, percent: Option<u32>) -> View {
        let progress = Progress {
            given: 2_800_000_000,
            expected: 4_600_000_000,
            files: 0,
            expected_files: 1,
            ..Progress::default()
        };
        View {
            name: name.into(),
            progress,
            share: percent.map(|percent| percent * 100),
            rate: 2_000_000_000,
            elapsed: Duration::from_secs(3),
            left: Some(Duration::from_secs(1)),
        }
    }

    fn shown(line: &Line) -> String {
        let mut text = line.head.clone();
        if line.bar > 0 || line.spinner {
            text += if text.is_empty() { "" } else { " " };
            text += &if line.spinner { "*".to_string() } else { "=".repeat(line.bar) };
        }
        text + if text_is_empty(line) { "" } else { " " } + &line.tail
    }

    fn text_is_empty(line: &Line) -> bool {
        line.head.is_empty() && line.bar == 0 && !line.spinner
    }

    #[test]
    fn wide_terminals_see_everything_and_narrow_ones_what_matters() {
        let view = view("big.iso", Some(60));
        for (width, expected) in [
            (80, "big.iso =========================  60%  2.6/4.2 GiB  1.8 GiB/s  0:01 left"),
            (60, "big.iso ===========  60%  2.6/4.2 GiB  1.8 GiB/s  0:01 left"),
            (50, "big.iso  60%  2.6/4.2 GiB  1.8 GiB/s  0:01 left"),
            (40, " 60%  2.6/4.2 GiB  1.8 GiB/s  0:01"),
            (20, " 60% 1.8 GiB/s 0:01"),
            (10, " 60% 0:01"),
            (4, "60%"),
            (3, ""),
            (1, ""),
            (0, ""),
        ] {
            let line = shown(&line(&view, width, Utf8));
            assert!(columns(&line) < width.max(1), "{width}: {line:?}");
            assert_eq!(
                line.replace('=', "").split_whitespace().collect::<Vec<_>>(),
                expected.replace('=', "").split_whitespace().collect::<Vec<_>>(),
                "{width}: {line:?}"
            );
            assert_eq!(line.contains("=========="), expected.contains("=========="), "{width}: {line:?}");
        }
    }

    #[test]
    fn no_line_is_longer_than_its_room() {
        let scanning = Progress {
            scanning: true,
            files: 1201,
            expected_files: 12034,
            given: 1 << 30,
            expected: 3 << 30,
            ..Progress::default()
        };
        let many = Progress { scanning: false, ..scanning };
        let apart = Progress { in_memory: Some(1 << 29), ..many };
        let read_back = Progress { verifies: true, ..apart };
        let reading = Progress { phase: Phase::Verifying, verified: 1 << 29, ..read_back };
        let unknown = Progress { scanning: true, ..apart };
        for name in ["", "a", "日本語のファイル/日本語", "a\x1b[2J\n\u{202e}", &"x/".repeat(120)] {
            for (progress, percent) in [
                (scanning, None),
                (many, Some(33)),
                (many, Some(100)),
                (many, None),
                (apart, Some(16)),
                (read_back, Some(8)),
                (reading, Some(16)),
                (unknown, None),
            ] {
                for charset in [Ascii, Utf8] {
                    for width in 0..200 {
                        let view = View { progress, ..view(name, percent) };
                        let line = shown(&line(&view, width, charset));
                        assert!(columns(&line) < width.max(1), "{width}: {line:?}");
                        assert!(line.bytes().all(|byte| byte >= b' '), "{line:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn while_more_is_found_nothing_is_said_in_percent() {
        let progress = Progress {
            scanning: true,
            files: 1201,
            expected_files: 12034,
            given: 421_527_552,
            expected: 3_328_599_654,
            ..Progress::default()
        };
        let view = View { progress, left: None, rate: 325_058_560, ..view("photos", None) };
        assert_eq!(
            shown(&line(&view, 100, Utf8)),
            "photos * scanning… 12034 files, 3.0 GiB;  1201 copied,  402 MiB  0:03  310 MiB/s"
        );
        assert_eq!(shown(&line(&view, 20, Ascii)), "* 402 MiB 310 MiB/s");
    }

    #[test]
    fn what_is_on_the_device_and_what_is_in_memory_are_all_when_all_is_done() {
        for in_memory in [1, 999_999, 1_234_567_890, 4_600_000_000] {
            let done = Progress { given: 4_600_000_000, in_memory: Some(in_memory), ..view("", None).progress };
            let share = ((4_600_000_000 - in_memory) * 10_000 / 4_600_000_000) as u32;
            let line = line(&View { progress: done, share: Some(share), ..view("big.iso", None) }, 80, Ascii);
            assert_eq!(share + line.in_memory.unwrap_or(0), 10_000);
            let percents = (share / 100, 100 - share / 100);
            let says = format!("{:>3}%  on device (+{}% in memory)", percents.0, percents.1);
            assert!(line.tail.starts_with(&says), "{says:?}: {line:?}");
        }
    }

    #[test]
    fn what_is_on_the_device_is_an_amount_where_the_percentage_is_of_more_than_copying() {
        let copying = Progress { given: 4_600_000_000, in_memory: Some(2_300_000_000), ..view("", None).progress };
        let view =
            View { progress: Progress { verifies: true, ..copying }, share: Some(2500), ..view("big.iso", None) };
        let shown = line(&view, 80, Ascii);
        assert!(shown.tail.starts_with(" 25%  2.1/4.2 GiB on device  "), "{shown:?}");
        assert_eq!(shown.in_memory, Some(2500), "a quarter of the bar");
        assert!(line(&view, 50, Ascii).tail.starts_with(" 25%  2.1/4.2 GiB  "));
    }

    #[test]
    fn off_a_terminal_it_is_a_plain_line() {
        assert_eq!(plain(&view("big.iso", Some(60)), Ascii), "big.iso: 60%  2.6/4.2 GiB  1.8 GiB/s  0:01 left");
        let endless = View { left: None, ..view("-", None) };
        assert_eq!(plain(&endless, Ascii), "-: 2.6 GiB  0:03  1.8 GiB/s");
    }
}
