//! `package.json` and `tsconfig.json`, made safe for the resolver.
//!
//! The resolver walks up every path it meets by recursion, and lets one broken manifest fail whatever lies beneath it. So
//! it only gets to see manifests that are JSON, of these what it needs, and no text that could become a path too deep
//! for its stack.

use serde_json::{Map, Value};

/// A longer file is no manifest.
pub(super) const MAX_BYTES: u64 = 1 << 20;
/// A field with a longer text is left out.
pub(super) const MAX_TEXT: usize = 1024;
/// So is one with more stars: each is replaced by a part of the specifier.
const MAX_STARS: usize = 4;

/// What of a `package.json` tells what its modules are.
const PACKAGE: [&str; 8] = ["name", "main", "module", "types", "typings", "typesVersions", "exports", "imports"];
/// What of a `tsconfig.json` tells what it is for, beside `compilerOptions`.
const PROJECT: [&str; 5] = ["extends", "files", "include", "exclude", "references"];
/// What of `compilerOptions` tells what modules are.
const OPTIONS: [&str; 6] = ["baseUrl", "paths", "rootDirs", "allowJs", "outDir", "declarationDir"];

/// A `package.json`, if it is one.
pub(super) fn package(bytes: &[u8]) -> Option<Vec<u8>> {
    let fields = object(serde_json::from_slice(without_mark(bytes)).ok()?)?;
    serde_json::to_vec(&only(fields, &PACKAGE)).ok()
}

/// A `tsconfig.json` without its comments, if it is one; with what it `extends` or without.
pub(super) fn tsconfig(bytes: &[u8], extends: bool) -> Option<String> {
    let mut bytes = without_mark(bytes).to_vec();
    json_strip_comments::strip_slice(&mut bytes).ok()?;
    if bytes.trim_ascii().is_empty() {
        return Some("{}".to_owned());
    }
    let mut fields = object(serde_json::from_slice(&bytes).ok()?)?;
    let options = fields.remove("compilerOptions").and_then(object);
    let mut fields = only(fields, &PROJECT);
    if !extends {
        fields.remove("extends");
    }
    if let Some(options) = options {
        fields.insert("compilerOptions".to_owned(), only(options, &OPTIONS).into());
    }
    serde_json::to_string(&fields).ok()
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)
}

fn object(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(fields) => Some(fields),
        _ => None,
    }
}

/// Of some fields, those that are wanted and sane. One that is `null` is not there, which the resolver does not know.
fn only(fields: Map<String, Value>, wanted: &[&str]) -> Map<String, Value> {
    fields.into_iter().filter(|(name, value)| wanted.contains(&&**name) && !value.is_null() && is_sane(value)).collect()
}

/// Recurses no deeper than the parser, which gives up at 128 levels.
fn is_sane(value: &Value) -> bool {
    let short = |text: &str| text.len() <= MAX_TEXT && text.bytes().filter(|byte| *byte == b'*').count() <= MAX_STARS;
    match value {
        Value::String(text) => short(text),
        Value::Array(items) => items.iter().all(is_sane),
        Value::Object(fields) => fields.iter().all(|(name, value)| short(name) && is_sane(value)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package_of(text: &str) -> Option<String> {
        package(text.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn what_is_no_manifest_is_not_seen() {
        let deep = format!("{{\"a\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        for bad in ["", " ", "{", "[]", "1", "{\"a\": 1} x", "// a\n{}", &deep] {
            assert_eq!(package_of(bad), None, "{bad:.40}");
        }
        for bad in ["{", "[]", &deep] {
            assert_eq!(tsconfig(bad.as_bytes(), true), None, "{bad:.40}");
        }
    }

    #[test]
    fn what_could_become_too_deep_a_path_is_left_out() {
        let text = "a/".repeat(1000);
        let long = format!("\u{feff}{{\"name\": \"a\", \"description\": \"{text}\", \"main\": \"./{text}\"}}");
        assert_eq!(package_of(&long).as_deref(), Some(r#"{"name":"a"}"#));
        let stars = format!("{{\"exports\": {{\"./*\": \"./{}\"}}, \"main\": \"b\"}}", "*/".repeat(100));
        assert_eq!(package_of(&stars).as_deref(), Some(r#"{"main":"b"}"#));
    }

    #[test]
    fn comments_and_trailing_commas() {
        let text = "\u{feff}// a\n{ \"extends\": \"./b\", /* \" */ \"compilerOptions\": { \"baseUrl\": \"//\", \"strict\": 1, }, }";
        let with = r#"{"extends":"./b","compilerOptions":{"baseUrl":"//"}}"#;
        assert_eq!(tsconfig(text.as_bytes(), true).as_deref(), Some(with));
        let without = r#"{"compilerOptions":{"baseUrl":"//"}}"#;
        assert_eq!(tsconfig(text.as_bytes(), false).as_deref(), Some(without));
        assert_eq!(tsconfig(b" // nothing", true).as_deref(), Some("{}"));
    }
}
