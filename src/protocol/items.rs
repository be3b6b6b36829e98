//! Long lists, whose items are encoded where they are found.

use super::ascii;

/// Encoded items of a list, in order. They are copied once: into the line.
#[derive(Clone, Debug, Default)]
pub struct Items {
    items: Vec<Vec<u8>>,
    bytes: usize,
}

impl Items {
    /// Adds an item, as `frame::encode` gives it.
    pub fn push(&mut self, item: Vec<u8>) {
        self.bytes += item.len() + usize::from(!self.items.is_empty());
        self.items.push(item);
    }

    /// How long the list is as JSON, without its brackets.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Appends the list to a line that will have at most `max_bytes` with it.
    pub(super) fn write(&self, line: &mut Vec<u8>, max_bytes: usize) {
        let parts = || {
            let commas = std::iter::once(&b""[..]).chain(std::iter::repeat(&b","[..]));
            self.items.iter().zip(commas).flat_map(|(item, comma)| [comma, item.as_slice()])
        };
        if !ascii::push(line, parts(), self.bytes, max_bytes) {
            parts().for_each(|part| line.extend_from_slice(part));
        }
    }
}
