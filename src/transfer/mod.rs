//! One copy from one descriptor to another: what the ends are, the plan, the driver, the trail.
//!
//! [`copy`] is the whole of it for those above, [`whole`] the same for a small file. The stages: [`endpoint`] asks the kernel
//! what the two ends are, [`plan`] chooses engines (pure) by what [`capabilities`] have been learned, [`driver`] runs each
//! on its [`leg`], [`finish`] asks what is to be asked at the end, [`trail`] is what happened.
//!
//! On the way: [`ready`] waits for an end and [`lull`] for the reader of a pipe; [`pace`] says how much at a time;
//! [`verdict`] judges an errno; [`progress`] is how far it is. About the sink: whether there is [`room`], blocks ahead
//! ([`preallocate`]), the source's [`segments`] and the [`hole`]s between them; [`targets`] that are slow, and the
//! [`window`] of what may be in memory for them. Around it: [`replacement`] (`--atomic`), [`resume`] and [`verify`], which
//! read [`in_step`], and [`durable`]. [`survey`] tries all engines in a directory, [`by_reference`] what splice does here.

pub mod by_reference;
pub mod capabilities;
mod driver;
pub mod durable;
pub mod endpoint;
mod finish;
mod hole;
pub mod in_step;
mod leg;
mod lull;
pub mod pace;
pub mod plan;
mod preallocate;
pub mod progress;
pub mod ready;
pub mod replacement;
pub mod resume;
mod room;
mod segments;
pub mod survey;
pub mod targets;
pub mod trail;
pub mod verdict;
pub mod verify;
pub mod whole;
pub mod window;

pub use crate::engine::{Ask, End, Scratch};
pub use capabilities::Capabilities;
pub use driver::copy;
pub use pace::RateLimit;
pub use plan::Plan;
pub use progress::Counters;
pub use trail::{Failure, Shrank, Trail};
