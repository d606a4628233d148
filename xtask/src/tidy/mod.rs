//! `cargo xtask tidy`: the house rules, as code. Each file here is one group of rules with its limits and its tables of
//! exceptions; a table may only shrink.

mod layers;
mod lines;
mod manifest;
mod markdown;
mod paths;
mod seam;
mod shape;
mod words;

use proc_macro2::TokenStream;
use std::path::Path;
use std::process::Command;

/// What a rule found in one file.
#[derive(Debug, PartialEq)]
struct Note {
    line: usize,
    what: String,
}

impl Note {
    fn new(line: usize, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }
}

/// One Rust file, read once for all rules.
struct Source {
    /// From the repository's root, with `/`.
    path: String,
    text: String,
    tokens: TokenStream,
    ast: syn::File,
}

impl Source {
    fn parse(path: &str, text: &str) -> Result<Self, Note> {
        let tokens: TokenStream =
            text.parse().map_err(|_| Note::new(1, "does not parse: unbalanced or unknown tokens"))?;
        let ast = syn::parse2(tokens.clone())
            .map_err(|error| Note::new(error.span().start().line, format!("does not parse: {error}")))?;
        Ok(Self { path: path.into(), text: text.into(), tokens, ast })
    }
}

/// Checks the files of the repository; prints the findings and a summary.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let files = list(root)?;
    let mut findings = Vec::new();
    let mut sources = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(root.join(file)).map_err(|error| format!("{file}: {error}"))?;
        let notes = check(root, file, &text, &mut sources);
        findings.extend(notes.into_iter().map(|note| (file.as_str(), note)));
    }
    findings.extend(layers::check(&sources));
    findings.sort_by_key(|(file, note)| (*file, note.line));
    for (file, Note { line, what }) in &findings {
        println!("{file}:{line}: {what}");
    }
    println!("tidy: {} files, {} findings", files.len(), findings.len());
    if findings.is_empty() { Ok(()) } else { Err("the house rules are not kept".into()) }
}

/// The files that git tracks or would add, of the kinds that have rules.
fn list(root: &Path) -> Result<Vec<String>, String> {
    // The checkout may belong to another user than the one who tests, as in a container.
    let git = ["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").args(git).current_dir(root).output();
    let output = output.map_err(|error| format!("cannot run git: {error}"))?;
    if !output.status.success() {
        return Err(format!("git ls-files failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let has_rules = |file: &&str| [".rs", ".toml", ".md"].iter().any(|end| file.ends_with(end));
    // A file that was deleted and not yet committed is still listed.
    let exists = |file: &&str| root.join(file).is_file();
    Ok(text.split('\0').filter(has_rules).filter(exists).map(String::from).collect())
}

/// The rules that look at one file. A Rust file that parses is kept for those that look at all.
fn check(root: &Path, file: &str, text: &str, sources: &mut Vec<Source>) -> Vec<Note> {
    if file.ends_with(".md") {
        return markdown::check(file, text, &|path| root.join(path).exists());
    }
    if file.ends_with(".toml") {
        return if file.ends_with("Cargo.toml") { manifest::check(text) } else { Vec::new() };
    }
    let mut notes = lines::check(file, text);
    match Source::parse(file, text) {
        Ok(source) => {
            notes.extend(words::check(&source));
            notes.extend(shape::check(&source));
            notes.extend(seam::check(&source));
            sources.push(source);
        }
        Err(note) => notes.push(note),
    }
    notes
}
