//! The kernel paths, one file each behind one table, and the contract they keep.

pub mod name;
pub mod policy;

pub use name::Name;
pub use policy::{Policy, Reflink, Sparse};
