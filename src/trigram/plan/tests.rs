//! What bounds the work, and what is cut.

use std::time::{Duration, Instant};

use regex_syntax::ParserBuilder;

use super::*;
use crate::trigram::OVERLAP;

fn parsed(pattern: &str) -> Hir {
    ParserBuilder::new().utf8(false).nest_limit(1000).build().parse(pattern).unwrap()
}

fn plan(pattern: &str) -> Plan {
    Plan::of(&parsed(pattern))
}

/// All stretches of a plan.
fn stretches(plan: &Plan) -> Vec<&Stretch> {
    match plan {
        Plan::All | Plan::Nothing => Vec::new(),
        Plan::And(parts) | Plan::Or(parts) => parts.iter().flat_map(stretches).collect(),
        Plan::Stretch(stretch) => vec![stretch],
    }
}

#[test]
fn a_long_literal_is_cut_where_nothing_is_lost() {
    let text = (0..60).map(|number| format!("word{number:02} ")).collect::<Vec<_>>().concat();
    let plan = plan(&format!("^{text}"));
    let all: std::collections::BTreeSet<_> =
        text.as_bytes().windows(3).map(|gram| u32::from_be_bytes([0, gram[0], gram[1], gram[2]])).collect();
    let mut seen = std::collections::BTreeSet::new();
    let mut words = 0;
    for stretch in stretches(&plan) {
        assert!(stretch.is_in(text.as_bytes()));
        assert!(stretch.groups.len() + 2 <= OVERLAP);
        for word in &stretch.words {
            assert_eq!(word.len(), 6, "no word is cut");
        }
        words += stretch.words.len();
        seen.extend(stretch.groups.iter().flatten().map(|range| range.first));
    }
    assert_eq!(seen, all);
    assert!(words > 50, "{words}");
}

#[test]
fn the_bytes_of_a_stretch_are_counted_at_their_longest() {
    // A third of these characters may have three bytes.
    for stretch in stretches(&plan(&"(?i)kab".repeat(60))) {
        let mut longest = String::new();
        while !stretch.is_in(longest.as_bytes()) {
            longest.push_str("\u{212a}ab");
            assert!(longest.len() < 2 * OVERLAP);
        }
        assert!(longest.len() <= OVERLAP + 5, "{stretch:?}");
    }
}

#[test]
fn many_branches_are_as_many_stretches() {
    let words: Vec<String> = (0..2000).map(|number| format!("{number:04}x")).collect();
    let Plan::Or(branches) = plan(&words.join("|")) else { panic!() };
    assert_eq!(branches.len(), 2000);
    let plan = format!("{:?}", plan(&format!("foo({})bar", words[..40].join("|"))));
    assert!(plan.starts_with("(0000x | 0001x | ") && plan.ends_with(" | 0039x) & foo & bar"), "{plan}");
    // With few, all that stands together does.
    let plan = format!("{:?}", self::plan("foo(a|bc|def)bar"));
    assert_eq!(plan, "fooabar | foobcbar | foodefbar");
}

#[test]
fn what_may_be_absent_does_not_break_up_what_precedes() {
    // Ten ways, twice three more: too many to write out.
    let plan = format!("{:?}", plan("x(ab|cd|ef|gh|ij|kl|mn|op|qr|st)y(?:u|vw)?(?:1|23)?z"));
    assert_eq!(plan, "xaby | xcdy | xefy | xghy | xijy | xkly | xmny | xopy | xqry | xsty");
}

#[test]
fn what_is_not_written_out_is_a_gap() {
    let plan = format!("{:?}", plan("xx((a|bc)(d|ef)(g|hi)(j|kl)(m|no)(p|qr)y)zz"));
    assert!(plan.ends_with(" | bcefhiklno) & ((xx & pyzz) | (xx & qryzz))"), "{plan}");
}

#[test]
fn behind_what_is_too_much_anything_may_follow() {
    let plan = plan(&format!("{}the end", "[0-9]{6}x".repeat(1000)));
    let text = format!("{}the end", "000000x".repeat(1000));
    let stretches = stretches(&plan);
    assert!(!stretches.is_empty() && stretches.iter().all(|stretch| stretch.is_in(text.as_bytes())));
    assert!(!format!("{plan:?}").contains("the end"), "nothing was too much");
}

/// No pattern keeps anybody waiting. (The bound is for a slow machine, the plans take milliseconds; and where it stands
/// still, a plan is made once more.)
#[test]
fn the_work_is_bounded() {
    let fill = |part: &str| part.repeat(16 * 1024 / part.len());
    let nested = |open: &str, close: &str| format!("{}abc{}", open.repeat(80), close.repeat(80));
    for pattern in [
        fill("a"),
        fill("[0-9]"),
        fill("[a-z]x"),
        fill("(?i:k)"),
        fill("ab?"),
        fill("(ab|c)"),
        fill("(ab|cd)+"),
        fill("a{99}"),
        fill("[ab]{99}"),
        fill("x[ab]{9}y.*"),
        fill(r"\s*a"),
        fill("ab|"),
        fill("abc.*"),
        fill("(abc|de.*f)"),
        nested("(?:", "){50}").replace("){50}".repeat(70).as_str(), ")".repeat(70).as_str()),
        nested("(?:a|", "b)?"),
        nested("(?:x?", "b|c)"),
        nested("(?:ab", "cd|ef)+"),
        "(?:a{50}){50}".to_owned(),
        "(?:(?:(?:a|bc){9}d?){9}e?){9}".to_owned(),
        "((a?b?){5}|c){5}".repeat(100),
    ] {
        let hir = parsed(&pattern);
        let timed = || {
            let start = Instant::now();
            let plan = Plan::of(&hir);
            (plan, start.elapsed())
        };
        let shown = &pattern[..pattern.len().min(60)];
        let limit = Duration::from_millis(500);
        let made = (0..5).map(|_| timed()).find(|(_, time)| *time < limit);
        let Some((plan, _)) = made else { panic!("{shown}: no plan within {limit:?}") };
        let all = stretches(&plan);
        let groups: usize = all.iter().map(|stretch| stretch.groups.len()).sum();
        assert!(all.len() <= 5000 && groups <= 64 * 1024, "{shown}: {} stretches, {groups} groups", all.len());
    }
}
