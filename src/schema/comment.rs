//! Doc comments of TypeScript.

use std::fmt::Write as _;

use serde_json::Value;

/// The longest line that is not broken.
pub(super) const WIDTH: usize = 100;

/// A doc comment, its last line break included; nothing where there is nothing to say.
pub(super) fn comment(out: &mut String, indent: usize, text: &str, default: Option<&Value>) {
    // A glob in a text may hold what ends a comment.
    let text = text.replace("*/", "*\\/");
    let default = default.map(|value| format!("@defaultValue `{value}`"));
    let paragraphs: Vec<&str> = text.split("\n\n").chain(default.as_deref()).filter(|text| !text.is_empty()).collect();
    let pad = " ".repeat(indent);
    match paragraphs.as_slice() {
        [] => {}
        [line] if indent + line.chars().count() + 7 <= WIDTH => {
            let _ = writeln!(out, "{pad}/** {line} */");
        }
        paragraphs => {
            let _ = writeln!(out, "{pad}/**");
            for (index, paragraph) in paragraphs.iter().enumerate() {
                // A tag ends the paragraph before it; between two paragraphs there is a blank line.
                if index > 0 && !paragraph.starts_with('@') {
                    let _ = writeln!(out, "{pad} *");
                }
                for line in wrap(paragraph, WIDTH - indent - 3) {
                    let _ = writeln!(out, "{pad} * {line}");
                }
            }
            let _ = writeln!(out, "{pad} */");
        }
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
