//! The JSON Schema of every line in either direction.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::order::in_order_of_use;
use crate::error;
use crate::methods::METHODS;
use crate::protocol::PROTOCOL_VERSION;
use crate::protocol::events::EVENTS;
use crate::protocol::frame::MAX_ID_BYTES;

/// The contract as one JSON Schema document, draft 2020-12.
///
/// The document itself describes any line: a request, a response or an event. `$defs` has every named
/// type; `x-methods` and `x-events` say which of them belong to which method and event.
pub fn json_schema() -> Value {
    // What is read and what is written differ in which fields may be absent, hence two generators.
    let mut read = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    let mut written = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let methods: Vec<_> = METHODS
        .iter()
        .map(|method| {
            let (params, result) = ((method.params_schema)(&mut read), (method.result_schema)(&mut written));
            (method, params.to_value(), result.to_value())
        })
        .collect();
    let events: Vec<_> = EVENTS.iter().map(|event| (event, (event.data_schema)(&mut written).to_value())).collect();
    let error = written.subschema_for::<error::Error>().to_value();

    let mut types = read.take_definitions(false);
    for (name, schema) in written.take_definitions(false) {
        let other = types.insert(name.clone(), schema);
        debug_assert!(
            other.is_none_or(|other| other == types[&name]),
            "{name} is read and written, but not in the same shape"
        );
    }
    types.values_mut().for_each(normalize);

    let request = request(&methods, &types);
    let event = event(&events, &types);
    let results: Vec<_> = methods.iter().map(|(_, _, result)| result.clone()).collect();
    let mut defs = Map::new();
    for (name, schema) in [
        ("Request", request),
        ("RequestId", request_id()),
        ("Response", response()),
        ("Success", success()),
        ("AnyResult", any_of("What any method gives.", &distinct(results))),
        ("Failure", failure(&error)),
        ("Event", event),
    ] {
        debug_assert!(!types.contains_key(name), "{name} is the name of a line's type");
        defs.insert(name.to_owned(), schema);
    }
    let roots = methods.iter().flat_map(|(_, params, result)| [params, result]);
    let roots = roots.chain(events.iter().map(|(_, data)| data)).chain([&error]);
    defs.extend(in_order_of_use(types, roots));

    let of_methods: Map<_, _> = methods
        .iter()
        .map(|(method, params, result)| {
            let value = json!({ "summary": method.summary, "params": params, "result": result });
            (method.name.to_owned(), value)
        })
        .collect();
    let of_events: Map<_, _> = events
        .iter()
        .map(|(event, data)| {
            (event.name.to_owned(), json!({ "description": description_of(data, &defs), "data": data }))
        })
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("workspace-sidecar protocol, version {PROTOCOL_VERSION}"),
        "description": "One line on stdin (a request) or on stdout (a response or an event). Integers are below 2^53. \
                        An optional field is left out, never null. Results, events and errors may gain fields.",
        "anyOf": [reference_to("Request"), reference_to("Response"), reference_to("Event")],
        "x-methods": of_methods,
        "x-events": of_events,
        "$defs": defs,
    })
}

fn reference_to(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn any_of(description: &str, schemas: &[Value]) -> Value {
    json!({ "description": description, "anyOf": schemas })
}

fn distinct(schemas: Vec<Value>) -> Vec<Value> {
    let mut distinct = Vec::with_capacity(schemas.len());
    for schema in schemas {
        if !distinct.contains(&schema) {
            distinct.push(schema);
        }
    }
    distinct
}

/// The definition that a `$ref` names.
fn definition<'defs>(reference: &Value, defs: &'defs Map<String, Value>) -> Option<&'defs Value> {
    let name = reference.get("$ref")?.as_str()?.strip_prefix("#/$defs/")?;
    defs.get(name)
}

fn description_of(reference: &Value, defs: &Map<String, Value>) -> Value {
    definition(reference, defs).and_then(|schema| schema.get("description")).cloned().unwrap_or_default()
}

fn request_id() -> Value {
    json!({
        "description": format!("Chosen by the client, unique among its requests in flight; 1 to {MAX_ID_BYTES} bytes."),
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_ID_BYTES,
    })
}

/// A request, one alternative for each method. Unknown fields beside `params` are ignored, hence allowed.
fn request(methods: &[(&crate::methods::Entry, Value, Value)], types: &Map<String, Value>) -> Value {
    let alternatives = methods.iter().map(|(method, params, _)| {
        let mut required = vec!["id", "method"];
        if definition(params, types).is_some_and(|params| params.get("required").is_some()) {
            required.push("params");
        }
        json!({
            "type": "object",
            "properties": {
                "id": reference_to("RequestId"),
                "method": { "const": method.name },
                "params": params,
                "timeoutMs": { "type": "integer", "minimum": 0 },
            },
            "required": required,
        })
    });
    json!({
        "description": "A line to the sidecar. `timeoutMs` bounds the work: past it, the answer is the error `timeout`. \
                        Every request is answered exactly once, in any order.",
        "oneOf": alternatives.collect::<Vec<_>>(),
    })
}

fn response() -> Value {
    json!({
        "description": "The answer to the request with the same `id`; which method's `result` it has depends on that.",
        "oneOf": [reference_to("Success"), reference_to("Failure")],
    })
}

fn success() -> Value {
    json!({
        "description": "The answer to a request that succeeded.",
        "type": "object",
        "properties": {
            "id": { "description": "The request's.", "$ref": "#/$defs/RequestId" },
            "ok": { "const": true },
            "result": { "description": "What the method gives.", "$ref": "#/$defs/AnyResult" },
        },
        "required": ["id", "ok", "result"],
    })
}

fn failure(error: &Value) -> Value {
    let mut error = error.clone();
    error["description"] = "What went wrong.".into();
    json!({
        "description": "The answer to a request that failed, or to a line that is no request.",
        "type": "object",
        "properties": {
            "id": {
                "description": "The request's; null where the line has no usable one.",
                "anyOf": [reference_to("RequestId"), { "type": "null" }],
            },
            "ok": { "const": false },
            "error": error,
        },
        "required": ["id", "ok", "error"],
    })
}

/// An event, one alternative for each.
fn event(events: &[(&crate::protocol::events::Entry, Value)], types: &Map<String, Value>) -> Value {
    let alternatives = events.iter().map(|(event, data)| {
        json!({
            "description": description_of(data, types),
            "type": "object",
            "properties": { "event": { "const": event.name }, "data": data },
            "required": ["event", "data"],
        })
    });
    json!({
        "description": "A line the sidecar writes without being asked. It never has the key `ok`.",
        "oneOf": alternatives.collect::<Vec<_>>(),
    })
}

/// Brings what schemars made into the contract's terms, at every depth.
fn normalize(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(normalize),
        Value::Object(object) => {
            // Widths of Rust's numbers: no draft knows them, and validators complain.
            if object.get("format").and_then(Value::as_str).is_some_and(is_number_format) {
                object.remove("format");
            }
            if let Some(Value::String(description)) = object.get_mut("description") {
                *description = unwrapped(description);
            }
            object.values_mut().for_each(normalize);
            refuse_null_where_optional(object);
        }
        _ => {}
    }
}

fn is_number_format(format: &str) -> bool {
    ["int", "uint", "float", "double"].iter().any(|kind| format.starts_with(kind))
}

/// A doc comment without the line breaks of its source; paragraphs stay apart.
fn unwrapped(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// What may be left out is left out rather than null: `Option` means the one or the other, never both.
fn refuse_null_where_optional(object: &mut Map<String, Value>) {
    let required = object.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some(Value::Object(properties)) = object.get_mut("properties") else { return };
    for (name, schema) in properties {
        if let Value::Object(schema) = schema
            && !required.iter().any(|required| required == name)
        {
            refuse_null(schema);
        }
    }
}

fn refuse_null(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|word| word != "null");
        if let [word] = types.as_slice() {
            schema["type"] = word.clone();
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    for key in ["anyOf", "oneOf"] {
        let Some(Value::Array(alternatives)) = schema.get_mut(key) else { continue };
        alternatives.retain(|alternative| alternative.get("type").is_none_or(|word| word != "null"));
        if let [Value::Object(only)] = alternatives.as_mut_slice() {
            let only = std::mem::take(only);
            schema.remove(key);
            for (key, value) in only {
                // The property's own description is nearer to it than the type's.
                schema.entry(key).or_insert(value);
            }
        }
    }
}
