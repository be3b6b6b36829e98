//! Made-up trees with made-up ignore rules.

use std::fs;

use crate::fixtures::Workspace;
use crate::random::Random;

/// Few names, so that rules meet them.
pub(crate) const FILES: &[&str] =
    &["a", "b", "ab", "c.ts", "d.ts", "d.test.ts", "e.log", ".env", "x y.md", "ü.md", "[q].ts", "#n", "!n", "B.TS"];
pub(crate) const DIRECTORIES: &[&str] = &["src", "lib", "build", "node_modules", ".cache", "a", "x.log", "ünï"];

const RULES: &[&str] = &[
    "*.log",
    "*.ts",
    "!*.test.ts",
    "build/",
    "/build",
    "node_modules",
    "a",
    "/a",
    "!a",
    "b/",
    "src/a",
    "/src/*.ts",
    "**/a",
    "**/src/*",
    "src/**",
    "!src/",
    "!/src/**",
    "lib/**/a",
    "*",
    "!*/",
    "!*.md",
    "?",
    "a?",
    "[ab]",
    "[!ab]",
    "{a,b}",
    "# a comment",
    "",
    "\\#n",
    "\\!n",
    "x\\ y.md",
    "x y.md ",
    "*.TS",
    "!d.ts",
    ".*",
    "!.env",
    "/.cache/",
    "ü.md",
    "**",
    "!b",
    "lib",
    "!lib/",
    "!lib/src/d.ts",
    "*.log/",
    "\\[q].ts",
    "[[]q].ts",
    "a/",
    "!c.ts\r",
];

/// Fills a workspace with files and rules.
pub(crate) fn grow(workspace: &Workspace, random: &mut Random, rules: bool) {
    grow_beneath(workspace, random, "", 0, rules);
}

fn grow_beneath(workspace: &Workspace, random: &mut Random, prefix: &str, depth: usize, rules: bool) {
    fs::create_dir_all(workspace.at(prefix)).unwrap();
    for name in FILES {
        if random.one_in(2) {
            workspace.write(&format!("{prefix}{name}"), format!("{name} {}\n", random.below(100)));
        }
    }
    for file in [".gitignore", ".ignore", ".rgignore"] {
        if rules && random.one_in(3) {
            workspace.write(&format!("{prefix}{file}"), rule_file(random));
        }
    }
    for name in DIRECTORIES {
        let path = format!("{prefix}{name}");
        if depth < 3 && random.one_in(if depth == 0 { 2 } else { 4 }) && !workspace.at(&path).is_file() {
            grow_beneath(workspace, random, &format!("{path}/"), depth + 1, rules);
        }
    }
}

/// Some lines of ignore rules.
pub(crate) fn rule_file(random: &mut Random) -> String {
    (0..=random.below(3)).map(|_| format!("{}\n", random.pick(RULES))).collect()
}
