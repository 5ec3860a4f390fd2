//! One copy from one descriptor to another: what the ends are, the plan, the driver, the trail.
//!
//! [`copy`] is the whole of it for those above. The stages: [`endpoint`] asks the kernel what the two ends are,
//! [`plan`] chooses engines (pure), [`driver`] runs them, [`trail`] is what happened. [`survey`] tries all engines in a directory.

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
