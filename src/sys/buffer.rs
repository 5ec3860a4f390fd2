//! Page-aligned memory for blocks of data.

use memmap2::MmapMut;
use rustix::io::Errno;

/// An anonymous private mapping: page-aligned, zero pages until touched, given back to the kernel when dropped.
#[derive(Debug)]
pub struct Buffer(MmapMut);

impl Buffer {
    /// A buffer of `bytes` bytes, one mmap(2).
    ///
    /// # Errors
    /// ENOMEM, as under `ulimit -v`: callers go on with a smaller one.
    pub fn new(bytes: usize) -> Result<Buffer, Errno> {
        MmapMut::map_anon(bytes).map(Buffer).map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::NOMEM))
    }

    /// The whole of it, to read from.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The whole of it, to fill.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}
