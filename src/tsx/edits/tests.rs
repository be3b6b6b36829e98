//! What sources become, as text.

use super::*;
use crate::error::Code;
use crate::protocol::edits::{ElementAt, ListedElement};
use crate::protocol::tsx::{Fact, Facts, JsxAttribute};
use crate::tsx;

mod properties;

fn planned(text: &str, edits: &[PropEdit]) -> (Vec<TextEdit>, Vec<Refused>) {
    plan(text, Language::Tsx, edits, &CancelToken::default()).unwrap()
}

/// What an editor makes of it.
fn applied(text: &str, edits: &[TextEdit]) -> String {
    let mut units: Vec<u16> = text.encode_utf16().collect();
    for edit in edits.iter().rev() {
        units.splice(edit.range.start as usize..edit.range.end as usize, edit.new_text.encode_utf16());
    }
    String::from_utf16(&units).unwrap()
}

fn facts(text: &str) -> Facts {
    let wanted = [Fact::Errors, Fact::Imports, Fact::Exports, Fact::Jsx];
    tsx::facts(text, Language::Tsx, &wanted, usize::MAX, &CancelToken::default()).unwrap()
}

/// Edits of the first element, each `prop`, to be removed, or `prop=JSON`.
fn first(text: &str, wanted: &[&str]) -> Vec<PropEdit> {
    let element = ElementRef::At(ElementAt { range: facts(text).jsx.unwrap()[0].range });
    let edit = |(index, wanted): (usize, &&str)| {
        let (prop, value) = wanted.split_once('=').map_or((*wanted, None), |(prop, json)| (prop, Some(json)));
        let value = value.map(|json| Json::read(json).unwrap());
        PropEdit { index, element: element.clone(), prop: prop.to_owned(), value }
    };
    wanted.iter().enumerate().map(edit).collect()
}

/// The text with the first element so edited; what is refused comes behind it.
fn edited(text: &str, wanted: &[&str]) -> String {
    let (edits, refused) = planned(text, &first(text, wanted));
    let refused = refused.iter().map(|(at, code, message)| {
        let code = serde_json::to_value(code).unwrap();
        format!(" !{at} {} {message}", code.as_str().unwrap())
    });
    applied(text, &edits) + &refused.collect::<String>()
}

#[track_caller]
fn check(table: &[(&str, &[&str], &str)]) {
    for (text, wanted, expected) in table {
        assert_eq!(edited(text, wanted), *expected, "{text} with {wanted:?}");
    }
}

#[test]
fn values_of_attributes() {
    check(&[
        ("<a b=\"c\"/>", &["b=\"d\""], "<a b=\"d\"/>"),
        ("<a b='c'/>", &["b=\"d\""], "<a b='d'/>"),
        ("<a b='c'/>", &["b=\"it's\""], "<a b=\"it's\"/>"),
        ("<a b='c'/>", &["b=\"d\\n\""], "<a b={\"d\\n\"}/>"),
        ("f('x'); <a b=\"c\"/>", &["b=\"d\\n\""], "f('x'); <a b={'d\\n'}/>"),
        ("<a b = /* x */ 'c' /* y */ />", &["b=1"], "<a b = /* x */ {1} /* y */ />"),
        ("<a b='c'/>", &["b=true"], "<a b={true}/>"),
        ("<a b='c'/>", &["b=null"], "<a b={null}/>"),
        ("<a b={1}/>", &["b=-2.5"], "<a b={-2.5}/>"),
        ("<a b={- 1}/>", &["b=\"x\""], "<a b={\"x\"}/>"),
        ("<a b={ /* x */ 1 /* y */ }/>", &["b=2"], "<a b={ /* x */ 2 /* y */ }/>"),
        ("<a b={'c'}/>", &["b=\"it's\""], "<a b={'it\\'s'}/>"),
        ("<a b={\"c\"}/>", &["b=\"it's\""], "<a b={\"it's\"}/>"),
        ("<a b={`c`}/>", &["b=\"`d`\""], "<a b={`\\`d\\``}/>"),
        ("<a b={`c`}/>", &["b={\"c\":1}"], "<a b={{ c: 1 }}/>"),
        ("<a b={false}/>", &["b=true"], "<a b={true}/>"),
        ("<a b={1e999}/>", &["b=1"], "<a b={1}/>"),
        // The last one counts.
        ("<a b={c} b='d' b='e'/>", &["b=\"f\""], "<a b={c} b='d' b='f'/>"),
        ("<a {...c} b='d'/>", &["b=\"e\""], "<a {...c} b='e'/>"),
        ("<a x:b='c' b-c='d' b='e'/>", &["x:b=1", "b-c=2", "b=3"], "<a x:b={1} b-c={2} b={3}/>"),
        ("<a key='b' ref='c'/>", &["key=1", "ref=null"], "<a key={1} ref={null}/>"),
    ]);
}

#[test]
fn shorthands() {
    check(&[
        ("<a b/>", &["b=true"], "<a b/>"),
        ("<a b/>", &["b=false"], "<a b={false}/>"),
        ("<a b/>", &["b=\"x\""], "<a b=\"x\"/>"),
        ("<a b c/>", &["b=null"], "<a b={null} c/>"),
        ("<a/>", &["b=true"], "<a b/>"),
        ("<a/>", &["b=false"], "<a b={false}/>"),
    ]);
}

#[test]
fn what_is_so_already() {
    for (attribute, json) in [
        ("b='c'", "\"c\""),
        ("b='&amp;&#x1F600; \\n'", "\"&😀 \\\\n\""),
        ("b='&#xD83D;'", "\"\\ud83d\""),
        ("b={'\\x41\\u{1F600}'}", "\"A😀\""),
        ("b={'\\uD83D'}", "\"\\ud83d\""),
        ("b={`c\r\nd`}", "\"c\\nd\""),
        ("b={0x10}", "16"),
        ("b={- 1_0}", "-10"),
        ("b={1e21}", "1000000000000000000000"),
        ("b={true}", "true"),
        ("b={null}", "null"),
        ("b={[1, 'c', /* d */ [],]}", "[1, \"c\", []]"),
        ("b={{ c: { 'd': 1 }, 2: `e`, ['__proto__']: null, }}", r#"{"c":{"d":1},"2":"e","__proto__":null}"#),
        ("b={{ c: 1, c: 2 }}", r#"{"c":2}"#),
    ] {
        let text = format!("<a {attribute}/>");
        let wanted = format!("b={json}");
        assert_eq!(edited(&text, &[&wanted]), text, "{json}");
    }
    check(&[
        ("<a b={0}/>", &["b=-0"], "<a b={-0}/>"),
        ("<a b={{ c: 1, d: 2 }}/>", &[r#"b={"d":2,"c":1}"#], "<a b={{ d: 2, c: 1 }}/>"),
        ("<a/>", &["b"], "<a/>"),
    ]);
}

#[test]
fn objects_and_lists() {
    check(&[
        ("<a/>", &[r#"b={"c":[1,{"d":null}]}"#], "<a b={{ c: [1, { d: null }] }}/>"),
        ("<a b={{ c: 'd', /* e */ f: 1 }}/>", &[r#"b={"c":"g","f":1}"#], "<a b={{ c: 'g', /* e */ f: 1 }}/>"),
        ("<a b={{\n  c: 1, // d\n  e: 2,\n}}/>", &[r#"b={"c":1,"e":3}"#], "<a b={{\n  c: 1, // d\n  e: 3,\n}}/>"),
        ("<a b={[1, [2, 3]]}/>", &["b=[1,[2,4]]"], "<a b={[1, [2, 4]]}/>"),
        ("<a b={[1, 2]}/>", &["b=[1,2,3]"], "<a b={[1, 2, 3]}/>"),
        (
            "<a b={[,1]}/>",
            &["b=[1]"],
            "<a b={[,1]}/> !0 unpromotable `b`: its value is a list with more than literals in it, not a literal",
        ),
        ("<a b={{ c: 1 }}/>", &[r#"b={"d":1}"#], "<a b={{ d: 1 }}/>"),
        ("<a b={{ c: 1 }}/>", &["b=null"], "<a b={null}/>"),
        (
            "<a b={{ c: d, e: 1 }}/>",
            &[r#"b={"c":1,"e":2}"#],
            "<a b={{ c: d, e: 1 }}/> !0 unpromotable `b`: its value is an expression, not a literal",
        ),
        (
            "<a b={{ c: 1, /* d */ }}/>",
            &["b=1"],
            "<a b={{ c: 1, /* d */ }}/> !0 unpromotable `b`: its value is an object with more than literals in it, not a literal",
        ),
    ]);
    for other in [
        "{ ...c }",
        "{ c }",
        "{ c() {} }",
        "{ [c]: 1 }",
        "{ get c() { return 1 } }",
        "{ __proto__: 1 }",
        "{ '__proto__': 1 }",
        "{ c: d }",
    ] {
        let text = format!("<a b={{{other}}}/>");
        for wanted in ["b", "b=1", "b={\"c\":1}", "b={\"__proto__\":1}"] {
            assert!(edited(&text, &[wanted]).starts_with(&format!("{text} !0 unpromotable")), "{text} {wanted}");
        }
    }
}

#[test]
fn what_is_computed_is_left_alone() {
    for (attribute, what) in [
        ("b={c}", "an expression"),
        ("b={('c')}", "an expression"),
        ("b={'c' as const}", "an expression"),
        ("b={() => 1}", "an expression"),
        ("b={+1}", "an expression"),
        ("b={1n}", "an expression"),
        ("b={c`d`}", "an expression"),
        ("b={undefined}", "an expression"),
        ("b={`c${d}`}", "a template with substitutions"),
        ("b={<c/>}", "a JSX element"),
        ("b=<c/>", "a JSX element"),
        ("b=<></>", "a JSX element"),
        ("b={[...c]}", "a list with more than literals in it"),
    ] {
        let text = format!("<a {attribute} d='1'/>");
        for wanted in ["b=1", "b"] {
            let expected = format!("{text} !0 unpromotable `b`: its value is {what}, not a literal");
            assert_eq!(edited(&text, &[wanted]), expected);
        }
        // The others are.
        assert!(edited(&text, &["b=1", "d=2", "e=3"]).starts_with(&format!("<a {attribute} d={{2}} e={{3}}/> !0")));
    }
    check(&[
        (
            "<a b='c' {...d}/>",
            &["b=\"e\""],
            "<a b='c' {...d}/> !0 unpromotable `b`: a spread behind it may override it",
        ),
        ("<a b='c' {...d}/>", &["b"], "<a {...d}/>"),
        (
            "<a b='c' b={d} b='e'/>",
            &["b"],
            "<a b='c' b={d} b='e'/> !0 unpromotable `b`: its value is an expression, not a literal",
        ),
    ]);
}

#[test]
fn children_are_what_is_between_the_tags() {
    check(&[
        ("<a/>", &["children=1"], "<a children={1}/>"),
        ("<a></a>", &["children=1"], "<a children={1}></a>"),
        ("<a>\n  </a>", &["children=1"], "<a children={1}>\n  </a>"),
        ("<a children='b'>c</a>", &["children"], "<a>c</a>"),
    ]);
    for text in ["<a> </a>", "<a>b</a>", "<a>\n{b}</a>", "<a><b/></a>"] {
        let expected = format!("{text} !0 unpromotable `children`: what is written between the tags overrides it");
        assert_eq!(edited(text, &["children=1"]), expected);
    }
}

#[test]
fn additions() {
    check(&[
        ("<a/>", &["b=\"c\""], "<a b=\"c\"/>"),
        ("<a />", &["b=\"c\""], "<a b=\"c\" />"),
        ("<a></a>", &["b=1", "c=2"], "<a b={1} c={2}></a>"),
        ("<a.b<c>>d</a.b>", &["b=1"], "<a.b<c> b={1}>d</a.b>"),
        ("<a{...b}/>", &["c=1"], "<a{...b} c={1}/>"),
        ("<a b='c'/>", &["d=\"e\""], "<a b='c' d='e'/>"),
        ("<a\n/>", &["b=1"], "<a b={1}\n/>"),
        ("<a\n  b\n/>", &["c=1", "d=true"], "<a\n  b\n  c={1}\n  d\n/>"),
        ("<a\r\n\tb\r\n/>", &["c=1"], "<a\r\n\tb\r\n\tc={1}\r\n/>"),
        ("<a\n  b c />", &["d=1"], "<a\n  b c d={1} />"),
        ("<a b // c\n/>", &["d=1"], "<a b d={1} // c\n/>"),
        ("<a // c\n/>", &["d=1"], "<a d={1} // c\n/>"),
        ("<a\n  b // c\n/>", &["d=1"], "<a\n  b // c\n  d={1}\n/>"),
        ("<a\n  /* x */ b /* y */ // z\n/>", &["d=1"], "<a\n  /* x */ b /* y */ // z\n  d={1}\n/>"),
        ("<a\n  b={{\n    c: 1,\n  }}\n/>", &["d=1"], "<a\n  b={{\n    c: 1,\n  }}\n  d={1}\n/>"),
        ("<a b={() => {\n}}/>", &["d=1"], "<a b={() => {\n}} d={1}/>"),
        ("<a b c/>", &["c=1", "d=2"], "<a b c={1} d={2}/>"),
    ]);
}

#[test]
fn removals() {
    check(&[
        ("<a b/>", &["b"], "<a/>"),
        ("<a b />", &["b"], "<a />"),
        ("<a b='c'>d</a>", &["b"], "<a>d</a>"),
        ("<a b c d/>", &["c"], "<a b d/>"),
        ("<a b c d/>", &["b", "c", "d"], "<a/>"),
        ("<a b c d/>", &["b", "d"], "<a c/>"),
        ("<a b='1'c='2'd/>", &["c"], "<a b='1'd/>"),
        ("<a b c='2'd/>", &["c"], "<a b d/>"),
        ("<a b c='2'{...d}/>", &["c"], "<a b {...d}/>"),
        ("<a b c='1' b='2'/>", &["b"], "<a c='1'/>"),
        ("<a/**/b='1'c/>", &["b"], "<a/**/c/>"),
        ("<a b/* x */ c/* y */ d/>", &["c"], "<a b/* x *//* y */ d/>"),
        ("<a<b> c/>", &["c"], "<a<b>/>"),
        // Lines.
        ("<a\n  b\n  c\n  d\n/>", &["c"], "<a\n  b\n  d\n/>"),
        ("<a\r\n  b\r\n  c\r\n/>", &["c"], "<a\r\n  b\r\n/>"),
        ("<a\n  b\n  c  \n\n  d\n/>", &["c", "d"], "<a\n  b\n\n/>"),
        ("<a\n  b\n/>", &["b"], "<a\n/>"),
        ("<a\n  b c\n  d\n/>", &["b"], "<a\n  c\n  d\n/>"),
        ("<a\n  b c d\n/>", &["b", "c"], "<a\n  d\n/>"),
        ("<a b\n  c d\n/>", &["b", "c"], "<a\n  d\n/>"),
        ("<a\n  b={{\n    c: 1\n  }}\n  d\n/>", &["b"], "<a\n  d\n/>"),
        ("<a\n  b />", &["b"], "<a\n  />"),
        ("<a\n  b // x\n  c // y\n/>", &["c"], "<a\n  b // x\n  // y\n/>"),
        ("<a b // x\n  c\n/>", &["c"], "<a b // x\n/>"),
        ("<a b // x\n  c d/>", &["c"], "<a b // x\n  d/>"),
        ("<a b // x\u{2028}c d/>", &["c"], "<a b // x\u{2028}d/>"),
        ("<a b // x\rc\n/>", &["c"], "<a b // x\r\n/>"),
        ("<a // x\n  c/>", &["c"], "<a // x\n  />"),
        // Together with additions and values.
        ("<a b c/>", &["c", "d=1"], "<a b d={1}/>"),
        ("<a b c/>", &["d=1", "b=2", "c"], "<a b={2} d={1}/>"),
        ("<a b/>", &["b", "d=1"], "<a d={1}/>"),
        ("<a\n  b\n  c\n/>", &["b", "c", "d=1"], "<a\n  d={1}\n/>"),
        ("<a\n  b // x\n  c\n/>", &["c", "d=1"], "<a\n  b // x\n  d={1}\n/>"),
    ]);
}

#[test]
fn a_byte_order_mark_and_astral_characters_count_as_javascript_counts() {
    check(&[("\u{FEFF}'😀'; <é b='😀' c/>", &["b=\"🥐\"", "c=1"], "\u{FEFF}'😀'; <é b='🥐' c={1}/>")]);
}

#[test]
fn edits_are_in_order_and_do_not_touch() {
    let text = "<a b c d e='f'><g h/></a>";
    let element = |name: &str, index| ElementRef::Listed(ListedElement { name: name.to_owned(), index });
    let edit = |index, element, prop: &str, value| PropEdit { index, element, prop: prop.to_owned(), value };
    let edits = [
        edit(0, element("g", 1), "h", Some(Json::Null)),
        edit(1, element("a", 0), "x", Some(Json::Boolean(true))),
        edit(2, element("a", 0), "d", None),
        edit(3, element("a", 0), "c", Some(Json::Null)),
        edit(4, element("a", 0), "e", Some(Json::String(Vec::new()))),
        edit(5, element("a", 0), "b", None),
    ];
    let (planned, refused) = planned(text, &edits);
    assert_eq!(refused, []);
    let shown: Vec<_> = planned.iter().map(|edit| (edit.range.start, edit.range.end, edit.new_text.as_str())).collect();
    assert_eq!(shown, [(2, 4, ""), (6, 8, "={null}"), (11, 14, "'' x"), (19, 19, "={null}")]);
    assert_eq!(applied(text, &planned), "<a c={null} e='' x><g h={null}/></a>");
}

#[test]
fn which_element_is_meant() {
    let text = "<><a.b c/><d>{e.map(() => <a . b/>)}</d></>;";
    let refusal = |element: ElementRef| {
        let edit = PropEdit { index: 7, element, prop: "x".to_owned(), value: Some(Json::Null) };
        let (edits, mut refused) = planned(text, &[edit]);
        match refused.pop() {
            Some((7, code, message)) if edits.is_empty() => format!("{code:?} {message}"),
            None => applied(text, &edits),
            other => panic!("{other:?}"),
        }
    };
    let listed = |name: &str, index| refusal(ElementRef::Listed(ListedElement { name: name.to_owned(), index }));
    let at = |start, end| refusal(ElementRef::At(ElementAt { range: TextRange { start, end } }));
    assert_eq!(listed("a.b", 1), text.replace("<a.b c", "<a.b c x={null}"));
    assert_eq!(listed("a.b", 3), text.replace("a . b", "a . b x={null}"));
    assert_eq!(listed("a.b", 2), "NotFound element 2 is <d>, not <a.b>");
    assert_eq!(listed("a.b", 4), "NotFound there is no element 4; there are 4");
    assert_eq!(listed("a.b", u64::MAX), format!("NotFound there is no element {}; there are 4", usize::MAX));
    assert_eq!(listed("", 0), "UnsupportedPattern it is a fragment, which has no props");
    assert_eq!(at(2, 10), text.replace("<a.b c", "<a.b c x={null}"));
    assert_eq!(at(10, 13), text.replace("<d", "<d x={null}"));
    assert_eq!(at(10, 40), text.replace("<d", "<d x={null}"));
    assert_eq!(at(0, 43), "UnsupportedPattern it is a fragment, which has no props");
    assert_eq!(at(10, 20), "NotFound no element has the range 10 to 20: the tag of <d> ends at 13, all of it at 40");
    assert_eq!(at(1, 10), "NotFound no element starts at 1");
}

#[test]
fn what_does_not_parse_is_left_alone() {
    for text in
        ["<a b", "<a><b/>", "<a b= />", "<a {b} />", "<a b={ />", "<a></b>", "<a 'x' />", "f(<a/>", "const = <a/>; ("]
    {
        for element in facts(text).jsx.unwrap() {
            let at = ElementRef::At(ElementAt { range: element.range });
            let edit = PropEdit { index: 0, element: at, prop: "x".to_owned(), value: Some(Json::Null) };
            let (edits, refused) = planned(text, &[edit]);
            if let Some((_, code, message)) = refused.first() {
                assert_eq!(
                    (*code, message.as_str()),
                    (FailedEditCode::UnsupportedPattern, "the element is in source that does not parse"),
                    "{text}"
                );
            } else {
                let broken = text.starts_with("f(") || text.starts_with("const") || element.name == "b";
                assert!(broken && !edits.is_empty(), "{text}");
            }
        }
    }
}

#[test]
fn two_edits_of_the_same_prop_contradict_each_other() {
    let text = "<a b/>";
    let mut edits = first(text, &["b=1", "b=1"]);
    edits[1].element = ElementRef::Listed(ListedElement { name: "a".to_owned(), index: 0 });
    let error = plan(text, Language::Tsx, &edits, &CancelToken::default()).unwrap_err();
    assert_eq!(error.code, Code::InvalidParams);
    assert_eq!(error.message, "`edits[1]`: an edit before it is for the same `b` of the same element");
}

#[test]
fn names_of_props() {
    for name in [
        "a",
        "A",
        "_",
        "$",
        "a1",
        "a-b",
        "a-",
        "a--b",
        "data-x-1",
        "xlink:href",
        "a-b:c-d",
        "é",
        "名前",
        "a:é",
        "class",
        "__proto__",
        "a\u{301}",
    ] {
        assert!(is_prop_name(name), "{name}");
        let text = format!("<x {name}=\"1\"/>");
        let found = facts(&text);
        assert_eq!(found.errors.unwrap(), [], "{text}");
        let JsxAttribute::Attribute { name: read, .. } = &found.jsx.unwrap()[0].attributes[0] else { unreachable!() };
        assert_eq!(read, name);
    }
    for name in [
        "",
        "1a",
        "-a",
        "a b",
        "a.b",
        "a:",
        ":a",
        "a:b:c",
        "a=b",
        "a\n",
        "{a}",
        "é-b",
        "😀",
        "\u{301}a",
        "a\u{200B}",
        "a\\u0061",
    ] {
        assert!(!is_prop_name(name), "{name}");
    }
}
