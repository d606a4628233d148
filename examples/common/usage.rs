//! What a process has used: processor time, and its workers' tasks.

use crate::limits;
use raddle::runtime::{Handle, WorkerMetrics};
use std::time::Duration;

/// What the process has used: server and clients together.
#[derive(Debug, Clone)]
pub(crate) struct Usage {
    /// On all cores, in user and system mode.
    pub(crate) cpu: Duration,
    pub(crate) workers: Vec<WorkerUsage>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct WorkerUsage {
    pub(crate) tasks_run: u64,
    pub(crate) tasks_stolen: u64,
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
