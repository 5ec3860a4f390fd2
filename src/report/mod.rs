//! Every word the user reads: quoting, diagnostics, `--explain`, `--debug`, progress and `--json`.
//!
//! How far a job is: the copying threads add to `transfer::progress`; [`watch`] is what the rooms above tell of it; the
//! thread of [`mod@reporter`] looks, at the sources too ([`foresee`]), and shows a [`line`](mod@line) through [`bar`] on the [`screen`], or writes [`json`];
//! [`interrupt`] answers signals.

pub mod amount;
mod bar;
pub mod debug;
pub mod explain;
pub mod failure;
pub mod fit;
pub mod foresee;
pub mod interrupt;
pub mod json;
pub mod line;
pub mod messages;
pub mod peer;
pub mod prompt;
pub mod quote;
mod reporter;
pub mod safety;
mod sample;
pub mod screen;
pub mod survey;
pub mod watch;

pub use json::Json;
pub use messages::Messages;
pub use watch::Watch;
