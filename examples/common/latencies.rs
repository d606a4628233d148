//! How long things took, counted by size.

/// Each power of two is divided into this many steps, so that a reading is off by 3 % at most.
const STEPS_LOG2: u32 = 5;
const STEPS: u64 = 1 << STEPS_LOG2;

/// Latencies, counted by size.
#[derive(Debug, Clone)]
pub(crate) struct Latencies {
    counts: Vec<u32>,
    max_ns: u64,
}

impl Latencies {
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; Self::slot(u64::MAX) + 1], max_ns: 0 }
    }

    fn slot(ns: u64) -> usize {
        let shift = (u64::BITS - ns.leading_zeros()).saturating_sub(STEPS_LOG2 + 1);
        (u64::from(shift) * STEPS + (ns >> shift)) as usize
    }

    /// The smallest latency of a slot.
    fn least_ns(slot: usize) -> u64 {
        let slot = slot as u64;
        let shift = (slot / STEPS).saturating_sub(1);
        (slot - shift * STEPS) << shift
    }

    pub(crate) fn note(&mut self, ns: u64) {
        self.counts[Self::slot(ns)] += 1;
        self.max_ns = self.max_ns.max(ns);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    pub(crate) fn max_ns(&self) -> u64 {
        self.max_ns
    }

    /// The latency that `share` (0 to 1) of all do not exceed.
    pub(crate) fn quantile_ns(&self, share: f64) -> u64 {
        let total: u64 = self.counts.iter().map(|&count| u64::from(count)).sum();
        let rank = (total as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        let reaches = |&count: &u32| {
            seen += u64::from(count);
            seen >= rank
        };
        self.counts.iter().position(reaches).map_or(0, Self::least_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_off_by_three_percent_at_most() {
        let mut latencies = Latencies::new();
        (1..=100_000).for_each(|us| latencies.note(us * 1000));
        for share in [0.0001, 0.5, 0.99] {
            let exact = share * 100_000_000.0;
            let read = latencies.quantile_ns(share) as f64;
            assert!((0.97 * exact..=1.03 * exact).contains(&read), "{read} for {exact}");
        }
        assert_eq!(latencies.max_ns(), 100_000_000);
        assert_eq!(Latencies::new().quantile_ns(0.5), 0);
    }
}
