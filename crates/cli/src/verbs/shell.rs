//! `cardmod completions` and `cardmod man`: what shells and `man` know of the program, made from its own
//! command line.

use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use serde_json::json;

use crate::args::Cli;
use crate::data::Sensitivity;
use crate::failure::Failure;
use crate::output::{Delivery, Output};

/// The program's name.
const NAME: &str = "cardmod";

/// `completions`.
#[derive(Args, Debug)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
    /// Write the script to this file [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// `man`.
#[derive(Args, Debug)]
pub(crate) struct ManArgs {
    /// Write a page for the program and for each verb into this directory [default: the program's page to
    /// standard output]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Runs `completions`.
pub(crate) fn completions(args: &CompletionsArgs, out: Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), NAME, &mut script);
    let delivery = Delivery { name: "script", bytes: &script, text: true, sensitivity: Sensitivity::Public };
    out.deliver(&delivery, args.out.as_deref(), json!({"shell": args.shell.to_string()}))
}

/// Runs `man`.
pub(crate) fn man(args: &ManArgs, out: Output) -> Result<(), Failure> {
    match &args.out {
        Some(directory) => pages(directory, out),
        None => {
            let mut page = Vec::new();
            let mut command = Cli::command();
            command.build();
            let rendered = page_of(command, NAME).render(&mut page);
            rendered.map_err(|error| Failure::failed("man", format!("the page cannot be made: {error}")))?;
            let delivery =
                Delivery { name: "page", bytes: &page, text: true, sensitivity: Sensitivity::Public };
            out.deliver(&delivery, None, json!({}))
        }
    }
}

fn pages(directory: &Path, out: Output) -> Result<(), Failure> {
    let failed = |error| Failure::file("write", directory, error);
    std::fs::create_dir_all(directory).map_err(failed)?;
    let mut command = Cli::command();
    command.build();
    let mut written = Vec::new();
    write_page(&command, NAME, directory, &mut written).map_err(failed)?;
    written.sort();
    let document = json!({"out": directory.display().to_string(), "pages": written});
    out.done(&document, || format!("wrote {} pages to {}\n", written.len(), directory.display()))
}

fn page_of(command: clap::Command, name: &str) -> clap_mangen::Man {
    clap_mangen::Man::new(command)
        .title(name)
        .manual("cardmod manual")
        .source(concat!("cardmod ", env!("CARGO_PKG_VERSION")))
}

/// Writes the page of a command, and those of the commands below it.
fn write_page(
    command: &clap::Command,
    name: &str,
    directory: &Path,
    written: &mut Vec<String>,
) -> std::io::Result<()> {
    let file = format!("{name}.1");
    page_of(command.clone(), name).render(&mut std::fs::File::create(directory.join(&file))?)?;
    written.push(file);
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        write_page(verb, &format!("{name}-{}", verb.get_name()), directory, written)?;
    }
    Ok(())
}
