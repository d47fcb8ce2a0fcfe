//! One file per verb, and the table that calls them.

pub(crate) mod admin;
pub(crate) mod cache;
pub(crate) mod card;
pub(crate) mod cert;
pub(crate) mod container;
pub(crate) mod decrypt;
pub(crate) mod derive;
pub(crate) mod doctor;
pub(crate) mod file;
pub(crate) mod info;
pub(crate) mod key;
pub(crate) mod log;
pub(crate) mod module;
pub(crate) mod pin;
pub(crate) mod piv;
pub(crate) mod property;
pub(crate) mod shell;
pub(crate) mod sign;
pub(crate) mod trial;
pub(crate) mod verify;

use crate::args::{Cli, Verb};
use crate::failure::Failure;
use crate::output::Output;

/// Does what the command line says.
pub(crate) fn run(cli: &Cli, out: Output) -> Result<(), Failure> {
    let global = &cli.global;
    match &cli.verb {
        Verb::Try(args) => trial::run(args, global, out),
        Verb::Completions(args) => shell::completions(args, out),
        Verb::Man(args) => shell::man(args, out),
        Verb::Doctor => doctor::run(global, out),
        Verb::Info(args) => info::run(args, global, out),
        Verb::Container(verb) => container::run(verb, global, out),
        Verb::Key(verb) => key::run(verb, global, out),
        Verb::Cert(verb) => cert::run(verb, global, out),
        Verb::Sign(args) => sign::run(args, global, out),
        Verb::Verify(args) => verify::run(args, global, out),
        Verb::Decrypt(args) => decrypt::run(args, global, out),
        Verb::Derive(args) => derive::run(args, global, out),
        Verb::Pin(verb) => pin::run(verb, global, out),
        Verb::Piv(verb) => piv::run(verb, global, out),
        Verb::Admin(verb) => admin::run(verb, global, out),
        Verb::Cache(verb) => cache::run(verb, global, out),
        Verb::Card(verb) => card::run(verb, global, out),
        Verb::Log(verb) => log::run(verb, out),
        Verb::Module(verb) => module::run(verb, global, out),
        Verb::File(verb) => file::run(verb, global, out),
        Verb::Property(verb) => property::run(verb, global, out),
    }
}
