//! The asyncio column: `asyncio_rows.py`, which has the same workloads for CPython, is run and its lines are read.

use std::process::{Command, Output};

use clap::error::{Error, ErrorKind};

use crate::child::cannot_start;
use crate::python::PYTHON;
use crate::rows::rows;

/// How often the script is run unless the command line says otherwise.
pub const RUNS_DEFAULT: &str = "3";

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/asyncio_rows.py");

/// A row's name, and asyncio's figure in the row's unit.
pub type Sample = (String, f64);

/// Runs the script once: a sample of each row whose name contains one of the words, or of every row where there
/// are no words. Rows that asyncio has no equivalent for are missing.
///
/// # Errors
/// The error says what is missing where `python3` is not in `PATH` or older than 3.11, and what the script printed
/// where it failed.
pub fn run(words: &[String]) -> Result<Vec<Sample>, Error> {
    run_with(PYTHON, words).map_err(|message| Error::raw(ErrorKind::Io, message + "\n"))
}

fn run_with(python: &str, words: &[String]) -> Result<Vec<Sample>, String> {
    let mut command = Command::new(python);
    command.arg(SCRIPT).arg(format!("--rows={}", words.join(",")));
    let output = command.output().map_err(|error| format!("--asyncio: {}", cannot_start(python, &error)))?;
    let Output { status, stdout, stderr } = output;
    if !status.success() {
        let stderr = String::from_utf8_lossy(&stderr);
        return Err(format!("--asyncio: {python} failed ({status}): {}", stderr.trim()));
    }
    String::from_utf8_lossy(&stdout).lines().map(parse).collect()
}

/// One line of the script: a row's name, a tab, a figure.
fn parse(line: &str) -> Result<Sample, String> {
    let bad = |why| format!("--asyncio: {SCRIPT} printed {line:?}: {why}");
    let (name, figure) = line.split_once('\t').ok_or_else(|| bad("there is no tab"))?;
    if !rows().iter().any(|row| row.name == name) {
        return Err(bad("the table has no such row"));
    }
    match figure.parse() {
        Ok(figure) if f64::is_finite(figure) => Ok((name.to_owned(), figure)),
        _ => Err(bad("what follows the tab is no figure")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_rows_name_and_a_figure() {
        assert_eq!(parse("echo 64 B\t29482.8"), Ok(("echo 64 B".to_owned(), 29_482.8)));
        assert_eq!(parse("yield\t0"), Ok(("yield".to_owned(), 0.0)));
    }

    #[test]
    fn any_other_line_is_an_error_that_shows_it() {
        let bad = [
            ("yield 10", "no tab"),
            ("fork\t10", "no such row"),
            ("yiel\t10", "no such row"),
            ("yield\t", "no figure"),
            ("yield\tnan", "no figure"),
            ("yield\t1\t2", "no figure"),
            ("", "no tab"),
        ];
        for (line, why) in bad {
            let error = parse(line).unwrap_err();
            assert!(error.contains(&format!("{line:?}")) && error.contains(why), "{error}");
        }
    }

    #[test]
    fn the_script_has_only_names_of_the_table() {
        let script = include_str!("../asyncio_rows.py");
        let names: Vec<&str> =
            script.match_indices("    Row(").filter_map(|(at, _)| script[at..].split('"').nth(1)).collect();
        assert_eq!(names.len(), 22);
        for name in names {
            assert!(rows().iter().any(|row| row.name == name), "{name}");
        }
    }

    #[test]
    fn a_missing_python_is_named() {
        let error = run_with("no-such-python3", &[]).unwrap_err();
        assert!(error.contains("no-such-python3 has to be in PATH") && error.contains("3.11"), "{error}");
    }
}
