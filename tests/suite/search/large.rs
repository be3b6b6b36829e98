//! Large files, of which a search with the index reads only the parts where a match would have to be.

use serde_json::json;

use super::steady;
use crate::fixtures::Workspace;
use crate::harness::Sidecar;
use crate::random::Random;

/// Filler without any of the needles, in which characters of all lengths cross the borders of blocks.
fn filler(random: &mut Random, bytes: usize, line_end: Option<usize>) -> String {
    const PIECES: [&str; 8] = ["lorem ", "ipsum", "é", "€", "😀", " dolor", "_sit", "0"];
    let mut text = String::new();
    while text.len() < bytes {
        text.push_str(random.pick(&PIECES));
        if line_end.is_some_and(|one_in| random.one_in(one_in)) {
            text.push_str(if random.one_in(9) { "\r\n" } else { "\n" });
        }
    }
    text
}

/// Where a line is cut, what follows is not seen: there, `needled` must not look like `needle`, whatever stands at the cut.
#[test]
fn what_is_cut_off_does_not_match() {
    let workspace = Workspace::empty();
    for phase in 0..10 {
        let mut text = format!("{}needle{}", "-".repeat(1000), "-".repeat(64 * 1024 - 1006 + phase));
        text.push_str(&"needled---".repeat(20_000));
        text.push_str(&"-".repeat(400_000));
        workspace.write(&format!("{phase}.txt"), text);
    }
    // As above.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let mut sidecar = Sidecar::spawn(&workspace.root);
    sidecar.wait_event("indexed");
    for pattern in [r"\bneedle\b", r"\bneedle$", r"\bneedle(?:$|--)", r"\bneedle\b{end}", r"\bneedle\b-*"] {
        for mode in ["matches", "count", "files"] {
            let params = |index| json!({ "pattern": pattern, "regex": true, "useIndex": index, "mode": mode });
            let (with, without) = (sidecar.request("search", params(true)), sidecar.request("search", params(false)));
            assert_eq!(with["stats"]["indexed"], true, "{pattern}");
            assert_eq!(steady(with), steady(without), "{pattern}");
        }
    }
    sidecar.finish();
}

/// A text of some blocks with needles here and there, some of them across the borders of blocks.
fn text(random: &mut Random, line_end: Option<usize>) -> String {
    let mut text = filler(random, 64 * 65_536 + 321, line_end);
    let mut places: Vec<usize> = (0..4).map(|_| random.below(text.len())).collect();
    places.extend([0, 2 * 65_536 - 3, 7 * 65_536 - 1, 7 * 65_536 + 2, 40 * 65_536, text.len() - 9]);
    places.sort_unstable();
    for (at, place) in places.into_iter().enumerate().rev() {
        let place = (place..=text.len()).find(|place| text.is_char_boundary(*place)).unwrap();
        text.insert_str(place, ["needle", " needle ", "NEEDLE", "needleneedle😀needle", "xneedle\n"][at % 5]);
    }
    text
}

#[test]
fn parts_of_large_files_give_what_the_whole_gives() {
    let mut random = Random::new(20_261_125);
    let workspace = Workspace::empty();
    for (name, line_end) in
        [("lines.txt", Some(12)), ("long.txt", Some(20_000)), ("rare.txt", Some(300_000)), ("one.txt", None)]
    {
        let text = text(&mut random, line_end);
        workspace.write(name, &text);
        workspace.write(&format!("marked-{name}"), format!("\u{feff}{text}"));
    }
    // Words that go on over many blocks, so that what is repeated may lead from one block of interest to another.
    let runs = text(&mut random, None);
    let (ahead, rest) = runs.split_at((0..=runs.len() / 3).rfind(|at| runs.is_char_boundary(*at)).unwrap());
    let (middle, behind) = rest.split_at((0..=runs.len() / 3).rfind(|at| rest.is_char_boundary(*at)).unwrap());
    workspace.write("runs.txt", [ahead, &middle.replace(' ', ""), behind].concat());
    let mut broken = text(&mut random, Some(30)).into_bytes();
    broken[700_000] = 0xFF;
    workspace.write("broken.txt", broken);
    // What is younger than two seconds when it is read may have changed without showing it, and is read whole.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let mut sidecar = Sidecar::spawn(&workspace.root);
    sidecar.wait_event("indexed");
    let patterns = [
        json!({ "pattern": "needle" }),
        json!({ "pattern": "needle", "wholeWord": true }),
        json!({ "pattern": "needle", "caseSensitive": false }),
        json!({ "pattern": "(needle){2}", "regex": true }),
        json!({ "pattern": "^needle|needle$", "regex": true }),
        json!({ "pattern": r"\Aneedle|needle\z", "regex": true }),
        json!({ "pattern": r"(?:\w|😀){0,3}needle.?", "regex": true }),
        json!({ "pattern": "needle.*NEEDLE", "regex": true }),
        json!({ "pattern": r"needle\s+", "regex": true, "multiline": true }),
        json!({ "pattern": r"\w*needle\w*", "regex": true }),
        json!({ "pattern": r"\w+\s*needle[\w ]*(?:needle)*", "regex": true }),
        json!({ "pattern": r"[^x]*needle", "regex": true }),
        json!({ "pattern": "needlf" }),
    ];
    let options = [
        json!({}),
        json!({ "maxLineLength": 7 }),
        json!({ "maxLineLength": 40, "maxMatches": 5 }),
        json!({ "maxMatchesPerFile": 2 }),
        json!({ "maxLineLength": 100_000 }),
        json!({ "mode": "count" }),
        json!({ "mode": "files" }),
        json!({ "contextBefore": 1, "contextAfter": 2, "maxLineLength": 50 }),
    ];
    for (pattern, options) in patterns.iter().flat_map(|pattern| options.iter().map(move |options| (pattern, options)))
    {
        let mut params = pattern.clone();
        params.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        let with = sidecar.request("search", params.clone());
        assert_eq!(with["stats"]["indexed"], true, "{params}");
        params["useIndex"] = json!(false);
        let without = sidecar.request("search", params.clone());
        if pattern["pattern"] == "needle" {
            assert!(without["matchCount"].as_u64().unwrap() > 0);
        }
        assert_eq!(steady(with), steady(without), "{params}");
    }
    sidecar.finish();
}
