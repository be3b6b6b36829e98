//! Only elements with some attributes.

use serde_json::json;

use super::{made, shown};
use crate::harness::Sidecar;

/// One element a line.
const ELEMENTS: &[&str] = &[
    "<A />",                             // 0
    "<A b />",                           // 1
    "<A b={true} />",                    // 2
    "<A b={false} />",                   // 3
    "<A b='true' />",                    // 4
    "<A b='x' c />",                     // 5
    "<A b={\"x\"} />",                   // 6
    "<A b={`x`} />",                     // 7
    "<A b={1} />",                       // 8
    "<A b={1.0} />",                     // 9
    "<A b={0x1} />",                     // 10
    "<A b={-1.5} />",                    // 11
    "<A b='1' />",                       // 12
    "<A b={null} />",                    // 13
    "<A b={undefined} />",               // 14
    "<A b={x} />",                       // 15
    "<A b={`${x}`} />",                  // 16
    "<A b=<i /> />",                     // 17 (18 is `i`)
    "<A {...b} />",                      // 19
    "<A {...{ b: 1 }} c='&amp;' />",     // 20
    "<A b='x' b={2} />",                 // 21
    "<A b={2} b='x' />",                 // 22
    "<A xlink:href='' aria-label='' />", // 23
    "<A b='' />",                        // 24
    "<A B='x' />",                       // 25
    "<A b={['x']} />",                   // 26
    "<A b={1n} />",                      // 27
    "<A b={9007199254740993} />",        // 28
];

#[test]
fn attributes_by_name_and_value() {
    let workspace = made(&[("a.tsx", &ELEMENTS.join(";\n"))]);
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for (attributes, wanted) in [
        (json!([]), (0..29).filter(|at| *at != 18).map(|at: u32| at.to_string()).collect::<Vec<_>>().join(" ")),
        (json!([{ "name": "b" }]), "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 21 22 24 26 27 28".to_owned()),
        (json!([{ "name": "b", "value": true }]), "1 2".to_owned()),
        (json!([{ "name": "b", "value": false }]), "3".to_owned()),
        (json!([{ "name": "b", "value": "true" }]), "4".to_owned()),
        (json!([{ "name": "b", "value": "x" }]), "5 6 7 22".to_owned()),
        (json!([{ "name": "b", "value": "" }]), "24".to_owned()),
        (json!([{ "name": "b", "value": 1 }]), "8 9 10".to_owned()),
        (json!([{ "name": "b", "value": 1.0 }]), "8 9 10".to_owned()),
        (json!([{ "name": "b", "value": -1.5 }]), "11".to_owned()),
        (json!([{ "name": "b", "value": "1" }]), "12".to_owned()),
        (json!([{ "name": "b", "value": 2 }]), "21".to_owned()),
        (json!([{ "name": "b", "value": 9_007_199_254_740_992_u64 }]), "28".to_owned()),
        (json!([{ "name": "b", "value": null }]), "13".to_owned()),
        (json!([{ "name": "b", "value": ["x"] }]), String::new()),
        (json!([{ "name": "b", "value": {} }]), String::new()),
        (json!([{ "name": "b" }, { "name": "c" }]), "5".to_owned()),
        (json!([{ "name": "b" }, { "name": "b", "value": true }]), "1 2".to_owned()),
        (json!([{ "name": "b", "value": true }, { "name": "b", "value": false }]), String::new()),
        (json!([{ "name": "c", "value": "&" }]), "20".to_owned()),
        (json!([{ "name": "xlink:href", "value": "" }, { "name": "aria-label" }]), "23".to_owned()),
        (json!([{ "name": "B" }]), "25".to_owned()),
        (json!([{ "name": "" }]), String::new()),
    ] {
        let answer = sidecar.request("usages", json!({ "name": "A", "attributes": attributes }));
        let wanted = if wanted.is_empty() { wanted } else { format!("a.tsx {wanted}") };
        assert_eq!(shown(&answer), wanted, "{attributes}");
    }
    for (attributes, named) in [
        (json!([{ "value": 1 }]), "name"),
        (json!([{ "name": 1 }]), "name"),
        (json!([{ "name": "b", "values": [] }]), "values"),
        (json!(["b"]), "attributes"),
        (json!([["b"]]), "attributes"),
        (json!({ "b": 1 }), "attributes"),
    ] {
        let error = sidecar.expect_error("usages", json!({ "name": "A", "attributes": attributes }), "invalid_params");
        assert!(error["message"].as_str().unwrap().contains(named), "{attributes}: {error}");
    }
    sidecar.finish();
}
