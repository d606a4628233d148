//! The tables at the end.

use crate::load::Outcome;
use crate::server::Counts;
use crate::tables::{align_right, grouped};
use crate::usage::Usage;
use comfy_table::{Table, presets};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// One column for each load.
pub(crate) fn of_loads(outcomes: &[Outcome]) -> Table {
    let mut table = new(std::iter::once("").chain(outcomes.iter().map(|outcome| outcome.over)));
    let mut row = |name: &str, cell: &dyn Fn(&Outcome) -> String| {
        table.add_row(std::iter::once(name.to_owned()).chain(outcomes.iter().map(cell)));
    };
    row("clients", &|o| grouped(o.size.clients.into()));
    row("messages that came back", &|o| grouped(o.echoed));
    row("every byte right", &|o| verdict(o).to_owned());
    row("bytes each way", &|o| grouped(bytes(o)));
    row("elapsed", &|o| format!("{:.2} s", o.elapsed.as_secs_f64()));
    row("messages per second", &|o| grouped(per_second(o.echoed, o.elapsed)));
    row("MiB per second, each way", &|o| {
        format!("{:.1}", per_second(bytes(o), o.elapsed) as f64 / 1048576.0)
    });
    row("latency p50", &|o| time(o.latencies.quantile_ns(0.5)));
    row("latency p99", &|o| time(o.latencies.quantile_ns(0.99)));
    row("latency max", &|o| time(o.latencies.max_ns()));
    row("CPU per message", &|o| time((o.usage.cpu.as_nanos() / u128::from(o.echoed.max(1))) as u64));
    if outcomes.iter().any(|outcome| outcome.sent_again > 0) {
        row("datagrams sent again", &|o| grouped(o.sent_again));
    }
    let workers = outcomes.first().map_or(0, |outcome| outcome.usage.workers.len());
    for index in 0..workers {
        let worker = |o: &Outcome| o.usage.workers.get(index).copied();
        row(&format!("worker {index}: tasks run"), &|o| {
            worker(o).map_or(String::new(), |worker| grouped(worker.tasks_run))
        });
        row(&format!("worker {index}: tasks stolen"), &|o| {
            worker(o).map_or(String::new(), |worker| grouped(worker.tasks_stolen))
        });
    }
    align_right(&mut table, 1..outcomes.len() + 1);
    table
}

/// What a server did for others.
pub(crate) fn of_server(counts: &Counts, elapsed: Duration, usage: &Usage, is_udp: bool) -> Table {
    let pieces = if is_udp { "datagrams" } else { "pieces" };
    let mut rows = vec![
        (format!("{pieces} sent back"), grouped(counts.pieces.load(Relaxed))),
        ("bytes sent back".to_owned(), grouped(counts.bytes.load(Relaxed))),
        ("failures".to_owned(), grouped(counts.broken.load(Relaxed))),
        ("served for".to_owned(), format!("{:.1} s", elapsed.as_secs_f64())),
        ("CPU".to_owned(), format!("{:.2} s", usage.cpu.as_secs_f64())),
    ];
    if !is_udp {
        rows.insert(0, ("connections".to_owned(), grouped(counts.connections.load(Relaxed))));
    }
    for (index, worker) in usage.workers.iter().enumerate() {
        rows.push((format!("worker {index}: tasks run"), grouped(worker.tasks_run)));
        rows.push((format!("worker {index}: tasks stolen"), grouped(worker.tasks_stolen)));
    }
    let mut table = new(["result", "value"]);
    for (name, value) in rows {
        table.add_row([name, value]);
    }
    align_right(&mut table, 1..2);
    table
}

fn new<'a>(header: impl IntoIterator<Item = &'a str>) -> Table {
    let mut table = Table::new();
    let header: Vec<_> = header.into_iter().collect();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(header);
    table
}

fn verdict(outcome: &Outcome) -> &'static str {
    match (&outcome.fault, outcome.echoed == outcome.size.total()) {
        (Some(_), _) => "NO",
        (None, true) => "yes",
        (None, false) => "yes, up to the interrupt",
    }
}

fn bytes(outcome: &Outcome) -> u64 {
    outcome.echoed * outcome.size.bytes as u64
}

fn per_second(count: u64, elapsed: Duration) -> u64 {
    (count as f64 / elapsed.as_secs_f64().max(1e-9)) as u64
}

fn time(ns: u64) -> String {
    if ns < 1_000_000 { format!("{:.1} us", ns as f64 / 1e3) } else { format!("{:.1} ms", ns as f64 / 1e6) }
}
