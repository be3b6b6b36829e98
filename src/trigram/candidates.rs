//! Which files of a segment may match, and in which of their blocks.

use std::ops::Range;
use std::sync::Arc;

use super::dictionary::Postings;
use super::plan::{Plan, Stretch};
use super::segment::{Before, Segment};

/// What a plan comes to in a segment.
#[derive(Debug)]
pub struct Candidates<'search> {
    segment: &'search Segment,
    node: Node<'search>,
}

/// The part of a plan that selects anything.
#[derive(Debug)]
enum Node<'search> {
    All,
    /// No file.
    Nothing,
    And(Vec<Node<'search>>),
    Or(Vec<Node<'search>>),
    /// Ascending blocks that may hold a stretch.
    Blocks(&'search Arc<Stretch>, Vec<u32>),
}

/// Files, ascending; or all.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Files {
    All,
    Some(Vec<u32>),
}

/// A list that is so many times as long as what is left of the candidates costs more than reading them.
const NOT_WORTH: u64 = 4096;

impl<'search> Candidates<'search> {
    /// The candidates of a plan.
    pub fn find(plan: &'search Plan, segment: &'search Segment) -> Self {
        Self { segment, node: Node::of(plan, segment) }
    }

    /// The files that may match, ascending; `None` if all may.
    pub fn files(&self) -> Option<Vec<u32>> {
        match self.node.files(self.segment) {
            Files::All => None,
            Files::Some(files) => Some(union(files, self.segment.opaque())),
        }
    }

    /// What precedes each block of a file, if it is known.
    pub fn before_blocks_of(&self, file: u32) -> Option<Vec<Before>> {
        self.segment.before_blocks_of(file)
    }

    /// In which blocks of a file a match would have to be, if it has at least `least` blocks and there is reading to be
    /// saved.
    pub fn inside(&self, file: u32, least: u32) -> Option<Inside> {
        let blocks = self.segment.blocks_of(file);
        if blocks.len() < least as usize || self.segment.opaque().binary_search(&file).is_ok() {
            return None;
        }
        self.node.inside(&blocks)
    }
}

/// Which blocks of a file have to hold what if there is a match, by their numbers in the file.
#[derive(Clone, Debug)]
pub enum Inside {
    /// All of these.
    And(Vec<Inside>),
    /// Any of these.
    Or(Vec<Inside>),
    /// A stretch, in one of the blocks.
    Blocks(Arc<Stretch>, Box<[u32]>),
}

impl Inside {
    /// The blocks in which a match would have to be, ascending: in the lines of each match is something that starts in
    /// one of them. `None` if there is no match.
    pub fn blocks(&self) -> Option<Vec<u32>> {
        match self {
            Self::Blocks(_, blocks) => (!blocks.is_empty()).then(|| blocks.to_vec()),
            // All parts are in each match: those in the fewest blocks say most.
            Self::And(parts) => {
                let all: Option<Vec<_>> = parts.iter().map(Self::blocks).collect();
                all?.into_iter().min_by_key(Vec::len)
            }
            Self::Or(parts) => parts.iter().filter_map(Self::blocks).reduce(|one, two| union(one, &two)),
        }
    }

    /// How many blocks [`Self::blocks`] gives, at most.
    pub fn count(&self) -> usize {
        match self {
            Self::Blocks(_, blocks) => blocks.len(),
            Self::And(parts) => parts.iter().map(Self::count).min().unwrap_or_default(),
            Self::Or(parts) => parts.iter().map(Self::count).sum(),
        }
    }

    /// Whether there may be a match; `has` says whether a block holds a stretch.
    pub fn is_confirmed(&self, has: &mut dyn FnMut(u32, &Stretch) -> bool) -> bool {
        match self {
            Self::Blocks(stretch, blocks) => blocks.iter().any(|block| has(*block, stretch)),
            Self::And(parts) => parts.iter().all(|part| part.is_confirmed(has)),
            Self::Or(parts) => parts.iter().any(|part| part.is_confirmed(has)),
        }
    }
}

impl<'search> Node<'search> {
    fn of(plan: &'search Plan, segment: &Segment) -> Self {
        match plan {
            Plan::All => Self::All,
            Plan::Nothing => Self::Nothing,
            Plan::Stretch(stretch) => blocks_with(stretch, segment).map_or(Self::All, |blocks| {
                if blocks.is_empty() { Self::Nothing } else { Self::Blocks(stretch, blocks) }
            }),
            Plan::And(parts) => {
                let mut nodes = Vec::with_capacity(parts.len());
                for part in parts {
                    match Self::of(part, segment) {
                        Self::All => {}
                        // The others need not be looked up.
                        Self::Nothing => return Self::Nothing,
                        node => nodes.push(node),
                    }
                }
                if nodes.is_empty() { Self::All } else { Self::And(nodes) }
            }
            Plan::Or(parts) => {
                let mut nodes = Vec::with_capacity(parts.len());
                for part in parts {
                    match Self::of(part, segment) {
                        Self::All => return Self::All,
                        Self::Nothing => {}
                        node => nodes.push(node),
                    }
                }
                if nodes.is_empty() { Self::Nothing } else { Self::Or(nodes) }
            }
        }
    }

    fn files(&self, segment: &Segment) -> Files {
        match self {
            Self::All => Files::All,
            Self::Nothing => Files::Some(Vec::new()),
            Self::Blocks(_, blocks) => {
                let mut files: Vec<u32> = blocks.iter().map(|block| segment.file_of(*block)).collect();
                files.dedup();
                Files::Some(files)
            }
            Self::And(nodes) => nodes.iter().map(|node| node.files(segment)).fold(Files::All, Files::and),
            Self::Or(nodes) => nodes.iter().map(|node| node.files(segment)).fold(Files::Some(Vec::new()), Files::or),
        }
    }

    /// What it comes to in a file with these blocks; `None` if it selects nothing there.
    fn inside(&self, file: &Range<u32>) -> Option<Inside> {
        match self {
            Self::All => None,
            Self::Nothing => Some(Inside::Or(Vec::new())),
            Self::Blocks(stretch, blocks) => {
                let from = blocks.partition_point(|block| *block < file.start);
                let within = blocks[from..].iter().take_while(|block| **block < file.end);
                Some(Inside::Blocks(Arc::clone(stretch), within.map(|block| block - file.start).collect()))
            }
            // The parts that select something are enough.
            Self::And(nodes) => {
                let parts: Vec<Inside> = nodes.iter().filter_map(|node| node.inside(file)).collect();
                (!parts.is_empty()).then_some(Inside::And(parts))
            }
            Self::Or(nodes) => nodes.iter().map(|node| node.inside(file)).collect::<Option<_>>().map(Inside::Or),
        }
    }
}

impl Files {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, files) | (files, Self::All) => files,
            (Self::Some(mut one), Self::Some(two)) => {
                keep(&mut one, two.into_iter());
                Self::Some(one)
            }
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::Some(one), Self::Some(two)) => Self::Some(union(one, &two)),
        }
    }
}

/// The blocks that may hold a stretch, ascending; `None` if its trigrams select nothing.
fn blocks_with(stretch: &Stretch, segment: &Segment) -> Option<Vec<u32>> {
    let gram_groups =
        stretch.groups.iter().map(|group| group.iter().flat_map(|range| segment.grams(*range)).collect::<Vec<_>>());
    let words = stretch.words.iter().map(|word| segment.word(word).into_iter().collect());
    let mut groups: Vec<(u64, Vec<Postings<'_>>)> =
        gram_groups.chain(words).filter_map(|group| Some((size(&group)?, group))).collect();
    // The shortest first: what it leaves is little to compare the others with.
    groups.sort_by_key(|(size, _)| *size);
    let mut groups = groups.into_iter();
    let mut blocks = join(groups.next()?.1, segment);
    for (size, group) in groups {
        if blocks.is_empty() || size > NOT_WORTH * blocks.len() as u64 {
            break;
        }
        match <[Postings<'_>; 1]>::try_from(group) {
            Ok([Postings::List(_, numbers)]) => keep(&mut blocks, numbers),
            Ok([single]) => keep(&mut blocks, join(vec![single], segment).into_iter()),
            Err(group) => keep(&mut blocks, join(group, segment).into_iter()),
        }
    }
    Some(blocks)
}

/// How many blocks the lists of a group have, some counted twice; `None` if one has too many to be counted.
fn size(group: &[Postings<'_>]) -> Option<u64> {
    group.iter().map(|postings| postings.count().map(u64::from)).sum()
}

/// The blocks of any of these, ascending.
fn join(group: Vec<Postings<'_>>, segment: &Segment) -> Vec<u32> {
    let mut blocks = Vec::new();
    if let [_] = &*group {
        for postings in group {
            postings.for_each(|block| blocks.push(block));
        }
        return blocks;
    }
    let mut seen = vec![0_u64; segment.blocks().div_ceil(u64::BITS) as usize];
    for postings in group {
        postings.for_each(|block| {
            if let Some(word) = seen.get_mut((block / u64::BITS) as usize) {
                *word |= 1 << (block % u64::BITS);
            }
        });
    }
    for (at, mut word) in seen.into_iter().enumerate() {
        while word != 0 {
            blocks.push(at as u32 * u64::BITS + word.trailing_zeros());
            word &= word - 1;
        }
    }
    blocks
}

/// Keeps of `numbers` those that `others` has, too; both ascend.
fn keep(numbers: &mut Vec<u32>, others: impl Iterator<Item = u32>) {
    let mut others = others.peekable();
    numbers.retain(|number| {
        while others.next_if(|other| other < number).is_some() {}
        others.peek() == Some(number)
    });
}

/// All of both, ascending.
fn union(one: Vec<u32>, two: &[u32]) -> Vec<u32> {
    if two.is_empty() {
        return one;
    }
    let mut both = Vec::with_capacity(one.len() + two.len());
    let mut two = two.iter().copied().peekable();
    for number in one {
        while let Some(other) = two.next_if(|other| *other < number) {
            both.push(other);
        }
        two.next_if_eq(&number);
        both.push(number);
    }
    both.extend(two);
    both
}

#[cfg(test)]
mod tests;
