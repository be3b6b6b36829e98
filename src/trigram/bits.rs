//! Rice coding of ascending numbers: what a posting list is stored as.
//!
//! A gap is written as its quotient by 2^k in unary and its remainder in k bits (Rice, "Some Practical Universal
//! Noiseless Coding Techniques", 1979). With k fitted to each list this is within half a bit of the best code for
//! numbers that are spread evenly, and for dense lists (k = 0) it is a bitmap.

/// Bytes behind the last list, so that a read of eight never leaves the data.
pub(super) const PADDING: usize = 8;

/// The largest k: a remainder and the bits before it fit one read of eight bytes.
const MAX_K: u8 = 31;

/// Writes ascending numbers as a list; what reads it is told their count.
pub(super) fn write(out: &mut Vec<u8>, numbers: impl Iterator<Item = u32> + Clone) {
    let (mut count, mut last) = (0_u64, 0_u32);
    for number in numbers.clone() {
        count += 1;
        last = number;
    }
    let k = parameter(u64::from(last) + 1, count);
    out.push(k);
    let (mut held, mut bits) = (0_u64, 0_u32);
    let mut put = |out: &mut Vec<u8>, value: u64, width: u32| {
        held |= value << bits;
        bits += width;
        while bits >= 8 {
            out.push(held as u8);
            held >>= 8;
            bits -= 8;
        }
    };
    let mut next = 0;
    for number in numbers {
        let gap = number - next;
        next = number.wrapping_add(1);
        let mut quotient = gap >> k;
        while quotient >= 32 {
            put(out, 0, 32);
            quotient -= 32;
        }
        put(out, 1 << quotient, quotient + 1);
        put(out, u64::from(gap) & ((1 << k) - 1), u32::from(k));
    }
    put(out, 0, 7);
}

/// The k for `count` numbers below `end`: the one for a gap of the average size.
fn parameter(end: u64, count: u64) -> u8 {
    // ln 2 is 693 thousandths.
    let scaled = (end - count.min(end)) * 693 / (1000 * count.max(1));
    (u64::BITS - scaled.leading_zeros()).saturating_sub(u32::from(scaled > 0)).min(u32::from(MAX_K)) as u8
}

/// The numbers of a list.
#[derive(Clone, Debug)]
pub(super) struct Numbers<'data> {
    data: &'data [u8],
    /// In bits.
    at: usize,
    k: u32,
    left: u32,
    next: u32,
}

impl<'data> Numbers<'data> {
    /// Those of the list of `count` numbers that begins at `start`.
    pub(super) fn new(data: &'data [u8], start: usize, count: u32) -> Self {
        let k = data.get(start).map_or(0, |k| u32::from(*k).min(u32::from(MAX_K)));
        Self { data, at: 8 * (start + 1), k, left: count, next: 0 }
    }

    /// The next 57 bits at least, the first one lowest; none behind the end of the data, which no sound list reaches.
    fn peek(&self) -> Option<u64> {
        let byte = self.at / 8;
        let eight = self.data.get(byte..byte + 8)?;
        Some(u64::from_le_bytes(eight.try_into().ok()?) >> (self.at % 8))
    }
}

impl Iterator for Numbers<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        self.left = self.left.checked_sub(1)?;
        let mut bits = self.peek()?;
        let mut quotient = bits.trailing_zeros();
        if quotient + 1 + self.k > 57 {
            // It does not fit one read.
            quotient = 0;
            while bits.trailing_zeros() >= 32 {
                quotient += 32;
                self.at += 32;
                bits = self.peek()?;
            }
            let rest = bits.trailing_zeros();
            quotient += rest;
            self.at += rest as usize + 1;
            bits = self.peek()?;
        } else {
            self.at += quotient as usize + 1;
            bits >>= quotient + 1;
        }
        self.at += self.k as usize;
        let gap = (quotient << self.k) | (bits & ((1 << self.k) - 1)) as u32;
        let number = self.next.wrapping_add(gap);
        self.next = number.wrapping_add(1);
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn round_trip(numbers: &BTreeSet<u32>) -> (Vec<u32>, usize) {
        let mut data = vec![0xAA; 3];
        write(&mut data, numbers.iter().copied());
        let length = data.len() - 3;
        data.extend([0xFF; PADDING]);
        (Numbers::new(&data, 3, numbers.len() as u32).collect(), length)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            dense in proptest::collection::btree_set(0..200_u32, 0..150),
            wide in proptest::collection::btree_set(0..(u32::MAX - 1), 0..20),
            cluster in (0..1_000_000_u32, 0..60_u32),
        ) {
            let clustered = (cluster.0..cluster.0 + cluster.1).chain([5_000_000]).collect();
            for numbers in [dense.clone(), wide.clone(), &dense | &wide, clustered] {
                prop_assert_eq!(round_trip(&numbers).0, numbers.into_iter().collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn lists_are_near_the_entropy() {
        // Of numbers below 2^16, one in 2, 8, 64, 1024: 1, 0.54, 0.12, 0.01 bits each make so many bytes.
        for (step, most) in [(2, 9_000), (8, 5_200), (64, 1_100), (1024, 110)] {
            let mut state = 1_u64;
            let numbers: BTreeSet<u32> = (0..65_536_u32)
                .filter(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (state >> 33).is_multiple_of(step)
                })
                .collect();
            let (read, length) = round_trip(&numbers);
            assert!(read.iter().eq(&numbers));
            assert!(length <= most, "{length} bytes for one in {step}");
        }
    }

    #[test]
    fn a_damaged_list_ends() {
        for data in [vec![], vec![31], vec![0; 64], vec![0xFF; 12]] {
            assert!(Numbers::new(&data, 0, u32::MAX).take(1000).count() <= 1000);
        }
        assert_eq!(Numbers::new(&[0; 4096], 0, 5).next(), None);
    }
}
