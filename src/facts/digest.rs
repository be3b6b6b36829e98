//! What one source comes to.

use std::collections::HashMap;

use serde_json::Value;

use super::codec::{Reader, Writer};
use crate::protocol::tsx::{
    Export, ExportKind, Facts, Import, ImportKind, ImportedName, JsxAttribute, JsxElement, JsxValue, JsxValueKind,
    NamedRange,
};
use crate::protocol::{Position, TextRange};

/// Imports, exports and JSX elements of one source: three parts, each of the third with a part for each element, so that
/// others than those asked for are passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest(Box<[u8]>);

impl Digest {
    /// Of facts that have these three; what is absent counts as empty.
    pub fn of(facts: &Facts) -> Self {
        let mut writer = Writer::default();
        writer.part(|writer| writer.list(facts.imports.as_deref().unwrap_or_default(), write_import));
        writer.part(|writer| writer.list(facts.exports.as_deref().unwrap_or_default(), write_export));
        writer.list(facts.jsx.as_deref().unwrap_or_default(), |writer, element| {
            writer.part(|writer| write_element(writer, element));
        });
        Self(writer.finish())
    }

    /// One that was kept, as [`Self::bytes`] gave it. Whether it is whole is seen when it is read.
    pub fn kept(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// As it is kept.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The import declarations. `None` if the digest is damaged.
    pub fn imports(&self) -> Option<Vec<Import>> {
        Reader::new(&self.0)?.part()?.list(read_import)
    }

    /// The exported names. `None` if the digest is damaged.
    pub fn exports(&self) -> Option<Vec<Export>> {
        let mut reader = Reader::new(&self.0)?;
        reader.part()?;
        reader.part()?.list(read_export)
    }

    /// The elements whose names are `wanted`. `None` if the digest is damaged.
    pub fn elements(&self, mut wanted: impl FnMut(&str) -> bool) -> Option<Vec<JsxElement>> {
        let mut reader = Reader::new(&self.0)?;
        reader.part()?;
        reader.part()?;
        let (mut found, mut counts) = (Vec::new(), HashMap::<&str, u64>::new());
        for index in 0..reader.number()? {
            let mut element = reader.part()?;
            let name = element.string()?;
            if wanted(name) {
                let count = counts.entry(name).or_default();
                found.push(read_element(&mut element, name, index, *count)?);
                *count += 1;
            }
        }
        Some(found)
    }
}

fn write_import<'text>(writer: &mut Writer<'text>, import: &'text Import) {
    writer.string(&import.source);
    writer.number(match import.kind {
        ImportKind::Value => 0,
        ImportKind::Type => 1,
        ImportKind::SideEffect => 2,
    });
    writer.range(import.range);
    for name in [&import.default, &import.namespace] {
        writer.maybe_string(name.as_ref().map(|name| name.name.as_str()));
        if let Some(name) = name {
            writer.range(name.range);
        }
    }
    writer.list(&import.named, |writer, named| {
        writer.string(&named.imported);
        writer.string(&named.local);
        writer.number(u64::from(named.type_only));
        writer.range(named.range);
    });
}

fn read_import(reader: &mut Reader<'_>) -> Option<Import> {
    let source = reader.string()?.to_owned();
    let kind = match reader.number()? {
        0 => ImportKind::Value,
        1 => ImportKind::Type,
        2 => ImportKind::SideEffect,
        _ => return None,
    };
    let range = reader.range()?;
    let name = |reader: &mut Reader<'_>| match reader.maybe_string()? {
        Some(name) => Some(Some(NamedRange { name: name.to_owned(), range: reader.range()? })),
        None => Some(None),
    };
    let (default, namespace) = (name(reader)?, name(reader)?);
    let named = reader.list(|reader| {
        Some(ImportedName {
            imported: reader.string()?.to_owned(),
            local: reader.string()?.to_owned(),
            type_only: reader.number()? != 0,
            range: reader.range()?,
        })
    })?;
    Some(Import { source, kind, default, namespace, named, range })
}

fn write_export<'text>(writer: &mut Writer<'text>, export: &'text Export) {
    writer.string(&export.name);
    writer.number(match export.kind {
        ExportKind::Named => 0,
        ExportKind::Default => 1,
        ExportKind::ReExport => 2,
        ExportKind::All => 3,
    });
    writer.maybe_string(export.local.as_deref());
    writer.maybe_string(export.source.as_deref());
    writer.number(u64::from(export.type_only));
    writer.range(export.range);
}

fn read_export(reader: &mut Reader<'_>) -> Option<Export> {
    Some(Export {
        name: reader.string()?.to_owned(),
        kind: match reader.number()? {
            0 => ExportKind::Named,
            1 => ExportKind::Default,
            2 => ExportKind::ReExport,
            3 => ExportKind::All,
            _ => return None,
        },
        local: reader.maybe_string()?.map(str::to_owned),
        source: reader.maybe_string()?.map(str::to_owned),
        type_only: reader.number()? != 0,
        range: reader.range()?,
    })
}

fn write_element<'text>(writer: &mut Writer<'text>, element: &'text JsxElement) {
    writer.string(&element.name);
    writer.maybe(element.parent);
    writer.maybe_string(element.component.as_deref());
    writer.number(u64::from(element.self_closing) + 2 * u64::from(element.fragment));
    writer.range(element.range);
    writer.range(element.opening_range);
    writer.range(element.name_range);
    writer.number(element.start.line);
    writer.number(element.start.column);
    writer.list(&element.attributes, |writer, attribute| match attribute {
        JsxAttribute::Spread { range, text } => {
            writer.number(SPREAD);
            writer.range(*range);
            writer.string(text);
        }
        JsxAttribute::Attribute { name, range, name_range, value } => {
            writer.number(value.as_ref().map_or(SHORTHAND, |value| number_of(value.kind)));
            writer.string(name);
            writer.range(*range);
            writer.range(*name_range);
            if let Some(value) = value {
                writer.number(u64::from(value.in_expression));
                writer.range(value.range);
                write_literal(writer, value.literal.as_ref());
            }
        }
    });
}

fn read_element(reader: &mut Reader<'_>, name: &str, index: u64, nth: u64) -> Option<JsxElement> {
    let parent = reader.maybe()?;
    let component = reader.maybe_string()?.map(str::to_owned);
    let flags = reader.number()?;
    let (range, opening_range, name_range) = (reader.range()?, reader.range()?, reader.range()?);
    let start = Position { line: reader.number()?, column: reader.number()? };
    let attributes = reader.list(|reader| {
        let kind = reader.number()?;
        if kind == SPREAD {
            return Some(JsxAttribute::Spread { range: reader.range()?, text: reader.string()?.to_owned() });
        }
        let name = reader.string()?.to_owned();
        let (range, name_range): (TextRange, TextRange) = (reader.range()?, reader.range()?);
        let value = if kind == SHORTHAND {
            None
        } else {
            let kind = *VALUE_KINDS.get(usize::try_from(kind).ok()?)?;
            let in_expression = reader.number()? != 0;
            let range = reader.range()?;
            Some(JsxValue { kind, in_expression, literal: read_literal(reader)?, range })
        };
        Some(JsxAttribute::Attribute { name, range, name_range, value })
    })?;
    Some(JsxElement {
        name: name.to_owned(),
        index,
        nth,
        parent,
        component,
        self_closing: flags & 1 != 0,
        fragment: flags & 2 != 0,
        range,
        opening_range,
        name_range,
        start,
        attributes,
    })
}

/// Kinds of values by their numbers; two numbers more stand for attributes without one.
const VALUE_KINDS: [JsxValueKind; 7] = [
    JsxValueKind::String,
    JsxValueKind::Number,
    JsxValueKind::Boolean,
    JsxValueKind::Null,
    JsxValueKind::Template,
    JsxValueKind::Element,
    JsxValueKind::Expression,
];
const SHORTHAND: u64 = 7;
const SPREAD: u64 = 8;

fn number_of(kind: JsxValueKind) -> u64 {
    match kind {
        JsxValueKind::String => 0,
        JsxValueKind::Number => 1,
        JsxValueKind::Boolean => 2,
        JsxValueKind::Null => 3,
        JsxValueKind::Template => 4,
        JsxValueKind::Element => 5,
        JsxValueKind::Expression => 6,
    }
}

/// Literals are strings, numbers, booleans and null.
fn write_literal<'text>(writer: &mut Writer<'text>, literal: Option<&'text Value>) {
    match literal {
        Some(Value::String(text)) => {
            writer.number(1);
            writer.string(text);
        }
        Some(Value::Null) => writer.number(2),
        Some(Value::Bool(value)) => writer.number(3 + u64::from(*value)),
        Some(Value::Number(number)) => {
            if let Some(number) = number.as_i64() {
                writer.number(5);
                writer.signed(number);
            } else {
                // The bits are the number, exactly.
                writer.number(6);
                writer.number(number.as_f64().unwrap_or_default().to_bits());
            }
        }
        None | Some(Value::Array(_) | Value::Object(_)) => writer.number(0),
    }
}

#[expect(clippy::option_option, reason = "damaged, absent, or there")]
fn read_literal(reader: &mut Reader<'_>) -> Option<Option<Value>> {
    Some(Some(match reader.number()? {
        0 => return Some(None),
        1 => Value::from(reader.string()?),
        2 => Value::Null,
        3 => Value::from(false),
        4 => Value::from(true),
        5 => Value::from(reader.signed()?),
        6 => Value::from(f64::from_bits(reader.number()?)),
        _ => return None,
    }))
}
