//! The integration tests.

// The man pages and the completions: complete, and taken by real shells and a real formatter.
mod pages;
