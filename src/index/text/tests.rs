//! A model: whatever happens to the files, no match is lost.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::error::Code;
use crate::fs::Stamp;
use crate::index::{Clock, Delta, Listing, Snapshot};
use crate::text::{Class, Eol};
use crate::trigram::SegmentBuilder;

/// How long a file is said to be: some make a part that is not small, and one nearly a whole part.
fn size(name: &str) -> u64 {
    match name.as_bytes()[0] {
        b'b' => SMALL_PART_BYTES,
        b'y' => SMALL_PART_BYTES - 1,
        b'z' => MAX_JOINED_BYTES - SMALL_PART_BYTES + 2,
        _ => 1,
    }
}

/// What was found out about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Read,
    /// Read so soon after it was written that there may be more.
    Racy,
    /// Only listed.
    Listed,
    Denied,
}

#[derive(Clone, Debug)]
enum Edit {
    Write(String, Vec<u8>, Look),
    /// Another stamp, the same content.
    Touch(String, Look),
    /// The same stamp, the same content.
    LookAgain(String, Look),
    Delete(String),
}

#[derive(Clone, Debug)]
enum Step {
    /// All in one delta.
    Edits(Vec<Edit>),
    /// Somebody reads a file that was listed.
    Fill(String),
    /// Begins to build what is worn most. For each file, as they come: what building comes across.
    Build(Vec<Reading>),
    /// Brings in what was built.
    Adopt,
    /// Another process goes on with what was kept; whether all changes were known then, and what its walk does about
    /// files that it lists anew.
    Restart(bool, Look),
}

/// What building comes across at a file.
#[derive(Clone, Copy, Debug)]
struct Reading {
    how: How,
    /// Whether a part ends before it.
    cut: bool,
}

#[derive(Clone, Copy, Debug)]
enum How {
    Whole,
    /// It moves once while it is read.
    Twice,
    /// Something else is there already.
    Moved,
    TooLarge,
}

fn names() -> impl Strategy<Value = String> {
    "[a-c]{1,2}(/[ab])?"
}

fn contents() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![6 => "[abc]{0,7}", 1 => "[abc]{0,3}\0[abc]{0,3}"].prop_map(String::into_bytes)
}

fn looks() -> impl Strategy<Value = Look> {
    prop_oneof![6 => Just(Look::Read), 2 => Just(Look::Racy), 2 => Just(Look::Listed), 1 => Just(Look::Denied)]
}

fn edits() -> impl Strategy<Value = Edit> {
    prop_oneof![
        6 => (names(), contents(), looks()).prop_map(|(name, bytes, look)| Edit::Write(name, bytes, look)),
        2 => (names(), looks()).prop_map(|(name, look)| Edit::Touch(name, look)),
        1 => (names(), looks()).prop_map(|(name, look)| Edit::LookAgain(name, look)),
        3 => names().prop_map(Edit::Delete),
    ]
}

fn readings() -> impl Strategy<Value = Vec<Reading>> {
    let how = prop_oneof![
        6 => Just(How::Whole), 1 => Just(How::Twice), 1 => Just(How::Moved), 1 => Just(How::TooLarge)
    ];
    let reading = (how, 0..4).prop_map(|(how, cut)| Reading { how, cut: cut == 0 });
    proptest::collection::vec(reading, 1..40)
}

fn steps() -> impl Strategy<Value = Step> {
    let edits = |count| proptest::collection::vec(edits(), count);
    prop_oneof![
        6 => edits(1..4).prop_map(Step::Edits),
        1 => edits(10..40).prop_map(Step::Edits),
        1 => names().prop_map(Step::Fill),
        3 => readings().prop_map(Step::Build),
        3 => Just(Step::Adopt),
        1 => (any::<bool>(), looks()).prop_map(|(known, look)| Step::Restart(known, look)),
    ]
}

fn path(name: &str) -> RelPath {
    RelPath::parse(name).unwrap()
}

fn facts(bytes: &[u8], racy: bool) -> Facts {
    Facts::Known(FileFacts { hash: blake3::hash(bytes), class: Class::of(bytes), eol: Eol::None, racy })
}

/// What a part has of a file.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Indexed {
    Opaque,
    /// It was not as it was indexed when it was kept, so nobody knows any more what that was.
    Forgotten,
    Content(blake3::Hash, Class),
}

type Parts = Vec<(Rebuild, Vec<Arc<TextPart>>)>;

/// A snapshot, and what it stands for.
#[derive(Debug)]
struct Model {
    snapshot: Snapshot,
    contents: BTreeMap<String, Vec<u8>>,
    /// What the parts have, whether the file is as it was or not.
    indexed: BTreeMap<String, Indexed>,
    dirty: BTreeSet<String>,
    building: Option<(Parts, BTreeMap<String, Indexed>)>,
    now_ns: i64,
}

impl Model {
    fn new() -> Self {
        Self {
            snapshot: Snapshot::empty(Clock::start("t")),
            contents: BTreeMap::new(),
            indexed: BTreeMap::new(),
            dirty: BTreeSet::new(),
            building: None,
            now_ns: 0,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Edits(edits) => {
                let mut delta = Delta::default();
                for edit in edits {
                    self.edit(edit, &mut delta);
                }
                self.apply(delta);
            }
            Step::Fill(name) => {
                if let Some(entry) = self.snapshot.files.get(&name) {
                    entry.set_facts(facts(&self.contents[&name], false));
                }
            }
            Step::Build(readings) => {
                if self.building.is_none() {
                    self.building = Some(self.build(&readings));
                }
            }
            Step::Adopt => {
                if let Some((parts, indexed)) = self.building.take() {
                    self.adopt(parts, indexed);
                }
            }
            Step::Restart(all_known, look) => self.restart(all_known, look),
        }
    }

    fn entry(&mut self, name: &str, look: Look, stamp: Option<Stamp>) -> Arc<FileEntry> {
        self.now_ns += 1;
        let (size, ns) = (size(name), self.now_ns);
        let stamp = stamp.unwrap_or(Stamp { size, mtime_ns: ns, ctime_ns: ns, ..Stamp::default() });
        let facts = match look {
            Look::Listed => return Arc::new(FileEntry::listed(path(name), stamp)),
            Look::Denied => Facts::Unreadable(Code::PermissionDenied),
            Look::Read | Look::Racy => facts(&self.contents[name], look == Look::Racy),
        };
        Arc::new(FileEntry::read(path(name), stamp, facts))
    }

    fn edit(&mut self, edit: Edit, delta: &mut Delta) {
        let (name, look, stamp) = match edit {
            Edit::Write(name, bytes, look) => {
                self.contents.insert(name.clone(), bytes);
                (name, look, None)
            }
            Edit::Touch(name, look) if self.contents.contains_key(&name) => (name, look, None),
            Edit::LookAgain(name, look) => match self.snapshot.files.get(&name).map(|entry| entry.stamp) {
                // Unless it changed just now.
                Some(stamp) if !delta.files.contains_key(&path(&name)) => (name, look, Some(stamp)),
                _ => return,
            },
            Edit::Touch(..) => return,
            Edit::Delete(name) => {
                self.contents.remove(&name);
                delta.files.insert(path(&name), None);
                return;
            }
        };
        let entry = self.entry(&name, look, stamp);
        delta.files.insert(path(&name), Some(entry));
    }

    fn apply(&mut self, delta: Delta) {
        let (next, replaced) = self.snapshot.apply(delta);
        self.snapshot = next;
        for replaced in replaced {
            self.judge(replaced.path.as_str());
        }
    }

    /// Finds out whether a file is as it was indexed.
    fn judge(&mut self, name: &str) {
        self.dirty.remove(name);
        let (Some(entry), true) = (self.snapshot.files.get(name), self.snapshot.text.is_built()) else { return };
        let is_clean = match self.indexed.get(name) {
            None | Some(Indexed::Forgotten) => false,
            Some(Indexed::Opaque) => true,
            Some(Indexed::Content(hash, _)) => entry.known().is_some_and(|facts| facts.hash == *hash),
        };
        if !is_clean {
            self.dirty.insert(name.to_owned());
        }
    }

    fn build(&self, readings: &[Reading]) -> (Parts, BTreeMap<String, Indexed>) {
        let mut readings = readings.iter().cycle();
        let mut indexed = BTreeMap::new();
        let built = self.snapshot.text.most_worn().into_iter().map(|rebuild| {
            let (mut parts, mut files, mut segment) = (Vec::new(), Vec::new(), SegmentBuilder::default());
            for entry in rebuild.within(&self.snapshot.files) {
                let Reading { how, cut } = *readings.next().unwrap();
                if cut && !files.is_empty() {
                    parts.push(part(std::mem::take(&mut files), std::mem::take(&mut segment)));
                }
                let name = entry.path.as_str();
                indexed.insert(name.to_owned(), read(entry, &self.contents[name], how, &mut segment));
                files.push(Arc::clone(entry));
            }
            // As for one that is to be built where nothing is.
            if !files.is_empty() || parts.is_empty() {
                parts.push(part(files, segment));
            }
            (rebuild, parts)
        });
        (built.collect(), indexed)
    }

    fn adopt(&mut self, parts: Parts, indexed: BTreeMap<String, Indexed>) {
        for (Rebuild { from, to, .. }, _) in &parts {
            let from = from.as_ref().map_or("", RelPath::as_str);
            let is_covered = |name: &str| name >= from && to.as_ref().is_none_or(|to| name < to.as_str());
            self.indexed.retain(|name, _| !is_covered(name));
            self.dirty.retain(|name| !is_covered(name));
        }
        let covered: Vec<String> = parts
            .iter()
            .flat_map(|(rebuild, _)| rebuild.within(&self.snapshot.files))
            .map(|it| it.path.to_string())
            .collect();
        self.snapshot = self.snapshot.with_text(parts);
        self.indexed.extend(indexed);
        for name in &covered {
            self.judge(name);
        }
    }

    fn restart(&mut self, all_known: bool, look: Look) {
        let kept: Vec<Arc<TextPart>> =
            self.snapshot.to_keep(all_known.then_some(i64::MAX)).into_iter().map(Arc::new).collect();
        let listing = self.snapshot.files.iter().map(|entry| (entry.path.clone(), Some(entry.stamp))).collect();
        self.building = None;
        self.dirty = self
            .indexed
            .iter()
            .filter(|(name, indexed)| {
                let is_gone = self.snapshot.files.get(name).is_none();
                **indexed != Indexed::Opaque && (is_gone || self.dirty.contains(*name))
            })
            .map(|(name, _)| name.clone())
            .collect();
        self.indexed.extend(self.dirty.iter().map(|name| (name.clone(), Indexed::Forgotten)));
        self.snapshot = Snapshot::empty(Clock::start("t")).kept(kept);
        self.check_books();
        let mut delta = self.snapshot.walked(Listing { files: listing, ..Listing::default() }, |_| None);
        for (path, edit) in &mut delta.files {
            if let Some(entry) = edit {
                *entry = self.entry(path.as_str(), look, Some(entry.stamp));
            }
        }
        self.apply(delta);
    }

    /// What is dirty, what is worn and what is binary.
    fn check_books(&self) {
        let text = &self.snapshot.text;
        let dirty: Vec<&str> = text.dirty().iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!(dirty, self.dirty.iter().map(String::as_str).collect::<Vec<_>>(), "dirty");
        for entry in text.dirty().iter() {
            let held = self.snapshot.files.get(entry.path.as_str()).unwrap();
            assert_eq!(entry.stamp, held.stamp, "{}: an entry of before", entry.path);
        }
        let gone = self.indexed.keys().filter(|name| self.snapshot.files.get(name).is_none()).count();
        assert_eq!(text.wear(), dirty.len() + gone, "worn");
        let binary = |name: &&str| matches!(self.indexed.get(*name), Some(Indexed::Content(_, Class::Binary)));
        let binary: Vec<&str> = self.clean().filter(binary).collect();
        assert_eq!(text.binary_files().map(|entry| entry.path.as_str()).collect::<Vec<_>>(), binary, "binary");
        assert_eq!(text.binary_count(), binary.len());
    }

    /// The files that are as they were indexed.
    fn clean(&self) -> impl Iterator<Item = &str> {
        let files = self.snapshot.files.iter().map(|entry| entry.path.as_str());
        files.filter(|name| self.indexed.contains_key(*name) && !self.dirty.contains(*name))
    }

    /// What is selected for a literal: what has it, what may have it, nothing else. Gives how many were left out.
    fn check_selected(&self, literal: &[u8]) -> usize {
        let text = &self.snapshot.text;
        let plan = Plan::of(&regex_syntax::hir::Hir::literal(literal.to_vec()));
        let candidates = text.candidates(&plan);
        let Some(selected) = text.select(&candidates) else {
            assert!(!text.is_built());
            return 0;
        };
        for selected in &selected {
            let name = selected.entry.path.as_str();
            assert_eq!(selected.at.is_none(), self.dirty.contains(name), "{name}");
            if let Some((part, file)) = selected.at {
                assert_eq!(text.parts().nth(part).unwrap().files[file as usize].path, selected.entry.path);
            }
        }
        let selected: Vec<&str> = selected.iter().map(|selected| selected.entry.path.as_str()).collect();
        let may_match = |name: &&str| match self.indexed.get(*name) {
            _ if self.dirty.contains(*name) => true,
            None | Some(Indexed::Opaque | Indexed::Forgotten) => true,
            Some(Indexed::Content(_, class)) => {
                let bytes = &self.contents[*name];
                *class != Class::Binary && bytes.windows(literal.len()).any(|window| window == literal)
            }
        };
        let files = || self.snapshot.files.iter().map(|entry| entry.path.as_str());
        assert_eq!(selected, files().filter(may_match).collect::<Vec<_>>(), "{:?}", literal.escape_ascii().to_string());
        files().count() - selected.len()
    }
}

/// Reads a file as building does.
fn read(entry: &FileEntry, bytes: &[u8], how: How, segment: &mut SegmentBuilder) -> Indexed {
    if let How::Moved = how {
        segment.restart();
        segment.add(b"abcabc and something else");
        segment.end_opaque();
        return Indexed::Opaque;
    }
    if let How::Twice = how {
        segment.restart();
        segment.add(b"cbacba");
    }
    segment.restart();
    if !matches!(how, How::TooLarge) {
        segment.add(bytes);
    }
    entry.set_facts(facts(bytes, false));
    match entry.known() {
        Some(facts) if !matches!(how, How::TooLarge) => {
            segment.end_file();
            Indexed::Content(facts.hash, facts.class)
        }
        _ => {
            segment.end_opaque();
            Indexed::Opaque
        }
    }
}

fn part(files: Vec<Arc<FileEntry>>, segment: SegmentBuilder) -> Arc<TextPart> {
    let is_binary = |entry: &FileEntry| entry.known().is_some_and(|facts| facts.class == Class::Binary);
    let binary = files.iter().zip(0..).filter(|(entry, _)| is_binary(entry)).map(|(_, file)| file).collect();
    Arc::new(TextPart { files: files.into(), segment: Arc::new(segment.finish()), binary })
}

#[test]
fn no_match_is_lost_whatever_happens_to_the_files() {
    let left_out = std::cell::Cell::new(0);
    let config = ProptestConfig { cases: 400, ..ProptestConfig::default() };
    proptest::test_runner::TestRunner::new(config)
        .run(&proptest::collection::vec(steps(), 1..30), |steps| {
            let mut model = Model::new();
            for (at, step) in steps.into_iter().enumerate() {
                model.take(step);
                model.check_books();
                // A literal of three bytes is its trigram, and one of two the beginning of one.
                for literal in [[b'a' + (at % 3) as u8, b'b', b'c'], [b'a', b'a' + (at / 3 % 3) as u8, b'a']] {
                    left_out.set(left_out.get() + model.check_selected(&literal));
                    left_out.set(left_out.get() + model.check_selected(&literal[1..]));
                }
            }
            Ok(())
        })
        .unwrap();
    assert!(left_out.get() > 10_000, "only {} files were left out", left_out.get());
}

fn write(name: &str, text: &str) -> Edit {
    Edit::Write(name.to_owned(), text.as_bytes().to_vec(), Look::Read)
}

const WHOLE: Reading = Reading { how: How::Whole, cut: false };

#[test]
fn what_was_binary_when_it_moved_may_have_a_match() {
    let mut model = Model::new();
    // So many files with the trigram that their part does not count them.
    let common: Vec<String> = (0..70).map(|at| format!("a{at:02}")).collect();
    let edits = common.iter().map(|name| write(name, "abc")).chain([write("b", "\0"), write("c", "ccc")]);
    model.take(Step::Edits(edits.collect()));
    let mut readings = vec![WHOLE; 70];
    readings.extend([Reading { how: How::Moved, cut: false }, Reading { how: How::Whole, cut: true }]);
    model.take(Step::Build(readings));
    model.take(Step::Adopt);
    model.take(Step::Edits(vec![write("b", "abc")]));
    model.check_books();
    assert_eq!(model.check_selected(b"abc"), 1, "the other part leaves out its file");
}

#[test]
fn a_part_whose_files_are_gone_takes_none_from_others_when_it_was_kept() {
    let mut model = Model::new();
    model.take(Step::Edits(vec![write("a", "abc"), write("b", "abc"), write("c", "abc")]));
    model.take(Step::Build(vec![Reading { how: How::Whole, cut: true }]));
    model.take(Step::Adopt);
    model.take(Step::Edits(vec![Edit::Delete("b".to_owned())]));
    model.take(Step::Build(vec![WHOLE]));
    model.take(Step::Adopt);
    model.take(Step::Restart(true, Look::Read));
    model.check_books();
    assert_eq!(model.check_selected(b"ccc"), 2);
    model.take(Step::Edits(vec![write("a", "ccc")]));
    model.check_books();
    assert_eq!(model.check_selected(b"ccc"), 1);
}

#[test]
fn what_is_read_of_a_file_that_was_kept_as_unknown_is_not_what_was_indexed() {
    let mut model = Model::new();
    model.take(Step::Edits(vec![Edit::Write("a".to_owned(), b"abc".to_vec(), Look::Racy), write("b", "")]));
    model.take(Step::Build(vec![WHOLE]));
    model.take(Step::Adopt);
    // Its stamp stays, though it may be another by now.
    model.take(Step::Restart(false, Look::Listed));
    model.take(Step::Restart(false, Look::Listed));
    model.take(Step::Fill("a".to_owned()));
    model.snapshot = model.snapshot.settled();
    model.check_books();
}

#[test]
fn small_parts_are_built_anew_together_as_far_as_they_are_one_part_then() {
    let names = ["a", "b", "c1", "c2", "y", "z"];
    for (edited, wanted) in [
        (&["c1"][..], &[(2, 5)][..]),
        (&["y"], &[(2, 5)]),
        (&["b"], &[(0, 5)]),
        (&["z"], &[(5, 6)]),
        (&["a", "z"], &[(0, 1), (5, 6)]),
        (&["a", "c2"], &[(0, 1), (2, 5)]),
        (&["b", "c2"], &[(0, 5)]),
        (&["a", "b", "y"], &[(0, 1), (1, 5)]),
    ] {
        let mut model = Model::new();
        model.take(Step::Edits(names.iter().map(|name| write(name, "abc")).collect()));
        model.take(Step::Build(vec![Reading { how: How::Whole, cut: true }]));
        model.take(Step::Adopt);
        model.take(Step::Edits(edited.iter().map(|name| write(name, "bcd")).collect()));
        let text = &model.snapshot.text;
        let parts: Vec<_> =
            text.most_worn().into_iter().map(|rebuild| (rebuild.parts.start, rebuild.parts.end)).collect();
        assert_eq!(parts, wanted, "{edited:?}");
        model.take(Step::Build(vec![WHOLE]));
        model.take(Step::Adopt);
        let joined: usize = wanted.iter().map(|(start, end)| end - start - 1).sum();
        assert_eq!(model.snapshot.text.parts().count(), names.len() - joined, "{edited:?}");
        assert_eq!(model.snapshot.text.wear(), 0);
        model.check_books();
        assert_eq!(model.check_selected(b"bcd"), names.len() - edited.len());
    }
}
