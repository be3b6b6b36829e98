//! What was changed just before the request is what is searched.

use std::collections::BTreeMap;
use std::fs;

use serde_json::json;

use super::found;
use crate::fixtures::Workspace;
use crate::harness::Sidecar;
use crate::random::Random;

/// What a file holds, of always the same length.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Content {
    Token(usize),
    Other,
    Binary,
}

impl Content {
    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Token(token) => format!("token{token:03}\n").into_bytes(),
            Self::Other => b"nothing!\n".to_vec(),
            Self::Binary => b"token000\0".to_vec(),
        }
    }
}

#[test]
fn files_changed_just_before_are_seen() {
    let workspace = Workspace::empty();
    let mut random = Random::new(21);
    let mut model: BTreeMap<String, Content> = BTreeMap::new();
    for file in 0..30 {
        model.insert(format!("d{}/f{file:02}", file % 4), Content::Other);
    }
    for (path, content) in &model {
        workspace.write(path, content.bytes());
    }
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for round in 0..100 {
        for _ in 0..=random.below(4) {
            let path = format!("d{}/f{:02}", random.below(6), random.below(40));
            let content = match random.below(4) {
                0 | 1 => Content::Token(random.below(3)),
                2 => Content::Binary,
                _ => Content::Other,
            };
            match random.below(4) {
                0 if model.remove(&path).is_some() => fs::remove_file(workspace.at(&path)).unwrap(),
                1 if model.contains_key(&path) => {
                    // As editors save: the new file takes the place of the old one.
                    let aside = workspace.outer().join("aside");
                    fs::write(&aside, content.bytes()).unwrap();
                    fs::rename(aside, workspace.at(&path)).unwrap();
                    model.insert(path, content);
                }
                _ => {
                    workspace.write(&path, content.bytes());
                    model.insert(path, content);
                }
            }
        }
        if random.one_in(10) {
            let from = model.keys().find(|path| path.starts_with("d1/")).cloned();
            if let Some(from) = from {
                let to = format!("moved{round}/{from}");
                fs::create_dir_all(workspace.at(&to).parent().unwrap()).unwrap();
                fs::rename(workspace.at(&from), workspace.at(&to)).unwrap();
                let content = model.remove(&from).unwrap();
                model.insert(to, content);
            }
        }
        let token = random.below(3);
        let expected: Vec<&String> =
            model.iter().filter(|(_, content)| **content == Content::Token(token)).map(|(path, _)| path).collect();
        let params =
            json!({ "pattern": format!("token{token:03}"), "syncTimeoutMs": 60_000, "useIndex": random.one_in(2) });
        assert_eq!(found(&mut sidecar, params).iter().collect::<Vec<_>>(), expected, "round {round}");
    }
    sidecar.finish();
}
