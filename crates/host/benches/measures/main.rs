//! What signatures and lists cost on virtual cards, one measure a run:
//! `cargo bench -p cardmod-host --bench measures -- overhead|throughput|containers|contexts`.
//!
//! What is compared is done in turns, so that whatever else the machine does falls on all alike, and what
//! is printed are medians, one JSON object a line. `cargo xtask bench` runs all and makes the page of it.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it is what the program is for")]

mod bare;
mod growth;
mod overhead;
mod statistics;
mod throughput;

use std::process::ExitCode;

fn main() -> ExitCode {
    // cargo adds an option of its own.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    match wanted.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["overhead"] => overhead::run(),
        ["throughput"] => throughput::run(),
        ["containers"] => growth::containers(),
        ["contexts"] => growth::contexts(),
        _ => {
            println!("name one measure: overhead, throughput, containers or contexts");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
