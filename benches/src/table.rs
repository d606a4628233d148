//! Takes the samples, the runtimes by turns, and prints them as tables.

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};

use crate::asyncio;
use crate::options::Options;
use crate::rows::{Group, PeerKind, Row, Sample, Target};

/// Differences up to this are the machine's.
const NOISE: f64 = 1.1;

/// Where asyncio and uvloop stand, if any row of the table has them: after the other runtimes.
const PYTHON_COLUMN: usize = 5;

/// Median and extremes of the rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    median: f64,
    least: f64,
    most: f64,
}

/// How Raddle did in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// What the row asks for is reached.
    Reached,
    /// Not behind the peers, but the row asks for more.
    Short,
    /// Slower than the better peer, by more than noise.
    Behind,
}

/// The figures of one row.
struct Measured {
    row: Row,
    peers: Vec<(PeerKind, Figure)>,
    floor: Option<Figure>,
}

/// Measures what the options ask for and prints a table of each group of rows.
///
/// # Errors
/// Fails where a row is unknown: see [`Options::wanted_rows`]; and where asyncio is asked for and cannot be run:
/// see [`asyncio::run`].
pub fn run(options: &Options) -> Result<(), clap::Error> {
    let rows = options.wanted_rows()?;
    let count = rows.len();
    let mut asyncio = measure_asyncio(options)?;
    let mut measured = Vec::with_capacity(count);
    for (index, row) in rows.into_iter().enumerate() {
        progress(&format!("{}/{count} {}", index + 1, row.name));
        let asyncio = asyncio.remove(row.name).and_then(Figure::of);
        let mut of_row = measure(row, options);
        of_row.peers.extend(asyncio.map(|figure| (PeerKind::Asyncio, figure)));
        measured.push(of_row);
    }
    progress("");
    let runs = options.asyncio.map(|runs| format!(" (asyncio: of {runs} runs)")).unwrap_or_default();
    println!("Medians of {} rounds{runs}, per operation; lower is better.", options.rounds);
    for group in Group::value_variants() {
        let of_group: Vec<_> = measured.iter().filter(|measured| measured.row.group == *group).collect();
        if !of_group.is_empty() {
            let python = python_columns(&of_group);
            let cells: Vec<_> =
                of_group.iter().map(|measured| cells(measured, &python, options.spread)).collect();
            println!("\n{}", heading(&python).add_rows(cells));
            missing(&of_group, options).into_iter().for_each(|why| println!("{why}"));
        }
    }
    Ok(())
}

/// Which of asyncio and uvloop the table has a column for.
fn python_columns(rows: &[&Measured]) -> Vec<PeerKind> {
    let is_there = |kind: &PeerKind| rows.iter().any(|row| row.figure(*kind).is_some() || row.starts(*kind));
    [PeerKind::Asyncio, PeerKind::Uvloop].into_iter().filter(is_there).collect()
}

/// A line for each runtime that has an empty column.
fn missing(rows: &[&Measured], options: &Options) -> Vec<String> {
    let wanted = options.peers.iter().filter(|kind| rows.iter().any(|row| row.starts(**kind)));
    wanted.filter_map(|kind| kind.missing().map(|why| format!("no {}: {why}", title(*kind)))).collect()
}

fn title(kind: PeerKind) -> String {
    format!("{kind:?}").to_lowercase()
}

/// asyncio's samples by row; none where the options do not ask for it. It comes before the runtimes and takes no
/// turns with them, since a run of the script is a process that measures all rows.
fn measure_asyncio(options: &Options) -> Result<HashMap<String, Vec<f64>>, clap::Error> {
    let mut samples: HashMap<String, Vec<f64>> = HashMap::new();
    let runs = options.asyncio.unwrap_or(0);
    for run in 1..=runs {
        progress(&format!("asyncio {run}/{runs}"));
        for (name, sample) in asyncio::run(&options.rows)? {
            samples.entry(name).or_default().push(sample);
        }
    }
    Ok(samples)
}

/// A line that the next one overwrites, for people only.
fn progress(line: &str) {
    let mut stderr = io::stderr();
    if stderr.is_terminal() {
        // A terminal that cannot be written to shows no progress; the table is printed all the same.
        let _ = write!(stderr, "\r\x1b[K{line}").and_then(|()| stderr.flush());
    }
}

/// All rounds of one row: in each, every runtime has a turn, then the floor.
fn measure(row: Row, options: &Options) -> Measured {
    let is_wanted = |kind: &PeerKind| options.peers.contains(kind) && kind.missing().is_none();
    let starts = row.starts.iter().filter(|(kind, _)| is_wanted(kind));
    let mut sources: Vec<(PeerKind, Sample)> = starts.map(|(kind, start)| (*kind, start())).collect();
    let mut samples = vec![Vec::new(); sources.len()];
    let mut floors = Vec::new();
    for _ in 0..options.rounds {
        for ((_, source), samples) in sources.iter_mut().zip(&mut samples) {
            samples.push(source());
        }
        floors.extend(row.floor.map(|floor| floor()));
    }
    let figures = samples.into_iter().filter_map(Figure::of);
    let peers = sources.iter().map(|(kind, _)| *kind).zip(figures).collect();
    Measured { row, peers, floor: Figure::of(floors) }
}

impl Figure {
    /// `None` where there are no samples.
    fn of(mut samples: Vec<f64>) -> Option<Self> {
        samples.sort_by(f64::total_cmp);
        let (&least, &most) = (samples.first()?, samples.last()?);
        let middle = samples.len() / 2;
        let median = match samples.len() % 2 {
            0 => f64::midpoint(samples[middle - 1], samples[middle]),
            _ => samples[middle],
        };
        Some(Self { median, least, most })
    }

    fn show(self, spread: bool) -> String {
        let median = show(self.median);
        if spread { format!("{median} [{}..{}]", show(self.least), show(self.most)) } else { median }
    }
}

impl Measured {
    fn figure(&self, wanted: PeerKind) -> Option<Figure> {
        self.peers.iter().find(|(kind, _)| *kind == wanted).map(|(_, figure)| *figure)
    }

    /// Whether the row can be put to it.
    fn starts(&self, wanted: PeerKind) -> bool {
        self.row.starts.iter().any(|(kind, _)| *kind == wanted)
    }

    fn median(&self, wanted: PeerKind) -> Option<f64> {
        self.figure(wanted).map(|figure| figure.median)
    }

    /// Raddle over the better peer.
    fn ratio(&self) -> Option<f64> {
        let peers = [self.median(PeerKind::Tokio), self.median(PeerKind::Smol)];
        let best = peers.into_iter().flatten().min_by(f64::total_cmp)?;
        Some(self.median(PeerKind::Raddle)? / best)
    }

    /// Raddle over the floor.
    fn floor_ratio(&self) -> Option<f64> {
        Some(self.median(PeerKind::Raddle)? / self.floor?.median)
    }

    fn verdict(&self) -> Option<Verdict> {
        let raddle = self.median(PeerKind::Raddle)?;
        let ratio = self.ratio();
        let reached = match self.row.target {
            // Not to be behind is asked for within the noise; more than that is asked for as it stands.
            Target::Peers(target) => ratio? <= if target < 1.0 { target } else { NOISE },
            Target::Floor(target) => self.floor_ratio()? <= target,
            Target::Limit(limit) => raddle <= limit,
            Target::Uvloop(times) => raddle * times <= self.median(PeerKind::Uvloop)?,
        };
        let limited = matches!(self.row.target, Target::Limit(_));
        Some(match ratio {
            Some(ratio) if ratio > NOISE && !limited => Verdict::Behind,
            _ if reached => Verdict::Reached,
            _ => Verdict::Short,
        })
    }
}

fn heading(python: &[PeerKind]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN);
    let mut titles = ["row", "unit", "raddle", "tokio", "smol", "floor", "/ peer", "/ floor", "target", ""]
        .map(str::to_owned)
        .to_vec();
    titles.splice(PYTHON_COLUMN..PYTHON_COLUMN, python.iter().copied().map(title));
    let figures = titles.len() - 4;
    table.set_header(titles);
    for column in table.column_iter_mut().skip(2).take(figures) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn cells(measured: &Measured, python: &[PeerKind], spread: bool) -> Vec<String> {
    let show = |figure: Option<Figure>| figure.map_or_else(nothing, |figure| figure.show(spread));
    let figure = |wanted| show(measured.figure(wanted));
    let ratio = |ratio: Option<f64>| ratio.map_or_else(nothing, |ratio| format!("{ratio:.2}"));
    let mut cells = vec![
        measured.row.name.to_owned(),
        measured.row.unit.to_owned(),
        figure(PeerKind::Raddle),
        figure(PeerKind::Tokio),
        figure(PeerKind::Smol),
        show(measured.floor),
        ratio(measured.ratio()),
        ratio(measured.floor_ratio()),
        show_target(measured.row.target),
        measured.verdict().map_or("", mark).to_owned(),
    ];
    cells.splice(PYTHON_COLUMN..PYTHON_COLUMN, python.iter().map(|kind| figure(*kind)));
    cells
}

fn show_target(target: Target) -> String {
    match target {
        Target::Peers(ratio) => format!("{ratio:.2} of peer"),
        Target::Floor(ratio) => format!("{ratio:.2} of floor"),
        Target::Limit(limit) => format!("at most {limit}"),
        Target::Uvloop(times) => format!("{times:.0} x uvloop"),
    }
}

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Reached => "ok",
        Verdict::Short => "short",
        Verdict::Behind => "BEHIND",
    }
}

fn nothing() -> String {
    "-".to_owned()
}

/// Three digits or more, thousands apart.
fn show(value: f64) -> String {
    if value.abs() < 99.95 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let first = (digits.len() - 1) % 3 + 1;
    let (head, rest) = digits.split_at(first);
    rest.as_bytes()
        .chunks(3)
        .fold(head.to_owned(), |shown, group| shown + "," + &String::from_utf8_lossy(group))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::rows;

    fn measured(target: Target, raddle: f64, floor: Option<f64>) -> Measured {
        let figure = |median| Figure { median, least: median, most: median };
        let row = Row { target, ..rows().remove(0) };
        let peers = vec![
            (PeerKind::Raddle, figure(raddle)),
            (PeerKind::Tokio, figure(200.0)),
            (PeerKind::Smol, figure(100.0)),
        ];
        Measured { row, peers, floor: floor.map(figure) }
    }

    #[test]
    fn figures_are_medians() {
        assert_eq!(Figure::of(vec![]), None);
        assert_eq!(Figure::of(vec![3.0, 1.0, 8.0]), Some(Figure { median: 3.0, least: 1.0, most: 8.0 }));
        assert_eq!(Figure::of(vec![4.0, 1.0, 2.0, 9.0]).unwrap().median, 3.0);
    }

    #[test]
    fn numbers_are_readable() {
        let shown = [0.0, 9.46, 99.94, 99.96, 1_050.4, 20_870.0, 1_234_567.0].map(show);
        assert_eq!(shown, ["0.0", "9.5", "99.9", "100", "1,050", "20,870", "1,234,567"]);
    }

    #[test]
    fn the_better_peer_counts_and_noise_is_forgiven() {
        assert_eq!(measured(Target::Peers(1.0), 109.0, None).verdict(), Some(Verdict::Reached));
        assert_eq!(measured(Target::Peers(1.0), 111.0, None).verdict(), Some(Verdict::Behind));
        assert_eq!(measured(Target::Peers(0.4), 40.0, None).verdict(), Some(Verdict::Reached));
        assert_eq!(measured(Target::Peers(0.4), 41.0, None).verdict(), Some(Verdict::Short));
    }

    #[test]
    fn floors_and_limits_are_targets_too() {
        assert_eq!(measured(Target::Floor(1.05), 94.0, Some(90.0)).verdict(), Some(Verdict::Reached));
        assert_eq!(measured(Target::Floor(1.05), 95.0, Some(90.0)).verdict(), Some(Verdict::Short));
        assert_eq!(measured(Target::Floor(1.05), 120.0, Some(119.0)).verdict(), Some(Verdict::Behind));
        assert_eq!(measured(Target::Limit(96.0), 96.0, None).verdict(), Some(Verdict::Reached));
        assert_eq!(measured(Target::Limit(150.0), 140.0, None).verdict(), Some(Verdict::Reached));
        assert_eq!(measured(Target::Limit(96.0), 97.0, None).verdict(), Some(Verdict::Short));
    }

    #[test]
    fn python_has_columns_where_it_has_figures_and_no_say() {
        let mut measured = measured(Target::Peers(1.0), 100.0, None);
        assert_eq!(python_columns(&[&measured]), []);
        let without = cells(&measured, &[], false);
        measured.peers.push((PeerKind::Asyncio, Figure::of(vec![10.0, 30.0, 20.0]).unwrap()));
        let columns = python_columns(&[&measured]);
        assert_eq!(columns, [PeerKind::Asyncio]);
        let with = cells(&measured, &columns, false);
        assert_eq!(with[..5], without[..5]);
        assert_eq!(with[5], "20.0");
        assert_eq!(with[6..], without[5..]);
        assert_eq!(heading(&columns).column_count(), with.len());
        assert_eq!(heading(&[]).column_count(), without.len());
    }

    #[test]
    fn a_rate_of_uvloop_is_a_target_where_there_is_one() {
        let mut measured = measured(Target::Uvloop(3.0), 90.0, None);
        measured.peers.truncate(1);
        assert_eq!(measured.verdict(), None);
        measured.peers.push((PeerKind::Uvloop, Figure::of(vec![270.0]).unwrap()));
        assert_eq!(measured.verdict(), Some(Verdict::Reached));
        measured.row.target = Target::Uvloop(4.0);
        assert_eq!(measured.verdict(), Some(Verdict::Short));
    }

    #[test]
    fn a_runtime_without_such_a_thing_has_a_dash_and_no_say() {
        let mut measured = measured(Target::Peers(1.0), 190.0, None);
        assert_eq!(measured.verdict(), Some(Verdict::Behind));
        measured.peers.retain(|(kind, _)| *kind != PeerKind::Smol);
        assert_eq!(cells(&measured, &[], false)[2..5], ["190", "200", "-"]);
        assert_eq!(measured.verdict(), Some(Verdict::Reached));
    }

    #[test]
    fn without_raddle_there_is_no_verdict() {
        let mut measured = measured(Target::Peers(1.0), 100.0, None);
        measured.peers.remove(0);
        assert_eq!((measured.verdict(), measured.ratio()), (None, None));
    }
}
