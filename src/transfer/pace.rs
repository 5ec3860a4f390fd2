//! How much an engine may move before the driver is asked again. The only place of a copy that looks at a clock.
//!
//! A call of copy_file_range or sendfile that is given a whole file cannot be seen into; in chunks that take about a tenth
//! of a second a stop or a look at progress is never far.

use crate::engine::Name;
use std::time::{Duration, Instant};

/// The first chunk of an in-kernel copy, bytes.
const FIRST: u64 = 16 << 20;
/// The largest, bytes: a multiple of every block size, so that shared ranges stay aligned.
const LARGEST: u64 = 1 << 30;
/// Shorter calls make the next chunk twice as large.
const SHORT: Duration = Duration::from_millis(50);
/// Longer ones make it smaller by as much: whoever watches sees something move ten times a second.
const LONG: Duration = Duration::from_millis(100);
/// The smallest it becomes, bytes.
const SMALLEST: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct Pace {
    chunk: u64,
    began: Option<Instant>,
}

impl Pace {
    pub(super) fn new() -> Pace {
        Pace { chunk: FIRST, began: None }
    }

    /// Bytes the next step may move. Engines whose steps are blocks of their own are not held back.
    pub(super) fn grant(&mut self, engine: Name) -> u64 {
        match engine {
            Name::CopyFileRange | Name::Sendfile => {
                self.began = Some(Instant::now());
                self.chunk
            }
            Name::Reflink | Name::Splice | Name::Zerocopy | Name::Mmap | Name::ReadWrite => u64::MAX,
        }
    }

    /// The step is over; `full` if it moved all it was granted.
    pub(super) fn over(&mut self, full: bool) {
        let Some(began) = self.began.take() else { return };
        let took = began.elapsed();
        if took > LONG {
            let times = (took.as_nanos() / LONG.as_nanos()).max(1) as u64;
            self.chunk = (self.chunk / (times + 1).next_power_of_two()).max(SMALLEST);
        } else if full && took < SHORT {
            self.chunk = (self.chunk * 2).min(LARGEST);
        }
    }
}
