//! Runs: datagrams that Linux takes as one and takes apart again (`UDP_SEGMENT`).

use super::send_batch::{Entry, SendBatch};
use std::net::SocketAddr;

/// What the system takes apart at most, in datagrams and in bytes over IPv4 (`UDP_SEGMENT`).
const RUN_DATAGRAMS_MAX: usize = 64;
const RUN_BYTES_MAX: usize = 65_507;

/// Datagrams to be handed to the system as one, or a single one.
#[derive(Debug, PartialEq)]
pub(super) struct Run<'a> {
    pub(super) data: &'a [u8],
    pub(super) to: Option<SocketAddr>,
    pub(super) datagrams: usize,
    /// The length of each, but for the last.
    pub(super) segment: usize,
}

impl SendBatch {
    /// The datagrams in runs, for a system that takes apart into segments of so many bytes at most; 0 where it does
    /// not.
    pub(super) fn runs(&self, segment_max: usize) -> impl Iterator<Item = Run<'_>> {
        let mut entries = &self.entries[self.gone..];
        let mut rest = &self.bytes[self.gone_bytes..];
        std::iter::from_fn(move || {
            let first = *entries.first()?;
            let datagrams = if first.len <= segment_max { run_len(entries) } else { 1 };
            let (run, behind) = entries.split_at(datagrams);
            let (data, bytes_behind) = rest.split_at(run.iter().map(|entry| entry.len).sum());
            (entries, rest) = (behind, bytes_behind);
            Some(Run { data, to: first.to, datagrams, segment: first.len })
        })
    }
}

/// How many of `entries` are one run: the last may be shorter than the others, but not empty.
fn run_len(entries: &[Entry]) -> usize {
    let first = entries[0];
    let (mut len, mut bytes) = (1, first.len);
    for entry in entries.iter().take(RUN_DATAGRAMS_MAX).skip(1) {
        bytes += entry.len;
        if entry.to != first.to || entry.len == 0 || entry.len > first.len || bytes > RUN_BYTES_MAX {
            break;
        }
        len += 1;
        if entry.len < first.len {
            break;
        }
    }
    len
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of datagrams of each run.
    fn runs(lens: &[(usize, u16)], segment_max: usize) -> Vec<usize> {
        let mut batch = SendBatch::new();
        for &(len, port) in lens {
            batch.push(&vec![1; len], SocketAddr::from(([127, 0, 0, 1], port)));
        }
        let runs: Vec<_> = batch.runs(segment_max).collect();
        assert!(runs.iter().all(|run| run.data.len() <= RUN_BYTES_MAX || run.datagrams == 1));
        runs.iter().map(|run| run.datagrams).collect()
    }

    #[test]
    fn equal_neighbours_are_one_run_and_the_last_may_be_shorter() {
        assert_eq!(runs(&[(9, 1), (9, 1), (3, 1), (9, 1)], 100), [3, 1]);
        assert_eq!(runs(&[(9, 1), (9, 2), (9, 2), (10, 2)], 100), [1, 2, 1]);
        assert_eq!(runs(&[(9, 1), (0, 1), (0, 1), (9, 1)], 100), [1, 1, 1, 1]);
        assert_eq!(runs(&[(9, 1), (9, 1), (7, 1), (7, 1)], 8), [1, 1, 2]);
        assert_eq!(runs(&[(9, 1), (9, 1)], 0), [1, 1]);
    }

    #[test]
    fn a_run_keeps_the_limits_of_the_system() {
        assert_eq!(runs(&[(1, 1); 130], RUN_BYTES_MAX), [64, 64, 2]);
        assert_eq!(runs(&[(1_200, 1); 60], RUN_BYTES_MAX), [54, 6]);
        assert_eq!(runs(&[(32_753, 1), (32_753, 1), (32_754, 1), (32_754, 1)], RUN_BYTES_MAX), [2, 1, 1]);
        assert_eq!(runs(&[(70_000, 1), (70_000, 1)], RUN_BYTES_MAX), [1, 1]);
    }
}
