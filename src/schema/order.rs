//! The order of the types: as a reader who follows the methods meets them.

use serde_json::{Map, Value};

/// `types`, each where it is first referred to: by a root, or by a type before it.
pub(super) fn in_order_of_use<'roots>(
    mut types: Map<String, Value>,
    roots: impl Iterator<Item = &'roots Value>,
) -> Map<String, Value> {
    let mut ordered = Map::with_capacity(types.len());
    for root in roots {
        visit(root, &mut types, &mut ordered);
    }
    ordered
}

fn visit(schema: &Value, types: &mut Map<String, Value>, ordered: &mut Map<String, Value>) {
    match schema {
        Value::Array(items) => items.iter().for_each(|item| visit(item, types, ordered)),
        Value::Object(object) => {
            let reference = object.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix("#/$defs/"));
            if let Some(name) = reference
                && let Some(found) = types.remove(name)
            {
                ordered.insert(name.to_owned(), found.clone());
                visit(&found, types, ordered);
            }
            object.values().for_each(|value| visit(value, types, ordered));
        }
        _ => {}
    }
}
