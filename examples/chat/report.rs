//! The tables at the end of the self-check.

use crate::check::Size;
use crate::latencies::Latencies;
use crate::tables::{align_right, grouped};
use crate::usage::Usage;
use comfy_table::{Table, presets};
use std::fmt;
use std::time::Duration;

/// What the check measured.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) size: Size,
    /// Lines delivered, counted at each receiver.
    pub(crate) delivered: u64,
    /// From the first line sent to the last one received.
    pub(crate) elapsed: Duration,
    pub(crate) latencies: Latencies,
    pub(crate) usage: Usage,
}

impl Report {
    fn results(&self) -> Table {
        let Size { clients, rooms, lines } = self.size;
        let per_second = self.delivered as f64 / self.elapsed.as_secs_f64();
        let cpu_ns = self.usage.cpu.as_nanos() as f64 / self.delivered as f64;
        let ms = |ns: u64| format!("{:.2} ms", ns as f64 / 1e6);
        let rows = [
            ("clients", format!("{} in {} rooms", grouped(clients.into()), grouped(rooms.into()))),
            ("lines sent", grouped(u64::from(clients) * u64::from(lines))),
            ("messages delivered", grouped(self.delivered)),
            ("each once and in order", "yes".to_owned()),
            ("elapsed", format!("{:.2} s", self.elapsed.as_secs_f64())),
            ("messages delivered per second", grouped(per_second as u64)),
            ("delivery latency p50", ms(self.latencies.quantile_ns(0.5))),
            ("delivery latency p99", ms(self.latencies.quantile_ns(0.99))),
            ("delivery latency max", ms(self.latencies.max_ns())),
            ("CPU per message", format!("{:.3} us", cpu_ns / 1e3)),
        ];
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_header(["result", "value"]);
        for (name, value) in rows {
            table.add_row([name.to_owned(), value]);
        }
        align_right(&mut table, 1..2);
        table
    }

    fn per_worker(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_header(["worker", "tasks run", "tasks stolen"]);
        for (index, worker) in self.usage.workers.iter().enumerate() {
            table.add_row([index.to_string(), grouped(worker.tasks_run), grouped(worker.tasks_stolen)]);
        }
        align_right(&mut table, 0..3);
        table
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.results(), self.per_worker())
    }
}
