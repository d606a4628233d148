//! `cargo xtask test`: every test of the project, one stage after the other.

use crate::tidy;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Crates that are built on request only: the peers to measure against, and the models with a cfg of their own.
const BENCHES: &str = "raddle-benches";
const LOOM: &str = "loom-tests";

/// Programs that tests run against, each with the Debian package that brings it.
const TOOLS: &[(&str, &str)] = &[
    ("nc", "netcat-openbsd"),
    ("curl", "curl"),
    ("strace", "strace"),
    ("python3", "python3"),
    ("socat", "socat"),
    ("openssl", "openssl"),
    ("dig", "bind9-dnsutils"),
];

/// A context switch at every point makes models take hours; three that nobody asked for find what is there to find.
const PREEMPTIONS: &str = "3";

pub(crate) struct Stage {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    run: fn(&Path) -> Result<(), String>,
}

pub(crate) const ALL: &[Stage] = &[
    Stage { name: "unit", about: "unit, integration and documentation tests, all features", run: unit },
    Stage { name: "examples", about: "the examples build with the default features", run: examples },
    Stage { name: "loom", about: "the models (LOOM_MAX_PREEMPTIONS is 3 unless set)", run: loom },
    Stage { name: "tidy", about: "the house rules", run: tidy::run },
];

/// Runs the stage of this name, or all of them up to the first that fails.
pub(crate) fn run(root: &Path, only: Option<&str>) -> Result<(), String> {
    for stage in ALL.iter().filter(|stage| only.is_none_or(|name| name == stage.name)) {
        println!("== {}: {}", stage.name, stage.about);
        let start = Instant::now();
        let result = (stage.run)(root);
        println!("== {}: {:.1} s", stage.name, start.elapsed().as_secs_f64());
        result.map_err(|why| format!("stage {} failed: {why}", stage.name))?;
    }
    Ok(())
}

fn unit(root: &Path) -> Result<(), String> {
    tools(root)?;
    cargo(root, &["test", "--workspace", "--exclude", BENCHES, "--exclude", LOOM, "--all-features"])?;
    // What the benches measure takes its time; that they read their options and print their tables does not.
    cargo(root, &["test", "-p", BENCHES, "--lib"])
}

fn examples(root: &Path) -> Result<(), String> {
    cargo(root, &["build", "--workspace", "--exclude", BENCHES, "--exclude", LOOM, "--examples"])
}

fn loom(root: &Path) -> Result<(), String> {
    let mut command = Command::new("cargo");
    command.args(["test", "--release", "-p", LOOM, "--target-dir", "target/loom"]);
    command.env("RUSTFLAGS", [env("RUSTFLAGS").as_str(), "--cfg loom"].join(" ").trim_start());
    if env("LOOM_MAX_PREEMPTIONS").is_empty() {
        command.env("LOOM_MAX_PREEMPTIONS", PREEMPTIONS);
    }
    execute(root, &mut command)
}

/// Puts the missing tools in place where this user may, and says what to install where not.
fn tools(root: &Path) -> Result<(), String> {
    let missing: Vec<_> = TOOLS.iter().filter(|(program, _)| !is_installed(program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let programs = missing.iter().map(|(program, _)| *program).collect::<Vec<_>>().join(", ");
    let packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    if !is_root() || !is_installed("apt-get") {
        return Err(format!("tests need {programs}: install the packages {}", packages.join(" ")));
    }
    let mut install = apt();
    install.args(["install", "--yes", "--no-install-recommends"]).args(&packages);
    execute(root, apt().arg("update"))?;
    execute(root, &mut install)
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.arg("--quiet").env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn is_installed(program: &str) -> bool {
    let mut command = Command::new("sh");
    command.args(["-c", "command -v \"$0\"", program]).stdout(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn cargo(root: &Path, args: &[&str]) -> Result<(), String> {
    execute(root, Command::new("cargo").args(args))
}

fn execute(root: &Path, command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status =
        command.current_dir(root).status().map_err(|error| format!("cannot run {program}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{program} ended with {status}")) }
}

/// The variable, or nothing.
#[allow(
    clippy::disallowed_methods,
    reason = "this program is not part of the runtime that config.rs configures"
)]
fn env(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_or_not() {
        assert!(is_installed("sh"));
        assert!(!is_installed("no-such-program-anywhere"));
    }

    #[test]
    fn a_failing_command_is_named() {
        let root = Path::new("/");
        assert_eq!(execute(root, &mut Command::new("true")), Ok(()));
        assert_eq!(execute(root, &mut Command::new("false")), Err("false ended with exit status: 1".into()));
        assert!(execute(root, &mut Command::new("no-such-program")).unwrap_err().contains("no-such-program"));
    }
}
