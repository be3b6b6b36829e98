//! Trees made to lead a resolver astray.

use std::path::Path;

use serde_json::{Value, json};

use crate::fixtures::{Workspace, link};
use crate::harness::Sidecar;

/// What the references of `a.ts` lead to, in their order: paths, packages in brackets; unresolved ones are left out.
fn targets(workspace: &Workspace) -> Vec<String> {
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let graph = sidecar.request("moduleGraph", json!({ "paths": ["a.ts"], "depth": 1 }));
    sidecar.finish();
    let shown = |edge: &Value| match edge["to"].as_str() {
        Some(path) => path.to_owned(),
        None => format!("[{}]", edge["package"].as_str().unwrap()),
    };
    graph["edges"].as_array().unwrap().iter().map(shown).collect()
}

#[test]
fn nothing_leads_outside() {
    let workspace = Workspace::empty();
    std::fs::create_dir_all(workspace.outer().join("outside/node_modules/beyond")).unwrap();
    for file in ["outside/secret.ts", "outside/node_modules/beyond/index.js", "outside/package.json"] {
        std::fs::write(workspace.outer().join(file), "{}").unwrap();
    }
    std::fs::write(workspace.outer().join("tsconfig.json"), r#"{ "compilerOptions": { "paths": { "*": ["./*"] } } }"#)
        .unwrap();
    workspace.write(
        "a.ts",
        "import '../outside/secret'; import '../workspace/b'; import 'escapes'; import 'climbs'; import 'linked'; import './out/secret';
         import 'secret'; import 'alias/secret'; import 'beyond'; import 'inside'; import './in/b'; import 'dangling'; import './b';",
    );
    workspace.write("b.ts", "");
    workspace.write("tsconfig.json", r#"{ "compilerOptions": { "paths": { "alias/*": ["../outside/*"] } } }"#);
    workspace.write("node_modules/escapes/package.json", r#"{ "exports": "./../../../outside/secret.ts" }"#);
    workspace.write("node_modules/climbs/package.json", r#"{ "main": "../../../outside/secret.ts" }"#);
    workspace.write("packages/inside/index.ts", "");
    let links = [
        ("node_modules/linked", "../../outside"),
        ("node_modules/dangling", "../nowhere"),
        ("node_modules/inside", "../packages/inside"),
        ("out", "../outside"),
        ("in", "."),
    ];
    for (at, target) in links {
        if link(Path::new(target), &workspace.at(at)).is_err() {
            return;
        }
    }
    let found = targets(&workspace);
    // A link in `node_modules` is a package that somebody put there, wherever it leads.
    assert_eq!(found, ["b.ts", "[linked]", "packages/inside/index.ts", "b.ts", "[dangling]", "b.ts"]);
}

#[test]
fn absolute_links_are_followed_inside() {
    let workspace = Workspace::empty();
    workspace.write("a.ts", "import 'p'; import './link/p/index'; import './file'");
    workspace.write("packages/p/index.ts", "");
    workspace.write("node_modules/.keep", "");
    let root = std::fs::canonicalize(&workspace.root).unwrap();
    for (at, target) in [("node_modules/p", "packages/p"), ("link", "packages"), ("file.ts", "packages/p/index.ts")] {
        if link(&root.join(target), &workspace.at(at)).is_err() {
            return;
        }
    }
    assert_eq!(targets(&workspace), ["packages/p/index.ts"; 3]);
}

#[test]
fn circles_end() {
    let workspace = Workspace::empty();
    workspace.write(
        "a.ts",
        "import './x/b'; import 'y'; import '@/b'; import 'z'; import './b'; import './up/up/up/b'; import './chain0'",
    );
    workspace.write("b.ts", "");
    workspace
        .write("tsconfig.json", r#"{ "extends": "./other.json", "compilerOptions": { "paths": { "@/*": ["./*"] } } }"#);
    workspace.write("other.json", r#"{ "extends": "./tsconfig.json" }"#);
    workspace.write("node_modules/z/package.json", r##"{ "exports": { ".": "./z.js" }, "imports": { "#a": "#a" } }"##);
    workspace.write(
        "package.json",
        r##"{ "name": "z", "imports": { "#a": "#b", "#b": "#a" }, "exports": { ".": "./b.ts" } }"##,
    );
    let mut links =
        vec![("x", "w".to_owned()), ("w", "x".to_owned()), ("node_modules/y", "y".to_owned()), ("up", ".".to_owned())];
    let chain: Vec<String> = (0..5000).map(|at| format!("chain{at}.ts")).collect();
    links.extend(chain.windows(2).map(|pair| (&*pair[0], pair[1].clone())));
    for (at, target) in &links {
        if link(Path::new(target), &workspace.at(at)).is_err() {
            return;
        }
    }
    workspace.write("chain4999.ts", "");
    assert_eq!(targets(&workspace), ["[y]", "b.ts", "b.ts", "b.ts", "b.ts"]);
}

#[test]
fn broken_manifests_spoil_nothing_else() {
    for broken in [
        "",
        "{",
        "[]",
        "{ \"exports\": null, \"main\": [], \"name\": {} }",
        "{ \"compilerOptions\": 1, \"include\": 2 }",
        "\0",
    ] {
        let workspace = Workspace::empty();
        workspace.write("a.ts", "import './b'; import 'p/c'; import './sub/d'; import '@/b'");
        workspace.write("b.ts", "");
        workspace.write("node_modules/p/c.js", "");
        workspace.write("sub/d.ts", "");
        for manifest in
            ["package.json", "tsconfig.json", "node_modules/p/package.json", "sub/package.json", "sub/tsconfig.json"]
        {
            workspace.write(manifest, broken);
        }
        assert_eq!(targets(&workspace), ["b.ts", "[p]", "sub/d.ts"], "{broken:?}");
    }
}

#[test]
fn a_config_without_what_it_extends_still_counts() {
    let workspace = Workspace::empty();
    workspace.write("a.ts", "import '@/b'");
    workspace.write("src/b.ts", "");
    workspace.write(
        "tsconfig.json",
        r#"{ "extends": "@absent/config", "compilerOptions": { "paths": { "@/*": ["./src/*"] } } }"#,
    );
    assert_eq!(targets(&workspace), ["src/b.ts"]);
}

#[test]
fn long_and_deep_texts_do_no_harm() {
    let workspace = Workspace::empty();
    let long = "a/".repeat(200_000);
    workspace.write(
        "a.ts",
        format!(
            "import './{long}'; import '{long}'; import '#x/{long}'; import 'p/{}'; import './b'; import 'q'",
            "x/".repeat(400)
        ),
    );
    workspace.write("b.ts", "");
    let stars = "*/".repeat(400);
    workspace.write("package.json", format!(r##"{{ "imports": {{ "#x/*": "./{stars}" }}, "name": "n" }}"##));
    workspace.write("node_modules/p/package.json", format!(r#"{{ "exports": {{ "./*": "./{stars}" }} }}"#));
    let deep = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
    workspace.write("node_modules/q/package.json", format!(r#"{{ "main": "./{long}", "exports": {deep} }}"#));
    workspace.write("node_modules/q/index.js", "");
    workspace.write("tsconfig.json", format!(r#"{{ "compilerOptions": {{ "baseUrl": "./{long}" }}, "x": {deep} }}"#));
    assert_eq!(targets(&workspace), ["b.ts", "[q]"]);
}
