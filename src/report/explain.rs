//! `--explain`: before, the plan with every engine passed over and why; after, the trail. On standard error.

use super::Messages;
use super::amount::Bytes;
use crate::engine::{End, Name, Nature, Reason, Remark};
use crate::sys::text::{errno_name, strerror};
use crate::transfer::by_reference::Observed;
use crate::transfer::targets::{By, Why};
use crate::transfer::window::Windowed;
use crate::transfer::{Ask, Plan, Trail};
use std::fmt::Write as _;

/// Says the plan of the copy called `title` ("'a' -> 'b'").
pub fn before(messages: &mut Messages, title: &str, ask: &Ask<'_>, plan: &Plan) {
    let mut text = format!("{title}\n  {} -> {}\n", end(&ask.source), end(&ask.sink));
    let engines: Vec<&str> = plan.engines.iter().map(|name| name.as_str()).collect();
    let chosen = if engines.is_empty() { "nothing can work here".to_string() } else { engines.join(", then ") };
    let _ = writeln!(text, "  plan: {chosen}{}{}", tuning(plan), if plan.forced { " (as asked)" } else { "" });
    for (name, reason) in &plan.passed_over {
        let _ = writeln!(text, "    not {name}: {}", because(reason));
    }
    messages.note(text.trim_end());
}

/// Says what happened. `observed`: what splicing does on this kernel, where pages may have been passed by reference.
pub fn after(messages: &mut Messages, trail: &Trail, observed: Option<Observed>) {
    let mut text = String::new();
    for refusal in &trail.refusals {
        let words = (errno_name(refusal.errno), strerror(refusal.errno));
        let _ = writeln!(text, "    {} refused at byte {}: {} ({})", refusal.engine, refusal.at, words.0, words.1);
    }
    if let Some((name, at)) = trail.early_zero {
        let _ = writeln!(text, "    {name} said 0 at byte {at}, before the end; read_write went on");
    }
    if let Some(at) = trail.by_value_from {
        let _ = writeln!(text, "    from byte {at} on by value, so that nothing queued is a page of the source");
    }
    let copies_on_the_way = trail.remarks.iter().any(|r| matches!(r, Remark::Gathers { on: Some(false), .. }));
    for remark in &trail.remarks {
        let _ = writeln!(text, "    {}", seen(remark, copies_on_the_way));
    }
    if let Some(observed) = observed {
        let _ = writeln!(text, "    {}", sharing(observed));
    }
    if trail.preallocated > 0 {
        let _ = writeln!(text, "    {} bytes preallocated ahead of the writing", trail.preallocated);
    }
    if let Some(windowed) = &trail.window {
        let _ = writeln!(text, "    {}", window(windowed));
    }
    let mut parts: Vec<String> = trail.moved.iter().map(|(name, bytes)| format!("{name} {bytes} bytes")).collect();
    if trail.holes > 0 {
        parts.push(format!("holes {} bytes", trail.holes));
    }
    if parts.is_empty() {
        parts.push("0 bytes".to_string());
    }
    let seconds = trail.wall.as_secs_f64();
    let _ = writeln!(text, "  moved: {} in {seconds:.6} s{}", parts.join(", "), rate(trail.bytes(), seconds));
    messages.note(text.trim_end());
}

/// Says what is done with the operand `name` when it is formatted, where there is nothing to choose.
pub fn formatting(messages: &mut Messages, name: &str) {
    messages.note(format!("{name}: cooked: read, formatted and written; engines do not apply"));
}

fn rate(bytes: u64, seconds: f64) -> String {
    if bytes < 1 << 20 || seconds <= 0.0 {
        return String::new();
    }
    format!(", {:.2} GB/s", bytes as f64 / seconds / 1e9)
}

fn tuning(plan: &Plan) -> String {
    let mut text = String::new();
    let reads = plan.engines.contains(&Name::ReadWrite) && !plan.engines.contains(&Name::Splice);
    if plan.tuning.threads > 1 && reads {
        let _ = write!(text, "; {} threads, blocks of {} KiB", plan.tuning.threads, plan.tuning.block / 1024);
    }
    if plan.preallocate {
        text.push_str("; preallocating");
    }
    if plan.seek_holes {
        text.push_str("; keeping holes");
    }
    if plan.tuning.holes.is_some() {
        text.push_str("; making holes of zeros");
    }
    text
}

fn end(end: &End<'_>) -> String {
    let what = match end.nature {
        Nature::File => format!("file of {} bytes", end.facts.size),
        Nature::Block => "block device".to_string(),
        Nature::Pipe { capacity } => format!("pipe that holds {capacity} bytes"),
        Nature::Socket(socket) => match (socket.internet, socket.stream) {
            (true, true) if socket.local => "TCP socket to this machine".to_string(),
            (true, true) => "TCP socket".to_string(),
            (true, false) => "datagram socket".to_string(),
            (false, true) => "unix stream socket".to_string(),
            (false, false) => "unix datagram socket".to_string(),
        },
        Nature::Tty => "terminal".to_string(),
        Nature::Device => "character device".to_string(),
        Nature::Other => "something that is no file, pipe, socket or device".to_string(),
    };
    let file_system = end.file_system.map(|fs| format!(" on {}", fs.name())).unwrap_or_default();
    let append = if end.append { ", O_APPEND" } else { "" };
    format!("{what}{file_system}{append}")
}

/// Why an engine is passed over.
pub fn because(reason: &Reason) -> String {
    let plain = match reason {
        Reason::SourceNotRegular => "the source is not a regular file",
        Reason::SinkNotRegular => "the destination is not a regular file",
        Reason::SinkNotTcp => "the destination is not a TCP socket",
        Reason::SourceNotMappable => "the source cannot be mapped",
        Reason::SourceNotSendable => "the source is neither a file nor a device",
        Reason::NotSpliceable => "one end is of a kind that splice does not know",
        Reason::SinkAppends => "the destination was opened with O_APPEND",
        Reason::KeepsMessages => "a socket keeps message boundaries, which only reads and writes respect",
        Reason::NotAtABlock => "the copy starts in the middle of a block, and a clone takes whole ones",
        Reason::SinkNotEmpty => "the destination is not empty, and a clone takes the whole file",
        Reason::SizeUnknown => "the source's size is not known before it is read",
        Reason::SourceIsDirect => "the source was opened with O_DIRECT",
        Reason::ReflinkNever => "extents are not to be shared (--reflink=never, --sparse=never)",
        Reason::ReflinkAlways => "--reflink=always",
        Reason::SparseAlways => "--sparse=always has every byte looked at",
        Reason::NotListed => "not on the --engine list",
        Reason::Small => "the file is small: one read and one write are the cheapest",
        Reason::Slower => "measured slower for such a pair",
        Reason::OnlyWhenAsked => "used only when asked for",
        Reason::FitsThePipe => "the whole file fits the pipe: reading is as fast, and safe from later changes",
        Reason::MayStayHere => "no device takes the bytes; a peer on this machine would see the file change",
        Reason::FitsTheSocket => "all of it may be unread when the program ends, and would change with the file",
        Reason::Terminal => "terminals are read and written plainly",
        Reason::Pseudo => "files made up by the kernel are read plainly",
        Reason::CannotShare(fs) => return format!("{} does not share extents", fs.name()),
        Reason::NoOffload(fs) => return format!("nothing below {} copies for us, and reading is faster", fs.name()),
        Reason::DifferentFileSystems(a, b) => {
            return format!("{} and {} are different file systems", a.name(), b.name());
        }
        Reason::Remembered(errno) => {
            return format!("it refused earlier in this run: {} ({})", errno_name(*errno), strerror(*errno));
        }
    };
    plain.to_string()
}

/// What an engine has seen.
pub fn seen(remark: &Remark, copies_on_the_way: bool) -> String {
    match remark {
        Remark::CompletionsCopied { at } => {
            format!("MSG_ZEROCOPY: the kernel copied after all; plain sends from byte {at} on")
        }
        Remark::CompletionsZeroCopy { sends } if copies_on_the_way => {
            format!("MSG_ZEROCOPY: {sends} sends completed, none of which the kernel called copied; but")
        }
        Remark::CompletionsZeroCopy { sends } => format!("MSG_ZEROCOPY: {sends} sends completed without a copy"),
        Remark::NoBuffers { sends } => format!("MSG_ZEROCOPY: {sends} sends had no room to be tracked and went plain"),
        Remark::Gathers { interface, on: Some(true) } => {
            format!("{interface} gathers (scatter-gather on): pages go to it without another copy")
        }
        Remark::Gathers { interface, on: Some(false) } => {
            format!("{interface} does not gather (scatter-gather off): the kernel copied pages into packets")
        }
        Remark::Gathers { interface, on: None } => format!("whether {interface} gathers, its driver does not say"),
        Remark::Threads(n) => format!("{n} threads"),
        Remark::SourceChanged { at } => {
            format!("the source changed meanwhile, seen at byte {at}; read_write went on")
        }
    }
}

fn window(windowed: &Windowed) -> String {
    let why = match windowed.why {
        Why::Removable => "the target is removable".to_string(),
        Why::Observed(rate) => format!("the target was seen to be slow ({}/s)", Bytes(rate)),
    };
    let from = if windowed.from > 0 { format!("from byte {} on ", windowed.from) } else { String::new() };
    let by = match windowed.by {
        By::Range => "sync_file_range",
        By::FileSystem => "syncfs",
    };
    let rate = windowed.rate.map(|rate| format!(", which took {}/s", Bytes(rate))).unwrap_or_default();
    format!("{why}: {from}at most {} in memory ({by}){rate}", Bytes(windowed.most))
}

fn sharing(observed: Observed) -> &'static str {
    match observed {
        Observed::ByReference => "splicing passes pages by reference on this kernel (observed just now)",
        Observed::Copied => "splicing copies pages on this kernel (observed just now)",
        Observed::Unknown => "whether splicing passes pages by reference could not be observed",
    }
}

/// Whether the trail has bytes that may have gone by reference.
pub fn may_share_pages(ask: &Ask<'_>, trail: &Trail) -> bool {
    trail.by(Name::Splice) + trail.by(Name::Sendfile) > 0 && (ask.sink.is_pipe() || ask.sink.socket().is_some())
}
