//! The kernel paths, one file each behind one table, and the contract they keep.
//!
//! That table, on one screen, is all the program knows about moving bytes on Linux. A new engine is one file, one line in
//! the table and one name in [`Name`].

pub mod contract;
mod copy_file_range;
mod drain;
mod mmap;
pub mod name;
pub mod policy;
mod read_write;
pub mod reason;
mod reflink;
pub mod scratch;
mod sendfile;
mod splice;
mod watch;
mod zerocopy;

pub use contract::{Ask, End, Engine, Flow, Grant, Nature, Offsets, Remark, Session, Side, Step, Tuning};
pub use name::Name;
pub use policy::{Peer, Policy, Reflink, Sparse};
pub use read_write::write as give;
pub use reason::Reason;
pub use scratch::Scratch;

/// Every engine.
pub static TABLE: [&dyn Engine; 7] = [
    &reflink::Reflink,
    &copy_file_range::CopyFileRange,
    &sendfile::Sendfile,
    &splice::Splice,
    &zerocopy::Zerocopy,
    &mmap::Mmap,
    &read_write::ReadWrite,
];

/// The engine of that name.
pub fn named(name: Name) -> &'static dyn Engine {
    TABLE[name as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_that_of_its_place_in_the_table() {
        for name in Name::ALL {
            assert_eq!(named(name).name(), name);
        }
        assert_eq!(Name::ALL.len(), TABLE.len());
    }
}
