//! Reading files: hashes and facts for the entries of the index.

use std::cell::RefCell;
use std::sync::Arc;

use rayon::prelude::*;

use super::Counter;
use crate::cancel::CancelToken;
use crate::error::{Code, Result};
use crate::fs::{WorkspaceRoot, now_ns};
use crate::index::{Delta, Facts, FileEntry, FileFacts, Snapshot};
use crate::text::{BINARY_PROBE_BYTES, Class, Eol};

/// Entries that turned out to have moved since they were listed: what replaces them.
#[derive(Debug, Default)]
pub struct Filled {
    moved: Vec<(Arc<FileEntry>, Option<Arc<FileEntry>>)>,
}

impl Filled {
    /// What to change in `snapshot`: only entries it still holds, so that a later look is never undone.
    pub fn delta(&self, snapshot: &Snapshot) -> Delta {
        let mut delta = Delta::default();
        for (old, new) in &self.moved {
            if snapshot.file(&old.path).is_some_and(|held| Arc::ptr_eq(held, old)) {
                match new {
                    Some(new) => delta.upsert.push(Arc::clone(new)),
                    None => delta.remove.push(old.path.clone()),
                }
            }
        }
        delta
    }
}

/// Reads every file of `files` that was not read yet, in parallel on the current rayon pool.
///
/// # Errors
/// `cancelled`.
pub fn fill(root: &WorkspaceRoot, files: &[Arc<FileEntry>], counter: &Counter, cancel: &CancelToken) -> Result<Filled> {
    let moved = files
        .par_iter()
        .filter(|entry| entry.facts().is_none())
        .filter_map(|entry| {
            if cancel.is_cancelled() {
                return None;
            }
            let replaced = match look(root, entry) {
                Ok(()) => None,
                Err(new) => Some((Arc::clone(entry), new.map(Arc::new))),
            };
            counter.add(entry.stamp.size);
            replaced
        })
        .collect();
    cancel.check()?;
    Ok(Filled { moved })
}

/// Reads the file of an entry and fills in its facts, if it still looks as it was listed.
///
/// # Errors
/// What takes the entry's place: the file as it is now, or `None` if it is gone.
pub fn look(root: &WorkspaceRoot, entry: &FileEntry) -> Result<(), Option<FileEntry>> {
    thread_local! {
        static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    let looked_ns = now_ns();
    let read = BUFFER.with_borrow_mut(|buffer| {
        root.digest(
            &entry.path,
            buffer,
            |_| Reader::default(),
            |reader, chunk| {
                reader.add(chunk);
                Ok(())
            },
        )
    });
    match read {
        Ok(read) => {
            // One that never held still is suspect at the next look, too.
            let racy = !read.stable || read.stamp.is_racy(looked_ns);
            let facts = Facts::Known(read.value.finish(racy));
            if read.stamp == entry.stamp {
                entry.set_facts(facts);
                Ok(())
            } else {
                Err(Some(FileEntry::read(entry.path.clone(), read.stamp, facts)))
            }
        }
        // Gone, or something else took its place: the walk lists regular files alone.
        Err(error) if matches!(error.code, Code::NotFound | Code::NotAFile | Code::PathOutsideWorkspace) => Err(None),
        Err(error) => {
            tracing::warn!("not readable: {error}");
            entry.set_facts(Facts::Unreadable(error.code));
            Ok(())
        }
    }
}

/// Makes the facts of a file from its chunks.
#[derive(Default)]
struct Reader {
    hasher: blake3::Hasher,
    /// The beginning, until there is enough of it to tell text from binary.
    head: Vec<u8>,
    class: Option<Class>,
    eol: Option<Eol>,
    /// What did not fit before the chunk's end: a `\r` or half a UTF-16 unit.
    carry: Vec<u8>,
}

impl Reader {
    fn add(&mut self, chunk: &[u8]) {
        self.hasher.update(chunk);
        if self.class.is_some() {
            self.line_ends(chunk);
            return;
        }
        if self.head.is_empty() && chunk.len() >= BINARY_PROBE_BYTES {
            self.class = Some(Class::of(chunk));
            self.line_ends(chunk);
            return;
        }
        self.head.extend_from_slice(chunk);
        if self.head.len() >= BINARY_PROBE_BYTES {
            self.flush_head();
        }
    }

    fn flush_head(&mut self) {
        let head = std::mem::take(&mut self.head);
        self.class = Some(Class::of(&head));
        self.line_ends(&head);
    }

    fn line_ends(&mut self, chunk: &[u8]) {
        let Some(class) = self.class else { return };
        if class == Class::Binary || self.eol == Some(Eol::Mixed) {
            return;
        }
        let joined;
        let bytes = if self.carry.is_empty() {
            chunk
        } else {
            self.carry.extend_from_slice(chunk);
            joined = std::mem::take(&mut self.carry);
            &joined
        };
        let keep = tail(bytes, class);
        let (now, later) = bytes.split_at(bytes.len() - keep);
        let later = later.to_vec();
        self.merge(Eol::of(now, class));
        self.carry = later;
    }

    fn merge(&mut self, eol: Eol) {
        self.eol = Some(match (self.eol, eol) {
            (None | Some(Eol::None), eol) => eol,
            (Some(seen), eol) if eol == Eol::None || eol == seen => seen,
            _ => Eol::Mixed,
        });
    }

    fn finish(mut self, racy: bool) -> FileFacts {
        if self.class.is_none() {
            self.flush_head();
        }
        let class = self.class.unwrap_or(Class::Text);
        if !self.carry.is_empty() {
            let carry = std::mem::take(&mut self.carry);
            self.merge(Eol::of(&carry, class));
        }
        FileFacts { hash: self.hasher.finalize(), class, eol: self.eol.unwrap_or(Eol::None), racy }
    }
}

/// How many bytes at the end of a chunk must wait for the next one, so that no line end is cut in two.
fn tail(bytes: &[u8], class: Class) -> usize {
    if !class.is_utf16() {
        return usize::from(bytes.last() == Some(&b'\r'));
    }
    let odd = bytes.len() % 2;
    let carriage_return = if class == Class::Utf16Le { *b"\r\0" } else { *b"\0\r" };
    odd + if bytes[..bytes.len() - odd].ends_with(&carriage_return) { 2 } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However a file is cut into chunks, its facts are those of the whole.
        #[test]
        fn facts_do_not_depend_on_the_chunks(
            text in "[a\\r\\n]{0,12}",
            encoding in 0..3,
            long in any::<bool>(),
            cuts in proptest::collection::vec(1_usize..7, 0..8),
        ) {
            let mut text = text;
            if long {
                text.insert_str(0, &"x".repeat(BINARY_PROBE_BYTES));
            }
            let bytes: Vec<u8> = match encoding {
                0 => text.into_bytes(),
                1 => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect(),
                _ => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect(),
            };
            let mut reader = Reader::default();
            let mut rest = &bytes[..];
            if long {
                let (head, tail) = rest.split_at(BINARY_PROBE_BYTES - 3);
                reader.add(head);
                rest = tail;
            }
            for cut in cuts {
                let (chunk, tail) = rest.split_at(cut.min(rest.len()));
                reader.add(chunk);
                rest = tail;
            }
            reader.add(rest);
            let facts = reader.finish(false);
            let class = Class::of(&bytes);
            prop_assert_eq!(facts.hash, blake3::hash(&bytes));
            prop_assert_eq!(facts.class, class);
            prop_assert_eq!(facts.eol, Eol::of(&bytes, class));
        }
    }
}
