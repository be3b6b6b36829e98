//! Which module refers to which, as `moduleGraph` tells it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::path::RelPath;

/// How a source refers to another module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ReferenceKind {
    /// `import … from "…"`
    Value,
    /// `import type … from "…"`, `import("…").T` in a type
    Type,
    /// `import "…"`
    SideEffect,
    /// `export … from "…"`
    ReExport,
    /// `export type … from "…"`
    TypeReExport,
    /// `import("…")`
    Dynamic,
    /// `require("…")`, `import a = require("…")`
    Require,
}

/// A reference of a file of the workspace to a module that was found: a file (`to`) or a package (`package`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ModuleEdge {
    /// The file that refers.
    pub from: RelPath,
    /// The file of the workspace that is referred to, symbolic links resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<RelPath>,
    /// In place of `to`: the package that is referred to, such as `react` or `@scope/name`, which lies in a
    /// `node_modules` directory or outside the workspace; `node:fs` for a module of Node itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The module specifier as written, unescaped.
    pub source: String,
    /// How it refers.
    pub kind: ReferenceKind,
}

/// A reference of a file of the workspace that leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UnresolvedModule {
    /// The file that refers.
    pub from: RelPath,
    /// The module specifier as written, unescaped.
    pub source: String,
}
