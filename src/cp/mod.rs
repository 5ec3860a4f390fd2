//! cp: operands → entries; decide; the two ends of each copy opened, named and closed.

pub mod options;

pub use options::Options;
