//! What is kept between runs, and what is clean again.

use super::*;
use crate::fs::Stamp;
use crate::text::{Class, Eol};
use crate::trigram::SegmentBuilder;

fn entry(name: &str, class: Class, links: u64, ctime_ns: i64) -> Arc<FileEntry> {
    let stamp = Stamp { ctime_ns, mtime_ns: ctime_ns, links, ..Stamp::default() };
    let hash = blake3::hash(format!("{name} {class:?}").as_bytes());
    let facts = Facts::Known(FileFacts { hash, class, eol: Eol::None, racy: true });
    Arc::new(FileEntry::read(RelPath::parse(name).unwrap(), stamp, facts))
}

fn index(files: &[Arc<FileEntry>], opaque: &str) -> (TextIndex, Sorted<Arc<FileEntry>>) {
    let mut segment = SegmentBuilder::default();
    for file in files {
        if file.path.as_str() == opaque { segment.end_opaque() } else { segment.end_file() }
    }
    let is_binary = |file: &FileEntry| file.known().is_some_and(|facts| facts.class == Class::Binary);
    let binary = files.iter().zip(0..).filter(|(file, _)| is_binary(file)).map(|(_, at)| at).collect();
    let part = TextPart { files: files.into(), segment: Arc::new(segment.finish()), binary };
    let files = Sorted::from_sorted(files.iter().cloned());
    (TextIndex::kept(vec![Arc::new(part)], &files), files)
}

#[test]
fn what_could_have_changed_unseen_is_kept_as_such_until_it_is_known_not_to_have() {
    let names = [("linked", 2, 0), ("old", 1, 0), ("young", 1, 9_000_000_000)];
    let (index, files) = index(&names.map(|(name, links, ctime_ns)| entry(name, Class::Text, links, ctime_ns)), "none");
    for (all_known_ns, racy) in
        [(None, [true; 3]), (Some(1_000_000_000), [true; 3]), (Some(10_000_000_000), [true, false, true])]
    {
        let kept = index.to_keep(&files, all_known_ns);
        let held: Vec<bool> = kept[0].files.iter().map(|file| file.known().unwrap().racy).collect();
        assert_eq!(held, racy, "{all_known_ns:?}");
    }
}

#[test]
fn what_was_read_and_found_as_it_was_is_not_dirty() {
    let before = entry("a", Class::Text, 1, 0);
    let (index, files) = index(&[Arc::clone(&before), entry("b", Class::Text, 1, 0)], "none");
    let unread = Arc::new(FileEntry::listed(before.path.clone(), before.stamp));
    let files = files.with([(unread.path.clone(), Some(Arc::clone(&unread)))].into());
    let facts = before.facts().unwrap();
    let index = index.replaced(&[Replaced { path: before.path.clone(), before: Some(before) }], &files);
    assert_eq!((index.settled(&files).dirty().len(), index.wear()), (1, 1));
    unread.set_facts(facts);
    let index = index.settled(&files);
    assert_eq!((index.dirty().len(), index.wear()), (0, 0));
}

#[test]
fn what_is_not_as_a_part_has_it_is_kept_as_unknown() {
    let (before, after) = (entry("a", Class::Text, 1, 0), entry("a", Class::Utf8Bom, 1, 1));
    let (index, files) = index(&[Arc::clone(&before), entry("b", Class::Text, 1, 0)], "none");
    let files = files.with([(after.path.clone(), Some(Arc::clone(&after)))].into());
    let index = index.replaced(&[Replaced { path: after.path.clone(), before: Some(before) }], &files);
    let kept = index.to_keep(&files, None);
    let known: Vec<bool> = kept[0].files.iter().map(|file| file.known().is_some()).collect();
    assert_eq!(known, [false, true]);
}
