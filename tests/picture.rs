//! README's picture, `docs/zccp.svg`: a terminal in which the programs are run. It is true as long as they print the same
//! today, but for figures and how full the bar is. Drawn anew with `ZCCP_DRAW=1 cargo test --test tests picture`, as root.

use crate::apparatus::case::zccp;
use crate::apparatus::tmux::Tmux;
use crate::apparatus::{Fs, Scene, content};
use std::fmt::Write as _;

const COLUMNS: u32 = 88;
const LINES: u32 = 19;
/// Frames of the bar.
const FRAMES: usize = 20;
/// Pixels of a character.
const CELL: (f64, u32) = (8.4, 20);
/// Pixels around the text; above it is the window's title.
const MARGIN: (u32, u32) = (20, 44);

/// What is on the screen: the lines, and the last one again and again while the bar grows.
#[derive(Debug, PartialEq, Eq)]
struct Session {
    lines: Vec<String>,
    bars: Vec<String>,
}

/// Types the commands into a real shell and looks at the screen. `None`, and the test skipped by name, where there is no
/// terminal or no ext4 to be had.
fn play() -> Option<Session> {
    let scene = Scene::on(Fs::Ext4)?;
    scene.file("big.iso", &content::bytes(1, 64 << 20));
    scene.directory("backup");
    let tmux = Tmux::new(&scene, COLUMNS, LINES)?;
    let settled = |end: &'static str| move |screen: &str| screen.ends_with("\n$") && screen.contains(end);
    scene.directory("bin");
    scene.symlink(zccp(), "bin/zccp");
    tmux.type_line("PATH=$PWD/bin:$PATH; clear");
    tmux.wait_for("an empty screen", |screen| screen == "$");
    tmux.type_line("zccp --explain big.iso copy.iso");
    tmux.wait_for("the explanation", settled("moved:"));
    tmux.type_line("zccp copy.iso copy.iso");
    tmux.wait_for("the error", settled("same file"));
    tmux.type_line("zccp --rate-limit=10M big.iso backup/");
    let bar = |screen: &str| screen.lines().last().filter(|last| last.contains(" left")).and_then(percent);
    let (mut lines, mut bars) = (Vec::new(), Vec::new());
    for least in (1..=FRAMES).map(|frame| frame * 94 / FRAMES) {
        let screen = tmux.wait_for("the bar, and more of it", |screen| bar(screen) >= Some(least));
        lines = screen.lines().map(String::from).collect();
        bars.extend(lines.pop());
    }
    tmux.press("C-c");
    Some(Session { lines, bars })
}

/// The percentage in a line.
fn percent(line: &str) -> Option<usize> {
    line.split('%').next()?.rsplit(' ').next()?.parse().ok()
}

/// What has to be the same every time: no figures, no fill of the bar, no width that comes of them.
fn lasting(line: &str) -> String {
    let mut text = String::new();
    for c in line.chars() {
        let c = match c {
            '0'..='9' => '0',
            '█' | '▓' | '░' => '█',
            other => other,
        };
        if !(text.ends_with(c) && matches!(c, '0' | '█' | ' ')) {
            text.push(c);
        }
    }
    // A unit goes with its figure.
    let text = text.replace("0.0", "0").replace("kB/s", "GB/s").replace("MB/s", "GB/s");
    text.replace("big.iso █ 0%", "big.iso █ 0%").replace("█  0%", "█ 0%")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn unescaped(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")
}

/// A run of text that begins in that column. Its length is given, so that whatever font is there fills the cells.
fn run(out: &mut String, class: &str, column: usize, y: u32, text: &str) {
    let shown = text.trim_end();
    let start = column + shown.len() - shown.trim_start().len();
    let shown = shown.trim_start();
    if shown.is_empty() {
        return;
    }
    let x = f64::from(MARGIN.0) + start as f64 * CELL.0;
    let length = shown.chars().count() as f64 * CELL.0;
    let _ = write!(
        out,
        "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y}\" textLength=\"{length:.1}\">{}</text>",
        escaped(shown)
    );
}

/// A line in its row. What is typed stands out; the bar is drawn, because fonts leave gaps between its characters.
fn line(out: &mut String, row: usize, text: &str, extra: &str) {
    let top = MARGIN.1 + row as u32 * CELL.1;
    let baseline = top + 15;
    let _ = write!(out, "<g data-line=\"{}\"{extra}>", escaped(text));
    if let Some(typed) = text.strip_prefix("$ ") {
        run(out, "prompt", 0, baseline, "$");
        run(out, "typed", 2, baseline, typed);
    } else if let Some(at) = text.find(['█', '░', '▓']) {
        let (head, rest) = text.split_at(at);
        let tail = rest.trim_start_matches(['█', '░', '▓']);
        let cells: Vec<char> = rest.chars().take_while(|c| matches!(c, '█' | '░' | '▓')).collect();
        run(out, "said", 0, baseline, head);
        let mut column = head.chars().count();
        for (class, shade) in [("done", '█'), ("memory", '▓'), ("rest", '░')] {
            let count = cells.iter().filter(|&&cell| cell == shade).count();
            if count > 0 {
                let x = f64::from(MARGIN.0) + column as f64 * CELL.0;
                let (width, y) = (count as f64 * CELL.0, top + 4);
                let _ =
                    write!(out, "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"13\"/>");
            }
            column += count;
        }
        run(out, "said", column, baseline, tail);
    } else {
        run(out, "said", 0, baseline, text);
    }
    out.push_str("</g>\n");
}

const STYLE: &str = "\
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace }
.said { fill: #c9d1d9 } .typed { fill: #ffffff; font-weight: 600 } .prompt { fill: #7ee787 }
.done { fill: #c9d1d9 } .memory { fill: #c9d1d9; opacity: .55 } .rest { fill: #c9d1d9; opacity: .18 }
.frame { visibility: hidden } .still { visibility: visible }
";

/// The picture. The bar moves where motion is welcome; else, and for who draws SVG without animation, it stands still.
fn draw(session: &Session) -> String {
    let rows = session.lines.len() + 1;
    let width = 2 * MARGIN.0 + (f64::from(COLUMNS) * CELL.0).ceil() as u32;
    let height = MARGIN.1 + rows as u32 * CELL.1 + 16;
    let (frames, still) = (session.bars.len(), session.bars.len() * 3 / 5);
    let share = 100.0 / frames as f64;
    let seconds = frames as f64 / 4.0;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" xml:space=\"preserve\" role=\"img\">\n\
         <!-- Written by tests/picture.rs from what the program printed -->\n\
         <title>A terminal: zccp explains a copy, refuses to copy a file onto itself, and shows how far a copy is</title>\n<style>\n{STYLE}\
         @media (prefers-reduced-motion: no-preference) {{\n\
         .still {{ visibility: hidden }}\n\
         .frame {{ animation: show {seconds}s steps(1, end) infinite }}\n\
         @keyframes show {{ 0% {{ visibility: visible }} {share:.3}% {{ visibility: hidden }} 100% {{ visibility: hidden }} }}\n}}\n\
         </style>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"10\" fill=\"#0d1117\"/>\n\
         <circle cx=\"22\" cy=\"20\" r=\"6\" fill=\"#ff5f57\"/><circle cx=\"42\" cy=\"20\" r=\"6\" fill=\"#febc2e\"/>\
         <circle cx=\"62\" cy=\"20\" r=\"6\" fill=\"#28c840\"/>\n"
    );
    for (row, text) in session.lines.iter().enumerate() {
        line(&mut out, row, text, "");
    }
    for (frame, text) in session.bars.iter().enumerate() {
        let class = if frame == still { "frame still" } else { "frame" };
        let delay = frame as f64 / 4.0;
        line(&mut out, rows - 1, text, &format!(" class=\"{class}\" style=\"animation-delay:{delay}s\""));
    }
    out + "</svg>\n"
}

/// The session a picture was drawn from.
fn read_back(picture: &str) -> Session {
    let mut session = Session { lines: Vec::new(), bars: Vec::new() };
    for group in picture.lines().filter_map(|line| line.strip_prefix("<g data-line=\"")) {
        let (text, rest) = group.split_once('"').unwrap();
        let to = if rest.starts_with(" class=\"frame") { &mut session.bars } else { &mut session.lines };
        to.push(unescaped(text));
    }
    session
}

#[test]
fn the_picture_shows_what_the_program_prints() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/zccp.svg");
    let Some(played) = play() else { return };
    if std::env::var_os("ZCCP_DRAW").is_some() {
        std::fs::write(path, draw(&played)).unwrap();
    }
    let picture = std::fs::read_to_string(path).unwrap();
    let shown = read_back(&picture);
    assert_eq!(draw(&shown), picture, "the picture is not drawn as this file draws: draw it anew");
    let all = |lines: &[String]| lines.iter().map(|line| lasting(line)).collect::<Vec<_>>();
    assert_eq!(all(&shown.lines), all(&played.lines), "the program prints something else: draw the picture anew");
    let [mut shown, mut played] = [all(&shown.bars), all(&played.bars)];
    for bars in [&mut shown, &mut played] {
        bars.dedup();
        assert_eq!(bars.len(), 1, "{bars:?}");
    }
    assert_eq!(shown, played, "the bar looks different: draw the picture anew");
}
