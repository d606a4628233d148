//! The table at the end of the tour.

use crate::Report;
use crate::stage::Clock;
use comfy_table::{CellAlignment, Table, presets};

/// One row for each scenario.
pub(crate) fn table(reports: &[Report]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header([
        "scenario",
        "what it does",
        "clock",
        "expected",
        "measured",
        "wall",
        "",
    ]);
    for report in reports {
        let (scenario, played) = (report.scenario, &report.played);
        table.add_row([
            scenario.id.to_owned(),
            scenario.title.to_owned(),
            clock_text(report.clock),
            format!("{} s", scenario.expected),
            format!("{:.2} s", played.elapsed),
            format!("{:.0} ms", played.wall.as_secs_f64() * 1e3),
            verdict(report),
        ]);
    }
    for column in 3..6 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn verdict(report: &Report) -> String {
    match (&report.fault, report.attempts) {
        (Some(_), _) => "OFF".to_owned(),
        (None, 1) => "ok".to_owned(),
        (None, attempts) => format!("ok, attempt {attempts}"),
    }
}

/// The clock in words.
pub(crate) fn clock_text(clock: Clock) -> String {
    match clock {
        Clock::Virtual => "virtual clock".to_owned(),
        Clock::Real { scale: 1.0 } => "real clock".to_owned(),
        Clock::Real { scale } => format!("real clock, 1 s is {scale} s"),
    }
}
