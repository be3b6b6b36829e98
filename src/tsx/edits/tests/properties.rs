//! A parser finds in the edited source what was asked for, and all else as it was.

use proptest::prelude::*;

use super::*;
use crate::protocol::tsx::{JsxElement, JsxValue};

/// Sources with elements of all kinds, laid out in every way.
fn any_source() -> impl Strategy<Value = String> {
    let space = || {
        prop::sample::select(vec![
            " ",
            " ",
            "  ",
            "\n",
            "\n  ",
            "\r\n\t",
            "\u{A0}",
            " /* é😀 */ ",
            " // x\n",
            "\n  // y\r\n  ",
            "/**/",
            "\n\n ",
        ])
    };
    let attribute = prop::sample::select(vec![
        "b",
        "b='1'",
        "b=\"x &amp; y\"",
        "b={'z'}",
        "b={`t`}",
        "b={`t${u}`}",
        "b={-1}",
        "b={true}",
        "b={null}",
        "b={f(1)}",
        "b={{ k: 1, 'l': ['m'] }}",
        "b={[1, 2]}",
        "b={<i j='1'/>}",
        "b=<i/>",
        "b = /* 1 */ {/* 2 */ 'é' /* 3 */}",
        "{...r}",
        "{ /* s */ ...r }",
        "c",
        "c='2'",
        "c={() => <k l/>}",
        "d:e='3'",
        "d:e",
        "f-g={4}",
        "f-g",
        "b='1'",
    ]);
    let attributes = prop::collection::vec((space(), attribute), 0..6);
    let name = prop::sample::select(vec!["a", "A.b", "s:t", "x-y", "G<string>", "G<h<i>>", "é"]);
    let element = (name, attributes, space(), any::<bool>()).prop_map(|(name, attributes, space, closed)| {
        let attributes: String = attributes.into_iter().flat_map(|(space, attribute)| [space, attribute]).collect();
        let tag = name.split('<').next().unwrap_or_default();
        if closed {
            format!("<{name}{attributes}{space}/>")
        } else {
            format!("<{name}{attributes}{space}>é &amp; <n/></{tag}>")
        }
    });
    let mark = prop::sample::select(vec!["", "\u{FEFF}", "import z from 'y';\r\n", "'😀'; // '\n"]);
    (mark, prop::collection::vec(element, 1..4))
        .prop_map(|(mark, elements)| format!("{mark}export const q = <>{}</>;\n", elements.concat()))
}

/// JSON as a client writes it, with whatever bites.
fn any_json() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        " ",
        "'",
        "\\\"",
        "`",
        "${",
        "$",
        "\\\\",
        "\\n",
        "\\r\\n",
        "\\t",
        "\\u0000",
        "\\u001b",
        "\\u0085",
        "&",
        "&amp;",
        "amp;",
        "&#38;",
        ";",
        "{",
        "}",
        "<",
        "/>",
        "//",
        "/*",
        "é",
        "😀",
        "\\ud83d",
        "\\ude00",
        "\u{2028}",
        "\u{FEFF}",
        "</script>",
        "<!--",
        "-->",
        "import('x')",
        "export type * ",
        "1",
    ]);
    let biting = prop::collection::vec(piece, 0..6).prop_map(|pieces| format!("\"{}\"", pieces.concat()));
    let printable = prop_oneof!["[ -~]{0,10}", "[-<>!?/&;{}'\"`]{0,6}", "\\PC{0,6}"];
    let printable = printable.prop_map(|text| serde_json::to_string(&text).unwrap());
    let string = prop_oneof![biting, printable].boxed();
    let leaf = prop_oneof![
        4 => string.clone(),
        1 => prop::sample::select(vec!["null", "true", "false", "0", "-0", "1", "-1.5", "1e21", "1e-7", "123456789012345678901234567890", "5e-324"])
            .prop_map(str::to_owned),
    ];
    let key = prop_oneof![
        string,
        prop::sample::select(vec!["\"k\"", "\"l\"", "\"__proto__\"", "\"if\"", "\"1\""]).prop_map(str::to_owned)
    ];
    leaf.prop_recursive(3, 12, 3, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((key.clone(), inner), 0..3).prop_map(|entries| {
                let entries: Vec<_> = entries.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
                format!("{{{}}}", entries.join(" , "))
            }),
        ]
    })
}

/// The value of an attribute in a text.
fn value_of(text: &str, value: Option<&JsxValue>) -> Option<Json> {
    let Some(value) = value else { return Some(Json::Boolean(true)) };
    let units: Vec<u16> = text.encode_utf16().collect();
    let written = String::from_utf16(&units[value.range.start as usize..value.range.end as usize]).unwrap();
    if !value.in_expression {
        return Some(Json::String(tsx::entities::decode_units(tsx::literal::unquoted(&written)?)));
    }
    let inner = format!("x = ({})", &written[1..written.len() - 1]);
    let source = Source::parse(&inner, Language::Tsx, View::Tolerant, &CancelToken::default()).unwrap();
    let assignment = source.root().named_child(0)?.named_child(0)?.child_by_field_name("right")?;
    constant::read(&source, source.first_part(assignment)?).ok()
}

/// Attributes with their places left out, and without those of some names.
fn others(element: &JsxElement, props: &HashSet<&str>) -> Vec<String> {
    let kept = element.attributes.iter().filter_map(|attribute| match attribute {
        JsxAttribute::Attribute { name, .. } if props.contains(name.as_str()) => None,
        JsxAttribute::Attribute { name, value, .. } => {
            Some(format!("{name} {:?}", value.as_ref().map(|value| (value.kind, &value.literal, value.in_expression))))
        }
        JsxAttribute::Spread { text, .. } => Some(format!("...{text}")),
    });
    kept.collect()
}

/// All that is the same before and after.
fn outline(element: &JsxElement) -> String {
    format!("{:?}", (&element.name, element.index, element.nth, element.parent, element.self_closing, element.fragment))
}

/// The comments in tags and outside of attributes.
fn comments(text: &str) -> Vec<String> {
    let source = Source::parse(text, Language::Tsx, View::Tolerant, &CancelToken::default()).unwrap();
    let mut found = Vec::new();
    for element in Elements::of(&source, &CancelToken::default()).unwrap().list {
        let mut cursor = element.opening.walk();
        let children = element.opening.children(&mut cursor).filter(|child| source.kind(*child).is_comment());
        found.extend(children.map(|comment| source.slice(comment).to_owned()));
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_parser_finds_the_new_values_and_all_else_as_it_was(
        text in any_source(),
        wanted in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::sample::select(vec!["b", "c", "d:e", "f-g", "new"]), prop::option::weighted(0.7, any_json())),
            1..8,
        ),
    ) {
        let before = facts(&text);
        prop_assert_eq!(&before.errors, &Some(Vec::new()), "{}", text);
        let elements = before.jsx.unwrap();
        let mut edits: Vec<PropEdit> = Vec::new();
        let mut seen = HashSet::new();
        for (at, prop, json) in wanted {
            let element = at.get(&elements);
            if !element.fragment && seen.insert((element.index, prop)) {
                let by_index = ElementRef::Listed(ListedElement { name: element.name.clone(), index: element.index });
                let by_range = ElementRef::At(ElementAt { range: element.opening_range });
                let element = if element.index % 2 == 0 { by_index } else { by_range };
                let value = json.map(|json| Json::read(&json).unwrap());
                edits.push(PropEdit { index: edits.len(), element, prop: prop.to_owned(), value });
            }
        }
        let (plan, refused) = planned(&text, &edits);
        let mut end = None;
        for edit in &plan {
            prop_assert!(end.is_none_or(|end| end < edit.range.start), "{:?}", plan);
            prop_assert!(edit.range.start < edit.range.end || !edit.new_text.is_empty());
            end = Some(edit.range.end);
        }
        let after_text = applied(&text, &plan);
        let after = facts(&after_text);
        prop_assert_eq!(&after.errors, &Some(Vec::new()), "{}\n->\n{}", text, after_text);
        prop_assert_eq!(after.exports.unwrap().len(), before.exports.unwrap().len());
        prop_assert_eq!(after.imports, before.imports);
        let after = after.jsx.unwrap();
        prop_assert_eq!(
            after.iter().map(outline).collect::<Vec<_>>(), elements.iter().map(outline).collect::<Vec<_>>(), "{}", after_text
        );
        prop_assert_eq!(comments(&after_text), comments(&text), "{}", after_text);
        let refused: HashSet<usize> = refused.iter().map(|(index, ..)| *index).collect();
        for (old, new) in elements.iter().zip(&after) {
            let of_element = |edit: &&PropEdit| match &edit.element {
                ElementRef::Listed(listed) => listed.index == old.index,
                ElementRef::At(at) => at.range == old.opening_range,
            };
            let done: Vec<_> = edits.iter().filter(of_element).filter(|edit| !refused.contains(&edit.index)).collect();
            let props = done.iter().map(|edit| edit.prop.as_str()).collect();
            prop_assert_eq!(others(old, &props), others(new, &props), "{}\n->\n{}", text, after_text);
            for edit in done {
                let written: Vec<_> = new.attributes.iter().filter_map(|attribute| match attribute {
                    JsxAttribute::Attribute { name, value, .. } if *name == edit.prop => Some(value.as_ref()),
                    _ => None,
                }).collect();
                match &edit.value {
                    None => prop_assert!(written.is_empty(), "{}", after_text),
                    Some(value) => {
                        let last = written.last().copied();
                        prop_assert!(last.is_some(), "{}", after_text);
                        prop_assert_eq!(value_of(&after_text, last.unwrap()), Some(value.clone()), "{}", after_text);
                    }
                }
            }
        }
        // What is planned for the result is nothing.
        let again: Vec<PropEdit> = edits.into_iter().filter(|edit| !refused.contains(&edit.index)).map(|edit| PropEdit {
            element: match &edit.element {
                ElementRef::At(at) => {
                    let index = elements.iter().position(|element| element.opening_range == at.range).unwrap();
                    ElementRef::At(ElementAt { range: after[index].range })
                }
                listed @ ElementRef::Listed(_) => listed.clone(),
            },
            ..edit
        }).collect();
        prop_assert_eq!(planned(&after_text, &again), (vec![], vec![]), "{}", after_text);
    }

    #[test]
    fn elements_are_those_of_parse(text in any_source(), cuts in prop::collection::vec((0_usize..200, 0_usize..8, "[<>{}()\"'/=a é\n]{0,3}"), 0..5)) {
        let mut text = text;
        for (at, len, inserted) in cuts {
            let floor = |mut at: usize| { while !text.is_char_boundary(at) { at -= 1 } at };
            let (start, end) = (floor(at.min(text.len())), floor((at + len).min(text.len())));
            text.replace_range(start..end, &inserted);
        }
        let source = Source::parse(&text, Language::Tsx, View::Tolerant, &CancelToken::default()).unwrap();
        let elements = Elements::of(&source, &CancelToken::default()).unwrap();
        let found: Vec<_> = elements.list.iter().map(|element| (source.range(element.node), source.range(element.opening))).collect();
        let parsed = facts(&text).jsx.unwrap();
        prop_assert_eq!(found, parsed.iter().map(|element| (element.range, element.opening_range)).collect::<Vec<_>>());
    }
}
