//! Finding the separator that ends first, without looking at a byte twice.

use memchr::{memchr, memmem};
use std::ops::Range;

/// How far the first look reaches where there are several separators. It doubles from there, so that a separator that
/// is nowhere costs no more than the one that is near.
const WINDOW: usize = 256;

/// Where the first of `separators` to end in `bytes[from..]` is. Of two that end together it is the shorter one.
pub(super) fn earliest(bytes: &[u8], separators: &[&[u8]], from: usize) -> Option<Range<usize>> {
    if let [only] = separators {
        return find(&bytes[from..], only).map(|at| from + at..from + at + only.len());
    }
    let longest = longest(separators);
    let (mut from, mut window) = (from, WINDOW.max(2 * longest));
    loop {
        let to = bytes.len().min(from + window);
        if let Some(found) = earliest_in(&bytes[..to], separators, from) {
            return Some(found);
        }
        if to == bytes.len() {
            return None;
        }
        // One that reaches over the edge begins behind this.
        from = (to + 1).saturating_sub(longest);
        window *= 2;
    }
}

fn earliest_in(bytes: &[u8], separators: &[&[u8]], from: usize) -> Option<Range<usize>> {
    let mut best: Option<Range<usize>> = None;
    for separator in separators {
        let to = best.as_ref().map_or(bytes.len(), |best| best.end);
        let Some(at) = find(&bytes[from..to], separator) else { continue };
        let found = from + at..from + at + separator.len();
        let is_better = |best: &Range<usize>| (found.end, found.len()) < (best.end, best.len());
        if best.as_ref().is_none_or(is_better) {
            best = Some(found);
        }
    }
    best
}

fn find(bytes: &[u8], separator: &[u8]) -> Option<usize> {
    match separator {
        [byte] => memchr(*byte, bytes),
        _ => memmem::find(bytes, separator),
    }
}

pub(super) fn longest(separators: &[&[u8]]) -> usize {
    separators.iter().map(|separator| separator.len()).max().unwrap_or(0)
}

/// How far a search that found nothing has come. It stays when its future is dropped: the next search for the same
/// separators goes on from there.
#[derive(Debug, Default)]
pub(super) struct Search {
    separators: Vec<Vec<u8>>,
    /// No separator ends within that many bytes.
    searched: usize,
}

impl Search {
    /// Where a search for these separators begins.
    pub(super) fn from(&self, separators: &[&[u8]]) -> usize {
        if self.is_for(separators) { (self.searched + 1).saturating_sub(longest(separators)) } else { 0 }
    }

    fn is_for(&self, separators: &[&[u8]]) -> bool {
        self.separators.iter().map(Vec::as_slice).eq(separators.iter().copied())
    }

    /// Nothing was found in the first `searched` bytes.
    pub(super) fn remember(&mut self, separators: &[&[u8]], searched: usize) {
        if !self.is_for(separators) {
            self.separators = separators.iter().map(|separator| separator.to_vec()).collect();
        }
        self.searched = searched;
    }

    /// So many bytes have gone from the front.
    pub(super) fn consumed(&mut self, bytes: usize) {
        self.searched = self.searched.saturating_sub(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same, looked for at every place.
    fn plain(bytes: &[u8], separators: &[&[u8]]) -> Option<Range<usize>> {
        (0..=bytes.len()).find_map(|end| {
            let ending = separators.iter().filter(|separator| bytes[..end].ends_with(separator));
            ending.map(|separator| separator.len()).min().map(|len| end - len..end)
        })
    }

    #[test]
    fn the_one_that_ends_first_wins_and_of_two_the_shorter() {
        for (text, separators, found) in [
            ("abc", &["bc", "c"][..], Some(2..3)),
            ("abcd", &["abcd", "bc"], Some(1..3)),
            ("a\r\nb", &["\r\n", "\n"], Some(2..3)),
            ("aaab", &["ab"], Some(2..4)),
            ("", &["a", "b"], None),
            ("ab", &["abc", "ba"], None),
        ] {
            let separators: Vec<&[u8]> = separators.iter().map(|separator| separator.as_bytes()).collect();
            assert_eq!(earliest(text.as_bytes(), &separators, 0), found, "{text:?}");
            assert_eq!(plain(text.as_bytes(), &separators), found, "{text:?}");
        }
    }

    #[test]
    fn a_separator_over_the_edge_of_a_window_is_found() {
        for at in 0..3 * WINDOW {
            let mut bytes = vec![b'.'; at];
            bytes.extend_from_slice(b"<end>....");
            assert_eq!(earliest(&bytes, &[b"<end>", b"#"], 0), Some(at..at + 5));
            assert_eq!(earliest(&bytes, &[b"#", b"<end>"], 0), Some(at..at + 5));
        }
    }
}
