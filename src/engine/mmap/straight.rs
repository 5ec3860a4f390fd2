//! To TCP, straight from the mapping: the one copy is the one into the socket, so what is unread when the
//! program ends is no page of the source.
//!
//! A socket gives nothing back. So the file is looked at before each send and after it, and no send waits: between the two
//! lie the tenths of a millisecond of one copy, as with read(2). What was cut off in that moment may have gone out as
//! zeros, up to the end of its page; that is said, and is a failure.

use super::super::contract::{End, Flow, Grant, Session, Settled, Side, Step};
use super::super::watch::Watch;
use super::{Source, WINDOW, Window};
use crate::sys::map::Pages;
use rustix::io::Errno;

pub(super) struct Straight<'a> {
    source: Source<'a>,
    sink: End<'a>,
    /// What is being sent: from `Window::from` on; the flow tells how far it is.
    window: Option<Window>,
    /// There was no room: who knows how long ago the file was looked at.
    waited: bool,
}

impl<'a> Straight<'a> {
    pub(super) fn new(source: Source<'a>, sink: End<'a>) -> Straight<'a> {
        Straight { source, sink, window: None, waited: false }
    }

    /// The window that the next byte lies in, with a look at the file that is not old.
    fn window(&mut self, flow: &mut Flow) -> Result<Window, Step> {
        let failed = |errno| Step::Error(Side::Source, errno);
        if let Some(mut window) = self.window.take().filter(|window| window.end > flow.source_offset()) {
            if std::mem::take(&mut self.waited) {
                window.watch = Watch::begin(&self.source.end).map_err(failed)?;
            }
            if window.watch.size() >= window.end {
                return Ok(window);
            }
        }
        self.source.window(flow, WINDOW, Pages::Ahead).map_err(failed)?.ok_or(Step::Zero)
    }

    /// `n` bytes are sent. Are they the file's?
    fn sent(&mut self, flow: &mut Flow, window: &mut Window, n: u64) -> Result<(), Step> {
        let failed = |errno| Step::Error(Side::Source, errno);
        let end = flow.source_offset() + n;
        let now = Watch::begin(&self.source.end).map_err(failed)?;
        let good = n.min(now.size().saturating_sub(flow.source_offset()));
        self.source.took(flow, good)?;
        flow.gave(good);
        flow.spoil(n - good);
        let before = std::mem::replace(&mut window.watch, now);
        if before.left_alone(&now) && now.size() >= end {
            return Ok(());
        }
        self.source.changed(flow);
        Err(Step::Changed)
    }
}

impl Session for Straight<'_> {
    fn step(&mut self, flow: &mut Flow, grant: Grant) -> Step {
        let mut window = match self.window(flow) {
            Ok(window) => window,
            Err(step) => return step,
        };
        let from = flow.source_offset();
        let length = (window.end - from).min(grant.bytes);
        let more = grant.more || (length < grant.bytes && window.end < window.watch.size());
        let step = match window.map.send_to(self.sink.fd, (from - window.from) as usize, length as usize, more) {
            Ok(n) => self.sent(flow, &mut window, n as u64).map_or_else(|step| step, |()| Step::Moved(n as u64)),
            // A page is gone, or cannot be read in: pread tells which.
            Err(Errno::FAULT) => {
                flow.disturb();
                Step::Error(Side::Source, Errno::FAULT)
            }
            Err(errno) => {
                self.waited = true;
                Step::Error(Side::Sink, errno)
            }
        };
        self.window = Some(window);
        step
    }

    fn settle(self: Box<Self>, _: &mut Flow) -> Settled {
        Settled { remarks: self.source.remarks(), ..Settled::default() }
    }
}
