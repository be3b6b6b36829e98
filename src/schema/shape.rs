//! A JSON Schema read as a type. Types in other notations are written from it.

use serde_json::{Map, Value};

/// Keywords of JSON Schema that no shape has room for.
const UNKNOWN: [&str; 11] = [
    "allOf",
    "not",
    "if",
    "prefixItems",
    "patternProperties",
    "propertyNames",
    "uniqueItems",
    "multipleOf",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "format",
];

/// A type.
#[derive(Debug)]
pub(super) enum Shape<'schema> {
    /// One of `$defs`.
    Named(&'schema str),
    /// Exactly this value.
    Literal(&'schema Value),
    /// One of several.
    Union(Vec<Alternative<'schema>>),
    /// An array, and how many items it has.
    List(Box<Shape<'schema>>, Bounds<'schema>),
    /// An object with known fields; with none, the empty object.
    Record {
        fields: Vec<Property<'schema>>,
        /// Whether there may be no others.
        closed: bool,
    },
    /// An object with any fields.
    Map(Box<Shape<'schema>>),
    /// Any string, number, …
    Basic(Basic<'schema>),
}

/// A type without parts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Basic<'schema> {
    /// How many characters it has, and what it matches.
    String(Bounds<'schema>, Option<&'schema str>),
    Integer(Bounds<'schema>),
    Number(Bounds<'schema>),
    Boolean,
    Null,
    Any,
}

/// The least and the most there may be, both included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds<'schema> {
    pub(super) least: Option<&'schema Value>,
    pub(super) most: Option<&'schema Value>,
}

/// One type of a union.
#[derive(Debug)]
pub(super) struct Alternative<'schema> {
    pub(super) shape: Shape<'schema>,
    pub(super) description: &'schema str,
}

/// A field of a record.
#[derive(Debug)]
pub(super) struct Property<'schema> {
    pub(super) name: &'schema str,
    pub(super) shape: Shape<'schema>,
    pub(super) description: &'schema str,
    pub(super) required: bool,
    /// What its absence means.
    pub(super) default: Option<&'schema Value>,
}

impl<'schema> Shape<'schema> {
    /// Reads a schema. Knows what schemars makes of the contract's types; a keyword beyond that is a defect.
    pub(super) fn of(schema: &'schema Value) -> Self {
        let Value::Object(object) = schema else { return Self::Basic(Basic::Any) };
        debug_assert!(
            !UNKNOWN.iter().any(|key| object.contains_key(*key)),
            "a keyword that cannot be written as a type: {schema}"
        );
        if let Some(name) = object.get("$ref").and_then(Value::as_str) {
            return Self::Named(name.trim_start_matches("#/$defs/"));
        }
        if let Some(value) = object.get("const") {
            return Self::Literal(value);
        }
        if let Some(Value::Array(values)) = object.get("enum") {
            return Self::union(values.iter().map(Self::Literal));
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(Value::Array(schemas)) = object.get(key) {
                debug_assert!(!object.contains_key("properties"), "fields beside alternatives: {schema}");
                let alternatives = schemas.iter();
                return Self::Union(
                    alternatives
                        .map(|schema| Alternative { shape: Self::of(schema), description: text(schema) })
                        .collect(),
                );
            }
        }
        match object.get("type") {
            Some(Value::String(word)) => Self::of_type(word, object),
            Some(Value::Array(words)) => {
                Self::union(words.iter().filter_map(Value::as_str).map(|word| Self::of_type(word, object)))
            }
            _ => Self::Basic(Basic::Any),
        }
    }

    fn union(shapes: impl Iterator<Item = Self>) -> Self {
        Self::Union(shapes.map(|shape| Alternative { shape, description: "" }).collect())
    }

    fn of_type(word: &str, object: &'schema Map<String, Value>) -> Self {
        match word {
            "string" => {
                let pattern = object.get("pattern").and_then(Value::as_str);
                Self::Basic(Basic::String(Bounds::of(object, "minLength", "maxLength"), pattern))
            }
            "integer" => Self::Basic(Basic::Integer(Bounds::of(object, "minimum", "maximum"))),
            "number" => Self::Basic(Basic::Number(Bounds::of(object, "minimum", "maximum"))),
            "boolean" => Self::Basic(Basic::Boolean),
            "null" => Self::Basic(Basic::Null),
            "array" => {
                let item = object.get("items").map_or(Self::Basic(Basic::Any), Self::of);
                Self::List(Box::new(item), Bounds::of(object, "minItems", "maxItems"))
            }
            "object" => Self::of_object(object),
            _ => Self::Basic(Basic::Any),
        }
    }

    fn of_object(object: &'schema Map<String, Value>) -> Self {
        let required = object.get("required").and_then(Value::as_array);
        let closed = object.get("additionalProperties") == Some(&Value::Bool(false));
        if let Some(Value::Object(properties)) = object.get("properties") {
            let properties = properties.iter().map(|(name, schema)| Property {
                name,
                shape: Self::of(schema),
                description: text(schema),
                required: required.is_some_and(|required| required.iter().any(|required| required == name)),
                default: schema.get("default"),
            });
            return Self::Record { fields: properties.collect(), closed };
        }
        match object.get("additionalProperties") {
            Some(Value::Bool(false)) => Self::Record { fields: Vec::new(), closed },
            Some(schema) => Self::Map(Box::new(Self::of(schema))),
            None => Self::Map(Box::new(Self::Basic(Basic::Any))),
        }
    }
}

impl<'schema> Bounds<'schema> {
    fn of(object: &'schema Map<String, Value>, least: &str, most: &str) -> Self {
        Self { least: object.get(least), most: object.get(most) }
    }
}

/// The description of a schema, or nothing.
pub(super) fn text(schema: &Value) -> &str {
    schema.get("description").and_then(Value::as_str).unwrap_or_default()
}

/// The entries of an object in a schema, or nothing.
pub(super) fn entries<'schema>(
    schema: &'schema Value,
    key: &str,
) -> impl Iterator<Item = (&'schema str, &'schema Value)> + use<'schema> {
    schema.get(key).and_then(Value::as_object).into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}
