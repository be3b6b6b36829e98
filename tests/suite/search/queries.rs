//! Made-up queries whose words are taken from the files they search.

use serde_json::{Value, json};

use crate::random::Random;

/// A query, for the sidecar and for ripgrep.
#[derive(Clone, Debug, Default)]
pub(super) struct Question {
    pub(super) pattern: String,
    pub(super) regex: bool,
    pub(super) case: Case,
    pub(super) whole_word: bool,
    pub(super) multiline: bool,
    pub(super) before: usize,
    pub(super) after: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Case {
    #[default]
    Sensitive,
    Insensitive,
    Smart,
}

impl Question {
    pub(super) fn regex(pattern: &str) -> Self {
        Self { pattern: pattern.to_owned(), regex: true, ..Self::default() }
    }

    pub(super) fn multiline(self) -> Self {
        Self { multiline: true, ..self }
    }

    /// The params of `search`; no limit cuts the result.
    pub(super) fn params(&self) -> Value {
        let case = match self.case {
            Case::Sensitive => json!(true),
            Case::Insensitive => json!(false),
            Case::Smart => json!("smart"),
        };
        json!({
            "pattern": self.pattern, "regex": self.regex, "caseSensitive": case, "wholeWord": self.whole_word,
            "multiline": self.multiline, "contextBefore": self.before, "contextAfter": self.after,
            "maxMatches": 1_000_000_000, "maxLineLength": 1_000_000_000, "syncTimeoutMs": 60_000,
        })
    }

    /// The same for ripgrep.
    pub(super) fn arguments(&self) -> Vec<String> {
        let mut arguments: Vec<String> =
            ["--json", "-j1", "--no-config", "--hidden", "--no-require-git", "-g", "!.git"].map(str::to_owned).into();
        let mut flag = |set: bool, name: &str| {
            if set {
                arguments.push(name.to_owned());
            }
        };
        flag(!self.regex, "-F");
        flag(self.case == Case::Insensitive, "-i");
        flag(self.case == Case::Smart, "-S");
        flag(self.whole_word, "-w");
        flag(self.multiline, "-U");
        flag(self.before > 0, &format!("-B{}", self.before));
        flag(self.after > 0, &format!("-A{}", self.after));
        arguments.extend(["-e".to_owned(), self.pattern.clone()]);
        arguments
    }
}

/// Makes queries from texts.
pub(super) struct Questioner<'texts> {
    pub(super) random: Random,
    pub(super) texts: &'texts [String],
}

const CLASSES: &[&str] = &[
    r"\w",
    r"\d",
    r"\s",
    r"\S",
    r"\W",
    "[a-z]",
    "[A-Z]",
    "[^a-z ]",
    r"\p{Lu}",
    r"\p{Greek}",
    "[À-ž]",
    r"\p{So}",
    r"[🥐🍞\d]",
    r"[^\n]",
    ".",
    r"[\x00-\x7f]",
    r"[^\x00-\x7f]",
    r"\p{Han}",
    "[{}()]",
];
// Not `\A` and `\z`: for ripgrep, going by lines, that is any place where it happens to begin or end to read.
const ANCHORS: &[&str] = &["^", "$", r"\b", r"\B", r"^\s*", r"\s*$", r"\b{start}", r"\b{end}"];
const REPEATS: &[&str] = &["*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "+?", "??"];

impl Questioner<'_> {
    /// The next query.
    pub(super) fn next(&mut self) -> Question {
        let mut question = match self.random.below(10) {
            0..=2 => Question { pattern: self.literal(12), ..Question::default() },
            3 | 4 => {
                let pattern = self.across();
                let regex = !self.random.one_in(4);
                let pattern = if regex { pattern } else { self.two_lines() };
                Question { pattern, regex, multiline: true, ..Question::default() }
            }
            _ => Question { pattern: self.expression(2), regex: true, ..Question::default() },
        };
        question.case = match self.random.below(5) {
            0 | 1 => Case::Insensitive,
            2 => Case::Smart,
            _ => Case::Sensitive,
        };
        question.whole_word = self.random.one_in(5);
        question.multiline |= self.random.one_in(5);
        if self.random.one_in(3) {
            (question.before, question.after) = (self.random.below(4), self.random.below(4));
        }
        question
    }

    fn text(&mut self) -> &str {
        let at = self.random.below(self.texts.len());
        &self.texts[at]
    }

    /// A stretch of a line, of one to `most` characters.
    fn literal(&mut self, most: usize) -> String {
        loop {
            let skip = self.random.below(1 << 16);
            let (from, length) = (self.random.below(40), 1 + self.random.below(most));
            let text = self.text();
            let lines = text.lines().count().max(1);
            let line = text.lines().nth(skip % lines).unwrap_or_default();
            let characters = line.chars().count();
            if characters > 0 {
                return line.chars().skip(from % characters).take(length).collect();
            }
        }
    }

    /// The end of a line, its line end, and the beginning of the next one.
    fn two_lines(&mut self) -> String {
        loop {
            let (skip, before, after) = (self.random.below(1 << 16), self.random.below(8), self.random.below(8));
            let text = self.text();
            let Some(end) = text.match_indices('\n').map(|(at, _)| at).nth(skip % text.len().max(1) % 50) else {
                continue;
            };
            let head: Vec<char> = text[..end].chars().rev().take(before).collect();
            return head.into_iter().rev().chain(text[end..].chars().take(1 + after)).collect();
        }
    }

    fn expression(&mut self, depth: usize) -> String {
        if depth == 0 {
            return match self.random.below(4) {
                0 => self.random.pick(CLASSES).to_owned(),
                _ => escape(&self.literal(5)),
            };
        }
        let part = |this: &mut Self| this.expression(depth - 1);
        match self.random.below(9) {
            0 => format!("{}|{}", part(self), part(self)),
            1 => format!("(?:{}|{}){}", part(self), part(self), part(self)),
            2 => format!("{}.*{}", part(self), part(self)),
            3 => format!("{}(?:{})?{}", part(self), part(self), part(self)),
            4 => {
                let repeat = self.random.pick(REPEATS);
                format!("(?:{}){repeat}{}", part(self), part(self))
            }
            5 => {
                let anchor = self.random.pick(ANCHORS);
                if anchor.contains('$') { format!("{}{anchor}", part(self)) } else { format!("{anchor}{}", part(self)) }
            }
            6 => {
                let (class, repeat) = (self.random.pick(CLASSES), self.random.pick(REPEATS));
                format!("{class}{repeat}{}", part(self))
            }
            7 => format!("(?i:{}){}", part(self), part(self)),
            _ => part(self),
        }
    }

    /// A pattern for which `multiline` is needed, or makes a difference.
    fn across(&mut self) -> String {
        let (one, other) = (escape(&self.literal(4)), escape(&self.literal(4)));
        match self.random.below(9) {
            0 => escape(&self.two_lines()),
            1 => format!(r"{one}\s+{other}"),
            2 => format!(r"(?s){one}.{{0,200}}?{other}"),
            3 => format!(r"{one}[^{}]*\n", escape(&self.literal(1))),
            4 => format!(r"\r?\n\s*{one}"),
            5 => format!(r"(?:{one}|\n){{1,3}}"),
            6 => format!(r"{one}$\r?\n^"),
            7 => r"\n\n+".to_owned(),
            _ => format!(r"^.*{one}.*\n.*{other}?"),
        }
    }
}

/// A text as a regular expression that matches just it.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '\n' => escaped.push_str(r"\n"),
            '\r' => escaped.push_str(r"\r"),
            _ => {
                if letter.is_ascii_punctuation() && letter != '<' && letter != '>' {
                    escaped.push('\\');
                }
                escaped.push(letter);
            }
        }
    }
    escaped
}
