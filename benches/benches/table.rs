//! `cargo bench -p raddle-benches --bench table`: medians of every row, the runtimes taking turns.

use clap::Parser;
use raddle_benches::child;
use raddle_benches::options::Options;
use raddle_benches::table;

fn main() {
    if child::run() {
        return;
    }
    let options = Options::parse();
    if let Err(error) = table::run(&options) {
        error.exit();
    }
}
