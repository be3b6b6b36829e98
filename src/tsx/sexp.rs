//! The tree as an S-expression.

use super::source::Source;
use crate::cancel::CancelToken;
use crate::error::{Code, Error, Result};

/// Writes the named nodes as tree-sitter's own tools do: `(kind field: (kind) …)`, with `(ERROR …)`
/// and `(MISSING kind)`.
///
/// # Errors
/// `response_too_large` beyond `max_bytes`; `cancelled`.
pub(super) fn sexp(source: &Source<'_>, max_bytes: usize, cancel: &CancelToken) -> Result<String> {
    let mut written = String::new();
    let mut cursor = source.root().walk();
    // Whether the nodes around the current one are written, from the root: anonymous ones are not.
    let mut open = Vec::new();
    loop {
        let node = cursor.node();
        let shown = node.is_named() || node.is_missing();
        if shown {
            if !written.is_empty() {
                written.push(' ');
            }
            if let Some(field) = cursor.field_name() {
                written.push_str(field);
                written.push_str(": ");
            }
            written.push_str(if node.is_missing() { "(MISSING " } else { "(" });
            written.push_str(node.kind());
        }
        if written.len() > max_bytes {
            let message = format!("the tree takes more than {max_bytes} bytes");
            return Err(Error::new(Code::ResponseTooLarge, message).with("maxBytes", max_bytes));
        }
        cancel.check()?;
        if cursor.goto_first_child() {
            open.push(shown);
            continue;
        }
        let mut close = shown;
        loop {
            if close {
                written.push(')');
            }
            if cursor.goto_next_sibling() {
                break;
            }
            match open.pop() {
                Some(shown) => close = shown,
                None => return Ok(written),
            }
            cursor.goto_parent();
        }
    }
}
