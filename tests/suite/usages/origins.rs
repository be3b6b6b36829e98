//! By the module that a component comes from, within a workspace.

use serde_json::json;

use super::{check, made, shown};
use crate::harness::Sidecar;

/// A component, and modules that import and export it in every way there is.
const FILES: &[(&str, &str)] = &[
    // What it is about: `Button` and the default, which is `Card`.
    (
        "ui/button.tsx",
        "export function Button() { return <button /> }\nexport const Own = () => <Button><Card /></Button>;\n\
         export default function Card() { return <Button /> }",
    ),
    // Others of the same names.
    ("ui/other.tsx", "export const Button = () => null; export default function Card() {} <Button />; <Card />;"),
    // Direct imports.
    ("a/named.tsx", "import { Button } from '../ui/button'; <Button><Card /><button /><Button.X /></Button>;"),
    ("a/renamed.tsx", "import { Button as B } from '../ui/button'; <B />; <Button />;"),
    ("a/default.tsx", "import Anything from '../ui/button'; <Anything />; <Card />; <Button />;"),
    ("a/default-as.tsx", "import { default as X, Button } from '../ui/button'; <X />; <Button />;"),
    ("a/namespace.tsx", "import * as UI from '../ui/button'; <UI.Button />; <UI.default />; <UI />; <UI.Nothing />;"),
    ("a/both.tsx", "import D, * as UI from '../ui/button'; <D />; <UI.Button />;"),
    (
        "a/type.tsx",
        "import type { Button } from '../ui/button'; import { type Button as T } from '../ui/button'; <Button />; <T />;",
    ),
    (
        "a/lower.tsx",
        "import { Button as button } from '../ui/button'; import card from '../ui/button'; <button />; <card />;",
    ),
    ("a/string.tsx", "import { 'Button' as S } from '../ui/button'; <S />;"),
    ("a/elsewhere.tsx", "import { Button } from '../ui/other'; import Card from '../ui/other'; <Button />; <Card />;"),
    ("a/nowhere.tsx", "import { Button } from './gone'; import Card from '../gone'; <Button />; <Card />;"),
    ("a/not-imported.tsx", "<Button />; <Card />;"),
    // Re-exports, and who imports from there.
    ("b/named.ts", "export { Button } from '../ui/button';"),
    ("b/renamed.ts", "export { Button as Primary, default as Kard } from '../ui/button';"),
    ("b/star.ts", "export * from '../ui/button';"),
    ("b/star-as.ts", "export * as Kit from '../ui/button';"),
    (
        "b/import-export.ts",
        "import { Button as B } from '../ui/button'; import C from '../ui/button'; export { B as Taken, C };",
    ),
    ("b/default.ts", "export { default } from '../ui/button';"),
    ("b/to-default.ts", "export { Button as default } from '../ui/button';"),
    ("b/import-default.ts", "import Card from '../ui/button'; export default Card;"),
    ("b/namespace.ts", "import * as UI from '../ui/button'; export { UI as Ns }; export default UI;"),
    ("b/use-named.tsx", "import { Button } from './named'; import * as N from './named'; <Button />; <N.Button />;"),
    ("b/use-renamed.tsx", "import { Primary, Kard as K } from './renamed'; <Primary />; <K />;"),
    ("b/use-star.tsx", "import { Button } from './star'; import D from './star'; <Button />; <D />;"),
    (
        "b/use-star-as.tsx",
        "import { Kit, Kit as Q } from './star-as'; <Kit.Button />; <Q.Button />; <Kit.default />; <Kit />;",
    ),
    ("b/use-import-export.tsx", "import { Taken, C } from './import-export'; <Taken />; <C />;"),
    ("b/use-default.tsx", "import Whatever from './default'; import P from './to-default'; <Whatever />; <P />;"),
    ("b/use-import-default.tsx", "import Whatever from './import-default'; <Whatever />;"),
    (
        "b/use-namespace.tsx",
        "import D, { Ns } from './namespace'; <Ns.Button />; <D.Button />; <Ns.default />; <D.default />;",
    ),
    // Chains, barrels, circles.
    ("c/one.ts", "export * from '../b/star'; export * from './three';"),
    ("c/two.ts", "export { Button as Two } from './one'; export * from './one';"),
    ("c/three.ts", "export * from './one'; export * from './two'; export { Two as Three } from './two';"),
    ("c/use.tsx", "import { Button as X, Two, Three } from './three'; <X />; <Two />; <Three />;"),
    ("c/loop-a.ts", "export { Loop } from './loop-b'; export * from './loop-b';"),
    ("c/loop-b.ts", "export { Loop } from './loop-a'; export * from './loop-a';"),
    ("c/use-loop.tsx", "import { Loop, Button } from './loop-a'; <Loop />; <Button />;"),
    // An explicit export hides those of `export *`.
    ("d/hides.ts", "export * from '../ui/button'; export { Button } from '../ui/other';"),
    ("d/use.tsx", "import { Button, Own } from './hides'; <Button />; <Own />;"),
];

#[test]
fn imports_and_re_exports_are_followed() {
    let workspace = made(FILES);
    let button = "a/both.tsx 1, a/default-as.tsx 1, a/named.tsx 0, a/namespace.tsx 0, a/renamed.tsx 0, a/string.tsx 0, \
                  a/type.tsx 0 1, b/use-default.tsx 1, b/use-import-export.tsx 0, b/use-named.tsx 0 1, \
                  b/use-namespace.tsx 0 1, b/use-renamed.tsx 0, b/use-star-as.tsx 0 1, b/use-star.tsx 0, \
                  c/use.tsx 0 1 2, ui/button.tsx 1 3";
    let card = "a/both.tsx 0, a/default-as.tsx 0, a/default.tsx 0, a/namespace.tsx 1, b/use-default.tsx 0, \
                b/use-import-default.tsx 0, b/use-import-export.tsx 1, b/use-namespace.tsx 2 3, \
                b/use-renamed.tsx 1, b/use-star-as.tsx 2, ui/button.tsx 2";
    check(
        &workspace,
        &[
            ("Button", "ui/button.tsx", button),
            ("default", "ui/button.tsx", card),
            ("Card", "ui/button.tsx", card),
            ("Own", "ui/button.tsx", "d/use.tsx 1"),
            ("button", "ui/button.tsx", ""),
            ("X", "ui/button.tsx", ""),
            ("Nothing", "ui/button.tsx", "a/namespace.tsx 3"),
            ("Unheard", "ui/button.tsx", ""),
            ("Button", "ui/other.tsx", "a/elsewhere.tsx 0, d/use.tsx 0, ui/other.tsx 0"),
            ("Card", "ui/other.tsx", "a/elsewhere.tsx 1, ui/other.tsx 1"),
            // From wherever it is exported, under whatever name, it is the same.
            ("Button", "b/named.ts", button),
            ("Primary", "b/renamed.ts", button),
            ("Kard", "b/renamed.ts", card),
            ("Button", "b/star.ts", button),
            ("Card", "b/star.ts", ""),
            ("Kit.Button", "b/star-as.ts", button),
            ("Kit.default", "b/star-as.ts", card),
            ("Kit", "b/star-as.ts", "b/use-star-as.tsx 3"),
            ("Taken", "b/import-export.ts", button),
            ("C", "b/import-export.ts", card),
            ("default", "b/default.ts", card),
            ("Card", "b/default.ts", card),
            ("default", "b/to-default.ts", button),
            ("Button", "b/to-default.ts", button),
            ("default", "b/import-default.ts", card),
            ("Card", "b/import-default.ts", card),
            ("Ns.Button", "b/namespace.ts", button),
            ("default.Button", "b/namespace.ts", button),
            ("Button", "c/one.ts", button),
            ("Two", "c/two.ts", button),
            ("Three", "c/three.ts", button),
            ("Three", "c/one.ts", button),
            ("Loop", "c/loop-a.ts", "c/use-loop.tsx 0"),
            ("Button", "d/hides.ts", "a/elsewhere.tsx 0, d/use.tsx 0, ui/other.tsx 0"),
            ("Button", "no/such/package", ""),
            ("Button", "nothing", ""),
            ("Button.X", "ui/button.tsx", "a/named.tsx 3"),
        ],
    );
}

#[test]
fn members_are_those_of_what_is_exported() {
    let workspace = made(&[
        (
            "menu.tsx",
            "const Menu = () => null; const Item = () => null; Menu.Item = Item;\n<Menu.Item />; <Item />; export { Menu, Menu as Carte };",
        ),
        (
            "list.tsx",
            "export namespace UI { export const Row = () => null; export namespace Deep { export const Cell = () => null } }\n<UI.Row />;",
        ),
        (
            "barrel.ts",
            "export { Menu as M } from './menu'; export * as List from './list'; export { Menu as default } from './menu';",
        ),
        (
            "use.tsx",
            "import D, { M, List } from './barrel'; import * as All from './barrel';\n\
                     <M.Item />; <D.Item />; <All.M.Item />; <All.default.Item />; <M />; <List.UI.Row />; <All.List.UI.Deep.Cell />; <M.Item.X />;",
        ),
    ]);
    let items = "menu.tsx 0, use.tsx 0 1 2 3";
    check(
        &workspace,
        &[
            ("Menu.Item", "menu.tsx", items),
            ("Carte.Item", "menu.tsx", items),
            ("M.Item", "barrel.ts", items),
            ("default.Item", "barrel.ts", items),
            ("Menu", "menu.tsx", "use.tsx 4"),
            ("Item", "menu.tsx", ""),
            ("UI.Row", "list.tsx", "list.tsx 0, use.tsx 5"),
            ("List.UI.Row", "barrel.ts", "list.tsx 0, use.tsx 5"),
            ("UI.Deep.Cell", "list.tsx", "use.tsx 6"),
            ("Menu.Item.X", "menu.tsx", "use.tsx 7"),
        ],
    );
}

#[test]
fn one_component_under_several_names_is_one() {
    let workspace = made(&[
        ("b.tsx", "const B = () => null; export { B, B as Bee, B as default }; <B />;"),
        ("c.tsx", "export const C = memo(() => null); export default C;"),
        (
            "use.tsx",
            "import Default, { B, Bee } from './b'; import Cd, { C } from './c'; <Default />; <B />; <Bee />; <Cd />; <C />;",
        ),
    ]);
    let b = "b.tsx 0, use.tsx 0 1 2";
    check(
        &workspace,
        &[
            ("B", "b.tsx", b),
            ("Bee", "b.tsx", b),
            ("default", "b.tsx", b),
            ("C", "c.tsx", "use.tsx 3 4"),
            ("default", "c.tsx", "use.tsx 3 4"),
        ],
    );
}

#[test]
fn a_default_export_has_the_name_of_its_component() {
    let workspace = made(&[
        ("memo.tsx", "function Card() { return <b /> } <Card />; export default memo(Card);"),
        ("inner.tsx", "export default React.forwardRef(function Field() { return <b /> });"),
        ("class.tsx", "export default class Old extends React.Component { render() { return <Old /> } }"),
        ("arrow.tsx", "export default () => <b />;"),
        ("equals.tsx", "const Eq = () => <Eq />; export = Eq;"),
        ("index.ts", "export { default } from './memo';"),
        (
            "use.tsx",
            "import A from './memo'; import B from './inner'; import C from './class'; import D from './arrow'; import E = require('./equals'); import F from '.';\n\
                     <A />; <B />; <C />; <D />; <E />; <F />;",
        ),
    ]);
    check(
        &workspace,
        &[
            // What is wrapped is another component.
            ("Card", "memo.tsx", "use.tsx 0 5"),
            ("Card", "index.ts", "use.tsx 0 5"),
            ("default", "memo.tsx", "use.tsx 0 5"),
            ("Field", "inner.tsx", "use.tsx 1"),
            ("Old", "class.tsx", "class.tsx 0, use.tsx 2"),
            ("default", "arrow.tsx", "use.tsx 3"),
            ("Eq", "equals.tsx", "equals.tsx 0, use.tsx 4"),
            ("Nobody", "memo.tsx", ""),
        ],
    );
}

#[test]
fn an_edit_on_the_way_changes_the_answer_at_once() {
    let workspace = made(&[
        ("a.tsx", "export const A = () => null; export const B = () => null;"),
        ("barrel.ts", "export { A as X } from './a';"),
        ("use.tsx", "import { X } from './barrel'; <X />;"),
        ("tsconfig.json", "{}"),
    ]);
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let mut ask = |name: &str| shown(&sidecar.request("usages", json!({ "name": name, "importedFrom": "a.tsx" })));
    for _ in 0..20 {
        assert_eq!((ask("A"), ask("B")), ("use.tsx 0".to_owned(), String::new()));
        workspace.write("barrel.ts", "export { B as X } from './a';");
        assert_eq!((ask("A"), ask("B")), (String::new(), "use.tsx 0".to_owned()));
        // What is in the way now comes first.
        workspace.write("barrel.tsx", "export {}");
        std::fs::remove_file(workspace.at("barrel.ts")).unwrap();
        assert_eq!((ask("A"), ask("B")), (String::new(), String::new()));
        std::fs::remove_file(workspace.at("barrel.tsx")).unwrap();
        workspace.write("use.tsx", "import { A } from '@/a'; <i><A /></i>;");
        assert_eq!(ask("A"), "");
        workspace.write("tsconfig.json", r#"{ "compilerOptions": { "paths": { "@/*": ["./*"] } } }"#);
        assert_eq!(ask("A"), "use.tsx 1");
        workspace.write("tsconfig.json", "{}");
        workspace.write("barrel.ts", "export { A as X } from './a';");
        workspace.write("use.tsx", "import { X } from './barrel'; <X />;");
    }
    sidecar.finish();
}
