//! Every word the user reads: quoting, diagnostics, `--explain` and `--debug`.

pub mod debug;
pub mod explain;
pub mod failure;
pub mod messages;
pub mod peer;
pub mod prompt;
pub mod quote;
pub mod safety;

pub use messages::Messages;
