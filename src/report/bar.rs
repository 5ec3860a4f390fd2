//! The bar: the line of [`super::line`] drawn by indicatif, which makes the bar and the sign of life; what it would write
//! is gathered and goes to the terminal as one frame.

use super::line::{self, View};
use super::quote::Charset;
use super::screen;
use anstyle_progress::{TermProgress, supports_term_progress};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle, TermLike};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, io};

/// Columns where the terminal does not say.
const COLUMNS: usize = 80;

/// A bar on standard error.
pub(super) struct Bar {
    bar: ProgressBar,
    canvas: Arc<Canvas>,
    charset: Charset,
    /// The terminal shows progress in its own way too.
    has_task_bar: bool,
}

impl Bar {
    pub(super) fn new() -> Bar {
        let canvas = Arc::new(Canvas::default());
        let target = ProgressDrawTarget::term_like(Box::new(Target(Arc::clone(&canvas))));
        // Inside of a multiplexer the variables are those of the terminal it was started in.
        let multiplexed = ["TMUX", "STY"].into_iter().any(|variable| std::env::var_os(variable).is_some());
        screen::use_it();
        Bar {
            bar: ProgressBar::with_draw_target(Some(10_000), target),
            canvas,
            charset: Charset::current(),
            has_task_bar: !multiplexed && supports_term_progress(true),
        }
    }

    /// Draws the line for the width that the terminal has now.
    pub(super) fn draw(&self, view: &View) {
        let width = match screen::columns() {
            0 => std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).unwrap_or(COLUMNS),
            columns => columns,
        };
        let line = line::line(view, width, self.charset);
        let middle = match (line.bar > 0, line.spinner) {
            (true, _) if line.in_memory.is_some() => "{two_tones} ",
            (true, _) => "{wide_bar} ",
            (false, true) => "{spinner} ",
            (false, false) => "",
        };
        let space = if line.head.is_empty() { "" } else { " " };
        let taken = |text: &str| super::fit::columns(text);
        let columns = match middle {
            "" => 0,
            _ if line.spinner => 2,
            _ => line.bar + 1,
        };
        self.canvas.width((taken(&line.head) + space.len() + columns + taken(&line.tail)).min(width));
        let Ok(style) = ProgressStyle::with_template(&format!("{{prefix}}{space}{middle}{{msg}}")) else { return };
        let (bar, ticks) = match self.charset {
            Charset::Utf8 => ("█░", "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "),
            Charset::Ascii => ("=>-", "-\\|/ "),
        };
        let tones = two_tones(line.bar, view.share.unwrap_or(0), line.in_memory.unwrap_or(0), self.charset);
        let style = style.with_key("two_tones", move |_: &ProgressState, to: &mut dyn fmt::Write| {
            let _ = to.write_str(&tones);
        });
        self.bar.set_style(style.progress_chars(bar).tick_chars(ticks));
        self.bar.set_prefix(line.head);
        self.bar.set_message(line.tail);
        self.bar.set_position(view.share.unwrap_or(0).into());
        self.bar.tick();
        // Each of these calls has drawn a frame; only the last one is of interest.
        let frame = self.canvas.take();
        let task_bar = self.has_task_bar.then(|| match view.share {
            Some(share) => TermProgress::start().percent((share / 100) as u8).to_string(),
            None => TermProgress::start().to_string(),
        });
        screen::draw(frame.trim_end(), task_bar.as_deref());
    }
}

/// A bar of so many columns: what is on the device, what is done but in memory, what is to come; shares in ten-thousandths.
fn two_tones(columns: usize, on_device: u32, in_memory: u32, charset: Charset) -> String {
    let (device, memory, rest) = match charset {
        Charset::Utf8 => ("█", "▓", "░"),
        Charset::Ascii => ("=", "-", " "),
    };
    let upto = |share: u32| columns * share.min(10_000) as usize / 10_000;
    let (first, second) = (upto(on_device), upto(on_device.saturating_add(in_memory)));
    device.repeat(first) + &memory.repeat(second - first) + &rest.repeat(columns - second)
}

/// Where indicatif draws.
#[derive(Debug, Default)]
struct Canvas {
    width: AtomicU16,
    frame: Mutex<String>,
}

impl Canvas {
    fn width(&self, columns: usize) {
        self.width.store(u16::try_from(columns).unwrap_or(u16::MAX), Ordering::Relaxed);
    }

    fn take(&self) -> String {
        std::mem::take(&mut self.frame.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, text: &str) {
        self.frame.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
    }
}

/// The canvas as indicatif wants it. There is one line, so the cursor has nowhere to go.
#[derive(Debug)]
struct Target(Arc<Canvas>);

impl TermLike for Target {
    fn width(&self) -> u16 {
        self.0.width.load(Ordering::Relaxed)
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write(text);
        Ok(())
    }

    /// A new frame begins.
    fn clear_line(&self) -> io::Result<()> {
        self.0.take();
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_memory_has_a_tone_of_its_own() {
        assert_eq!(two_tones(10, 2400, 4400, Charset::Utf8), "██▓▓▓▓░░░░");
        assert_eq!(two_tones(10, 2400, 4400, Charset::Ascii), "==----    ");
        assert_eq!(two_tones(4, 10_000, 0, Charset::Ascii), "====");
        assert_eq!(two_tones(4, 9_000, 9_000, Charset::Ascii), "===-", "never longer than it is");
        assert_eq!(two_tones(0, 5_000, 5_000, Charset::Ascii), "");
    }
}
