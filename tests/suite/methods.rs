//! The methods, with params that work: the table that other tables are made from.

use serde_json::{Value, json};

/// What a field of params may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Bool,
    /// True, false or a word.
    BoolOrWord,
    /// An integer of at least 0.
    Count,
    Text,
    Texts,
    /// One of some words.
    Word,
    /// A list of some words.
    Words,
    /// A list of objects.
    Objects,
    /// `{start, end}`.
    Range,
}

/// A method, and each of its fields with a value that works.
pub(crate) struct Method {
    pub(crate) name: &'static str,
    pub(crate) fields: Vec<(&'static str, Type, Value)>,
    pub(crate) required: &'static [&'static str],
}

impl Method {
    /// Params with every field.
    pub(crate) fn params(&self) -> Value {
        self.fields.iter().map(|(name, _, value)| ((*name).to_owned(), value.clone())).collect()
    }

    /// Params with the required fields alone.
    pub(crate) fn least(&self) -> Value {
        let fields = self.fields.iter().filter(|(name, ..)| self.required.contains(name));
        fields.map(|(name, _, value)| ((*name).to_owned(), value.clone())).collect()
    }
}

/// Every method but `shutdown`, for the fixture workspace.
pub(crate) fn all() -> Vec<Method> {
    use Type::{Bool, BoolOrWord, Count, Objects, Range, Text, Texts, Word, Words};
    let read = || {
        vec![
            ("encoding", Word, json!("base64")),
            ("range", Range, json!({ "start": 1, "end": 5 })),
            ("ifHashNot", Text, json!("0".repeat(64))),
            ("sha256", Bool, json!(true)),
            ("maxBytes", Count, json!(1_000_000)),
        ]
    };
    let with = |mut more: Vec<(&'static str, Type, Value)>| {
        more.extend(read());
        more
    };
    vec![
        Method { name: "ping", fields: vec![], required: &[] },
        Method { name: "status", fields: vec![], required: &[] },
        Method {
            name: "sync",
            fields: vec![("paths", Texts, json!(["src/App.tsx"])), ("timeoutMs", Count, json!(10_000))],
            required: &[],
        },
        Method { name: "stat", fields: vec![("paths", Texts, json!(["src/App.tsx"]))], required: &["paths"] },
        Method { name: "readFile", fields: with(vec![("path", Text, json!("src/App.tsx"))]), required: &["path"] },
        Method {
            name: "readFiles",
            fields: with(vec![
                ("paths", Texts, json!(["src/App.tsx", "src/main.tsx"])),
                ("maxTotalBytes", Count, json!(1_000_000)),
            ]),
            required: &["paths"],
        },
        Method {
            name: "glob",
            fields: vec![
                ("include", Texts, json!(["**/*.tsx"])),
                ("exclude", Texts, json!(["node_modules"])),
                ("caseSensitive", Bool, json!(true)),
                ("fields", Words, json!(["size", "mtimeMs", "hash", "kind"])),
                ("directories", Bool, json!(true)),
                ("sort", Word, json!("path")),
                ("limit", Count, json!(100)),
                ("after", Text, json!("src")),
                ("consistency", Word, json!("synced")),
                ("syncTimeoutMs", Count, json!(10_000)),
            ],
            required: &["include"],
        },
        Method {
            name: "findFiles",
            fields: vec![
                ("query", Text, json!("comp/ordform")),
                ("limit", Count, json!(100)),
                ("include", Texts, json!(["src/**"])),
                ("exclude", Texts, json!(["*.css"])),
                ("consistency", Word, json!("synced")),
                ("syncTimeoutMs", Count, json!(10_000)),
            ],
            required: &["query"],
        },
        Method {
            name: "search",
            fields: vec![
                ("pattern", Text, json!("useState")),
                ("regex", Bool, json!(true)),
                ("caseSensitive", BoolOrWord, json!("smart")),
                ("wholeWord", Bool, json!(true)),
                ("multiline", Bool, json!(false)),
                ("include", Texts, json!(["src/**"])),
                ("exclude", Texts, json!(["*.css"])),
                ("contextBefore", Count, json!(1)),
                ("contextAfter", Count, json!(1)),
                ("maxMatches", Count, json!(100)),
                ("maxMatchesPerFile", Count, json!(10)),
                ("maxLineLength", Count, json!(100)),
                ("mode", Word, json!("matches")),
                ("stream", Bool, json!(false)),
                ("useIndex", Bool, json!(true)),
                ("consistency", Word, json!("synced")),
                ("syncTimeoutMs", Count, json!(10_000)),
            ],
            required: &["pattern"],
        },
        Method {
            name: "usages",
            fields: vec![
                ("name", Text, json!("TextField")),
                ("importedFrom", Text, json!("src/components/TextField.tsx")),
                ("attributes", Objects, json!([{ "name": "label", "value": "Customer" }])),
                ("include", Texts, json!(["src/**"])),
                ("exclude", Texts, json!(["*.css"])),
                ("limit", Count, json!(100)),
                ("consistency", Word, json!("synced")),
                ("syncTimeoutMs", Count, json!(10_000)),
            ],
            required: &["name"],
        },
        Method {
            name: "moduleGraph",
            fields: vec![
                ("paths", Texts, json!(["src/App.tsx"])),
                ("direction", Word, json!("importedBy")),
                ("depth", Count, json!(2)),
                ("consistency", Word, json!("synced")),
                ("syncTimeoutMs", Count, json!(2000)),
            ],
            required: &[],
        },
        Method {
            name: "parse",
            fields: vec![
                ("path", Text, json!("src/App.tsx")),
                ("language", Word, json!("tsx")),
                ("facts", Words, json!(["jsx"])),
                ("tree", Bool, json!(true)),
            ],
            required: &["path"],
        },
        Method {
            name: "planPropEdits",
            fields: vec![
                (
                    "edits",
                    Objects,
                    json!([{
                        "path": "src/components/LoafCard.stories.tsx",
                        "element": { "name": "LoafCard", "index": 0 },
                        "prop": "compact",
                        "value": true,
                    }]),
                ),
                ("allOrNothing", Bool, json!(true)),
            ],
            required: &["edits"],
        },
        Method {
            name: "query",
            fields: vec![
                ("query", Text, json!("(import_statement) @import")),
                ("include", Texts, json!(["src/**"])),
                ("exclude", Texts, json!(["*.css"])),
                ("language", Word, json!("tsx")),
                ("maxMatches", Count, json!(100)),
                ("useIndex", Bool, json!(true)),
                ("consistency", Word, json!("synced")),
                ("syncTimeoutMs", Count, json!(10_000)),
            ],
            required: &["query"],
        },
        Method {
            name: "watch",
            fields: vec![
                ("include", Texts, json!(["src/**"])),
                ("exclude", Texts, json!(["*.css"])),
                ("settleMs", Count, json!(10)),
            ],
            required: &[],
        },
        Method {
            name: "changes",
            fields: vec![
                ("since", Text, json!("another process's clock")),
                ("include", Texts, json!(["src/**"])),
                ("exclude", Texts, json!(["*.css"])),
                ("consistency", Word, json!("synced")),
                ("syncTimeoutMs", Count, json!(10_000)),
            ],
            required: &["since"],
        },
        Method { name: "cancel", fields: vec![("id", Text, json!("nobody"))], required: &["id"] },
    ]
}
