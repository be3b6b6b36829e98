//! Workspace-relative paths, as they stand on the wire.

use std::borrow::Borrow;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::error::{Code, Error, Result};

/// A path below the workspace root: UTF-8, `/`-separated on every platform, no empty, `.` or
/// `..` part, no drive, no leading `/`, no NUL, no backslash.
///
/// The check is about form alone. Whether the path stays inside the workspace is decided when it
/// is opened ([`crate::fs`]), because symbolic links can change in between.
///
/// Ordered by bytes, which is the order of every listing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelPath(Arc<str>);

/// Longer than what any supported system opens (`PATH_MAX` is 4096 on Linux, 32767 UTF-16 units on Windows).
const MAX_BYTES: usize = 32 * 1024;

impl RelPath {
    /// Checks `path`.
    ///
    /// # Errors
    /// `invalid_path`, with what is wrong with it.
    pub fn parse(path: &str) -> Result<Self> {
        match problem(path) {
            None => Ok(Self(path.into())),
            Some(problem) => {
                let shown: String = path.chars().take(200).collect();
                Err(Error::new(Code::InvalidPath, format!("invalid path {shown:?}: {problem}")))
            }
        }
    }

    /// The path of something found at `relative`, a path below the root in the platform's own form.
    /// `None` when it cannot be named on the wire.
    pub fn from_disk(relative: &Path) -> Option<Self> {
        let text = relative.to_str()?;
        if cfg!(windows) {
            let slashed = text.replace('\\', "/");
            problem(&slashed).is_none().then(|| Self(slashed.into()))
        } else {
            problem(text).is_none().then(|| Self(text.into()))
        }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path in a form the operating system takes, still relative to the root.
    pub fn as_path(&self) -> &Path {
        Path::new(&*self.0)
    }

    /// What follows the last `.` of the file name, if anything does.
    pub fn extension(&self) -> Option<&str> {
        self.file_name().rsplit_once('.').map(|(_, extension)| extension)
    }

    /// The last part.
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&*self.0, |(_, name)| name)
    }

    /// The directories above it, the root not counted.
    pub fn ancestors(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(at, _)| &self.0[..at])
    }
}

/// A directory of the workspace: the root, which is the empty path, or one below it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DirPath(Arc<str>);

impl DirPath {
    /// The workspace root.
    pub fn root() -> Self {
        Self("".into())
    }

    /// The path of a directory found at `relative`, a path below the root in the platform's own form, or empty.
    /// `None` when it cannot be named on the wire.
    pub fn from_disk(relative: &Path) -> Option<Self> {
        if relative.as_os_str().is_empty() { Some(Self::root()) } else { RelPath::from_disk(relative).map(Self::from) }
    }

    /// The directory that holds `path`.
    pub fn holding(path: &RelPath) -> Self {
        Self(path.as_str().rsplit_once('/').map_or("", |(parent, _)| parent).into())
    }

    /// Its path, unless it is the root.
    pub fn path(&self) -> Option<RelPath> {
        (!self.0.is_empty()).then(|| RelPath(Arc::clone(&self.0)))
    }

    /// The path as text; empty for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path in a form the operating system takes, still relative to the root.
    pub fn as_path(&self) -> &Path {
        Path::new(&*self.0)
    }

    /// The path of something in it, found on disk under `name`. `None` when it cannot be named on the wire.
    pub fn entry(&self, name: &std::ffi::OsStr) -> Option<RelPath> {
        RelPath::from_disk(&self.as_path().join(name))
    }

    /// Whether `path` lies in it, at any depth.
    pub fn is_above(&self, path: &str) -> bool {
        self.0.is_empty() || path.strip_prefix(&*self.0).is_some_and(|rest| rest.starts_with('/'))
    }
}

impl From<RelPath> for DirPath {
    fn from(path: RelPath) -> Self {
        Self(path.0)
    }
}

impl Borrow<str> for DirPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DirPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// What is wrong with `path`, if anything is.
fn problem(path: &str) -> Option<&'static str> {
    let bytes = path.as_bytes();
    if path.is_empty() {
        return Some("it is empty");
    }
    if path.len() > MAX_BYTES {
        return Some("it is too long");
    }
    if bytes.contains(&0) {
        return Some("it contains NUL");
    }
    if bytes.contains(&b'\\') {
        return Some("it contains a backslash; parts are separated by `/` on every platform");
    }
    if bytes[0] == b'/' {
        return Some("it is absolute; paths are relative to the workspace root");
    }
    if bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' {
        return Some("it names a drive; paths are relative to the workspace root");
    }
    for part in path.split('/') {
        match part {
            "" => return Some("it has an empty part (`//`, or `/` at the end)"),
            "." => return Some("it has a `.` part"),
            ".." => return Some("it has a `..` part"),
            _ => {}
        }
        if cfg!(windows)
            && let Some(problem) = windows_problem(part)
        {
            return Some(problem);
        }
    }
    None
}

/// What Windows would take for something else than a file of this very name: alternate data
/// streams, DOS devices, names whose end it drops. See "Naming Files, Paths, and Namespaces" in
/// Microsoft's documentation.
fn windows_problem(part: &str) -> Option<&'static str> {
    const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
    if part.contains(':') {
        return Some("it names an alternate data stream");
    }
    if part.ends_with([' ', '.']) {
        return Some("a part ends with a dot or a space, which Windows drops");
    }
    let stem = part.split('.').next().unwrap_or(part).trim_end();
    let numbered = |prefix: &str| {
        stem.get(..3).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
            && matches!(
                stem.get(3..),
                Some("0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³")
            )
    };
    if DEVICES.iter().any(|device| stem.eq_ignore_ascii_case(device)) || numbered("COM") || numbered("LPT") {
        return Some("it names a device");
    }
    None
}

impl Borrow<str> for RelPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl Serialize for RelPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl JsonSchema for RelPath {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Path".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A workspace-relative path: UTF-8, `/`-separated on every platform, without `.`, `..` or empty parts, drive, leading `/`, NUL or backslash.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_path() {
        for good in ["a", "a/b.tsx", ".gitignore", "a/..b", "a/b..", "…/ü", "a b", "with:colon", "a/C:b"] {
            if cfg!(windows) && good.split('/').any(|part| windows_problem(part).is_some()) {
                continue;
            }
            assert_eq!(RelPath::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            ".",
            "./a",
            "a/.",
            "..",
            "../a",
            "a/../b",
            "a\\b",
            "\\\\?\\C:\\a",
            "C:",
            "C:/a",
            "c:a",
            "a\0b",
            "\0",
        ] {
            assert_eq!(RelPath::parse(bad).unwrap_err().code, Code::InvalidPath, "{bad:?}");
        }
    }

    #[test]
    fn names_that_windows_takes_for_something_else() {
        for bad in
            ["a:b", "a::$DATA", "a.", "a ", "NUL", "nul.txt", "con", "COM1", "lpt9.log", "COM¹", "aux .c", "CONIN$"]
        {
            assert!(windows_problem(bad).is_some(), "{bad:?}");
        }
        for good in ["a", "null", "com", "com10", "console.ts", ".a", "auxiliary", "lptx"] {
            assert!(windows_problem(good).is_none(), "{good:?}");
        }
    }
}
