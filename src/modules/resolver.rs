//! What a specifier leads to: as TypeScript resolves it with `"moduleResolution": "bundler"`, and where TypeScript knows
//! nothing (styles, images, code without types), as bundlers do.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use oxc_resolver::{
    Resolution, ResolveContext, ResolveError, ResolveOptions, ResolverGeneric, TsConfig, TsconfigDiscovery,
};

use super::looks::{Disk, Looks, Place};
use super::manifest::MAX_TEXT;
use crate::fs::Kind;
use crate::path::RelPath;
use crate::protocol::modules::ReferenceKind;

/// What a specifier leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A file of the workspace, outside `node_modules`; perhaps an ignored one.
    File(RelPath),
    /// A package by its name.
    Package(Arc<str>),
    /// Nothing.
    Nowhere,
}

/// Resolves specifiers over what was seen on disk, which it adds to.
pub(super) struct Resolver {
    looks: Arc<Looks>,
    /// For `import`.
    import: ResolverGeneric<Disk>,
    /// For `require`.
    require: ResolverGeneric<Disk>,
    /// As bundlers do, for what TypeScript does not find.
    bundler: ResolverGeneric<Disk>,
    /// For configurations that extend what cannot be read: by themselves.
    alone: ResolverGeneric<Disk>,
}

impl Resolver {
    pub(super) fn new(looks: Looks) -> Self {
        let looks = Arc::new(looks);
        let disk = |extends| Disk { looks: Arc::clone(&looks), extends };
        let import = ResolverGeneric::new_with_file_system(disk(true), options(&["types", "import"]));
        let require = import.clone_with_options(options(&["types", "require"]));
        let conditions = ["types", "import", "require", "module", "browser", "development", "style", "node"];
        let bundler = import.clone_with_options(ResolveOptions { builtin_modules: true, ..options(&conditions) });
        let alone = ResolverGeneric::new_with_file_system(disk(false), options(&[]));
        Self { looks, import, require, bundler, alone }
    }

    pub(super) fn looks(&self) -> &Looks {
        &self.looks
    }

    /// What `source` leads to in the file `from`.
    pub(super) fn resolve(&self, from: &RelPath, source: &str, kind: ReferenceKind) -> Target {
        // What is longer could become a path too deep for the resolver.
        if source.is_empty() || source.len() > MAX_TEXT {
            return Target::Nowhere;
        }
        let file = self.looks.absolute(from);
        let Some(directory) = file.parent() else { return Target::Nowhere };
        let config = self.config(&file);
        let typescript = if kind == ReferenceKind::Require { &self.require } else { &self.import };
        let resolve = |resolver: &ResolverGeneric<Disk>| {
            // What this remembers is not looked at: `looks` does.
            let mut context = ResolveContext::default();
            resolver.resolve_with_context(directory, source, config.as_deref(), &mut context)
        };
        let package = package_of(source);
        let found = |path: &Path| self.target(path, from, package);
        if let Some(target) = resolve(typescript).ok().and_then(|resolution| found(resolution.path())) {
            return target;
        }
        // Types of packages that have none, by themselves or for older compilers.
        let declared = |source: &str| typescript.resolve_dts(&file, source).ok().map(Resolution::into_path_buf);
        if let Some(path) = declared(source)
            // For a part that a package does not have, this gives the package.
            && package.is_none_or(|name| name == source || declared(name).as_ref() != Some(&path))
            && let Some(target) = found(&path)
        {
            return target;
        }
        match resolve(&self.bundler) {
            Ok(resolution) => found(resolution.path()),
            Err(ResolveError::Builtin { resolved, .. }) => Some(Target::Package(resolved.into())),
            Err(_) => None,
        }
        .or_else(|| {
            let name = package.filter(|name| self.installed(from, name) == Some(Installed::Elsewhere))?;
            Some(Target::Package(name.into()))
        })
        .unwrap_or(Target::Nowhere)
    }

    /// The `tsconfig.json` that a file belongs to; where none claims it, the nearest.
    fn config(&self, file: &Path) -> Option<Arc<TsConfig>> {
        let owner = |resolver: &ResolverGeneric<Disk>| {
            resolver.find_tsconfig(file).transpose().or_else(|| {
                let is_there = |directory: &&Path| {
                    let config = self.looks.relative(&directory.join("tsconfig.json"));
                    config.and_then(|path| self.looks.find(&path)).is_some_and(|found| matches!(found, Place::File(_)))
                };
                let nearest = file.ancestors().skip(1).find(is_there)?;
                Some(resolver.resolve_tsconfig(nearest.join("tsconfig.json")))
            })
        };
        match owner(&self.import)? {
            Ok(config) => Some(config),
            Err(problem) => {
                tracing::debug!("a tsconfig.json cannot be used as it is: {problem}");
                owner(&self.alone)?.ok()
            }
        }
    }

    /// What was found; `None` if it is no file after all.
    fn target(&self, path: &Path, from: &RelPath, package: Option<&str>) -> Option<Target> {
        let Place::File(path) = self.looks.find(&self.looks.relative(path)?)? else { return None };
        let Some(holder) = holder(path.as_str()) else { return Some(Target::File(path)) };
        // The name that was written, if it is one of a package: the real path may have another.
        let name = package.filter(|name| self.installed(from, name).is_some()).unwrap_or(&holder);
        Some(Target::Package(name.into()))
    }

    /// Whether a package lies in a `node_modules` directory above a file.
    fn installed(&self, from: &RelPath, name: &str) -> Option<Installed> {
        let above: Vec<&str> = std::iter::once("").chain(from.ancestors()).collect();
        let types = format!("@types/{}", name.trim_start_matches('@').replacen('/', "__", 1));
        above.iter().rev().find_map(|directory| {
            let start = if directory.is_empty() { String::new() } else { format!("{directory}/") };
            [name, types.as_str()].into_iter().find_map(|name| {
                let path = format!("{start}node_modules/{name}");
                match (self.looks.kind(&path)?, self.looks.find(&path)) {
                    (Kind::Symlink, None) => Some(Installed::Elsewhere),
                    (_, Some(Place::Directory(_))) => Some(Installed::Here),
                    _ => None,
                }
            })
        })
    }
}

/// Where a package lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Installed {
    /// In the workspace.
    Here,
    /// Behind a symbolic link that leads out of it, or nowhere.
    Elsewhere,
}

fn options(conditions: &[&str]) -> ResolveOptions {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let alias = |extension: &str, others: &[&str]| (extension.to_owned(), texts(others));
    ResolveOptions {
        tsconfig: Some(TsconfigDiscovery::Auto),
        condition_names: texts(conditions),
        // What is compiled is there as it is written.
        extension_alias: vec![
            alias(".js", &[".ts", ".tsx", ".d.ts", ".js", ".jsx"]),
            alias(".jsx", &[".tsx", ".ts", ".d.ts", ".jsx", ".js"]),
            alias(".mjs", &[".mts", ".d.mts", ".mjs"]),
            alias(".cjs", &[".cts", ".d.cts", ".cjs"]),
        ],
        extensions: texts(&[".ts", ".tsx", ".d.ts", ".js", ".jsx", ".mts", ".mjs", ".cts", ".cjs"]),
        main_fields: texts(&["typings", "types", "module", "main"]),
        // Of the environment of this process.
        node_path: false,
        ..ResolveOptions::default()
    }
}

/// The package that a specifier names, if it may be one.
fn package_of(source: &str) -> Option<&str> {
    if source.starts_with(['.', '/', '#', '\\']) || source.contains(':') {
        return None;
    }
    let scoped = usize::from(source.starts_with('@'));
    let end = source.match_indices('/').nth(scoped).map_or(source.len(), |(at, _)| at);
    let name = &source[..end];
    (scoped == 0 || name.contains('/')).then_some(name)
}

/// The name of the package that a file lies in, if it lies in `node_modules`.
fn holder(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').collect();
    let at = parts.iter().rposition(|part| *part == "node_modules")?;
    let mut parts = parts[at + 1..].iter().copied();
    let first = parts.next()?;
    let name = match (first, parts.next()) {
        ("@types", Some(name)) => match name.split_once("__") {
            Some((scope, name)) => format!("@{scope}/{name}"),
            None => name.to_owned(),
        },
        (scope, Some(name)) if scope.starts_with('@') => format!("{scope}/{name}"),
        _ => first.to_owned(),
    };
    Some(name)
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("looks", &self.looks).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_packages() {
        for (source, name) in [
            ("a", Some("a")),
            ("a/b/c", Some("a")),
            ("@a/b", Some("@a/b")),
            ("@a/b/c", Some("@a/b")),
            ("@a", None),
            ("./a", None),
            ("../a", None),
            ("/a", None),
            ("#a", None),
            ("node:fs", None),
            ("https://a.b/c", None),
        ] {
            assert_eq!(package_of(source), name, "{source}");
        }
        for (path, name) in [
            ("node_modules/a/b.js", Some("a")),
            ("node_modules/@a/b/c.js", Some("@a/b")),
            ("x/node_modules/a/node_modules/b/c.js", Some("b")),
            ("node_modules/.pnpm/a@1/node_modules/@b/c/d.js", Some("@b/c")),
            ("node_modules/@types/a/index.d.ts", Some("a")),
            ("node_modules/@types/a__b/index.d.ts", Some("@a/b")),
            ("node_modules/a.js", Some("a.js")),
            ("node_modules/a/my_node_modules/b.js", Some("a")),
            ("my_node_modules/a/b.js", None),
            ("src/a.js", None),
        ] {
            assert_eq!(holder(path).as_deref(), name, "{path}");
        }
    }
}
