//! The contract for others to read: its JSON Schema, its TypeScript types and its reference text.
//!
//! All three are made from the Rust types and their doc comments. [`json`] asks schemars for the schema;
//! the other two are made from that schema alone, so none of them can say what the others do not.

mod json;
mod order;
mod reference;
mod shape;
mod typescript;

#[cfg(test)]
mod tests;

pub use json::json_schema;
pub use reference::reference;
pub use typescript::typescript;

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
    /// Text for people, in Markdown: `protocol/REFERENCE.md`.
    #[value(name = "reference")]
    Reference,
}

/// The contract in one form, its last newline included.
pub fn render(format: Format) -> String {
    match format {
        Format::Json => format!("{:#}\n", json_schema()),
        Format::Typescript => typescript(),
        Format::Reference => reference(),
    }
}

/// Breaks words into lines of at most `width` characters; a longer word has a line to itself.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
