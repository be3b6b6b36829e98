//! The same elements, by the symbols that the TypeScript compiler's checker gives their tags.
//!
//! Where we differ on purpose, nothing here is made up:
//! - A name in an inner scope that hides an import, or a declaration, is taken for that: scopes are not looked at.
//! - An import of what its module does not export is known by that name all the same: files are in between two edits,
//!   and modules of other kinds (`exports.a = …`, JSON, styles) do not say what they export. The checker knows nothing of it.
//! - `export default a.b` is a value of its own; the checker takes it for `b`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use super::until_indexed;
use crate::fixtures::{self, Workspace};
use crate::harness::Sidecar;
use crate::random::Random;
use crate::referee::Node;

/// How much was compared.
#[derive(Debug, Default)]
struct Tally {
    names: usize,
    /// Names with elements.
    used: usize,
    elements: usize,
    /// Names that lead nowhere.
    unknown: usize,
}

/// Compares every exported name of a workspace.
fn compare(root: &Path, typescript: &mut Node, tally: &mut Tally, what: &str) {
    let mut sidecar = Sidecar::spawn(root);
    let listed = sidecar.request("glob", json!({ "include": ["*.{ts,tsx,js,jsx}"] }));
    let files: Vec<&Value> = listed["files"].as_array().unwrap().iter().map(|file| &file["path"]).collect();
    let theirs = typescript.ask(&json!({ "root": root, "files": files }));
    let exports = theirs["exports"].as_array().unwrap();
    for indexed in [false, true] {
        if indexed {
            until_indexed(&mut sidecar);
        }
        for export in exports {
            let params = json!({ "name": export["name"], "importedFrom": export["path"] });
            let ours = sidecar.request("usages", params.clone());
            let index = |element: &Value| element["index"].clone();
            let indexes = |file: &Value| file["elements"].as_array().unwrap().iter().map(index).collect::<Value>();
            let path = |file: &Value| file["path"].as_str().unwrap().to_owned();
            let files = ours["files"].as_array().unwrap();
            let ours: BTreeMap<String, Value> = files.iter().map(|file| (path(file), indexes(file))).collect();
            assert_eq!(json!(ours), export["found"], "{what}, {params}, indexed: {indexed}");
        }
    }
    let found = |export: &Value| export["found"].as_object().unwrap().values().cloned().collect::<Vec<_>>();
    tally.used += exports.iter().filter(|export| !found(export).is_empty()).count();
    tally.elements += exports.iter().flat_map(found).map(|indexes| indexes.as_array().unwrap().len()).sum::<usize>();
    tally.names += exports.len();
    tally.unknown += theirs["unknown"].as_array().unwrap().len();
    sidecar.finish();
}

#[test]
fn in_the_fixtures() {
    let Some(mut typescript) = Node::usages() else { return };
    let workspace = fixtures::copy();
    let mut tally = Tally::default();
    compare(&workspace.root, &mut typescript, &mut tally, "the fixtures");
    assert!(tally.names > 60 && tally.elements > 15, "{tally:?}");
}

/// Modules, in directories, some of them with an index file.
const MODULES: &[&str] =
    &["a.tsx", "b.tsx", "ui/index.tsx", "ui/c.tsx", "ui/d.jsx", "lib/deep/e.tsx", "lib/index.ts", "f.tsx"];
/// Few names, so that they meet.
const NAMES: &[&str] = &["A", "B", "C", "D", "E"];

/// How a module may refer to another one.
fn specifier(from: &str, to: &str, random: &mut Random) -> String {
    let (stem, extension) = to.rsplit_once('.').unwrap();
    let stem = stem.strip_suffix("/index").filter(|_| random.one_in(2)).unwrap_or(stem);
    if random.one_in(3) {
        return format!("@/{stem}");
    }
    let up = from.matches('/').count();
    let start = if up == 0 { "./".to_owned() } else { "../".repeat(up) };
    let end = if random.one_in(6) && to.ends_with(&format!("{stem}.{extension}")) {
        if extension == "jsx" { ".jsx" } else { ".js" }
    } else {
        ""
    };
    format!("{start}{stem}{end}")
}

/// One module that is being made up.
#[derive(Default)]
struct Made {
    text: String,
    locals: BTreeSet<String>,
    exports: BTreeSet<String>,
    /// Tags to be used.
    tags: Vec<String>,
}

impl Made {
    /// A name that nothing here has yet.
    fn local(&mut self, random: &mut Random) -> Option<String> {
        let name = format!("{}{}", random.pick(NAMES), random.pick(&["", "", "1", "2"]));
        self.locals.insert(name.clone()).then_some(name)
    }

    /// Whether a name can be exported: nothing else is under it.
    fn can_export(&mut self, name: &str) -> bool {
        self.exports.insert(name.to_owned())
    }

    fn add(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Some names of a namespace as tags.
    fn members(&mut self, namespace: &str, random: &mut Random) {
        for _ in 0..=random.below(3) {
            let member = random.pick(&["A", "B", "C", "D", "default", "Kit.A", "Kit.default", "A1"]);
            self.tags.push(format!("{namespace}.{member}"));
        }
    }

    fn declare(&mut self, random: &mut Random) {
        let Some(name) = self.local(random) else { return };
        let mut exported = |as_name: &str| self.exports.insert(as_name.to_owned());
        let line = match random.below(6) {
            0 if exported(&name) => format!("export function {name}() {{ return null; }}"),
            1 if exported(&name) => format!("export const {name} = () => null;"),
            2 if exported("default") => format!("export default function {name}() {{ return null; }}"),
            3 if exported("default") => format!("class {name} {{ }}\nexport default {name};"),
            4 if exported("Other") => format!("const {name} = () => null;\nexport {{ {name} as Other }};"),
            _ => format!("function {name}() {{ return null; }}"),
        };
        self.add(&line);
        self.tags.push(name);
    }

    fn import(&mut self, from: &str, random: &mut Random) {
        let Some(name) = self.local(random) else { return };
        let imported = random.pick(&["A", "B", "C", "D", "A1", "B2", "Other", "Kit", "default"]);
        match random.below(5) {
            0 => self.add(&format!("import {name} from '{from}';")),
            1 => {
                self.add(&format!("import * as {name} from '{from}';"));
                self.members(&name, random);
            }
            2 if imported == "Kit" => {
                self.add(&format!("import {{ Kit as {name} }} from '{from}';"));
                self.members(&name, random);
            }
            _ => self.add(&format!("import {{ {imported} as {name} }} from '{from}';")),
        }
        self.tags.push(name.clone());
        if random.one_in(3) {
            let as_name = random.pick(&["A", "B", "Other", "Kit", "default", "Own"]);
            if self.can_export(as_name) {
                self.add(&format!("export {{ {name} as {as_name} }};"));
            }
        } else if random.one_in(8) && self.can_export("default") {
            self.add(&format!("export default {name};"));
        }
    }

    fn re_export(&mut self, from: &str, random: &mut Random) {
        let imported = random.pick(&["A", "B", "C", "A1", "Other", "Kit", "default"]);
        let exported = random.pick(&["A", "B", "C", "D", "Other", "default"]);
        match random.below(5) {
            0 | 1 => self.add(&format!("export * from '{from}';")),
            2 if self.can_export("Kit") => self.add(&format!("export * as Kit from '{from}';")),
            3 if self.can_export(imported) => self.add(&format!("export {{ {imported} }} from '{from}';")),
            _ if self.can_export(exported) => {
                self.add(&format!("export {{ {imported} as {exported} }} from '{from}';"));
            }
            _ => {}
        }
    }
}

/// Modules with made-up imports, exports and elements.
fn make(random: &mut Random) -> Workspace {
    let workspace = Workspace::empty();
    workspace.write("tsconfig.json", r#"{ "compilerOptions": { "paths": { "@/*": ["./*"] } } }"#);
    for module in MODULES {
        let mut made = Made::default();
        for _ in 0..random.below(3) {
            made.declare(random);
        }
        for _ in 0..random.below(5) {
            let from = specifier(module, random.pick(MODULES), random);
            made.import(&from, random);
        }
        for _ in 0..random.below(4) {
            let from = specifier(module, random.pick(MODULES), random);
            made.re_export(&from, random);
        }
        made.add("export {};");
        let (_, extension) = module.rsplit_once('.').unwrap();
        if extension != "ts" {
            let mut elements = Vec::new();
            for _ in 0..random.below(8) {
                let tag = match made.tags.len() {
                    0 => random.pick(NAMES).to_owned(),
                    count => made.tags[random.below(count)].clone(),
                };
                elements.push(match random.below(3) {
                    0 => format!("<{tag} />"),
                    1 => format!("<b><{tag}></{tag}></b>"),
                    _ => format!("{{[<{tag} key='a' />]}}"),
                });
            }
            made.add(&format!("const view = <>{}</>;", elements.concat()));
        }
        workspace.write(module, &made.text);
    }
    workspace
}

#[test]
fn in_made_up_workspaces() {
    let Some(mut typescript) = Node::usages() else { return };
    let mut tally = Tally::default();
    for seed in 0..60 {
        let workspace = make(&mut Random::new(seed));
        let texts = MODULES
            .iter()
            .map(|module| format!("{module}:\n{}", std::fs::read_to_string(workspace.at(module)).unwrap()));
        let what = format!("seed {seed}\n{}", texts.collect::<Vec<_>>().join("\n"));
        compare(&workspace.root, &mut typescript, &mut tally, &what);
    }
    assert!(tally.names > 700 && tally.used > 400 && tally.elements > 1000, "{tally:?}");
}
