//! A tour of asyncio's model in Raddle: each scenario is a small program that people write with asyncio. It is checked.
//!
//! Every scenario says lines; what it says, when, and how long it takes is compared with what it must show. Most
//! scenarios wait in futures and play on a paused clock, which jumps, so minutes of sleeping take no time. Those that
//! block a thread, or talk to a loop from a thread outside, play on the real clock, where a second takes `--scale`
//! seconds. The programs are in `s1.rs`, `s2.rs` and `s3.rs`.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a program outside the runtime: std's locks and threads will do"
)]

#[macro_use]
mod stage;
mod interrupt;
mod s1;
mod s2;
mod s3;
mod scenario;
mod table;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use indicatif::{ProgressBar, ProgressStyle};
use interrupt::Interrupts;
use raddle::select;
use raddle::sync::mpsc::{UnboundedSender, unbounded};
use scenario::{Scenario, Waits};
use stage::{Clock, Played};
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

/// Plays the scenarios of asyncio's model on Raddle, and checks what they show and how long they take.
#[derive(Parser, Debug)]
#[command(
    name = "tour",
    after_help = "Exit code: 0 when all went as they must, 1 when one is off, \
2 for bad arguments, 130 after Ctrl-C."
)]
struct Args {
    /// Only these, e.g. S2.4,S3.1
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    only: Vec<String>,

    /// List the scenarios and exit
    #[arg(long)]
    list: bool,

    /// Play everything on the real clock
    #[arg(long)]
    real: bool,

    /// How many real seconds a scenario's second takes [default: 1 with --real, else 0.1; what plays on the virtual
    /// clock is not affected]
    #[arg(long, value_name = "SECONDS", value_parser = scale)]
    scale: Option<f64>,
}

fn scale(text: &str) -> Result<f64, String> {
    let scale: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.01..=10.0).contains(&scale) { Ok(scale) } else { Err("from 0.01 to 10 is allowed".to_owned()) }
}

impl Args {
    /// The scenarios to play, in their order.
    fn scenarios(&self) -> Vec<Scenario> {
        let all = || [s1::ALL, s2::ALL, s3::ALL].into_iter().flatten();
        for id in &self.only {
            if !all().any(|scenario| scenario.id.eq_ignore_ascii_case(id)) {
                let text = format!("--only: there is no scenario {id:?}; --list shows all");
                Self::command().error(ErrorKind::InvalidValue, text).exit();
            }
        }
        let wanted = |scenario: &&Scenario| self.only.iter().any(|id| scenario.id.eq_ignore_ascii_case(id));
        all().filter(|scenario| self.only.is_empty() || wanted(scenario)).copied().collect()
    }

    fn clock(&self, scenario: &Scenario) -> Clock {
        match (self.real, scenario.waits) {
            (true, _) => Clock::Real { scale: self.scale.unwrap_or(1.0) },
            (false, Waits::OnThreads) => Clock::Real { scale: self.scale.unwrap_or(0.1) },
            (false, Waits::InFutures) => Clock::Virtual,
        }
    }
}

/// How often a scenario on the real clock may be played: a busy machine takes its time to wake a thread.
const ATTEMPTS_ON_REAL_CLOCK: u32 = 3;

/// A scenario that has been played.
struct Report {
    scenario: Scenario,
    clock: Clock,
    played: Played,
    fault: Option<String>,
    attempts: u32,
}

impl Report {
    fn of(scenario: Scenario, clock: Clock) -> Self {
        let limit = if clock == Clock::Virtual { 1 } else { ATTEMPTS_ON_REAL_CLOCK };
        let mut attempts = 0;
        loop {
            attempts += 1;
            let played = stage::play(clock, scenario.play);
            let fault = scenario.fault(&played, clock);
            if fault.is_none() || attempts == limit {
                return Self { scenario, clock, played, fault, attempts };
            }
        }
    }

    fn print(&self, mut to: impl Write) -> io::Result<()> {
        let Scenario { id, title, .. } = self.scenario;
        writeln!(to, "{id}  {title}  [{}]", table::clock_text(self.clock))?;
        for line in &self.played.lines {
            writeln!(to, "{:9.2} s  {}", line.at, line.text)?;
        }
        if self.attempts > 1 {
            writeln!(to, "    played {} times: off before", self.attempts)?;
        }
        if let Some(fault) = &self.fault {
            writeln!(to, "    OFF: {fault}")?;
        }
        writeln!(to)
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let scenarios = args.scenarios();
    let outcome = if args.list { list(&scenarios) } else { tour(&args, &scenarios) };
    outcome.unwrap_or_else(|error| {
        eprintln!("tour: {error}");
        ExitCode::FAILURE
    })
}

fn list(scenarios: &[Scenario]) -> io::Result<ExitCode> {
    let mut stdout = io::stdout().lock();
    for Scenario { id, title, .. } in scenarios {
        writeln!(stdout, "{id}  {title}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Plays on a thread of its own, so that Ctrl-C ends the tour whatever a scenario waits for.
fn tour(args: &Args, scenarios: &[Scenario]) -> io::Result<ExitCode> {
    hush_panics_on_purpose();
    let program: Vec<_> = scenarios.iter().map(|scenario| (*scenario, args.clock(scenario))).collect();
    let bar = progress_bar(program.len());
    let (reports, interrupted) = raddle::run(async {
        let mut interrupts = Interrupts::listen()?;
        let (send, mut receive) = unbounded();
        let playing = bar.clone();
        std::thread::spawn(move || play_all(program, &playing, &send));
        let mut reports: Vec<Report> = Vec::new();
        loop {
            select! {
                report = receive.recv() => {
                    let Some(report) = report else { break io::Result::Ok((reports, false)) };
                    bar.suspend(|| report.print(io::stdout()))?;
                    reports.push(report);
                }
                () = interrupts.by_user() => break Ok((reports, true)),
            }
        }
    })?;
    bar.finish_and_clear();
    conclude(&reports, interrupted.then_some(scenarios.len()))
}

fn play_all(program: Vec<(Scenario, Clock)>, bar: &ProgressBar, reports: &UnboundedSender<Report>) {
    for (scenario, clock) in program {
        bar.set_message(scenario.id);
        if reports.send(Report::of(scenario, clock)).is_err() {
            break;
        }
        bar.inc(1);
    }
}

/// Prints the table and the verdict; `interrupted` says how many scenarios there would have been.
fn conclude(reports: &[Report], interrupted: Option<usize>) -> io::Result<ExitCode> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", table::table(reports))?;
    let off: Vec<_> = reports.iter().filter(|report| report.fault.is_some()).collect();
    for Report { scenario, fault, .. } in &off {
        writeln!(stdout, "{} is off: {}", scenario.id, fault.as_deref().unwrap_or_default())?;
    }
    if let Some(all) = interrupted {
        writeln!(stdout, "interrupted after {} of {all} scenarios", reports.len())?;
        return Ok(ExitCode::from(130));
    }
    if off.is_empty() {
        writeln!(stdout, "all {} scenarios went as they must", reports.len())?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(stdout, "{} of {} scenarios are off", off.len(), reports.len())?;
    Ok(ExitCode::FAILURE)
}

/// On stderr, where that is a terminal.
fn progress_bar(length: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} scenarios, now {msg} {elapsed}");
    let bar = ProgressBar::new(length as u64);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// Panics that belong to a scenario begin with "on purpose" and come back as errors: nobody needs them on stderr too.
fn hush_panics_on_purpose() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !info.payload_as_str().is_some_and(|text| text.starts_with("on purpose")) {
            usual(info);
        }
    }));
}
