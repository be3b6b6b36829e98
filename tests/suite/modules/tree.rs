//! A workspace in which modules are found in every way there is.

use std::path::Path;

use crate::fixtures::{Workspace, link};

/// Paths and contents.
const FILES: &[(&str, &str)] = &[
    (".gitignore", "node_modules/\n*.gen.ts\ndist/\n"),
    (
        "package.json",
        r##"{ "name": "mill", "workspaces": ["packages/*"], "imports": { "#own/*": "./src/own/*.ts", "#dep": "plain" } }"##,
    ),
    (
        "tsconfig.base.json",
        r#"{ "compilerOptions": { "paths": { "@/*": ["./src/*"], "exact": ["./src/exact/index.ts"], "@/deep/*": ["./src/other/*", "./src/deep/*"] } } }"#,
    ),
    ("tsconfig.json", "// comments\n{ \"extends\": \"./tsconfig.base.json\", \"include\": [\"src\", \"packages\"], }"),
    // Relative, extensions, index files.
    (
        "src/main.ts",
        "import './a'; import './a.js'; import './a.ts'; import './b'; import './b.jsx'; import './c.mjs'; import './d.cjs';\n\
         import './types'; import './js'; import './js.js'; import './folder'; import './folder/'; import './folder/index';\n\
         import '.'; import './pkg'; import './both'; import './data.json'; import './dotted.name'; import './style.css';\n\
         import './picture.svg?url'; import './nowhere'; import './nowhere.js'; import '../src/a'; import './made.gen';\n\
         import './declared.css'; import './A';",
    ),
    (
        "src/index.ts",
        "export * from './a'; export { b } from './b'; export type { T } from './types'; export * as c from './c.mjs';",
    ),
    ("src/a.ts", "import { z } from './z'; export const a = z;"),
    ("src/z.ts", "import { a } from './a'; export const z = () => a;"),
    ("src/b.tsx", "export const b = <b />;"),
    ("src/c.mts", "export const c = 1;"),
    ("src/d.cts", "export const d = 1;"),
    ("src/types.d.ts", "export type T = import('./a').A;"),
    ("src/js.js", "exports.a = require('./a'); require(`./b`); require('./folder');"),
    ("src/folder/index.tsx", "import '../a'; import '..'; import '../..';"),
    ("src/pkg/package.json", r#"{ "types": "./lib/entry.ts", "main": "./lib/other.js" }"#),
    ("src/pkg/lib/entry.ts", "export const entry = 1;"),
    ("src/pkg/lib/other.js", ""),
    ("src/both.ts", "export {};"),
    ("src/both/index.ts", "export {};"),
    ("src/data.json", "{}"),
    ("src/dotted.name.ts", "export {};"),
    ("src/style.css", ""),
    ("src/picture.svg", ""),
    ("src/declared.d.css.ts", "export {};"),
    ("src/made.gen.ts", "import './a';"),
    // Aliases.
    (
        "src/alias.ts",
        "import '@/a'; import '@/folder'; import '@/style.css'; import '@/nowhere'; import 'exact'; import '@/deep/one';\n\
         import '@/deep/two'; import '#own/thing'; import '#own/nothing'; import '#dep'; import '#undefined'; import '@/b.js';",
    ),
    ("src/exact/index.ts", "export {};"),
    ("src/other/one.ts", "export {};"),
    ("src/deep/one.ts", "export {};"),
    ("src/deep/two.ts", "export {};"),
    ("src/own/thing.ts", "export {};"),
    // Packages.
    (
        "src/packages.ts",
        "import 'plain'; import 'plain/sub'; import 'plain/nowhere'; import '@scope/typed'; import 'typed-elsewhere';\n\
         import '@scope/elsewhere/sub'; import 'absent'; import '@scope/absent'; import 'fs'; import 'node:fs/promises'; import 'events';\n\
         import 'exported'; import 'exported/feature'; import 'exported/hidden'; import 'exported/wild/x'; import 'old-types/sub';\n\
         import { type X } from 'estree'; import 'https://example.com/x.js'; import 'virtual:x'; import '/src/a'; import 'up';",
    ),
    (
        "src/required.cts",
        "import a = require('conditional'); const b = require('conditional'); import('conditional'); import 'plain';",
    ),
    ("node_modules/plain/package.json", r#"{ "name": "plain", "main": "main" }"#),
    ("node_modules/plain/main.js", ""),
    ("node_modules/plain/sub/index.js", ""),
    ("node_modules/@scope/typed/package.json", r#"{ "types": "types/index.d.ts" }"#),
    ("node_modules/@scope/typed/types/index.d.ts", "export {};"),
    ("node_modules/typed-elsewhere/index.js", ""),
    ("node_modules/@types/typed-elsewhere/index.d.ts", "export {};"),
    ("node_modules/@types/estree/index.d.ts", "export {};"),
    ("node_modules/@types/scope__elsewhere/sub.d.ts", "export {};"),
    ("node_modules/events/index.js", ""),
    (
        "node_modules/exported/package.json",
        r#"{ "exports": { ".": { "types": "./index.d.ts", "default": "./index.js" }, "./feature": ["./feature.js"], "./wild/*": "./w/*.js" } }"#,
    ),
    ("node_modules/exported/index.d.ts", "export {};"),
    ("node_modules/exported/index.js", ""),
    ("node_modules/exported/feature.js", ""),
    ("node_modules/exported/feature.d.ts", ""),
    ("node_modules/exported/hidden.js", ""),
    ("node_modules/exported/w/x.js", ""),
    (
        "node_modules/conditional/package.json",
        r#"{ "exports": { "import": "./import.mjs", "require": "./require.cjs" } }"#,
    ),
    ("node_modules/conditional/import.mjs", ""),
    ("node_modules/conditional/require.cjs", ""),
    ("node_modules/old-types/package.json", r#"{ "typesVersions": { "*": { "*": ["ts/*"] } } }"#),
    ("node_modules/old-types/ts/sub.d.ts", "export {};"),
    // Packages of the workspace.
    (
        "src/workspace.ts",
        "import '@mill/stone'; import '@mill/stone/grain'; import '@mill/stone/hidden'; import '@mill/wheel'; import '@mill/wheel/src/part';\n\
         import '@mill/unbuilt'; import '@mill/out';",
    ),
    (
        "packages/stone/package.json",
        r##"{ "name": "@mill/stone", "exports": { ".": { "types": "./src/index.ts", "import": "./dist/index.js" }, "./grain": "./src/grain.ts" }, "imports": { "#inner": "./src/inner.ts" } }"##,
    ),
    (
        "packages/stone/src/index.ts",
        "import '@mill/stone/grain'; import '#inner'; import '@mill/wheel'; import '@/a'; import './inner';",
    ),
    ("packages/stone/src/grain.ts", "export {};"),
    ("packages/stone/src/inner.ts", "export {};"),
    ("packages/wheel/package.json", r#"{ "name": "@mill/wheel", "main": "src/index.ts" }"#),
    ("packages/wheel/tsconfig.json", r#"{ "compilerOptions": { "baseUrl": "./src", "paths": { "~/*": ["./*"] } } }"#),
    ("packages/wheel/src/index.ts", "import 'part'; import '~/part'; import '@/a'; import 'plain'; import 'local';"),
    ("packages/wheel/src/part.ts", "export {};"),
    ("packages/wheel/node_modules/local/index.js", ""),
    ("packages/unbuilt/package.json", r#"{ "name": "@mill/unbuilt", "exports": "./dist/index.js" }"#),
];

/// Symbolic links, and what they hold.
const LINKS: &[(&str, &str)] = &[
    ("node_modules/@mill/stone", "../../packages/stone"),
    ("node_modules/@mill/wheel", "../../packages/wheel"),
    ("node_modules/@mill/unbuilt", "../../packages/unbuilt"),
    // As pnpm has them.
    ("node_modules/up", ".store/up@1/node_modules/real"),
];

/// Makes it; `None` where there can be no links.
pub(super) fn make() -> Option<Workspace> {
    let workspace = Workspace::empty();
    for (path, content) in FILES {
        workspace.write(path, content);
    }
    workspace.write("node_modules/.store/up@1/node_modules/real/index.js", "");
    for (at, target) in LINKS {
        let at = workspace.at(at);
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        link(Path::new(target), &at).ok()?;
    }
    Some(workspace)
}
