//! Programs and libraries that are known to be right about something.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use ignore::WalkBuilder;
use ignore::overrides::OverrideBuilder;
use serde_json::Value;

/// A referee that is not installed: a test without it proves nothing, which CI must not overlook.
fn missing(what: &str) {
    absent(what, "run `npm ci` in tests/node");
}

/// Something a test needs that is not installed, and what to do about it.
pub(crate) fn absent(what: &str, hint: &str) {
    assert!(std::env::var_os("CI").is_none(), "{what} is missing: {hint}");
    eprintln!("SKIPPED, in part or whole: {what} is missing: {hint}");
}

/// A Node process that answers for Node.
pub(crate) struct Node {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Node {
    /// Starts it, if there is Node.
    pub(crate) fn start() -> Option<Self> {
        Self::run("referee.mjs")
    }

    /// The TypeScript compiler on sources, if it is installed; see `tests/node/tsx-referee.mjs`.
    pub(crate) fn typescript() -> Option<Self> {
        Self::compiler("tsx-referee.mjs")
    }

    /// The TypeScript compiler on modules, if it is installed; see `tests/node/modules-referee.mjs`.
    pub(crate) fn modules() -> Option<Self> {
        Self::compiler("modules-referee.mjs")
    }

    /// The TypeScript compiler's checker on elements, if it is installed; see `tests/node/usages-referee.mjs`.
    pub(crate) fn usages() -> Option<Self> {
        Self::compiler("usages-referee.mjs")
    }

    fn compiler(script: &str) -> Option<Self> {
        if !Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node/node_modules/typescript").is_dir() {
            missing("TypeScript");
            return None;
        }
        Self::run(script)
    }

    fn run(script: &str) -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node").join(script);
        let started = Command::new("node")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn();
        let Ok(mut child) = started else {
            missing("Node");
            return None;
        };
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Some(Self { child, stdin, stdout })
    }

    /// Asks; the script's head has the questions.
    pub(crate) fn ask(&mut self, question: &Value) -> Value {
        self.send(question);
        self.receive(question)
    }

    /// Asks without waiting. Only so many short questions as a pipe holds may be open.
    pub(crate) fn send(&mut self, question: &Value) {
        writeln!(self.stdin, "{question}").unwrap();
        self.stdin.flush().unwrap();
    }

    /// The answer to the first question that is open.
    pub(crate) fn receive(&mut self, question: &Value) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{question}: {error}: {line:?}"));
        assert!(answer.get("error").is_none(), "{question}: {answer}");
        answer
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A directory with no settings of git but those a test puts there, in place of the user's home.
pub(crate) fn settings(home: &Path) -> [(&'static str, PathBuf); 3] {
    [("HOME", home.to_owned()), ("USERPROFILE", home.to_owned()), ("XDG_CONFIG_HOME", home.join("config"))]
}

/// The ripgrep program, if it is installed.
pub(crate) fn program() -> Option<PathBuf> {
    let platform = match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    let processor = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let package = format!("tests/node/node_modules/@vscode/ripgrep-{platform}-{processor}/bin");
    let program =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(package).join(format!("rg{}", std::env::consts::EXE_SUFFIX));
    if program.is_file() {
        return Some(program);
    }
    missing("ripgrep");
    None
}

/// What ripgrep lists, by the contract's definition of what is listed, with `more` arguments.
pub(crate) fn ripgrep(root: &Path, home: &Path, more: &[&str]) -> Option<BTreeSet<String>> {
    let output = Command::new(program()?)
        .args(["--no-config", "--files", "--hidden", "--no-require-git", "--null", "--path-separator", "/"])
        .args(more)
        .args(["-g", "!.git"])
        .current_dir(root)
        .envs(settings(home))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.code().is_some_and(|code| code < 2), "ripgrep: {}", String::from_utf8_lossy(&output.stderr));
    let names = output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Some(names.filter_map(|name| served(std::str::from_utf8(name).ok()?)).collect())
}

/// What the `ignore` library lists, walking on one thread. Asks for this process's home, not a test's own.
pub(crate) fn walk(root: &Path) -> BTreeSet<String> {
    let overrides = OverrideBuilder::new(root).add("!.git").unwrap().build().unwrap();
    let walk = WalkBuilder::new(root)
        .current_dir(root)
        .hidden(false)
        .require_git(false)
        .add_custom_ignore_filename(".rgignore")
        .overrides(overrides)
        .build();
    walk.filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .filter_map(|entry| {
            served(&entry.path().strip_prefix(root).ok()?.to_str()?.replace(std::path::MAIN_SEPARATOR, "/"))
        })
        .collect()
}

/// Paths and hashes.
pub(crate) type Contents = BTreeMap<String, String>;

/// Path and hash of every file, as a process that starts now would find them.
pub(crate) fn cold(root: &Path) -> Contents {
    scan(root, |_, _| ())
}

/// As [`cold`], showing the bytes of each file.
pub(crate) fn scan(root: &Path, mut look: impl FnMut(&str, &[u8])) -> Contents {
    let hashed = |path: String| {
        let bytes = fs::read(root.join(&path)).unwrap();
        look(&path, &bytes);
        (path, blake3::hash(&bytes).to_hex().to_string())
    };
    walk(root).into_iter().map(hashed).collect()
}

/// Names that the contract's paths cannot hold are not listed.
fn served(path: &str) -> Option<String> {
    (!path.contains('\\')).then(|| path.to_owned())
}
