//! The project's own commands, run as `cargo xtask <command>`.

mod stages;
mod tidy;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let command = match parse(&words) {
        Ok(command) => command,
        Err(why) => {
            eprintln!("xtask: {why}; see `cargo xtask --help`");
            return ExitCode::from(2);
        }
    };
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug, PartialEq)]
enum Command {
    Help,
    Tidy,
    /// The stages of this name, or all.
    Test(Option<&'static str>),
}

fn parse(words: &[&str]) -> Result<Command, String> {
    match words {
        ["--help" | "-h"] | [_, "--help" | "-h"] => Ok(Command::Help),
        ["tidy"] => Ok(Command::Tidy),
        ["test"] => Ok(Command::Test(None)),
        ["test", name] => match stages::ALL.iter().find(|stage| stage.name == *name) {
            Some(stage) => Ok(Command::Test(Some(stage.name))),
            None => Err(format!("test has no stage `{name}`")),
        },
        [] => Err("a command is missing".into()),
        ["tidy", extra, ..] | ["test", _, extra, ..] => Err(format!("unexpected argument `{extra}`")),
        [other, ..] => Err(format!("no command `{other}`")),
    }
}

fn run(command: Command) -> Result<(), String> {
    // This crate is a folder of the repository's root.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask stands in the repository");
    match command {
        Command::Help => {
            print!("{}", help());
            Ok(())
        }
        Command::Tidy => tidy::run(root),
        Command::Test(only) => stages::run(root, only),
    }
}

fn help() -> String {
    let mut text = String::from(
        "cargo xtask test          every test of the project, stage by stage; stops at the first that fails\n\
         cargo xtask test <stage>  one stage:\n",
    );
    for stage in stages::ALL {
        text += &format!("    {:<10}{}\n", stage.name, stage.about);
    }
    text += "cargo xtask tidy          the house rules alone: one line for each finding\n\
             Exit codes: 0 all is well, 1 something failed, 2 the command line is wrong.\n";
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read() {
        assert_eq!(parse(&["tidy"]), Ok(Command::Tidy));
        assert_eq!(parse(&["test"]), Ok(Command::Test(None)));
        assert_eq!(parse(&["test", "loom"]), Ok(Command::Test(Some("loom"))));
        assert_eq!(parse(&["--help"]), Ok(Command::Help));
        assert_eq!(parse(&["test", "-h"]), Ok(Command::Help));
    }

    #[test]
    fn a_bad_command_line_names_the_word() {
        assert_eq!(parse(&[]), Err("a command is missing".into()));
        assert_eq!(parse(&["teste"]), Err("no command `teste`".into()));
        assert_eq!(parse(&["test", "lom"]), Err("test has no stage `lom`".into()));
        assert_eq!(parse(&["test", "loom", "x"]), Err("unexpected argument `x`".into()));
        assert_eq!(parse(&["tidy", "x"]), Err("unexpected argument `x`".into()));
    }

    #[test]
    fn help_names_every_stage() {
        let text = help();
        assert!(stages::ALL.iter().all(|stage| text.contains(stage.name)), "{text}");
    }
}
