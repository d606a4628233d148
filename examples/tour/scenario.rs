//! What a scenario is, and whether it went as it must.

use crate::stage::{Clock, Line, Played};

/// "About" is within this part of the time.
const ABOUT: f64 = 0.15;

/// And this many seconds on the clock, for what a busy machine takes to wake a thread.
const ALLOWANCE_SECS: f64 = 0.08;

/// On which clock a scenario plays unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waits {
    /// In futures: the clock can jump.
    InFutures,
    /// On threads that block, or for things from outside the runtime: only the real clock will do.
    OnThreads,
}

/// A scenario and what it must show.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) play: fn(),
    /// Seconds until it returns.
    pub(crate) expected: f64,
    /// The lines it says, with the second at which each is said.
    pub(crate) lines: &'static [(f64, &'static str)],
    pub(crate) waits: Waits,
    /// Lines of one second come in any order: they are said by tasks that run side by side.
    any_order: bool,
    /// Seconds on the real clock that a slow machine may work on it.
    work_secs_max: f64,
}

impl Scenario {
    pub(crate) const fn new(
        id: &'static str,
        title: &'static str,
        play: fn(),
        expected: f64,
        lines: &'static [(f64, &'static str)],
    ) -> Self {
        let (waits, any_order, work_secs_max) = (Waits::InFutures, false, 0.0);
        Self { id, title, play, expected, lines, waits, any_order, work_secs_max }
    }

    pub(crate) const fn any_order(self) -> Self {
        Self { any_order: true, ..self }
    }

    pub(crate) const fn on_threads(self) -> Self {
        Self { waits: Waits::OnThreads, ..self }
    }

    pub(crate) const fn works_for(self, secs_max: f64) -> Self {
        Self { work_secs_max: secs_max, ..self }
    }

    /// What is off, if anything is.
    pub(crate) fn fault(&self, played: &Played, clock: Clock) -> Option<String> {
        if played.failure.is_some() {
            return played.failure.clone();
        }
        if !self.is_about(played.elapsed, self.expected, clock) {
            return Some(format!("took {:.2} s, not about {} s", played.elapsed, self.expected));
        }
        let said = self.in_order(&played.lines);
        for (said, (at, text)) in said.iter().zip(self.lines) {
            if said.text != *text {
                return Some(format!("said {:?}, not {text:?}", said.text));
            }
            if !self.is_about(said.at, *at, clock) {
                return Some(format!("said {text:?} at {:.2} s, not at about {at} s", said.at));
            }
        }
        let (count, expected) = (said.len(), self.lines.len());
        (count != expected).then(|| format!("said {count} lines, not {expected}"))
    }

    /// The lines as they were said; where the order does not matter, each group of one second as it is expected.
    fn in_order(&self, lines: &[Line]) -> Vec<Line> {
        let mut lines = lines.to_vec();
        if !self.any_order {
            return lines;
        }
        let mut first = 0;
        for group in self.lines.chunk_by(|a, b| a.0 == b.0) {
            let end = lines.len().min(first + group.len());
            let place = |line: &Line| group.iter().position(|(_, text)| *text == line.text);
            lines[first..end].sort_by_key(|line| place(line).unwrap_or(usize::MAX));
            first = end;
        }
        lines
    }

    fn is_about(&self, measured: f64, expected: f64, clock: Clock) -> bool {
        let late = ALLOWANCE_SECS + if clock == Clock::Virtual { 0.0 } else { self.work_secs_max };
        (measured - expected).abs() <= expected * ABOUT + late / clock.scale()
    }
}
