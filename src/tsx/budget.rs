//! How much the facts may take.

use std::io;

use serde::Serialize;

use crate::error::{Code, Error, Result};

/// What is left of the bytes that the facts may take as JSON.
///
/// Facts repeat the text: each element has the name of its component, each re-exported name that of its
/// module, each spread what is inside it. A source of a few hundred kilobytes can so have facts of
/// gigabytes. All that is answered is charged when it is collected and before the next is made, so no
/// more is held than what fits a response, and one item. Names that are collected and not answered are
/// not charged: each stands for a different stretch of the source, so the source bounds them.
///
/// The charge is the length that `serde_json` writes, so it refuses nothing that would have fitted,
/// but for a few bytes: what is only known later (`exported`, `typeOnly`) is charged as the longer of the two.
#[derive(Debug)]
pub(super) struct Budget {
    max: usize,
    left: usize,
}

impl Budget {
    /// A budget of `max` bytes.
    pub(super) fn new(max: usize) -> Self {
        Self { max, left: max }
    }

    /// Charges `value`; it is measured no further than the budget reaches.
    ///
    /// # Errors
    /// `response_too_large`.
    pub(super) fn charge(&mut self, value: &impl Serialize) -> Result<()> {
        serde_json::to_writer(Meter(&mut self.left), value).map_err(|_| {
            let message = format!("the facts take more than {} bytes; ask for fewer `facts`", self.max);
            Error::new(Code::ResponseTooLarge, message).with("maxResponseBytes", self.max)
        })
    }

    /// Charges `item` and adds it to `list`. Lists inside it are empty and filled in later, from items
    /// that were charged one by one: such a list alone can be too long.
    ///
    /// # Errors
    /// `response_too_large`.
    pub(super) fn push<T: Serialize>(&mut self, list: &mut Vec<T>, item: T) -> Result<()> {
        self.charge(&item)?;
        list.push(item);
        self.separate(list.len())
    }

    /// Charges the comma in front of an item that makes a list `len` long.
    pub(super) fn separate(&mut self, len: usize) -> Result<()> {
        if len > 1 { self.charge(&0) } else { Ok(()) } // A digit is as long.
    }
}

/// Takes what is written to it off a number.
struct Meter<'budget>(&'budget mut usize);

impl io::Write for Meter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        *self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::WriteZero)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::cancel::CancelToken;
    use crate::protocol::tsx::{Fact, Facts, Language};
    use crate::tsx::facts;

    /// The facts of a text, and that what was charged for them is no less than their JSON and hardly more.
    pub(in crate::tsx) fn measured(text: &str, language: Language, wanted: &[Fact]) -> Facts {
        let within = |max| facts(text, language, wanted, max, &CancelToken::default());
        let found = within(usize::MAX).unwrap();
        let len = serde_json::to_string(&found).unwrap().len();
        assert_eq!(within(len - 1).unwrap_err().code, Code::ResponseTooLarge, "{text}");
        let flags = 2 * found.components.as_ref().map_or(0, Vec::len) + found.exports.as_ref().map_or(0, Vec::len);
        // An error can be met twice.
        let twice = found.errors.as_ref().map_or(0, |errors| serde_json::to_string(errors).unwrap().len());
        assert_eq!(within(len + flags + twice).unwrap(), found, "{text}");
        found
    }

    /// Sources of some 200 KB whose facts of a kind are a gigabyte or more.
    fn hostile() -> Vec<(String, Fact)> {
        let long = "C".repeat(100_000);
        let names = |shape: &dyn Fn(usize) -> String| (0..10_000).map(shape).collect::<String>();
        vec![
            (format!("function {long}() {{ return <>{}</> }}", "<a/>".repeat(20_000)), Fact::Jsx),
            (format!("export {{ {} }} from '{long}'", names(&|at| format!("a{at}, "))), Fact::Exports),
            (format!("{}0{}", "<a {...f(".repeat(10_000), ")}/>".repeat(10_000)), Fact::Jsx),
        ]
    }

    #[test]
    fn what_repeats_the_text_is_refused() {
        for (text, fact) in hostile() {
            for wanted in [&[fact][..], &Fact::ALL] {
                let max = 1 << 20;
                let error = facts(&text, Language::Tsx, wanted, max, &CancelToken::default()).unwrap_err();
                assert_eq!(error.code, Code::ResponseTooLarge);
                assert_eq!(error.message, "the facts take more than 1048576 bytes; ask for fewer `facts`");
                assert_eq!(error.data.unwrap()["maxResponseBytes"], max);
            }
        }
    }

    #[test]
    fn what_is_not_answered_is_not_charged() {
        let max = 1 << 18;
        for (text, fact) in hostile() {
            for other in Fact::ALL.into_iter().filter(|other| ![fact, Fact::Errors].contains(other)) {
                facts(&text, Language::Tsx, &[other], max, &CancelToken::default()).unwrap();
            }
        }
        // No components, many exports of names that only components look at.
        let text = "export function Aaaaaaaa() {}".repeat(2000);
        assert!(facts(&text, Language::Tsx, &[Fact::Components], 100, &CancelToken::default()).is_ok());
    }

    #[test]
    fn long_lists_inside_an_item_are_charged_one_by_one() {
        for text in [format!("<a {}/>", "b ".repeat(10_000)), format!("import {{ {} }} from 'b'", "a, ".repeat(10_000))]
        {
            let error = facts(&text, Language::Tsx, &Fact::ALL, 10_000, &CancelToken::default()).unwrap_err();
            assert_eq!(error.code, Code::ResponseTooLarge);
        }
    }

    #[test]
    fn charges_are_exact() {
        let text = "import a, { b as c, d } from 'e';\nexport { f, g as h } from 'i';\n\
            function J() { return <k l='\u{1}\"é' m={-1.5} {...n}><o p/></k> }\nclass Q extends Component {}";
        for wanted in Fact::ALL.map(|fact| vec![fact]).into_iter().chain([Fact::ALL.to_vec()]) {
            let within = |max| facts(text, Language::Tsx, &wanted, max, &CancelToken::default());
            let len = serde_json::to_string(&within(usize::MAX).unwrap()).unwrap().len();
            assert!(within(len).is_ok() && within(len - 1).is_err(), "{wanted:?}");
        }
    }
}
