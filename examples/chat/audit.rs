//! What a client of the self-check writes down: which lines came.

use std::collections::BTreeSet;

/// A line of the self-check, as the server passes it on: `ADDR: CLIENT NUMBER NANOSECONDS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) client: u32,
    pub(crate) number: u32,
    /// When it was sent, in nanoseconds since the start.
    pub(crate) at_ns: u64,
}

impl Sent {
    /// The line as the client sends it.
    pub(crate) fn text(self) -> String {
        format!("{} {} {}\n", self.client, self.number, self.at_ns)
    }

    /// Reads a line that came from the server; gives the sender's address too.
    pub(crate) fn parse(line: &str) -> Option<(&str, Self)> {
        let (addr, text) = line.split_once(": ")?;
        let mut words = text.split(' ');
        let sent = Self {
            client: words.next()?.parse().ok()?,
            number: words.next()?.parse().ok()?,
            at_ns: words.next()?.parse().ok()?,
        };
        words.next().is_none().then_some((addr, sent))
    }
}

/// What went wrong, counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Faults {
    /// Never came.
    pub(crate) lost: u64,
    /// Came again.
    pub(crate) duplicated: u64,
    /// Came after a later one of the same sender.
    pub(crate) misordered: u64,
    /// Came from another room, with the wrong address before it, or garbled.
    pub(crate) strayed: u64,
}

impl Faults {
    pub(crate) fn total(self) -> u64 {
        self.lost + self.duplicated + self.misordered + self.strayed
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.misordered += other.misordered;
        self.strayed += other.strayed;
    }
}

/// Which lines of each sender have come. Senders are counted within the room.
#[derive(Debug)]
pub(crate) struct Ledger {
    lines: u32,
    /// For each sender, the first line that has not come.
    next: Vec<u32>,
    /// Lines that came before an earlier one of their sender: (sender, line).
    ahead: BTreeSet<(usize, u32)>,
    came: u64,
    faults: Faults,
}

impl Ledger {
    /// Each of `senders` is going to send `lines` lines, numbered from 0.
    pub(crate) fn new(senders: usize, lines: u32) -> Self {
        Self { lines, next: vec![0; senders], ahead: BTreeSet::new(), came: 0, faults: Faults::default() }
    }

    /// How many different lines are to come.
    pub(crate) fn expected(&self) -> u64 {
        self.next.len() as u64 * u64::from(self.lines)
    }

    /// How many different lines have come.
    pub(crate) fn came(&self) -> u64 {
        self.came
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.came == self.expected()
    }

    /// Something came that is no line of this room.
    pub(crate) fn note_stray(&mut self) {
        self.faults.strayed += 1;
    }

    /// Line `number` of `sender` has come.
    pub(crate) fn note(&mut self, sender: usize, number: u32) {
        let Some(next) = self.next.get_mut(sender).filter(|_| number < self.lines) else {
            return self.note_stray();
        };
        if number < *next || self.ahead.contains(&(sender, number)) {
            self.faults.duplicated += 1;
            return;
        }
        self.came += 1;
        if self.ahead.range((sender, number)..(sender, u32::MAX)).next().is_some() {
            self.faults.misordered += 1;
        }
        if number > *next {
            self.ahead.insert((sender, number));
            return;
        }
        *next += 1;
        while self.ahead.remove(&(sender, *next)) {
            *next += 1;
        }
    }

    /// What went wrong if nothing more comes.
    pub(crate) fn faults(&self) -> Faults {
        Faults { lost: self.expected() - self.came, ..self.faults }
    }

    /// The first line that is missing: (sender, line).
    pub(crate) fn first_lost(&self) -> Option<(usize, u32)> {
        let sender = self.next.iter().position(|&next| next < self.lines)?;
        Some((sender, self.next[sender]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(numbers: &[u32]) -> Ledger {
        let mut ledger = Ledger::new(2, 5);
        (0..5).for_each(|number| ledger.note(1, number));
        numbers.iter().for_each(|&number| ledger.note(0, number));
        ledger
    }

    #[test]
    fn a_whole_ledger_has_no_faults() {
        let whole = ledger(&[0, 1, 2, 3, 4]);
        assert!(whole.is_complete());
        assert_eq!(whole.faults(), Faults::default());
        assert_eq!(whole.first_lost(), None);
    }

    #[test]
    fn a_lost_line_is_lost_and_nothing_else() {
        let gap = ledger(&[0, 1, 3, 4]);
        assert!(!gap.is_complete());
        assert_eq!(gap.faults(), Faults { lost: 1, ..Faults::default() });
        assert_eq!(gap.first_lost(), Some((0, 2)));
    }

    #[test]
    fn a_late_line_is_misordered_once() {
        let late = ledger(&[0, 2, 3, 1, 4]);
        assert!(late.is_complete());
        assert_eq!(late.faults(), Faults { misordered: 1, ..Faults::default() });
        let twice = ledger(&[4, 3, 0, 1, 2]);
        assert_eq!(twice.faults(), Faults { misordered: 4, ..Faults::default() });
    }

    #[test]
    fn duplicates_are_seen_before_and_behind_a_gap() {
        assert_eq!(ledger(&[0, 0, 1, 2, 3, 4, 4]).faults(), Faults { duplicated: 2, ..Faults::default() });
        let behind = ledger(&[0, 2, 2, 1, 2, 3, 4]).faults();
        assert_eq!(behind, Faults { duplicated: 2, misordered: 1, ..Faults::default() });
    }

    #[test]
    fn strangers_stray() {
        let mut strange = ledger(&[0, 1, 2, 3, 4]);
        strange.note(2, 0);
        strange.note(0, 5);
        assert_eq!(strange.faults(), Faults { strayed: 2, ..Faults::default() });
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let sent = Sent { client: 17, number: 3, at_ns: 123 };
        let passed_on = format!("127.0.0.1:80: {}", sent.text());
        assert_eq!(Sent::parse(passed_on.trim_end()), Some(("127.0.0.1:80", sent)));
        for garbled in ["", "127.0.0.1:80: 1 2", "127.0.0.1:80: 1 2 3 4", "127.0.0.1:80: 1 2 x", "1 2 3"] {
            assert_eq!(Sent::parse(garbled), None);
        }
    }
}
