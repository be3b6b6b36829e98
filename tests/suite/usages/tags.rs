//! By the tag as it is written.

use serde_json::json;

use super::{check, made};
use crate::harness::Sidecar;

#[test]
fn tags_are_compared_as_written() {
    let workspace = made(&[
        ("a.tsx", "<Button><Button /><button /></Button>; <Button2 />; <MyButton />; <Button.Group />;"),
        (
            "b.jsx",
            "<Foo.Bar />; <Foo . Bar />; <Foo /* c */\n  . // d\n  Bar></Foo.Bar>; <Foo.Bar.Baz />; <Foo />; <Bar />;",
        ),
        ("c.tsx", "<svg:path />; <svg : path />; <path />; <x-y />; <x-y-z />; <this.Button />; <></>;"),
        ("d.tsx", "const Кнопка = 1; <Кнопка />; <$ />; <$a />; <_ />; <a$ />; <Fragment /> ; <React.Fragment />;"),
        ("e.js", "export default () => <Button<number> a={<button />} />"),
        ("f.ts", "const a = <Button>b; // no element in a file without JSX"),
        ("g.mjs", "// <Button /> in a comment, '<Button />' in a text\nconst s = '<Button />';"),
        ("h.md", "<Button />"),
        ("node_modules/p/index.jsx", "<Button />"),
    ]);
    check(
        &workspace,
        &[
            ("Button", "", "a.tsx 0 1, e.js 0"),
            ("button", "", "a.tsx 2, e.js 1"),
            ("Button.Group", "", "a.tsx 5"),
            ("Foo.Bar", "", "b.jsx 0 1 2"),
            ("Foo.Bar.Baz", "", "b.jsx 3"),
            ("Foo", "", "b.jsx 4"),
            ("Bar", "", "b.jsx 5"),
            ("svg:path", "", "c.tsx 0 1"),
            ("path", "", "c.tsx 2"),
            ("x-y", "", "c.tsx 3"),
            ("x", "", ""),
            ("this.Button", "", "c.tsx 5"),
            ("Кнопка", "", "d.tsx 0"),
            ("$", "", "d.tsx 1"),
            ("$a", "", "d.tsx 2"),
            ("_", "", "d.tsx 3"),
            ("a$", "", "d.tsx 4"),
            ("a", "", ""),
            ("Fragment", "", "d.tsx 5"),
            ("React.Fragment", "", "d.tsx 6"),
            ("Butto", "", ""),
            ("BUTTON", "", ""),
            (".", "", ""),
            ("Foo..Bar", "", ""),
            ("Foo . Bar", "", ""),
            ("<", "", ""),
            ("No\0\u{2028}where", "", ""),
        ],
    );
}

#[test]
fn elements_are_those_of_parse() {
    let workspace =
        made(&[("a.tsx", "const A = () => <>\n  <B c='😀' {...d}>{e.map(() => <B.F key={1} />)}<B/></B>\n</>;")]);
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let parsed = sidecar.request("parse", json!({ "path": "a.tsx", "facts": ["jsx"] }));
    let answer = sidecar.request("usages", json!({ "name": "B" }));
    let wanted = json!([{ "path": "a.tsx", "hash": parsed["hash"], "elements": [parsed["jsx"][1], parsed["jsx"][3]] }]);
    assert_eq!(answer["files"], wanted);
    assert_eq!(answer["files"][0]["elements"][1]["nth"], 1);
    sidecar.finish();
}
