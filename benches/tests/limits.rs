//! Memory has limits, which hold on every machine; a single test, since the allocations of others would count.

use raddle_benches::rows::{PeerKind, Target, rows};

#[test]
fn raddle_keeps_its_limits_of_memory() {
    // Time has limits too, but not on every machine.
    for row in rows().into_iter().filter(|row| row.unit != "ns") {
        let Target::Limit(limit) = row.target else { continue };
        let (_, start) =
            row.starts.iter().find(|(kind, _)| *kind == PeerKind::Raddle).expect("raddle has it");
        let figure = start()();
        assert!(figure <= limit, "{}: {figure} {}, and {limit} are allowed", row.name, row.unit);
    }
}
