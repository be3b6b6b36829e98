//! By the package or alias that a component comes from.

use std::path::Path;

use super::{check, made};
use crate::fixtures::link;

#[test]
fn packages_are_known_by_their_names() {
    let workspace = made(&[
        (".gitignore", "node_modules/\n"),
        ("node_modules/antd/package.json", r#"{ "types": "index.d.ts" }"#),
        ("node_modules/antd/index.d.ts", "export { default as Button } from './es/button';"),
        ("node_modules/antd/es/button.d.ts", "declare const Button: any; export default Button;"),
        (
            "a.tsx",
            "import { Button, Menu as M } from 'antd'; import * as Antd from 'antd'; <Button />; <Antd.Button />; <M.Item />; <Antd.Menu.Item />;",
        ),
        ("b.tsx", "import Button from 'antd/es/button'; import Other from 'antd/es/button'; <Button />; <Other />;"),
        ("c.tsx", "import { Button } from './own'; <Button />;"),
        ("own.tsx", "export const Button = () => null;"),
        // By way of modules of the workspace.
        ("all.ts", "export * from 'antd';"),
        (
            "some.ts",
            "export { Button as Knopf, Menu } from 'antd'; export { default as Plain, default as Button } from 'antd/es/button';",
        ),
        ("default.ts", "export { default } from 'antd/es/button';"),
        ("taken.ts", "import Button from 'antd/es/button'; export { Button as Taken };"),
        ("d.tsx", "import { Button } from './all'; import * as All from './all'; <Button />; <All.Button />;"),
        (
            "e.tsx",
            "import { Knopf as K, Plain, Button, Menu } from './some'; <K />; <Plain />; <Button />; <Menu.Item />;",
        ),
        ("f.tsx", "import Button from './default'; import X from './default'; <Button />; <X />;"),
        ("g.tsx", "import { Taken as T } from './taken'; <T />;"),
        ("absent.tsx", "import { Button } from 'not-installed'; <Button />;"),
        // The first of several; what is not looked into only counts where no other has the name.
        ("mixed.ts", "export * from 'antd'; export * from './own'; export * from 'not-installed';"),
        ("h.tsx", "import { Button, Menu } from './mixed'; <Button />; <Menu.Item />;"),
    ]);
    check(
        &workspace,
        &[
            ("Button", "antd", "a.tsx 0 1, d.tsx 0 1, e.tsx 0"),
            ("Menu.Item", "antd", "a.tsx 2 3, e.tsx 3, h.tsx 1"),
            ("Menu", "antd", ""),
            ("Table", "antd", ""),
            ("default", "antd", ""),
            // A default has any name, or the one that it is given first.
            ("default", "antd/es/button", "b.tsx 0 1, e.tsx 1 2, f.tsx 0 1, g.tsx 0"),
            ("Button", "antd/es/button", "b.tsx 0, e.tsx 2, f.tsx 0, g.tsx 0"),
            ("Plain", "antd/es/button", "e.tsx 1"),
            ("Button", "antd/es", ""),
            ("Button", "not-installed", "absent.tsx 0"),
            ("Button", "own.tsx", "c.tsx 0, h.tsx 0"),
            ("Knopf", "some.ts", "a.tsx 0 1, d.tsx 0 1, e.tsx 0"),
        ],
    );
}

#[test]
fn aliases_and_packages_of_the_workspace_are_files() {
    let workspace = made(&[
        (".gitignore", "node_modules/\n*.gen.tsx\n"),
        ("tsconfig.json", r#"{ "compilerOptions": { "paths": { "@/*": ["./src/*"] } } }"#),
        ("package.json", r##"{ "imports": { "#card": "./src/card.tsx" } }"##),
        ("src/card.tsx", "export const Card = () => null;"),
        ("src/index.ts", "export * from './card'; export * from '@acme/ui';"),
        ("src/icon.gen.tsx", "export const Icon = () => null;"),
        ("src/logo.svg", "<svg />"),
        (
            "src/use.tsx",
            "import { Card } from '@/card'; import { Card as C } from '#card'; import { Box, Card as D } from '@/index';\n\
                         import { Icon } from './icon.gen'; import { ReactComponent as Logo } from './logo.svg'; import L from './logo.svg';\n\
                         <Card />; <C />; <D />; <Box />; <Icon />; <Logo />; <L />;",
        ),
        (
            "packages/ui/package.json",
            r#"{ "name": "@acme/ui", "exports": { ".": "./src/index.ts", "./box": "./src/box.tsx" } }"#,
        ),
        ("packages/ui/src/index.ts", "export { Box } from './box';"),
        ("packages/ui/src/box.tsx", "export const Box = () => null; <Box />;"),
        // Known to one package alone.
        ("packages/app/tsconfig.json", r#"{ "compilerOptions": { "paths": { "~/*": ["./src/*"] } } }"#),
        ("packages/app/src/own.tsx", "export const Own = () => null;"),
        (
            "packages/app/src/use.tsx",
            "import { Box } from '@acme/ui/box'; import { Own } from '~/own'; import { Hidden } from '@acme/hidden'; <Box />; <Own />; <Hidden />;",
        ),
        ("packages/hidden/package.json", r#"{ "name": "@acme/hidden", "main": "./index.tsx" }"#),
        ("packages/hidden/index.tsx", "export const Hidden = () => null; <Hidden />;"),
    ]);
    for (at, target) in
        [("node_modules/@acme/ui", "../../packages/ui"), ("packages/app/node_modules/@acme/hidden", "../../../hidden")]
    {
        std::fs::create_dir_all(workspace.at(at).parent().unwrap()).unwrap();
        if link(Path::new(target), &workspace.at(at)).is_err() {
            return;
        }
    }
    let (card, r#box) = ("src/use.tsx 0 1 2", "packages/app/src/use.tsx 0, packages/ui/src/box.tsx 0, src/use.tsx 3");
    check(
        &workspace,
        &[
            ("Card", "src/card.tsx", card),
            ("Card", "@/card", card),
            ("Card", "#card", card),
            ("Card", "@/index", card),
            ("Card", "@", ""),
            ("Card", "@/nowhere", ""),
            ("Box", "@acme/ui", r#box),
            ("Box", "@acme/ui/box", r#box),
            ("Box", "packages/ui/src/box.tsx", r#box),
            ("Box", "src/index.ts", r#box),
            ("Own", "~/own", "packages/app/src/use.tsx 1"),
            ("Hidden", "@acme/hidden", "packages/app/src/use.tsx 2, packages/hidden/index.tsx 0"),
            // Ignored files and assets are modules, too.
            ("Icon", "src/icon.gen.tsx", "src/use.tsx 4"),
            ("ReactComponent", "src/logo.svg", "src/use.tsx 5"),
            ("default", "src/logo.svg", "src/use.tsx 6"),
        ],
    );
}

#[test]
fn what_leads_nowhere_is_known_by_where_it_would_lead() {
    let workspace = made(&[
        ("a/barrel.ts", "export { Button } from './gone'; export * as Kit from '../b/gone';"),
        ("a/use.tsx", "import { Button } from './gone'; <Button />;"),
        ("b/use.tsx", "import { Button } from './gone'; import { Button as A } from '../a/gone'; <Button />; <A />;"),
    ]);
    check(
        &workspace,
        &[("Button", "a/barrel.ts", "a/use.tsx 0, b/use.tsx 1"), ("Kit.Button", "a/barrel.ts", "b/use.tsx 0")],
    );
}
