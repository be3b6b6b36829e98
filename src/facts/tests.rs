//! A digest is what it was made of.

use proptest::prelude::*;

use super::Digest;
use crate::cancel::CancelToken;
use crate::protocol::tsx::{Fact, Facts, Language};
use crate::tsx;

const FACTS: [Fact; 3] = [Fact::Imports, Fact::Exports, Fact::Jsx];

fn facts(text: &str) -> Facts {
    tsx::facts(text, Language::Tsx, &FACTS, usize::MAX, &CancelToken::default()).unwrap()
}

fn check(text: &str) {
    let facts = facts(text);
    let digest = Digest::of(&facts);
    assert_eq!(digest.imports(), facts.imports, "{text}");
    assert_eq!(digest.exports(), facts.exports, "{text}");
    assert_eq!(digest.elements(|_| true), facts.jsx, "{text}");
    for name in ["a", "B", ""] {
        let some = facts.jsx.as_ref().map(|all| all.iter().filter(|element| element.name == name).cloned().collect());
        assert_eq!(digest.elements(|found| found == name), some, "{name} in {text}");
    }
    // Whatever is cut off or turned over is no panic.
    let bytes = digest.bytes();
    for cut in 0..bytes.len() {
        let _ = Digest::kept(&bytes[..cut]).elements(|_| true);
        let mut turned = bytes.to_vec();
        turned[cut] ^= 0x55;
        let turned = Digest::kept(&turned);
        let _ = (turned.imports(), turned.exports(), turned.elements(|_| true));
    }
}

#[test]
fn digests_have_the_facts() {
    for text in [
        "",
        "import a, { type B, c as d, default as e } from 'x'; import * as f from \"y\"; import 'z'; import type G from 'g';",
        "export * from 'a'; export * as c from 'd'; export type { e }; export { f, g as default } from 'i'; export default h;",
        "<a b='&quot;é' c d={1} e={-1.5} f={1e400} g={true} h={null} i={`x`} j=<B /> k={l} m={'n'} {...o} p={1e21}><B /><></></a>",
        "const C = () => <a.b c:d='😀'><B><a /></B>{x.map(() => <B key={1} />)}</a.b>",
        "import * as All from './all'; export const X = memo(() => <All.B a={0} b={9007199254740993} c={false} />);",
    ] {
        check(text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn digests_of_any_source_have_its_facts(pieces in proptest::collection::vec(prop_oneof![
        Just("<a b='c'>"), Just("</a>"), Just("<B {...d} />"), Just("{e}"), Just("<>"), Just("</>"), Just("export const f = "),
        Just("import g from 'h';\n"), Just("<B i={2.5} j>"), Just("</B>"), Just("😀"), Just("(") , Just(")"), Just(";\n"),
    ], 0..20)) {
        check(&pieces.concat());
    }
}
