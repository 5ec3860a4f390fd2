//! Every word the user reads: quoting and diagnostics.

pub mod messages;
pub mod quote;

pub use messages::Messages;
