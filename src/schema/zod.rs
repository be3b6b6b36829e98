//! The Zod schemas of the contract, a TypeScript module, from the JSON Schema.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::comment::comment;
use super::json_schema;
use super::shape::{Alternative, Basic, Bounds, Property, Shape, entries, text};

/// What the schemas are made with.
const PREFACE: &str = include_str!("preface.ts");

const METHODS: &str = "
/** What each method takes and gives. */
export const methods: {
  readonly [M in keyof types.Methods]: {
    readonly params: z.ZodType<types.Methods[M][\"params\"], types.Methods[M][\"params\"]>;
    readonly result: z.ZodType<types.Methods[M][\"result\"], types.Methods[M][\"result\"]>;
  };
} = {
";

const EVENTS: &str = "
/** What each event tells. */
export const events: {
  readonly [E in keyof types.Events]: z.ZodType<types.Events[E], types.Events[E]>;
} = {
";

/// The contract as a module of Zod schemas.
pub fn zod() -> String {
    let schema = json_schema();
    let mut module = Module { schema: &schema, written: BTreeSet::new(), out: PREFACE.replace("\r\n", "\n") };
    module.definitions();
    module.methods();
    module.events();
    module.out
}

struct Module<'schema> {
    schema: &'schema Value,
    /// The types that are in `out`, or about to be.
    written: BTreeSet<&'schema str>,
    out: String,
}

impl<'schema> Module<'schema> {
    fn definitions(&mut self) {
        for (name, _) in entries(self.schema, "$defs") {
            self.definition(name);
        }
    }

    /// A type, behind those that have to be there when it is made.
    fn definition(&mut self, name: &'schema str) {
        if !self.written.insert(name) {
            return;
        }
        let schema = &self.schema["$defs"][name];
        let shape = Shape::of(schema);
        for needed in needed(&shape) {
            self.definition(needed);
        }
        self.out.push('\n');
        comment(&mut self.out, 0, text(schema), None);
        let of = format!("types.{name}");
        let code = Code { schema: self.schema, of: &of, lazy: false, indent: 0 };
        let _ = match &shape {
            // The type is said here, so that the compiler finds it without the fields, which may lead back to it.
            Shape::Record { fields, closed } => {
                let kind = if *closed { "Closed" } else { "Open" };
                writeln!(self.out, "export const {name}: {kind}<{of}> = {};", code.record(fields, *closed, ""))
            }
            shape => writeln!(self.out, "export const {name} = {};", code.expression(shape)),
        };
        let _ = writeln!(self.out, "export type {name} = {of};");
    }

    fn methods(&mut self) {
        self.out.push_str(METHODS);
        for (name, method) in entries(self.schema, "x-methods") {
            let (params, result) = (self.entry(&method["params"]), self.entry(&method["result"]));
            let _ = writeln!(self.out, "  {name}: {{ params: {params}, result: {result} }},");
        }
        self.out.push_str("};\n");
    }

    fn events(&mut self) {
        self.out.push_str(EVENTS);
        for (name, event) in entries(self.schema, "x-events") {
            let data = self.entry(&event["data"]);
            let _ = writeln!(self.out, "  {name}: {data},");
        }
        self.out.push_str("};\n");
    }

    fn entry(&self, reference: &'schema Value) -> String {
        Code { schema: self.schema, of: "unknown", lazy: false, indent: 2 }.expression(&Shape::of(reference))
    }
}

/// The types that have to be there when a type of this shape is made. Those of fields are not: fields are made later.
fn needed<'schema>(shape: &Shape<'schema>) -> Vec<&'schema str> {
    match shape {
        Shape::Named(name) => vec![name],
        Shape::Union(alternatives) => alternatives.iter().flat_map(|alternative| needed(&alternative.shape)).collect(),
        Shape::List(item, _) | Shape::Map(item) => needed(item),
        Shape::Record { .. } | Shape::Literal(_) | Shape::Basic(_) => Vec::new(),
    }
}

/// How a schema is written, and where.
#[derive(Clone, Copy)]
struct Code<'schema, 'of> {
    /// The whole contract.
    schema: &'schema Value,
    /// The TypeScript type that it is a schema of.
    of: &'of str,
    /// Whether it is made when it is first needed, rather than when the module is loaded.
    lazy: bool,
    indent: usize,
}

impl<'schema> Code<'schema, '_> {
    fn expression(self, shape: &Shape<'schema>) -> String {
        match shape {
            Shape::Named(name) => (*name).to_owned(),
            Shape::Literal(value) => self.call(&format!("z.literal({value})")),
            Shape::Union(alternatives) => self.union(alternatives),
            Shape::List(item, length) => {
                let of = format!("{}[number]", self.of);
                let item = Code { of: &of, ..self }.expression(item);
                self.call(&format!("z.array({item}){}", bounds(*length)))
            }
            Shape::Record { fields, closed } => self.record(fields, *closed, &format!("<{}>", self.of)),
            Shape::Map(value) => {
                let of = format!("{}[string]", self.of);
                let (key, value) = (self.call("z.string()"), Code { of: &of, ..self }.expression(value));
                self.call(&format!("z.record({key}, {value})"))
            }
            Shape::Basic(Basic::String(length, pattern)) => {
                self.call(&format!("z.string(){}{}", characters(*length), pattern.map(matching).unwrap_or_default()))
            }
            Shape::Basic(Basic::Integer(range)) => self.call(&format!("z.int(){}", bounds(*range))),
            Shape::Basic(Basic::Number(range)) => self.call(&format!("z.number(){}", bounds(*range))),
            Shape::Basic(Basic::Boolean) => self.call("z.boolean()"),
            Shape::Basic(Basic::Null) => self.call("z.null()"),
            Shape::Basic(Basic::Any) => self.call("z.unknown()"),
        }
    }

    /// Of calls that are made when the module is loaded, bundlers are told that they have no effect.
    fn call(self, call: &str) -> String {
        if self.lazy { call.to_owned() } else { format!("/* @__PURE__ */ {call}") }
    }

    fn union(self, alternatives: &[Alternative<'schema>]) -> String {
        if let Some(words) = words(alternatives) {
            return self.words(&words);
        }
        if let [one, Alternative { shape: Shape::Basic(Basic::Null), .. }] = alternatives {
            return self.call(&format!("z.nullable({})", self.expression(&one.shape)));
        }
        let tag = self.tag(alternatives);
        let pad = " ".repeat(self.indent);
        let mut options = String::new();
        for alternative in alternatives {
            let value =
                tag.and_then(|tag| self.constants(&alternative.shape).into_iter().find(|(name, _)| *name == tag));
            let of = match value {
                Some((tag, value)) => format!("Extract<{}, {{ {tag}: {value} }}>", self.of),
                None => self.of.to_owned(),
            };
            comment(&mut options, self.indent + 2, alternative.description, None);
            let option = Code { of: &of, indent: self.indent + 2, ..self }.expression(&alternative.shape);
            let _ = writeln!(options, "{pad}  {option},");
        }
        match tag {
            Some(tag) => self.call(&format!("z.discriminatedUnion(\"{tag}\", [\n{options}{pad}])")),
            None => self.call(&format!("z.union([\n{options}{pad}])")),
        }
    }

    /// One of some strings.
    fn words(self, words: &[(&str, &str)]) -> String {
        let pad = " ".repeat(self.indent);
        let mut lines = String::new();
        for (word, description) in words {
            comment(&mut lines, self.indent + 2, description, None);
            let _ = writeln!(lines, "{pad}  \"{word}\",");
        }
        self.call(&format!("z.enum([\n{lines}{pad}])"))
    }

    /// The field that tells alternatives apart: all have it, each with a value of its own.
    fn tag(self, alternatives: &[Alternative<'schema>]) -> Option<&'schema str> {
        let constants: Vec<_> = alternatives.iter().map(|alternative| self.constants(&alternative.shape)).collect();
        constants.first()?.iter().map(|(name, _)| *name).find(|tag| {
            let of_tag = constants.iter().flatten().filter(|(name, _)| name == tag);
            let values: BTreeSet<_> = of_tag.map(|(_, value)| value.to_string()).collect();
            values.len() == alternatives.len()
        })
    }

    /// The fields that always have the same value.
    fn constants(self, shape: &Shape<'schema>) -> Vec<(&'schema str, &'schema Value)> {
        match shape {
            Shape::Named(name) => self.constants(&Shape::of(&self.schema["$defs"][name])),
            Shape::Record { fields, .. } => {
                let required = fields.iter().filter(|field| field.required);
                required
                    .filter_map(|field| match field.shape {
                        Shape::Literal(value) => Some((field.name, value)),
                        _ => None,
                    })
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// An object; `of` is its type as an argument, where nothing else says it.
    fn record(self, fields: &[Property<'schema>], closed: bool, of: &str) -> String {
        let pad = " ".repeat(self.indent);
        let mut lines = String::new();
        for field in fields {
            let field_of = format!("{}[\"{}\"]", self.of, field.name);
            let code = Code { of: &field_of, lazy: true, indent: self.indent + 2, ..self }.expression(&field.shape);
            let code = if field.required { code } else { format!("optional({code})") };
            comment(&mut lines, self.indent + 2, field.description, field.default);
            let _ = writeln!(lines, "{pad}  get {}() {{ return {code}; }},", field.name);
        }
        let lines = if fields.is_empty() { lines } else { format!("\n{lines}{pad}") };
        self.call(&format!("{}{of}({{{lines}}})", if closed { "closed" } else { "open" }))
    }
}

/// The strings that a union is of, if it is of strings alone, with what they mean.
fn words<'schema>(alternatives: &[Alternative<'schema>]) -> Option<Vec<(&'schema str, &'schema str)>> {
    let word = |alternative: &Alternative<'schema>| match alternative.shape {
        Shape::Literal(Value::String(word)) => Some((word.as_str(), alternative.description)),
        _ => None,
    };
    alternatives.iter().map(word).collect()
}

fn bounds(bounds: Bounds<'_>) -> String {
    let least = bounds.least.map(|least| format!(".min({least})"));
    let most = bounds.most.map(|most| format!(".max({most})"));
    [least, most].into_iter().flatten().collect()
}

/// How long a string is. JSON Schema counts characters, Zod's own bounds UTF-16 code units, hence a regular expression.
fn characters(length: Bounds<'_>) -> String {
    let count = |bound: Option<&Value>| bound.map(Value::to_string);
    match (count(length.least), count(length.most)) {
        (None, None) => String::new(),
        (least, most) => {
            let (least, most) = (least.unwrap_or_else(|| "0".to_owned()), most.unwrap_or_default());
            let words = if most.is_empty() { format!("at least {least}") } else { format!("{least} to {most}") };
            format!(".regex(/^.{{{least},{most}}}$/su, \"has to have {words} characters\")")
        }
    }
}

fn matching(pattern: &str) -> String {
    format!(".regex(new RegExp({}, \"u\"))", Value::from(pattern))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn definitions(schema: &Value) -> String {
        let mut module = Module { schema, written: BTreeSet::new(), out: String::new() };
        module.definitions();
        module.out
    }

    #[test]
    fn what_is_bounded_stays_so() {
        let code = |schema: Value| {
            let schema = json!({ "$defs": { "A": schema } });
            let text = definitions(&schema);
            text.split_once(" = /* @__PURE__ */ ").unwrap().1.split_once(";\n").unwrap().0.to_owned()
        };
        assert_eq!(code(json!({ "type": "integer", "minimum": -3, "maximum": 7 })), "z.int().min(-3).max(7)");
        assert_eq!(code(json!({ "type": "number", "maximum": 0.5 })), "z.number().max(0.5)");
        assert_eq!(
            code(json!({ "type": "string", "minLength": 2 })),
            r#"z.string().regex(/^.{2,}$/su, "has to have at least 2 characters")"#
        );
        assert_eq!(
            code(json!({ "type": "string", "maxLength": 9, "pattern": "^[/\"]" })),
            r#"z.string().regex(/^.{0,9}$/su, "has to have 0 to 9 characters").regex(new RegExp("^[/\"]", "u"))"#
        );
        assert_eq!(
            code(json!({ "type": "array", "items": { "type": "boolean" }, "minItems": 1, "maxItems": 2 })),
            "z.array(/* @__PURE__ */ z.boolean()).min(1).max(2)"
        );
    }

    #[test]
    fn a_type_may_refer_to_itself() {
        let schema = json!({ "$defs": {
            "Node": { "oneOf": [{ "$ref": "#/$defs/Inner" }, { "$ref": "#/$defs/Leaf" }] },
            "Inner": {
                "type": "object",
                "properties": {
                    "kind": { "const": "inner" },
                    "children": { "type": "array", "items": { "$ref": "#/$defs/Node" } },
                },
                "required": ["kind", "children"],
            },
            "Leaf": { "type": "object", "properties": { "kind": { "const": "leaf" } }, "required": ["kind"] },
        } });
        assert_eq!(
            definitions(&schema),
            r#"
export const Inner: Open<types.Inner> = /* @__PURE__ */ open({
  get kind() { return z.literal("inner"); },
  get children() { return z.array(Node); },
});
export type Inner = types.Inner;

export const Leaf: Open<types.Leaf> = /* @__PURE__ */ open({
  get kind() { return z.literal("leaf"); },
});
export type Leaf = types.Leaf;

export const Node = /* @__PURE__ */ z.discriminatedUnion("kind", [
  Inner,
  Leaf,
]);
export type Node = types.Node;
"#
        );
    }
}
