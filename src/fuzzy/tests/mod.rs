//! What is found, in which order, and where.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::cancel::CancelToken;
use crate::error::Code;

mod ranking;
mod reference;

/// The paths that fit, the best first.
fn found<'paths>(query: &str, paths: &[&'paths str]) -> Vec<&'paths str> {
    let ranking = all(query, paths);
    ranking.hits.iter().map(|hit| paths[hit.index]).collect()
}

fn all(query: &str, paths: &[&str]) -> Ranking {
    rank(&Query::parse(query).unwrap(), paths, |path| path, usize::MAX, &CancelToken::default()).unwrap()
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

fn positions(query: &str, path: &str) -> Vec<u32> {
    Scorer::new(&Query::parse(query).unwrap()).positions(path)
}

/// The path with the letters at the positions in brackets, runs together.
fn marked(query: &str, path: &str) -> String {
    let positions = positions(query, path);
    let (mut out, mut inside, mut unit) = (String::new(), false, 0);
    for letter in path.chars() {
        let hit = positions.contains(&unit);
        if hit != inside {
            out.push(if hit { '[' } else { ']' });
            inside = hit;
        }
        out.push(letter);
        unit += letter.len_utf16() as u32;
    }
    if inside { out + "]" } else { out }
}

#[test]
fn a_query_has_an_end() {
    assert!(Query::parse(&"é".repeat(MAX_QUERY_CHARS)).is_ok());
    let error = Query::parse(&"é".repeat(MAX_QUERY_CHARS + 1)).unwrap_err();
    assert_eq!(error.code, Code::InvalidParams);
    assert!(error.message.contains("`query`"), "{}", error.message);
}

#[test]
fn the_best_are_the_first_of_all() {
    let paths: Vec<String> = (0..3000).map(|at| format!("d{}/file{}.ts", at % 7, at * 7919 % 3000)).collect();
    let query = Query::parse("fil1").unwrap();
    let cancel = CancelToken::default();
    let best = |limit| rank(&query, &paths, |path| path, limit, &cancel).unwrap();
    let whole = best(usize::MAX);
    assert!(whole.hits.len() > 500 && !whole.more);
    for limit in [0, 1, 2, 99, whole.hits.len() - 1, whole.hits.len(), whole.hits.len() + 1] {
        let cut = best(limit);
        assert_eq!(cut.hits, whole.hits[..limit.min(whole.hits.len())], "{limit}");
        assert_eq!(cut.more, limit < whole.hits.len(), "{limit}");
    }
}

#[test]
fn a_cancelled_ranking_looks_at_nothing_more() {
    let query = Query::parse("a").unwrap();
    let paths = vec!["a"; 100_000];
    for threads in [1, 2, 4] {
        let pool = pool(threads);
        let (cancel, looked) = (CancelToken::default(), AtomicUsize::new(0));
        let ranking = pool.install(|| {
            let first = |path: &'static str| {
                looked.fetch_add(1, Ordering::SeqCst);
                cancel.cancel();
                path
            };
            rank(&query, &paths, |path| first(path), 10, &cancel)
        });
        let error = ranking.unwrap_err();
        assert_eq!(error.code, Code::Cancelled);
        // What is fetched together is looked at before the token is.
        let most = threads * super::rank::BATCH;
        assert!((1..=most).contains(&looked.load(Ordering::SeqCst)), "{looked:?} with {threads} threads");
    }
}
