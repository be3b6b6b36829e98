//! From the parsed pattern to sequences.

use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

use super::Plan;
use super::sequence::{Item, MAX_ALTERNATIVES, MAX_BYTES, Piece, Position, Sequence};

/// How many sequences a part of a pattern is written out as.
const MAX_SEQUENCES: usize = 32;
/// How many branches of an alternation are looked at. Each is a line of the index's work.
const MAX_BRANCHES: usize = 4096;
/// How many items the copies of something repeated may have together.
const MAX_REPEATED: usize = 64;
/// How many conditions are kept beside the sequences.
const MAX_REQUIRED: usize = 16;
/// How deep a pattern is looked into. The parser has a limit, too; this one holds without it.
const MAX_DEPTH: usize = 500;
/// How many items are made in all.
const FUEL: usize = 32 * 1024;

/// A part of a pattern, written out: what it matches is as one of the sequences says.
#[derive(Debug)]
pub(super) struct Expansion {
    /// What else holds of every text with a match.
    required: Vec<Plan>,
    /// None if the part cannot match.
    sequences: Vec<Sequence>,
}

impl Expansion {
    fn new(sequences: Vec<Sequence>) -> Self {
        Self { required: Vec::new(), sequences }
    }

    /// The one sequence.
    fn one(sequence: Sequence) -> Self {
        Self::new(vec![sequence])
    }

    /// What matches the empty text.
    fn empty() -> Self {
        Self::one(Sequence::default())
    }

    /// What may match anything.
    fn gap() -> Self {
        Self::one(Sequence::gap())
    }

    /// What cannot match.
    fn nothing() -> Self {
        Self::new(Vec::new())
    }

    fn can_match(&self) -> bool {
        !self.sequences.is_empty()
    }

    /// Whether one way to match this is without a byte and without a condition.
    fn can_be_skipped(&self) -> bool {
        self.sequences.iter().any(Sequence::is_empty)
    }

    fn cost(&self) -> usize {
        self.sequences.iter().map(Sequence::cost).sum()
    }

    /// Lets anything follow.
    fn add_gap(&mut self) {
        self.sequences.iter_mut().for_each(Sequence::add_gap);
    }

    fn require(&mut self, plan: Plan) {
        if self.required.len() < MAX_REQUIRED {
            self.required.push(plan);
        }
    }

    /// Leaves of all sequences only what they have in common with a gap: a condition.
    fn close(&mut self) {
        let plans = self.sequences.drain(..).map(Sequence::into_plan).collect();
        self.require(Plan::any_of(plans));
        self.sequences = vec![Sequence::gap()];
    }

    pub(super) fn into_plan(self) -> Plan {
        let Self { mut required, sequences } = self;
        required.push(Plan::any_of(sequences.into_iter().map(Sequence::into_plan).collect()));
        Plan::all_of(required)
    }
}

/// Writes patterns out, as long as the fuel lasts.
#[derive(Debug)]
pub(super) struct Expander {
    fuel: usize,
    depth: usize,
}

impl Expander {
    pub(super) fn new() -> Self {
        Self { fuel: FUEL, depth: 0 }
    }

    /// Whether there is fuel for so many items; if so, it is spent.
    fn spend(&mut self, items: usize) -> bool {
        let left = self.fuel.checked_sub(items);
        self.fuel = left.unwrap_or(self.fuel);
        left.is_some()
    }

    pub(super) fn expand(&mut self, hir: &Hir) -> Expansion {
        if self.depth == MAX_DEPTH || !self.spend(1) {
            return Expansion::gap();
        }
        self.depth += 1;
        let expansion = match hir.kind() {
            HirKind::Empty => Expansion::empty(),
            HirKind::Literal(literal) => self.literal(&literal.0),
            HirKind::Class(class) => self.class(class),
            HirKind::Look(look) => Expansion::one(around(*look).into_iter().collect()),
            HirKind::Repetition(repetition) => self.repetition(repetition),
            HirKind::Capture(capture) => self.expand(&capture.sub),
            HirKind::Concat(parts) => self.concatenation(parts),
            HirKind::Alternation(branches) => self.alternation(branches),
        };
        self.depth -= 1;
        expansion
    }

    fn literal(&mut self, bytes: &[u8]) -> Expansion {
        let some = bytes.len().min(self.fuel);
        self.fuel -= some;
        let mut sequence: Sequence = bytes[..some].iter().map(|&byte| Item::Position(Position::Byte(byte))).collect();
        if some < bytes.len() {
            sequence.add_gap();
        }
        Expansion::one(sequence)
    }

    fn class(&mut self, class: &Class) -> Expansion {
        if class.is_empty() {
            return Expansion::nothing();
        }
        if let Some(position) = alternatives(class).and_then(Position::one_of)
            && self.spend(position.cost())
        {
            return Expansion::one([Item::Position(position)].into_iter().collect());
        }
        if has_word_byte(class) {
            return Expansion::gap();
        }
        Expansion::one([Item::NoWordAfter, Item::Gap, Item::NoWordBefore].into_iter().collect())
    }

    fn concatenation(&mut self, parts: &[Hir]) -> Expansion {
        let mut whole = Expansion::empty();
        for part in parts {
            if self.fuel == 0 {
                whole.add_gap();
                break;
            }
            let part = self.expand(part);
            if !part.can_match() {
                return part;
            }
            self.append(&mut whole, part);
        }
        whole
    }

    /// Lets `next` follow.
    fn append(&mut self, whole: &mut Expansion, next: Expansion) {
        let (rows, columns) = (whole.sequences.len(), next.sequences.len());
        // A single sequence is moved behind a single one.
        let copied = if columns == 1 { (rows - 1) * next.cost() } else { columns * whole.cost() + rows * next.cost() };
        if rows * columns > MAX_SEQUENCES || !self.spend(copied) {
            if next.can_be_skipped() {
                whole.add_gap();
                return;
            }
            whole.close();
        }
        let Expansion { required, mut sequences } = next;
        for plan in required {
            whole.require(plan);
        }
        let last = sequences.pop().unwrap_or_default();
        let mut all = Vec::with_capacity(rows * columns);
        for sequence in std::mem::take(&mut whole.sequences) {
            all.extend(sequences.iter().map(|next| sequence.clone().followed_by(next.clone())));
            all.push(sequence.followed_by(last.clone()));
        }
        whole.sequences = all;
    }

    fn alternation(&mut self, branches: &[Hir]) -> Expansion {
        if branches.len() > MAX_BRANCHES {
            return Expansion::gap();
        }
        let mut sequences = Vec::new();
        // The plans of the branches that are not written out.
        let mut closed = Vec::new();
        for branch in branches {
            let branch = self.expand(branch);
            if branch.required.is_empty() && sequences.len() + branch.sequences.len() <= MAX_SEQUENCES {
                sequences.extend(branch.sequences);
                continue;
            }
            match branch.into_plan() {
                Plan::All => return Expansion::gap(),
                plan => closed.push(plan),
            }
        }
        if closed.is_empty() {
            return Expansion::new(sequences);
        }
        let mut plans: Vec<Plan> = sequences.into_iter().map(Sequence::into_plan).collect();
        plans.append(&mut closed);
        Expansion { required: vec![Plan::any_of(plans)], sequences: vec![Sequence::gap()] }
    }

    fn repetition(&mut self, repetition: &Repetition) -> Expansion {
        let (least, most) = (repetition.min, repetition.max);
        if most == Some(0) {
            return Expansion::empty();
        }
        let once = self.expand(&repetition.sub);
        if least > 0 {
            return self.repeated(once, least, most);
        }
        if !once.can_match() {
            return Expansion::empty();
        }
        // Of what may be absent, or there many times, more than a gap is only worth while if it ends
        // the words around it.
        let ends_words = || matches!(&once.sequences[..], [one] if one.ends_words());
        if !(most == Some(1) || ends_words()) || once.sequences.len() >= MAX_SEQUENCES {
            return Expansion::gap();
        }
        let mut optional = self.repeated(once, 1, most);
        // What is required of the copies is not if there are none.
        if !optional.required.is_empty() {
            return Expansion::gap();
        }
        optional.sequences.push(Sequence::default());
        optional
    }

    /// At least one copy.
    fn repeated(&mut self, once: Expansion, least: u32, most: Option<u32>) -> Expansion {
        let (ways, items) = (once.sequences.len(), once.cost().max(1));
        if (least, most) == (1, Some(1)) || ways == 0 {
            return once;
        }
        let fits = |copies: u32| {
            let all_ways = ways.checked_pow(copies).filter(|&all| all <= MAX_SEQUENCES);
            all_ways.is_some() && items.saturating_mul(copies as usize) <= MAX_REPEATED
        };
        let mut copies = (2..=least).take_while(|&copies| fits(copies)).last().unwrap_or(1);
        // A match also ends with as many copies: what follows stands next to the last one. That they
        // may be the same copies does not matter.
        let may_be_more = most != Some(least) || copies < least;
        let mut at_the_end = if may_be_more && fits(2 * copies) { copies } else { 0 };
        if !self.spend((copies - 1 + at_the_end) as usize * items) {
            (copies, at_the_end) = (1, 0);
        }
        let is_exact = most == Some(least) && copies == least;
        let copy = if copies + at_the_end > 1 { once.sequences.clone() } else { Vec::new() };
        let mut whole = once;
        for _ in 1..copies {
            self.append(&mut whole, Expansion::new(copy.clone()));
        }
        if !is_exact {
            whole.add_gap();
        }
        for _ in 0..at_the_end {
            self.append(&mut whole, Expansion::new(copy.clone()));
        }
        whole
    }
}

/// What an assertion says of the bytes beside it. Those about Unicode's words say the same of ASCII's:
/// a byte of an ASCII word is a whole character, and a word character for both.
fn around(look: Look) -> Option<Item> {
    match look {
        Look::Start
        | Look::StartLF
        | Look::StartCRLF
        | Look::WordStartAscii
        | Look::WordStartUnicode
        | Look::WordStartHalfAscii
        | Look::WordStartHalfUnicode => Some(Item::NoWordBefore),
        Look::End
        | Look::EndLF
        | Look::EndCRLF
        | Look::WordEndAscii
        | Look::WordEndUnicode
        | Look::WordEndHalfAscii
        | Look::WordEndHalfUnicode => Some(Item::NoWordAfter),
        Look::WordAscii | Look::WordUnicode => Some(Item::WordBoundary),
        Look::WordAsciiNegate | Look::WordUnicodeNegate => None,
    }
}

/// What a class matches, if that is little.
fn alternatives(class: &Class) -> Option<Vec<Piece>> {
    let most = if class.maximum_len() == Some(1) { MAX_BYTES } else { MAX_ALTERNATIVES };
    // Not counted first: some classes have hundreds of ranges.
    let pieces: Vec<Piece> = match class {
        Class::Unicode(class) => {
            let characters = class.iter().flat_map(|range| range.start()..=range.end());
            characters.take(most + 1).map(Piece::of_char).collect()
        }
        Class::Bytes(class) => {
            let bytes = class.iter().flat_map(|range| range.start()..=range.end());
            bytes.take(most + 1).map(Piece::of_byte).collect()
        }
    };
    (pieces.len() <= most).then_some(pieces)
}

/// Whether a class matches a byte of an ASCII word. What else it matches has none in it, either.
fn has_word_byte(class: &Class) -> bool {
    let among = |start: u32, end: u32| {
        let word_bytes = [(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')];
        word_bytes.iter().any(|&(first, last)| start <= u32::from(last) && u32::from(first) <= end)
    };
    match class {
        Class::Unicode(class) => {
            // Ascending, and some classes have hundreds.
            let mut ascii = class.iter().take_while(|range| range.start().is_ascii());
            ascii.any(|range| among(range.start().into(), range.end().into()))
        }
        Class::Bytes(class) => class.iter().any(|range| among(range.start().into(), range.end().into())),
    }
}
