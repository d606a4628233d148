//! The table's command line.

use clap::Parser;

use crate::asyncio::RUNS_DEFAULT;
use crate::rows::{Group, PeerKind, Row, rows};

/// Prints a table of medians: Raddle beside tokio and smol, which take turns in this process, and beside servers in
/// Python, which take turns with it in processes of their own.
#[derive(Parser, Debug)]
#[command(bin_name = "cargo bench -p raddle-benches --bench table --", after_help = row_names())]
pub struct Options {
    /// Only the rows of these groups, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["core", "sync", "model", "net"])]
    pub groups: Vec<Group>,
    /// Only the rows whose name contains one of these words, separated by commas
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    pub rows: Vec<String>,
    /// Rounds; the runtimes take turns in each, and the table shows the median round
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub rounds: u32,
    /// Only these runtimes, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["raddle", "tokio", "smol", "asyncio", "uvloop"])]
    pub peers: Vec<PeerKind>,
    /// Show the fastest and the slowest round beside the median
    #[arg(long)]
    pub spread: bool,
    /// Show CPython's asyncio in the rows of one process too (needs python3, 3.11 or later), as the median of so many
    /// runs
    #[arg(
        long, value_name = "RUNS", num_args = 0..=1, require_equals = true, default_missing_value = RUNS_DEFAULT,
        value_parser = clap::value_parser!(u32).range(1..=1_000)
    )]
    pub asyncio: Option<u32>,
    /// What cargo bench passes to every bench; ignored
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// The rows that were asked for, in the table's order.
    ///
    /// # Errors
    /// A word that is in no row's name is an error that names the word.
    pub fn wanted_rows(&self) -> Result<Vec<Row>, clap::Error> {
        let all = rows();
        for word in &self.rows {
            if !all.iter().any(|row| row.name.contains(word.as_str())) {
                return Err(unknown_row(word));
            }
        }
        let named = |row: &Row| self.rows.is_empty() || self.rows.iter().any(|word| row.name.contains(word));
        let wanted = |row: &Row| self.groups.contains(&row.group) && named(row);
        Ok(all.into_iter().filter(wanted).collect())
    }
}

fn unknown_row(word: &str) -> clap::Error {
    let message = format!("no row's name contains '{word}'; {}\n", row_names());
    clap::Error::raw(clap::error::ErrorKind::InvalidValue, message)
}

fn row_names() -> String {
    let names: Vec<&str> = rows().iter().map(|row| row.name).collect();
    format!("the rows are: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options, clap::Error> {
        Options::try_parse_from(["table"].iter().chain(arguments))
    }

    #[test]
    fn without_arguments_all_rows_and_all_runtimes() {
        let options = parse(&["--bench"]).unwrap();
        assert_eq!(options.wanted_rows().unwrap().len(), rows().len());
        assert_eq!((options.rounds, options.peers.len(), options.spread), (7, 5, false));
        assert_eq!(options.asyncio, None);
    }

    #[test]
    fn asyncio_is_run_three_times_or_as_often_as_is_said() {
        assert_eq!(parse(&["--asyncio", "--spread"]).unwrap().asyncio, Some(3));
        assert_eq!(parse(&["--asyncio=5"]).unwrap().asyncio, Some(5));
    }

    #[test]
    fn words_choose_rows_and_runtimes() {
        let options = parse(&["--rows", "echo,yield", "--peers", "raddle,tokio", "--rounds", "3"]).unwrap();
        let names: Vec<&str> = options.wanted_rows().unwrap().iter().map(|row| row.name).collect();
        assert_eq!(names[..3], ["yield", "echo 64 B", "echo 16 KiB"]);
        assert_eq!(options.peers, [PeerKind::Raddle, PeerKind::Tokio]);
    }

    #[test]
    fn groups_and_words_both_choose() {
        let names = |arguments: &[&str]| {
            let rows = parse(arguments).unwrap().wanted_rows().unwrap();
            rows.iter().map(|row| row.name).collect::<Vec<_>>()
        };
        let [core, sync, model, net] =
            ["core", "sync", "model", "net"].map(|group| names(&["--groups", group]));
        assert!(core.contains(&"yield") && sync.contains(&"notify") && model.contains(&"promise wake"));
        assert_eq!(core.len() + sync.len() + model.len() + net.len(), rows().len());
        assert_eq!(names(&["--groups", "sync", "--rows", "yield,notify"]), ["notify"]);
    }

    #[test]
    fn what_is_unknown_is_an_error_with_exit_code_2() {
        let unknown =
            [&["--fast"][..], &["--rounds", "0"], &["--peers", "glommio"], &["--asyncio=0"], &["spawn"]];
        for arguments in unknown {
            assert_eq!(parse(arguments).unwrap_err().exit_code(), 2, "{arguments:?}");
        }
        let error = parse(&["--rows", "fork"]).unwrap().wanted_rows().err().unwrap();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("'fork'"), "{error}");
    }
}
