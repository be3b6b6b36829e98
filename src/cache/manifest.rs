//! The list of parts that belong together.

use std::io;

use serde::{Deserialize, Serialize};

use super::{PART, damaged};

/// The form of the files: to be changed with whatever changes it, or what is indexed.
pub(super) const FORMAT: u32 = 1;

/// What the file says: a checksum in the first line, then this.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    format: u32,
    /// The workspace.
    root: String,
    max_file_bytes: u64,
    parts: Vec<PartFile>,
}

/// The parts of a workspace's text index.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) root: String,
    /// Larger files are not indexed, but counted by whoever searches.
    pub(super) max_file_bytes: u64,
    /// By path.
    pub(super) parts: Vec<PartFile>,
}

/// A part in a file of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PartFile {
    /// BLAKE3 of its bytes.
    pub(super) hash: String,
    pub(super) bytes: u64,
}

impl PartFile {
    /// The name of the file.
    pub(super) fn name(&self) -> String {
        format!("{}.{PART}", self.hash)
    }

    /// Whether the hash is one, so that the name leads nowhere else.
    fn is_sound(&self) -> bool {
        self.hash.len() == 64 && self.hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    }
}

impl Manifest {
    /// What the file is to hold.
    pub(super) fn write(self) -> Vec<u8> {
        let Self { root, max_file_bytes, parts } = self;
        let written = Written { format: FORMAT, root, max_file_bytes, parts };
        // Numbers and texts always have a form in JSON.
        let text = serde_json::to_vec(&written).unwrap_or_default();
        [blake3::hash(&text).to_hex().as_bytes(), b"\n", &text].concat()
    }

    /// What the file holds, if it is that of the workspace at `root` and of this form.
    pub(super) fn read(bytes: &[u8], root: &str) -> io::Result<Self> {
        let (checksum, text) = bytes.split_at_checked(65).ok_or_else(|| damaged("the manifest is cut".to_owned()))?;
        if checksum.strip_suffix(b"\n") != Some(blake3::hash(text).to_hex().as_bytes()) {
            return Err(damaged("the manifest is damaged".to_owned()));
        }
        let form: Form = serde_json::from_slice(text).map_err(|error| damaged(error.to_string()))?;
        if form.format != FORMAT {
            let problem = format!("its format is {}, that of this version is {FORMAT}", form.format);
            return Err(damaged(problem));
        }
        let written: Written = serde_json::from_slice(text).map_err(|error| damaged(error.to_string()))?;
        if written.root != root {
            return Err(damaged(format!("it is that of another workspace, {}", written.root)));
        }
        if !written.parts.iter().all(PartFile::is_sound) {
            return Err(damaged("the manifest names no parts".to_owned()));
        }
        Ok(Self { root: written.root, max_file_bytes: written.max_file_bytes, parts: written.parts })
    }
}

/// What every format has.
#[derive(Deserialize)]
struct Form {
    format: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(text: &str) -> Vec<u8> {
        format!("{}\n{text}", blake3::hash(text.as_bytes()).to_hex()).into_bytes()
    }

    #[test]
    fn only_what_was_written_for_this_workspace_in_this_form_is_read() {
        let part = || PartFile { hash: "a1".repeat(32), bytes: 7 };
        let whole = Manifest { root: "/r".to_owned(), max_file_bytes: 9, parts: vec![part(), part()] }.write();
        assert_eq!(Manifest::read(&whole, "/r").unwrap().parts.len(), 2);
        let mut damaged = whole.clone();
        damaged[80] ^= 1;
        let hash = "b".repeat(64);
        let other_hash = hash.replacen('b', "../", 1);
        for (bytes, root, says) in [
            (whole.clone(), "/other", "another workspace, /r"),
            (damaged, "/r", "damaged"),
            (whole[..whole.len() - 1].to_vec(), "/r", "damaged"),
            (whole[..40].to_vec(), "/r", "cut"),
            (Vec::new(), "/r", "cut"),
            (sealed(r#"{"format":2,"anything":"else"}"#), "/r", "its format is 2"),
            (sealed(r#"{"format":0}"#), "/r", "its format is 0"),
            (sealed("[]"), "/r", "expected"),
            (
                sealed(&format!(
                    r#"{{"format":{FORMAT},"root":"/r","max_file_bytes":9,"parts":[{{"hash":"{other_hash}","bytes":1}}]}}"#
                )),
                "/r",
                "names no parts",
            ),
        ] {
            let error = Manifest::read(&bytes, root).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
