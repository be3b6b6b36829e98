//! The contract for others to read: its JSON Schema, its TypeScript types, its Zod schemas and its reference text.
//!
//! All are made from the Rust types and their doc comments. [`json`] asks schemars for the schema;
//! the others are made from that schema alone, so none of them can say what the others do not.

mod comment;
mod json;
mod order;
mod reference;
mod shape;
mod typescript;
mod zod;

#[cfg(test)]
mod tests;

pub use json::json_schema;
pub use reference::reference;
pub use typescript::typescript;
pub use zod::zod;

/// A form in which the contract can be printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// JSON Schema, draft 2020-12: `protocol/schema.json`.
    #[default]
    #[value(name = "json-schema")]
    Json,
    /// A TypeScript module: `protocol/src/protocol.ts`.
    #[value(name = "typescript")]
    Typescript,
    /// A TypeScript module of Zod schemas: `protocol/src/zod.ts`.
    #[value(name = "zod")]
    Zod,
    /// Text for people, in Markdown: `protocol/REFERENCE.md`.
    #[value(name = "reference")]
    Reference,
}

/// The contract in one form, its last newline included.
pub fn render(format: Format) -> String {
    match format {
        Format::Json => format!("{:#}\n", json_schema()),
        Format::Typescript => typescript(),
        Format::Zod => zod(),
        Format::Reference => reference(),
    }
}
