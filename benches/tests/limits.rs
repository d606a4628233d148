//! Memory has limits, and idling costs nothing, on every machine. A program of its own rather than a test among others:
//! their allocations would count, and it is called once more as the client of a server.

use raddle_benches::child;
use raddle_benches::rows::{PeerKind, Target, rows};

fn main() {
    if child::run() {
        return;
    }
    // Time has limits too, but not on every machine.
    for row in rows().into_iter().filter(|row| row.unit != "ns") {
        let Target::Limit(limit) = row.target else { continue };
        let (_, start) =
            row.starts.iter().find(|(kind, _)| *kind == PeerKind::Raddle).expect("raddle has it");
        let figure = start()();
        println!("{}: {figure} {} of {limit}", row.name, row.unit);
        assert!(figure <= limit, "{}: {figure} {}, and {limit} are allowed", row.name, row.unit);
    }
}
