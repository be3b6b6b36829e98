//! The committed files are what the types say, and the schema means what it should.

#![expect(clippy::disallowed_methods, reason = "the committed files are no files of a workspace")]

use std::collections::BTreeSet;
use std::path::Path;

use clap::ValueEnum as _;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::shape::{Basic, Shape};
use super::{Format, json_schema, reference, render, typescript, zod};
use crate::error::{Code, Error};
use crate::methods::METHODS;

/// Set to write the files rather than to compare them.
const UPDATE: &str = "UPDATE_PROTOCOL";

#[test]
fn committed_files_are_up_to_date() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol");
    let update = std::env::var_os(UPDATE).is_some();
    let mut stale = Vec::new();
    for format in Format::value_variants() {
        let name = match format {
            Format::Json => "schema.json",
            Format::Typescript => "src/protocol.ts",
            Format::Zod => "src/zod.ts",
            Format::Reference => "REFERENCE.md",
        };
        let (path, generated) = (directory.join(name), render(*format));
        if update {
            std::fs::write(&path, generated).unwrap();
        } else if std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n") != generated {
            stale.push(format!("protocol/{name}"));
        }
    }
    assert!(
        stale.is_empty(),
        "{} differ from what the Rust types say. To write them anew: {UPDATE}=1 cargo test --lib schema",
        stale.join(", ")
    );
}

#[test]
fn examples_are_what_their_methods_take() {
    for method in METHODS {
        let example: &RawValue = serde_json::from_str(method.example).unwrap();
        if let Err(error) = (method.check_params)(example) {
            panic!("the example of `{}`: {error}", method.name);
        }
        let params: Value = serde_json::from_str(method.example).unwrap();
        assert_valid(&json!({ "id": "1", "method": method.name, "params": params }));
    }
}

#[test]
fn is_a_schema() {
    if let Err(error) = jsonschema::meta::validate(&json_schema()) {
        panic!("{}: {error}", error.instance_path());
    }
}

fn validator() -> jsonschema::Validator {
    jsonschema::validator_for(&json_schema()).unwrap()
}

#[track_caller]
fn assert_valid(line: &Value) {
    if let Err(error) = validator().validate(line) {
        panic!("{line} is refused: {error}");
    }
}

#[test]
fn takes_lines_of_every_kind() {
    let lines = [
        json!({ "id": "1", "method": "ping" }),
        json!({ "id": "1", "method": "ping", "params": {}, "timeoutMs": 0, "jsonrpc": "2.0" }),
        json!({ "id": "1", "method": "glob", "params": { "include": [], "sort": "mtime", "consistency": "eventual" } }),
        json!({ "id": "1", "method": "readFile", "params": { "path": "a", "range": { "start": 0, "end": 1 } } }),
        json!({ "id": "1", "method": "search", "params": { "pattern": "a", "caseSensitive": false } }),
        json!({ "id": "1", "method": "search", "params": { "pattern": "a", "caseSensitive": "smart" } }),
        json!({ "id": "1", "ok": true, "result": {} }),
        json!({ "id": "1", "ok": true, "result": { "cancelled": true } }),
        json!({ "id": "1", "ok": true, "result": { "path": "a", "hash": "00", "notModified": true } }),
        json!({ "id": null, "ok": false, "error": Error::new(Code::ParseError, "not JSON") }),
        json!({ "id": "1", "ok": false, "error": Error::new(Code::FileTooLarge, "too large").with("size", 3) }),
        json!({ "event": "progress", "data": { "phase": "scan", "files": 1, "bytes": 2 } }),
        json!({ "event": "progress", "data": { "phase": "index", "files": 1, "filesTotal": 2, "bytes": 2 } }),
        json!({ "event": "fatal", "data": { "code": "not_found", "message": "there is no such directory" } }),
    ];
    lines.iter().for_each(assert_valid);
}

#[test]
fn refuses_lines_that_are_not_in_the_contract() {
    let validator = validator();
    let glob = |params: Value| json!({ "id": "1", "method": "glob", "params": params });
    let lines = [
        json!([]),
        json!({}),
        json!({ "id": "", "method": "ping" }),
        json!({ "id": 1, "method": "ping" }),
        json!({ "id": "1", "method": "writeFile" }),
        json!({ "id": "1", "method": "ping", "params": [] }),
        json!({ "id": "1", "method": "ping", "params": null }),
        json!({ "id": "1", "method": "ping", "params": { "loud": true } }),
        json!({ "id": "1", "method": "ping", "timeoutMs": -1 }),
        json!({ "id": "1", "method": "ping", "timeoutMs": null }),
        json!({ "id": "1", "method": "glob" }),
        glob(json!({})),
        glob(json!({ "include": "*.ts" })),
        glob(json!({ "include": [null] })),
        glob(json!({ "include": [], "follow": true })),
        glob(json!({ "include": [], "exclude": null })),
        glob(json!({ "include": [], "sort": null })),
        glob(json!({ "include": [], "sort": "size" })),
        glob(json!({ "include": [], "limit": 0.5 })),
        glob(json!({ "include": [], "limit": -1 })),
        json!({ "id": "1", "method": "readFile", "params": { "path": "a", "range": [0, 1] } }),
        json!({ "id": "1", "method": "readFile", "params": { "path": "a", "range": { "start": 0, "end": 1, "by": 1 } } }),
        json!({ "id": "1", "method": "search", "params": { "pattern": "a", "caseSensitive": "no" } }),
        json!({ "id": "1", "method": "search", "params": { "pattern": "a", "caseSensitive": null } }),
        json!({ "id": null, "ok": true, "result": {} }),
        json!({ "id": "1", "ok": true }),
        json!({ "id": "1", "ok": false, "result": {} }),
        json!({ "id": "1", "ok": false, "error": { "code": "oops", "message": "" } }),
        json!({ "id": "1", "ok": false, "error": { "code": "internal" } }),
        json!({ "id": "1", "ok": false, "error": { "code": "internal", "message": "", "data": null } }),
        json!({ "event": "progress", "data": { "phase": "scan", "files": 1, "bytes": 2, "filesTotal": null } }),
        json!({ "event": "progress" }),
        json!({ "event": "tick", "data": {} }),
    ];
    for line in lines {
        assert!(!validator.is_valid(&line), "{line} is taken");
    }
}

/// A type is one thing: what is required may be null, what is optional may not.
#[test]
fn null_is_a_value_where_the_field_is_required() {
    let schema = json_schema();
    let element = |change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
        let range = json!({ "start": 0, "end": 1 });
        let mut element = json!({
            "name": "p", "index": 0, "nth": 0, "parent": null, "component": null, "selfClosing": true, "fragment": false,
            "range": range, "openingRange": range, "nameRange": range, "start": { "line": 1, "column": 1 },
            "attributes": [
                { "kind": "attribute", "name": "a", "range": range, "nameRange": range, "value": null },
                { "kind": "spread", "range": range, "text": "x" },
            ],
        });
        change(element.as_object_mut().unwrap());
        json!({ "hash": "00", "language": "tsx", "jsx": [element] })
    };
    let result = json!({ "$ref": "#/$defs/ParseResult", "$defs": schema["$defs"] });
    let validator = jsonschema::validator_for(&result).unwrap();
    assert!(validator.is_valid(&element(&|_| {})));
    for name in ["parent", "component", "attributes"] {
        assert!(!validator.is_valid(&element(&|element| drop(element.remove(name)))), "`{name}` may be absent");
    }
    assert!(!validator.is_valid(&element(&|element| element["attributes"] = Value::Null)));
    assert!(!validator.is_valid(&json!({ "hash": "00", "language": "tsx", "jsx": null })));
    assert!(!validator.is_valid(&json!({ "hash": "00", "language": "tsx", "path": null })));
}

/// Calls `see` with every object of the schema and its place.
fn walk(schema: &Value, place: &str, see: &mut dyn FnMut(&serde_json::Map<String, Value>, &str)) {
    match schema {
        Value::Object(object) => {
            see(object, place);
            object.iter().for_each(|(key, value)| walk(value, &format!("{place}/{key}"), see));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| walk(item, &format!("{place}/{index}"), see));
        }
        _ => {}
    }
}

#[test]
fn optional_fields_are_never_null() {
    walk(&json_schema(), "", &mut |object, place| {
        let required: Vec<_> = object.get("required").and_then(Value::as_array).into_iter().flatten().collect();
        let Some(Value::Object(properties)) = object.get("properties") else { return };
        for (name, schema) in properties {
            let schema = schema.to_string();
            let nullable = schema.contains("\"null\"") && !schema.contains("\"const\"");
            assert!(!nullable || required.iter().any(|required| *required == name), "{place}/{name} may be null");
        }
    });
}

#[test]
fn params_refuse_unknown_fields() {
    let schema = json_schema();
    for (name, method) in schema["x-methods"].as_object().unwrap() {
        let params = method["params"]["$ref"].as_str().unwrap().trim_start_matches('#');
        let params = schema.pointer(params).unwrap();
        assert_eq!(params["additionalProperties"], false, "the params of `{name}`");
    }
}

/// An example of what the shape says, and the same with a list of its values in place of each one of its objects.
fn lists_for_objects(shape: &Shape<'_>, schema: &Value) -> (Value, Vec<Value>) {
    match shape {
        Shape::Named(name) => lists_for_objects(&Shape::of(&schema["$defs"][*name]), schema),
        Shape::Literal(value) => ((*value).clone(), Vec::new()),
        Shape::Union(alternatives) => {
            let all: Vec<_> = alternatives.iter().map(|one| lists_for_objects(&one.shape, schema)).collect();
            (all[0].0.clone(), all.into_iter().flat_map(|(_, lists)| lists).collect())
        }
        Shape::List(items, _) => {
            let (item, lists) = lists_for_objects(items, schema);
            (json!([item]), lists.into_iter().map(|list| json!([list])).collect())
        }
        Shape::Record { fields: properties, .. } => {
            let fields: Vec<_> = properties.iter().map(|field| lists_for_objects(&field.shape, schema)).collect();
            let names = || properties.iter().map(|field| field.name.to_owned());
            let object: Value = names().zip(fields.iter().map(|(value, _)| value.clone())).collect();
            let mut lists = vec![fields.iter().map(|(value, _)| value.clone()).collect()];
            for (name, (_, wrong)) in names().zip(fields) {
                lists.extend(wrong.into_iter().map(|wrong| {
                    let mut object = object.clone();
                    object[&name] = wrong;
                    object
                }));
            }
            (object, lists)
        }
        Shape::Map(_) => panic!("objects with any fields need a case of their own"),
        Shape::Basic(basic) => (
            match basic {
                Basic::String(..) | Basic::Any => json!("a"),
                Basic::Integer(_) | Basic::Number(_) => json!(1),
                Basic::Boolean => json!(true),
                Basic::Null => Value::Null,
            },
            Vec::new(),
        ),
    }
}

#[test]
fn objects_are_no_lists_of_their_values() {
    let schema = json_schema();
    let mut nested = 0;
    for method in METHODS {
        let params = &schema["x-methods"][method.name]["params"];
        let check = |params: &Value| (method.check_params)(&serde_json::value::to_raw_value(params).unwrap());
        let (example, lists) = lists_for_objects(&Shape::of(params), &schema);
        check(&example).unwrap_or_else(|error| panic!("{} {example}: {error}", method.name));
        for list in lists {
            let error = check(&list).expect_err("a list is no object");
            // The field that differs from the example; of a list of all fields, there is none.
            let differs = |(name, value): (&String, &Value)| (*value != example[name]).then(|| name.clone());
            let field = list.as_object().and_then(|fields| fields.iter().find_map(differs));
            nested += usize::from(field.is_some());
            let named = format!("`{}", field.as_deref().unwrap_or("params"));
            let message = &error.message;
            assert_eq!(error.code, Code::InvalidParams, "{} {list}: {message}", method.name);
            assert!(message.starts_with(&named), "{} {list}: {message}", method.name);
            assert!(!message.contains("struct") && !message.contains("enum"), "a Rust type: {message}");
        }
    }
    assert!(nested >= 4, "only {nested} fields of objects");
}

/// Names that a reader of the TypeScript types would take for those of the language.
const TAKEN: [&str; 12] = [
    "Array",
    "Date",
    "Error",
    "Function",
    "Map",
    "Object",
    "Partial",
    "Promise",
    "Record",
    "Set",
    "Symbol",
    "SyntaxError",
];

#[test]
fn names_are_fit_for_others() {
    for (name, schema) in json_schema()["$defs"].as_object().unwrap() {
        assert!(!TAKEN.contains(&name.as_str()), "{name} means something else in TypeScript: rename the type's schema");
        // What schemars does to tell two types of the same name apart.
        assert!(!name.ends_with(|last: char| last.is_ascii_digit()), "two types have the schema name of {name}");
        assert!(schema.get("description").is_some(), "{name} has no doc comment");
    }
}

#[test]
fn everything_is_described() {
    walk(&json_schema()["$defs"], "", &mut |object, place| {
        let envelope = place.starts_with("/Request/") || place.starts_with("/Success") || place.starts_with("/Failure");
        let Some(Value::Object(properties)) = object.get("properties").filter(|_| !envelope) else { return };
        for (name, schema) in properties {
            let tag = schema.get("const").is_some();
            let data = place.starts_with("/Event/");
            assert!(tag || data || schema.get("description").is_some(), "{place}/{name} has no doc comment");
        }
    });
    // Links between Rust items lead nowhere outside the sources.
    for text in [typescript(), zod(), reference(), json_schema().to_string()] {
        let mut links = text.split("`]").skip(1);
        assert!(links.all(|behind| behind.starts_with("(#")), "a link to a Rust item");
    }
}

#[test]
fn links_of_the_reference_lead_somewhere() {
    let text = reference();
    let headings: Vec<_> = text.lines().filter_map(|line| line.strip_prefix('#')).collect();
    let anchors: BTreeSet<_> = headings
        .iter()
        .map(|heading| heading.trim_start_matches('#').trim().replace(' ', "-").to_lowercase())
        .collect();
    assert_eq!(anchors.len(), headings.len(), "two headings are the same");
    for link in text.split("](#").skip(1) {
        let anchor = link.split(')').next().unwrap();
        assert!(anchors.contains(anchor), "#{anchor} is no heading");
    }
}

#[test]
fn comments_end_where_they_should() {
    for text in [typescript(), zod().replace("/* @__PURE__ */", "")] {
        // Outside a comment, nothing of it is left over: a glob such as `**/*.ts` would end one.
        let code: String =
            text.split("/**").skip(1).filter_map(|part| part.split_once("*/")).map(|(_, code)| code).collect();
        assert!(!code.contains('`') && !code.contains("*/"), "a comment ends too early");
        assert!(text.lines().all(|line| !line.ends_with(' ')), "spaces at the end of a line");
    }
}
