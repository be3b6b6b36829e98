//! Which path comes before which, and where its letters are.

use super::*;

/// A React workspace.
const WORKSPACE: &[&str] = &[
    ".storybook/main.ts",
    ".storybook/preview.tsx",
    "README.md",
    "docs/ordering-forms.md",
    "index.html",
    "package.json",
    "packages/ui/README.md",
    "packages/ui/src/Button/Button.module.css",
    "packages/ui/src/Button/Button.stories.tsx",
    "packages/ui/src/Button/Button.tsx",
    "packages/ui/src/Button/index.ts",
    "packages/ui/src/index.ts",
    "scripts/build/tenant.ts",
    "src/App.test.tsx",
    "src/App.tsx",
    "src/api/client.ts",
    "src/api/orders.ts",
    "src/app-shell/Sidebar.tsx",
    "src/components/Board.tsx",
    "src/components/Button.tsx",
    "src/components/ButtonGroup.tsx",
    "src/components/IconButton.tsx",
    "src/components/OrderForm.stories.tsx",
    "src/components/OrderForm.test.tsx",
    "src/components/OrderForm.tsx",
    "src/components/OrderFormat.ts",
    "src/components/Profile.tsx",
    "src/components/office.ts",
    "src/components/order-form-row.tsx",
    "src/components/reorderInformation.ts",
    "src/hooks/useOrderForm.ts",
    "src/hooks/use_board.ts",
    "src/hooks/useBoard.ts",
    "src/main.tsx",
    "src/orders/Form.tsx",
    "src/orders/index.ts",
    "src/styles/app.css",
    "src/utils/map.ts",
    "src/utils/snapshot.ts",
    "vite.config.ts",
];

/// `query` finds these first, in this order.
#[track_caller]
fn first(query: &str, wanted: &[&str]) {
    let got = found(query, WORKSPACE);
    assert_eq!(got[..wanted.len().min(got.len())], *wanted, "{query:?} finds {got:#?}");
}

/// `query` ranks each of these above the next; others may stand between.
#[track_caller]
fn above(query: &str, wanted: &[&str]) {
    let got = found(query, wanted);
    assert_eq!(got, wanted, "{query:?}");
}

#[test]
fn a_workspace() {
    first(
        "ordform",
        &["src/components/OrderForm.tsx", "src/components/OrderFormat.ts", "src/components/OrderForm.test.tsx"],
    );
    first("orderform", &["src/components/OrderForm.tsx", "src/components/OrderForm.test.tsx"]);
    first("btn", &["src/components/Button.tsx", "src/components/ButtonGroup.tsx"]);
    first("button", &["src/components/Button.tsx", "packages/ui/src/Button/Button.tsx"]);
    first("index.ts", &["src/orders/index.ts", "packages/ui/src/index.ts", "packages/ui/src/Button/index.ts"]);
    first("readme", &["README.md", "packages/ui/README.md"]);
    first("src/app", &["src/App.tsx", "src/App.test.tsx", "src/styles/app.css"]);
    first("app", &["src/App.tsx", "src/App.test.tsx", "src/styles/app.css"]);
    first("comp/btn", &["src/components/Button.tsx", "src/components/ButtonGroup.tsx"]);
    first("packages button", &["packages/ui/src/Button/Button.tsx"]);
    first("ub", &["src/hooks/useBoard.ts", "src/hooks/use_board.ts"]);
    first("pkg", &["package.json"]);
    first("main", &["src/main.tsx", ".storybook/main.ts"]);
    first("orders", &["src/api/orders.ts"]);
    first("orders/", &["src/orders/Form.tsx", "src/orders/index.ts"]);
}

#[test]
fn names_before_folders() {
    above("btn", &["src/components/Button.tsx", "scripts/build/tenant.ts"]);
    above("test", &["src/theme/a-t-e-s-t-b.ts", "test/x.js"]);
    above("order form", &["src/components/OrderForm.tsx", "form/order.tsx", "order/form/x.tsx"]);
    above("a/b", &["a/b.ts", "a/xb.ts", "a/b/x.ts"]);
}

#[test]
fn whole_names_stems_and_beginnings() {
    above("makefile", &["deep/down/there/Makefile", "Makefile.am", "MakefileTest", "xMakefile"]);
    above("index.ts", &["a/b/c/index.ts", "index.ts.bak", "index.tsx", "myindex.ts"]);
    above("form", &["a/long/way/to/Form.tsx", "form-row.tsx", "aForm.tsx"]);
    above("src/form", &["src/a/long/way/to/Form.tsx", "src/form-row.tsx", "src/aForm.tsx", "src/form/a.tsx"]);
}

#[test]
fn words_and_runs() {
    // Beginnings of words, whatever separates them.
    for worded in
        ["a/xOrderForm.ts", "a/x-order-form.ts", "a/x_order_form.ts", "a/x.order.form.ts", "a/x order form.ts"]
    {
        above("of", &[worded, "a/xprofilexxxxxxxx.ts"]);
        above("orderfo", &[worded, "a/xborderinfo.ts"]);
    }
    above("oform", &["OrderForm.tsx", "OrderFxoxrxm.tsx"]);
    above("form", &["xForm.ts", "xinform.ts", "xflowroom.ts"]);
    above("board", &["xboard.ts", "xblowaird.ts"]);
}

#[test]
fn shorter_paths_then_bytes() {
    above("x", &["x.ts", "b/x.ts", "aa/x.ts", "ab/x.ts", "a/b/x.ts"]);
    // As long in letters, not in bytes.
    above("x", &["aaa/x.ts", "ééé/x.ts"]);
    above("x", &["ééé/x.ts", "aaaa/x.ts"]);
}

#[test]
fn upper_case_is_a_preference() {
    above("OF", &["OrderForm.tsx", "office.ts"]);
    above("of", &["office.ts", "OrderForm.tsx"]);
    above("App", &["src/long/way/App.tsx", "src/MyApp.tsx", "app.tsx", "App/long.js"]);
    above("app", &["app.tsx", "src/long/way/App.tsx", "src/MyApp.tsx", "App/long.js"]);
    above("BTN", &["BTN.ts", "button.ts"]);
    above("Order form", &["a/OrderForm.tsx", "a/orderForm.tsx"]);
    above("É", &["Éa.ts", "éa.ts"]);
    above("Src/app", &["Src/app.tsx", "src/App.tsx"]);
    assert_eq!(found("BUTTON", WORKSPACE).len(), found("button", WORKSPACE).len());
}

#[test]
fn separators() {
    let paths = &["src/components/Button.tsx", "src/components.btn.ts", "components/x/btn", "a/comp", "btn/comp.ts"];
    assert_eq!(found("comp/btn", paths), ["components/x/btn", "src/components/Button.tsx"]);
    assert_eq!(found(r"comp\btn", paths), found("comp/btn", paths));
    assert_eq!(found("comp/", paths), ["components/x/btn", "src/components/Button.tsx"]);
    assert_eq!(found("/comp", paths), ["a/comp", "btn/comp.ts", "src/components.btn.ts", "src/components/Button.tsx"]);
    assert_eq!(found("s/c/b", paths), ["src/components/Button.tsx"]);
    assert_eq!(found("comp//btn", paths), ["components/x/btn"]);
    assert_eq!(found("/", &["a", "a/b", "a/b/c"]), ["a/b", "a/b/c"]);
}

#[test]
fn spaces() {
    let paths = &["src/components/OrderForm.tsx", "src/order/index.ts", "forms/order.tsx"];
    for query in ["order form", "form order", "  form \t order\u{3000}", "form order form"] {
        assert_eq!(found(query, paths), ["src/components/OrderForm.tsx", "forms/order.tsx"], "{query:?}");
    }
    assert_eq!(found("order src", paths), ["src/components/OrderForm.tsx", "src/order/index.ts"]);
    assert_eq!(found("order nowhere", paths), [""; 0]);
    // A piece does not use up letters: each is looked for in the whole path.
    assert_eq!(found("abc abc", &["abc", "ab"]), ["abc"]);
}

#[test]
fn without_letters_all_by_path() {
    for query in ["", " ", " \t\u{3000}"] {
        let got = all(query, &["b", "a/b", "a", "aaaa", "B"]);
        assert_eq!(found(query, &["b", "a/b", "a", "aaaa", "B"]), ["B", "a", "a/b", "aaaa", "b"]);
        assert!(got.hits.iter().all(|hit| hit.score == 0));
        assert_eq!(positions(query, "a/b"), [0; 0]);
    }
}

#[test]
fn nothing_is_interpreted() {
    for query in ["foo.ts:12", "'foo", "^foo", "foo$", "!bar", "foo*", "foo\\ ts", "\0"] {
        assert_eq!(found(query, &["foo.ts"]), [""; 0], "{query:?}");
    }
    assert_eq!(found("!^'$\\*:", &["!^'$/*:"]), ["!^'$/*:"]);
}

#[test]
fn letters_are_compared_by_their_other_forms() {
    for (query, path) in [
        ("k", "\u{212A}.ts"),
        ("\u{212A}", "k.ts"),
        ("ſ", "S.ts"),
        ("s", "ſ.ts"),
        ("ẞ", "ß.ts"),
        ("ß", "ẞ.ts"),
        ("ΣΑΣ", "σας.ts"),
        ("ς", "Σ.ts"),
        ("É", "café.ts"),
        ("ж", "Ж.ts"),
        ("𐐀", "𐐨.ts"),
        ("ı", "I.ts"),
    ] {
        assert_eq!(found(query, &[path]), [path], "{query}");
        assert_eq!(positions(query, path).len(), query.chars().count(), "{query}");
    }
    // Others are letters of their own: no language's rules, no normal forms, no accents left out.
    for (query, path) in [("i", "İ.xs"), ("ss", "ß.tx"), ("e", "é.ts"), ("é", "e\u{301}.ts")] {
        assert_eq!(found(query, &[path]), [""; 0], "{query}");
    }
}

#[test]
fn where_the_letters_are() {
    for (query, path, wanted) in [
        ("ordform", "src/components/OrderForm.tsx", "src/components/[Ord]er[Form].tsx"),
        ("btn", "src/components/Button.tsx", "src/components/[B]ut[t]o[n].tsx"),
        ("comp/btn", "src/components/Button.tsx", "src/[comp]onents[/B]ut[t]o[n].tsx"),
        ("tsx src", "src/App.tsx", "[src]/App.[tsx]"),
        ("app app", "src/app/App.tsx", "src/app/[App].tsx"),
        ("of", "src/profile/OrderForm.ts", "src/profile/[O]rder[F]orm.ts"),
        ("srcbutton", "src/components/form/inputs/else/Button.tsx", "[src]/components/form/inputs/else/[Button].tsx"),
        ("src/", "src/a.ts", "[src/]a.ts"),
        ("😀", "src/ünïcode/😀.ts", "src/ünïcode/[😀].ts"),
        ("ts", "src/ünïcode/😀.ts", "src/ünïcode/😀.[ts]"),
        ("😀/b", "a😀😀/𠮷b.ts", "a😀[😀/]𠮷[b].ts"),
        ("ï ts", "ünïcode/𠮷.ts", "ün[ï]code/𠮷.[ts]"),
    ] {
        assert_eq!(marked(query, path), wanted, "{query:?}");
    }
    assert_eq!(positions("ts", "😀/𠮷.ts"), [6, 7]);
    // A letter outside the basic plane is two units, and its first is the position.
    assert_eq!(positions("𠮷", "😀/𠮷.ts"), [3]);
}

#[test]
fn long_paths() {
    let folders = "some/folder/".repeat(400);
    for name in ["OrderForm.tsx", &"x".repeat(255), &"é".repeat(300)] {
        let path = format!("{folders}{name}");
        let last = name.chars().last().unwrap();
        for query in ["sfsfsf".to_owned(), format!("somefolder/{last}"), format!("some {last}{last}{last}")] {
            let wanted = !(query.ends_with("xxx") && name.starts_with('O'));
            assert_eq!(found(&query, &[&path]).len(), usize::from(wanted), "{query} in …{name}");
        }
        assert!(positions("sfsfsf", &path).is_sorted_by(|a, b| a < b));
        let end = path.encode_utf16().count() as u32;
        assert_eq!(positions(&last.to_string(), &path).len(), 1);
        assert!(positions(&last.to_string(), &path)[0] >= end - name.chars().count() as u32);
    }
}
