//! What listxattr(2) and getxattr(2) say, however long that is.

use rustix::io::Errno;

/// The largest list of names and the largest value, bytes: XATTR_LIST_MAX and XATTR_SIZE_MAX of <linux/limits.h>.
const LARGEST: usize = 64 * 1024;

/// What one of the two calls fills a buffer with: a small one, and the largest there is where that does not fit (ERANGE).
///
/// # Errors
/// What the call says.
pub fn whole(call: impl Fn(&mut [u8]) -> Result<usize, Errno>) -> Result<Vec<u8>, Errno> {
    let mut small = [0; 512];
    match call(&mut small) {
        Ok(n) => return Ok(small[..n].to_vec()),
        Err(Errno::RANGE) => {}
        Err(errno) => return Err(errno),
    }
    let mut large = vec![0; LARGEST];
    let n = call(&mut large)?;
    large.truncate(n);
    Ok(large)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_length(length: usize) -> impl Fn(&mut [u8]) -> Result<usize, Errno> {
        move |buffer| {
            buffer.get_mut(..length).ok_or(Errno::RANGE)?.fill(b'x');
            Ok(length)
        }
    }

    #[test]
    fn what_does_not_fit_a_small_buffer_is_asked_for_again_and_whole() {
        for length in [0, 1, 512, 513, LARGEST] {
            assert_eq!(whole(of_length(length)), Ok(vec![b'x'; length]));
        }
        assert_eq!(whole(of_length(LARGEST + 1)), Err(Errno::RANGE));
        assert_eq!(whole(|_| Err(Errno::NODATA)), Err(Errno::NODATA));
    }
}
