//! Every wrong type for every field of every method.

use serde_json::{Value, json};

use crate::fixtures;
use crate::harness::Sidecar;
use crate::methods::{Type, all};

/// Whether a field of this type may hold the value.
fn allowed(kind: Type, value: &Value) -> bool {
    match kind {
        Type::Bool | Type::BoolOrWord => value.is_boolean(),
        Type::Count => value.is_u64(),
        Type::Text => value.is_string(),
        Type::Texts => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
        Type::Words | Type::Objects => value.as_array().is_some_and(Vec::is_empty),
        Type::Word | Type::Range => false,
    }
}

#[test]
fn the_table_has_every_method() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let ready = sidecar.wait_event("ready");
    let mut known: Vec<&str> = all().iter().map(|method| method.name).collect();
    known.push("shutdown");
    // Methods that are newer than this table are tested elsewhere.
    for method in known {
        assert!(ready["methods"].as_array().unwrap().contains(&json!(method)), "{method} is not served");
    }
    for method in all() {
        sidecar.request(method.name, method.params());
        sidecar.request(method.name, method.least());
    }
    sidecar.finish();
}

#[test]
fn wrong_types_are_named() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let mut sent = Vec::new();
    let wrong = [
        json!(null),
        json!(true),
        json!(1.5),
        json!(-1),
        json!("x"),
        json!([]),
        json!({}),
        json!([null]),
        json!([["x"]]),
        json!([1, 2]),
        json!({ "start": 2, "end": 1 }),
        json!({ "start": 0, "end": 1, "middle": 0 }),
    ];
    for method in all() {
        for (field, kind, _) in &method.fields {
            for value in wrong.iter().filter(|value| !allowed(*kind, value)) {
                let mut params = method.params();
                params[field] = value.clone();
                sent.push((sidecar.send(method.name, params), method.name, *field, value.clone()));
            }
        }
    }
    for (id, method, field, value) in sent {
        let error = sidecar.error(&id);
        assert_eq!(error["code"], "invalid_params", "{method} {field} = {value}: {error}");
        assert!(error["message"].as_str().unwrap().contains(field), "{method} {field} = {value}: {error}");
    }
    sidecar.request("ping", json!({}));
    sidecar.finish();
}

#[test]
fn missing_and_unknown_fields_are_named() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for method in all() {
        for field in method.required {
            let mut params = method.params();
            params.as_object_mut().unwrap().remove(*field);
            let error = sidecar.expect_error(method.name, params, "invalid_params");
            assert!(error["message"].as_str().unwrap().contains(field), "{error}");
        }
        let mut params = method.params();
        params["noSuchField"] = json!(1);
        let error = sidecar.expect_error(method.name, params, "invalid_params");
        assert!(error["message"].as_str().unwrap().contains("noSuchField"), "{error}");
        for params in [json!(null), json!([]), json!("x"), json!(1), json!(true)] {
            let error = sidecar.expect_error(method.name, params, "invalid_params");
            assert!(error["message"].as_str().unwrap().contains("params"), "{error}");
        }
    }
    sidecar.finish();
}
