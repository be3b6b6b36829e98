//! What queries match, in a compact notation, and what they need.

use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits { matches: 1000, text: 1000, bytes: 1 << 20 };
const ALL: [Language; 4] = [Language::Tsx, Language::Ts, Language::Jsx, Language::Js];

fn compile(query: &str) -> Result<Query> {
    Query::compile(query, &ALL, &CancelToken::default())
}

/// Each match's pattern and captures.
fn matches(query: &str, text: &str, language: Language) -> String {
    let found = compile(query).unwrap().run(text, language, LIMITS, &CancelToken::default()).unwrap();
    assert!(!found.cut && !found.lost);
    let units: Vec<u16> = text.encode_utf16().collect();
    let shown = found.matches.iter().map(|one| {
        let captures = one.captures.iter().map(|capture| {
            let range = capture.range.start as usize..capture.range.end as usize;
            assert_eq!(String::from_utf16(&units[range]).unwrap(), capture.text);
            format!(" {}={}", capture.name, capture.text)
        });
        format!("{}{}", one.pattern, captures.collect::<String>())
    });
    shown.collect::<Vec<_>>().join("; ")
}

const TEXT: &str = "import { a, bb } from 'x';\nfunction f(a) { return a(bb, 'y') }\n// é😀\nconst g = '😀', a1 = 2;\n";

#[test]
fn what_matches() {
    for (query, shown) in [
        ("(function_declaration name: (identifier) @name)", "0 name=f"),
        ("(lexical_declaration (variable_declarator name: (identifier) @a value: (string) @b))", "0 a=g b='😀'"),
        ("(import_specifier) @a (number) @b", "0 a=a; 0 a=bb; 1 b=2"),
        ("(program)", "0"),
        ("(comment) @c", "0 c=// é😀"),
        (r#"((identifier) @a (#eq? @a "bb"))"#, "0 a=bb; 0 a=bb"),
        (r#"((identifier) @a (#not-eq? @a "a") (#not-match? @a "b"))"#, "0 a=f; 0 a=g; 0 a=a1"),
        (r#"((identifier) @a (#match? @a "^[fg]$"))"#, "0 a=f; 0 a=g"),
        (r#"((identifier) @a (#any-of? @a "f" "a1" "zz"))"#, "0 a=f; 0 a=a1"),
        (r#"((identifier) @a (#not-any-of? @a "f" "a" "bb" "g"))"#, "0 a=a1"),
        ("(function_declaration parameters: (_ (_) @a) body: (_ (_ (_ (identifier) @b))) (#eq? @a @b))", "0 a=a b=a"),
        (r#"((string) @s (#eq? @s "'\u{1F600}'") (#set! a "b"))"#, ""),
        ("((string) @s (#eq? @s \"'😀'\")) ; é", "0 s='😀'"),
        ("", ""),
        ("; nothing", ""),
    ] {
        assert_eq!(matches(query, TEXT, Language::Tsx), shown, "{query}");
        assert_eq!(matches(query, TEXT, Language::Ts), shown, "{query}");
    }
    assert_eq!(matches("(identifier) @a", "\u{FEFF}é; a", Language::Js), "0 a=é; 0 a=a");
}

#[test]
fn any_of_several_nodes() {
    let text = "a; bb; 'y'";
    let all = "0 a=a; a=bb; a='y'";
    for (predicate, holds) in [
        ("#any-eq? @a \"bb;\"", true),
        ("#any-eq? @a \"cc;\"", false),
        ("#any-not-eq? @a \"a;\"", true),
        ("#any-match? @a \"^'\"", true),
        ("#any-match? @a \"z\"", false),
        ("#any-not-match? @a \"a|b|y\"", false),
        ("#any-not-match? @a \"a|b\"", true),
        ("#any-eq? @a @a", true),
        ("#any-not-eq? @a @a", false),
        ("#eq? @a \"a;\"", false),
        ("#match? @a \"a|b|y\"", true),
    ] {
        let query = format!("(program . (expression_statement)+ @a . ({predicate}))");
        assert_eq!(matches(&query, text, Language::Ts), if holds { all } else { "" }, "{query}");
    }
}

#[test]
fn each_grammar_has_what_it_has() {
    let jsx = "(jsx_self_closing_element) @e";
    assert_eq!(matches(jsx, "<a/>", Language::Jsx), "0 e=<a/>");
    assert_eq!(matches(jsx, "let a = <b>c", Language::Ts), "");
    let cast = "(type_assertion) @a";
    assert_eq!(matches(cast, "let a = <b>c", Language::Ts), "0 a=<b>c");
    assert_eq!(matches(cast, "<a/>", Language::Tsx), "");
    let of = |query, language| Query::compile(query, &[language], &CancelToken::default());
    assert!(of(jsx, Language::Tsx).is_ok());
    assert_eq!(of(jsx, Language::Ts).unwrap_err().code, Code::InvalidQuery);
    let both = compile(&format!("{jsx} {cast}")).unwrap_err();
    assert_eq!(both.code, Code::InvalidQuery, "no grammar has both");
}

#[test]
fn what_is_wrong_with_a_query() {
    for (query, line, column, says) in [
        ("(identifier) @a (nonsense)", 1, 18, "there is no node type \"nonsense\""),
        ("(identifier)\n  (call_expression\n\tcallee: (_))", 3, 2, "there is no field \"callee\""),
        ("(identifier) @a (#eq? @é \"b\")", 1, 24, "it is not well formed"),
        ("(identifier", 1, 12, "it is not well formed"),
        ("(identifier))", 1, 13, "it is not well formed"),
        ("((identifier) @a (#eq? @b \"x\"))", 1, 25, "no capture is called \"b\""),
        ("(string (identifier))", 1, 9, "no tree has what this pattern asks for"),
        ("(number)\n((identifier) @a (#lua-match? @a \"x\"))", 2, 18, "there is no predicate #lua-match?"),
        ("((identifier) @a (#is? @a local))", 1, 18, "there is no predicate #is?"),
        ("((identifier) @a ( ; c\n #contains? @a \"x\"))", 1, 18, "there is no predicate #contains?"),
        ("(number)\n((identifier) @a (#match? @a \"(\"))", 2, 1, "Invalid regex '('"),
        ("(number)\n((identifier) @a (#eq? @a))", 2, 1, "Wrong number of arguments to #eq? predicate"),
        ("é", 1, 1, "it is not well formed"),
        ("((identifier) @a (#eq? @a \"\n\"))", 1, 1, "it is not well formed"),
    ] {
        let error = compile(query).unwrap_err();
        assert_eq!(error.code, Code::InvalidQuery, "{query}");
        assert!(
            error.message.starts_with("`query`, line ") && error.message.contains(says),
            "{query}: {}",
            error.message
        );
        let data = error.data.unwrap();
        if !query.contains("\"\n") {
            assert_eq!((&data["line"], &data["column"]), (&line.into(), &column.into()), "{query}: {}", error.message);
        }
        let offset = data["offset"].as_u64().unwrap() as usize;
        assert!(offset <= query.encode_utf16().count(), "{query}");
    }
    let long = compile(&"(identifier) ".repeat(6000)).unwrap_err();
    assert!(long.message.contains("are more than the 65536 allowed"), "{}", long.message);
}

#[test]
fn hostile_queries_are_answered() {
    let depth = 20_000;
    for query in [
        "(".repeat(depth),
        "[".repeat(depth),
        format!("{}(identifier){}", "(".repeat(depth), ")".repeat(depth)),
        format!("{}(identifier){}", "(_ ".repeat(depth), ")".repeat(depth)),
        "(_ (_ (_ (_)* @a)* @b)* @c)* @d".to_owned(),
        "\"".repeat(depth),
        "(#".repeat(depth),
    ] {
        let cancel = CancelToken::default();
        if let Ok(query) = Query::compile(&query, &ALL, &cancel) {
            let text = format!("f({});", "a(b, c), ".repeat(300));
            let found = query.run(&text, Language::Ts, LIMITS, &cancel).unwrap();
            assert!(found.matches.len() <= LIMITS.matches);
        }
    }
}

#[test]
fn limits_cut_behind_the_first_matches() {
    let query = compile("(identifier) @a").unwrap();
    let run = |limits| query.run("a; bb; ccc; 😀; 𠮷𠮷𠮷", Language::Ts, limits, &CancelToken::default()).unwrap();
    let all = run(LIMITS);
    assert!(!all.cut && all.matches.len() == 5, "{all:?}");
    for matches in 0..5 {
        let cut = run(Limits { matches, ..LIMITS });
        assert!(cut.cut && cut.matches == all.matches[..matches], "{cut:?}");
    }
    assert!(!run(Limits { matches: 5, ..LIMITS }).cut);
    let bytes = 2 * (MATCH_BYTES + CAPTURE_BYTES + 3);
    let cut = run(Limits { bytes, ..LIMITS });
    assert!(cut.cut && cut.matches == all.matches[..2] && cut.bytes > bytes, "{cut:?}");
    let short = run(Limits { text: 2, ..LIMITS });
    let texts: Vec<_> =
        short.matches.iter().map(|one| (one.captures[0].text.as_str(), one.captures[0].truncated)).collect();
    assert_eq!(texts, [("a", false), ("bb", false), ("cc", true), ("😀", false), ("𠮷", true)]);
    let cancelled = CancelToken::default();
    cancelled.cancel();
    assert_eq!(query.run("a", Language::Ts, LIMITS, &cancelled).unwrap_err().code, Code::Cancelled);
    assert_eq!(Query::compile("(identifier)", &ALL, &cancelled).map(drop), Ok(()), "what is done is done");
}

#[test]
fn what_a_text_needs() {
    for (query, plan) in [
        ("(identifier) @a", "All"),
        (r#"((identifier) @a (#eq? @a "useState"))"#, "useState"),
        (r#"((identifier) @a (#eq? @a "useState")) ((identifier) @a (#eq? @a "useMemo"))"#, "useState | useMemo"),
        (r#"((identifier) @a (#eq? @a "useState")) (string)"#, "All"),
        (
            r#"((call_expression (_) @a (_) @b) (#eq? @a "useState") (#eq? @b "(initial)"))"#,
            "useState & (initial)<initial>",
        ),
        (r#"((identifier) @a (#any-of? @a "useState" "useMemo"))"#, "useState | useMemo"),
        (r#"((identifier) @a (#match? @a "^useSt.*te$"))"#, "useSt & te"),
        (r#"((identifier)? @a (#eq? @a "useState"))"#, "All"),
        (r#"([(identifier) @a (string) @b] (#eq? @a "useState"))"#, "All"),
        (r#"(arguments (_)* @a (#any-eq? @a "useState"))"#, "useState"),
        (r#"(arguments (_)* @a (#eq? @a "useState"))"#, "All"),
        (r#"(arguments (_)+ @a (#eq? @a "useState"))"#, "useState"),
        (r#"((identifier) @a (#not-eq? @a "useState") (#not-any-of? @a "x"))"#, "All"),
        ("((identifier) @a (identifier) @b (#eq? @a @b))", "All"),
        ("(import_statement \"import\")", "All"),
    ] {
        assert_eq!(format!("{:?}", compile(query).unwrap().plan()), plan, "{query}");
    }
}

proptest! {
    /// What matches is let pass.
    #[test]
    fn needs_are_sound(
        node in prop_oneof!["\\(identifier\\)", "\\(string\\)", "\\(_\\)", "\\[\\(identifier\\) \\(string\\)\\]"],
        quantifier in "[?*+]?",
        predicate in "(any-)?(not-)?(eq|match)\\?",
        value in "[abx']{1,3}",
        text in "([abx]{1,3}(\\([abx',]{0,5}\\))?[;\n ]|'[abx]{1,3}';){0,8}",
    ) {
        let query = format!("(_ {node}{quantifier} @a (#{predicate} @a \"{value}\"))");
        let query = compile(&query).unwrap();
        let found = query.run(&text, Language::Ts, LIMITS, &CancelToken::default()).unwrap();
        prop_assert!(found.matches.is_empty() || query.may_match(&text, Language::Ts), "{found:?}");
    }
}
