//! What does a lock cost that nobody else wants, and one that everybody wants?

#![allow(missing_docs, reason = "criterion's macro writes a public function without docs")]

use criterion::{Criterion, criterion_group, criterion_main};
use raddle_benches::compare::compare;
use raddle_benches::workloads::sync::locks::{MutexContended, MutexUncontended, ReadsAndWrites};

fn mutex(criterion: &mut Criterion) {
    compare::<MutexUncontended>(criterion, "mutex uncontended");
    compare::<MutexContended>(criterion, "mutex contended");
    compare::<ReadsAndWrites>(criterion, "rwlock 9:1");
}

criterion_group!(benches, mutex);
criterion_main!(benches);
