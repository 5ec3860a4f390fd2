//! Every word the user reads: quoting, diagnostics, `--explain`, `--debug`, progress and `--json`.
//!
//! [`messages`] are the two streams. What is said there: [`failure`] of copies, [`safety`], [`peer`], [`survey`],
//! [`mod@debug`], [`explain`], and what is asked, [`prompt`]; of names and numbers as [`quote`], [`fit`] and [`amount`] put
//! them.
//!
//! How far a job is: the copying threads add to `transfer::progress`; [`watch`] is what the rooms above tell of it; the
//! thread of [`mod@reporter`] looks, at the sources ([`foresee`]) and into memory ([`sample`]) too, and shows a
//! [`line`](mod@line) through [`bar`] on the [`screen`], or writes [`json`]; [`interrupt`] answers signals.

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
