//! Globs as the contract has them: `**`, `*`, `?`, `{a,b}`, `[a-z]` against the whole relative path;
//! one without `/` against the file name at any depth.
//!
//! As in git and ripgrep, matching is by bytes: `?` and `[…]` stand for one ASCII character, and
//! case is folded for ASCII alone.

use std::sync::Arc;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::error::{Code, Error, Result};

/// Longer globs are refused: they compile to automata many times their size.
const MAX_GLOB_BYTES: usize = 4096;
/// Globs in one list, and their bytes: compiling more would take long and much memory.
const MAX_GLOBS: usize = 2000;
const MAX_GLOBS_BYTES: usize = 64 * 1024;
/// Deeper `{…{…}…}` are refused: globset takes them apart recursively.
const MAX_BRACE_DEPTH: usize = 16;

/// Which paths to take: those that match one of `include` (all, if there is none) and none of `exclude`.
#[derive(Clone, Debug)]
pub struct PathFilter {
    /// What it was made of: `include`, `exclude`, and whether case counts.
    globs: Arc<(Vec<String>, Vec<String>, bool)>,
    include: Option<GlobSet>,
    exclude: Option<GlobSet>,
    /// Directories beneath which all lies that `include` can match; none if it may lie anywhere.
    within: Option<Vec<String>>,
}

/// Filters of the same globs let the same paths pass.
impl PartialEq for PathFilter {
    fn eq(&self, other: &Self) -> bool {
        self.globs == other.globs
    }
}

impl Eq for PathFilter {}

impl PathFilter {
    /// Compiles the globs of a request.
    ///
    /// # Errors
    /// `invalid_glob`, naming the glob.
    pub fn new(include: &[String], exclude: &[String], case_sensitive: bool) -> Result<Self> {
        let compile = |globs: &[String], beneath: bool| -> Result<Option<GlobSet>> {
            if globs.is_empty() {
                return Ok(None);
            }
            let bytes: usize = globs.iter().map(String::len).sum();
            if globs.len() > MAX_GLOBS || bytes > MAX_GLOBS_BYTES {
                let problem =
                    format!("invalid globs: more than {MAX_GLOBS}, or {MAX_GLOBS_BYTES} bytes of them, in one list");
                return Err(Error::new(Code::InvalidGlob, problem));
            }
            let mut set = GlobSetBuilder::new();
            for glob in globs {
                let anchored = anchored(glob)?;
                // Excluding a directory excludes what lies beneath it, as a line of `.gitignore` does.
                if beneath && !anchored.ends_with("/**") {
                    set.add(compile_one(glob, &format!("{anchored}/**"), case_sensitive)?);
                }
                set.add(compile_one(glob, &anchored, case_sensitive)?);
            }
            set.build()
                .map(Some)
                .map_err(|error| Error::new(Code::InvalidGlob, format!("the globs are too large: {error}")))
        };
        let within = if case_sensitive { within(include)? } else { None };
        let globs = Arc::new((include.to_vec(), exclude.to_vec(), case_sensitive));
        Ok(Self { globs, include: compile(include, false)?, exclude: compile(exclude, true)?, within })
    }

    /// Directories of which none lies beneath another and beneath which everything lies that can pass, in order;
    /// `None` if it may lie anywhere.
    pub fn within(&self) -> Option<&[String]> {
        self.within.as_deref()
    }

    /// Whether every path passes.
    pub fn takes_all(&self) -> bool {
        self.include.is_none() && self.exclude.is_none()
    }

    /// Whether a path passes.
    pub fn accepts(&self, path: &str) -> bool {
        self.include.as_ref().is_none_or(|set| set.is_match(path))
            && !self.exclude.as_ref().is_some_and(|set| set.is_match(path))
    }
}

/// See [`PathFilter::within`].
fn within(include: &[String]) -> Result<Option<Vec<String>>> {
    let mut directories = Vec::new();
    for glob in include {
        let anchored = anchored(glob)?;
        let literal = anchored.split(['*', '?', '[', ']', '{', '}', '\\']).next().unwrap_or_default();
        let Some((directory, _)) = literal.rsplit_once('/').filter(|(directory, _)| !directory.is_empty()) else {
            return Ok(None);
        };
        directories.push(format!("{directory}/"));
    }
    // With their slashes, what lies beneath a directory follows it.
    directories.sort_unstable();
    directories.dedup_by(|next, kept| next.starts_with(kept.as_str()));
    for directory in &mut directories {
        directory.pop();
    }
    Ok(Some(directories).filter(|directories| !directories.is_empty()))
}

/// Checks one glob, for arguments that are handed on to the ignore rules.
///
/// # Errors
/// `invalid_glob`, naming it.
pub fn check(glob: &str) -> Result<()> {
    compile_one(glob, &anchored(glob)?, true).map(drop)
}

/// A glob in the form that is matched against whole paths: `/x` and `./x` are `x` at the root, `x` is
/// `**/x`, `x/` is everything beneath `x`.
fn anchored(glob: &str) -> Result<String> {
    if glob.len() > MAX_GLOB_BYTES {
        return Err(invalid(glob, format!("it is longer than {MAX_GLOB_BYTES} bytes")));
    }
    if glob.is_empty() {
        return Err(invalid(glob, "it is empty"));
    }
    if glob.contains('\0') {
        return Err(invalid(glob, "it contains NUL"));
    }
    let rooted = glob.strip_prefix("./").or_else(|| glob.strip_prefix('/'));
    let (body, anywhere) = match rooted {
        Some(body) => (body, false),
        None => (glob, !glob.trim_end_matches('/').contains('/')),
    };
    let mut out = String::from(if anywhere && body != "**" { "**/" } else { "" });
    out.push_str(body);
    if body.ends_with('/') {
        out.push_str("**");
    }
    Ok(out)
}

fn compile_one(glob: &str, pattern: &str, case_sensitive: bool) -> Result<globset::Glob> {
    if brace_depth(pattern) > MAX_BRACE_DEPTH {
        return Err(invalid(glob, format!("braces are nested deeper than {MAX_BRACE_DEPTH}")));
    }
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .backslash_escape(true)
        .empty_alternates(true)
        .case_insensitive(!case_sensitive)
        .build()
        .map_err(|error| invalid(glob, error.kind()))
}

/// How deep `{` are nested at most, escapes and classes not looked into: too many is safe.
fn brace_depth(pattern: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in pattern.bytes() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn invalid(glob: &str, problem: impl std::fmt::Display) -> Error {
    let shown: String = glob.chars().take(200).collect();
    Error::new(Code::InvalidGlob, format!("invalid glob {shown:?}: {problem}")).with("glob", shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(include: &[&str], exclude: &[&str], path: &str) -> bool {
        let owned = |globs: &[&str]| globs.iter().map(ToString::to_string).collect::<Vec<_>>();
        PathFilter::new(&owned(include), &owned(exclude), true).unwrap().accepts(path)
    }

    #[test]
    fn includes() {
        for (glob, yes, no) in [
            ("*.tsx", &["a.tsx", "src/a.tsx", ".tsx"][..], &["a.ts", "a.tsx/b"][..]),
            ("**", &["a", "a/b/c", ".hidden/x"], &[]),
            ("**/*", &["a", "a/b"], &[]),
            ("src/**", &["src/a", "src/a/b"], &["src", "lib/src/a"]),
            ("src/*", &["src/a"], &["src/a/b", "a/src/b"]),
            ("src/", &["src/a", "a/src/b"], &["src", "srcs/a"]),
            ("src/**/*.ts", &["src/a.ts", "src/a/b/c.ts"], &["a.ts", "src/a.tsx"]),
            ("**/test/*", &["test/a", "x/y/test/a"], &["test", "test/a/b"]),
            ("/README.md", &["README.md"], &["docs/README.md"]),
            ("./README.md", &["README.md"], &["docs/README.md"]),
            ("README.md", &["README.md", "docs/README.md"], &["xREADME.md"]),
            ("*.{ts,tsx}", &["a.ts", "b/a.tsx"], &["a.js", "a.{ts,tsx}"]),
            ("a{,.test}.ts", &["a.ts", "a.test.ts"], &["ab.ts"]),
            ("{a,{b,c}}.ts", &["a.ts", "b.ts", "c.ts"], &["d.ts"]),
            ("[a-c]?.ts", &["ax.ts", "d/cy.ts"], &["dx.ts", "a.ts"]),
            ("[!a].ts", &["b.ts"], &["a.ts"]),
            (r"\*.ts", &["*.ts"], &["a.ts"]),
            ("ü*.ts", &["ünï.ts"], &["u.ts"]),
            ("?", &["a", "x/b"], &["ab"]),
        ] {
            for path in yes {
                assert!(accepts(&[glob], &[], path), "{glob} takes {path}");
            }
            for path in no {
                assert!(!accepts(&[glob], &[], path), "{glob} leaves {path}");
            }
        }
    }

    #[test]
    fn excludes_take_directories_whole() {
        for (glob, out, stays) in [
            ("node_modules", &["node_modules", "node_modules/a/b", "x/node_modules/a"][..], &["node_modules2/a"][..]),
            ("dist/", &["dist/a", "x/dist/a"], &["distant/a"]),
            ("/dist", &["dist/a"], &["x/dist/a"]),
            ("packages/*/dist", &["packages/a/dist", "packages/a/dist/x/y"], &["packages/a/b/dist/x"]),
            ("*.log", &["a.log", "logs.log/a"], &["a.logs"]),
        ] {
            for path in out {
                assert!(!accepts(&[], &[glob], path), "{glob} leaves {path} out");
            }
            for path in stays {
                assert!(accepts(&[], &[glob], path), "{glob} keeps {path}");
            }
        }
        assert!(!accepts(&["*.ts"], &["a.ts"], "a.ts"), "exclude wins");
    }

    #[test]
    fn bad_globs_are_named() {
        let deep = "{".repeat(100_000);
        let nested = "{".repeat(17) + &"}".repeat(17);
        for bad in ["", "[", "a[z-a]", "{a", "a\0", "\\", &deep, &nested] {
            let error = PathFilter::new(&[bad.to_owned()], &[], true).unwrap_err();
            assert_eq!(error.code, Code::InvalidGlob, "{bad}");
            assert!(error.message.starts_with("invalid glob"), "{}", error.message);
        }
    }

    #[test]
    fn what_can_match_lies_within() {
        let all: &[&str] = &["", "anywhere"];
        for (globs, want) in [
            (&["src/**"][..], &["src"][..]),
            (&["src/a/*.ts", "src/ab/x.ts", "src/a/b/**"], &["src/a", "src/ab"]),
            (&["src/a.d/x", "src/a/**", "src/a/x/y/*"], &["src/a.d", "src/a"]),
            (&["/src/x.ts"], &["src"]),
            (&["packages/*/src/**"], &["packages"]),
            (&["a/{b,c}/d"], &["a"]),
            (&["a/b[c]/d"], &["a"]),
            (&[r"a/b\c/d"], &["a"]),
            (&["*.ts"], all),
            (&["x.ts"], all),
            (&["/x.ts"], all),
            (&["src/**", "*.md"], all),
            (&[], all),
        ] {
            let owned: Vec<String> = globs.iter().map(ToString::to_string).collect();
            let filter = PathFilter::new(&owned, &[], true).unwrap();
            let want = (want != all).then(|| want.iter().map(ToString::to_string).collect::<Vec<_>>());
            assert_eq!(filter.within(), want.as_deref(), "{globs:?}");
        }
        let folded = PathFilter::new(&["src/**".to_owned()], &[], false).unwrap();
        assert_eq!(folded.within(), None, "another case is another directory");
    }

    #[test]
    fn case() {
        let filter = PathFilter::new(&["*.TSX".into()], &["TMP".into()], false).unwrap();
        assert!(filter.accepts("a.tsx") && !filter.accepts("tmp/a.tsx"));
        assert!(!accepts(&["*.TSX"], &[], "a.tsx"));
    }
}
