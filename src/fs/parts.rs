//! Reading a file in parts.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};

use super::Stamp;

/// A file of which parts are read.
#[derive(Debug)]
pub struct Parts {
    pub(super) file: File,
    pub(super) stamp: Stamp,
}

impl Parts {
    /// Reads up to `length` bytes from `start` on into the beginning of `buffer`, which only ever grows. Returns how
    /// many; fewer at the end of the file.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn read(&mut self, start: u64, length: usize, buffer: &mut Vec<u8>) -> io::Result<usize> {
        let left = usize::try_from(self.stamp.size.saturating_sub(start)).unwrap_or(usize::MAX);
        let length = length.min(left);
        if buffer.len() < length {
            buffer.resize(length, 0);
        }
        self.file.seek(io::SeekFrom::Start(start))?;
        self.file.read_exact(&mut buffer[..length])?;
        Ok(length)
    }

    /// Whether the file looks as it did when it was opened: then what was read belongs together.
    pub fn are_of_one_state(&self) -> bool {
        self.file.metadata().is_ok_and(|now| Stamp::of_std(&now) == self.stamp)
    }
}
