//! cat: operands → descriptors → standard output.

pub mod options;

pub use options::Options;
