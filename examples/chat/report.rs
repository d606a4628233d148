//! The tables at the end of the self-check.

use crate::audit::Latencies;
use crate::check::Size;
use crate::limits;
use comfy_table::{CellAlignment, Table, presets};
use raddle::runtime::{Handle, WorkerMetrics};
use std::fmt;
use std::time::Duration;

/// What the process has used: server and clients together.
#[derive(Debug, Clone)]
pub(crate) struct Usage {
    /// On all cores, in user and system mode.
    cpu: Duration,
    workers: Vec<WorkerUsage>,
}

#[derive(Debug, Clone, Copy)]
struct WorkerUsage {
    tasks_run: u64,
    tasks_stolen: u64,
}

impl Usage {
    /// Since the process was started.
    pub(crate) fn now() -> Self {
        let metrics = Handle::current().metrics();
        let workers = (0..metrics.workers()).filter_map(|index| metrics.worker(index));
        let usage =
            |worker: WorkerMetrics| WorkerUsage { tasks_run: worker.polls, tasks_stolen: worker.steals };
        Self { cpu: limits::cpu_time(), workers: workers.map(usage).collect() }
    }

    /// What was used after `before`.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let difference = |(now, then): (&WorkerUsage, &WorkerUsage)| WorkerUsage {
            tasks_run: now.tasks_run - then.tasks_run,
            tasks_stolen: now.tasks_stolen - then.tasks_stolen,
        };
        let workers = self.workers.iter().zip(&before.workers).map(difference).collect();
        Self { cpu: self.cpu - before.cpu, workers }
    }
}

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

fn align_right(table: &mut Table, columns: std::ops::Range<usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// 1234567 as 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn digits_are_grouped_by_three() {
        let texts = [0, 12, 123, 1234, 123_456, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "12", "123", "1,234", "123,456", "1,234,567"]);
    }
}
