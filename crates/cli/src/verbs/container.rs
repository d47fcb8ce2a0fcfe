//! `cardmod container`: list, delete, default, rebuild.

mod names;
mod rebuild;

use cardmod_host::ContainerSpec;
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use crate::args::Global;
use crate::failure::Failure;
use crate::management::ManagementOptions;
use crate::output::Output;
use crate::pins::PinAnswer;
use crate::report::{ContainerView, container_table};
use crate::secrets::PinOptions;
use crate::session::{Desk, WithoutCard};

/// What to do with containers.
#[derive(Debug, Subcommand)]
pub(crate) enum ContainerVerb {
    /// List the containers, their keys and certificates
    List,
    /// Delete a container with its keys and certificates
    Delete(Chosen),
    /// Make a container the default one
    Default(Chosen),
    /// Show what the drivers of Windows and others call the containers of a PIV card
    Names(names::NamesArgs),
    /// Repair a damaged, foreign or lost container map from the keys and certificates on the card
    Rebuild(rebuild::RebuildArgs),
}

/// One container, and the PIN to change it.
#[derive(Args, Debug)]
pub(crate) struct Chosen {
    /// The container
    #[arg(value_name = "NAME", required_unless_present = "container")]
    name: Option<ContainerSpec>,
    /// The container (as with the other verbs)
    #[arg(long, value_name = "NAME", conflicts_with = "name")]
    container: Option<ContainerSpec>,
    #[command(flatten)]
    pin: PinOptions,
    #[command(flatten)]
    management: ManagementOptions,
}

#[derive(Serialize)]
struct ListDocument {
    containers: Vec<ContainerView>,
}

/// Runs the verb.
pub(crate) fn run(verb: &ContainerVerb, global: &Global, out: Output) -> Result<(), Failure> {
    let mut desk = Desk::open(global, out)?;
    match verb {
        ContainerVerb::Delete(chosen) | ContainerVerb::Default(chosen) => {
            desk = desk.with_management(&chosen.management)?.of_container(chosen.spec());
        }
        ContainerVerb::Rebuild(args) => desk = desk.with_management(&args.management)?,
        ContainerVerb::List | ContainerVerb::Names(_) => {}
    }
    match verb {
        ContainerVerb::List => list(&desk, out),
        ContainerVerb::Delete(chosen) => delete(chosen, &desk, out),
        ContainerVerb::Default(chosen) => set_default(chosen, &desk, out),
        ContainerVerb::Names(args) => names::run(args, desk, out),
        ContainerVerb::Rebuild(args) => rebuild::run(args, &desk, out),
    }
}

fn list(desk: &Desk, out: Output) -> Result<(), Failure> {
    let containers = desk.with_card(WithoutCard::Refuse, |session| Ok(session.containers()?))?;
    let document = ListDocument { containers: containers.iter().map(ContainerView::from).collect() };
    out.show(&document, || container_table(&document.containers))
}

fn delete(chosen: &Chosen, desk: &Desk, out: Output) -> Result<(), Failure> {
    let name = chosen.name();
    let mut pins = PinAnswer::new(&chosen.pin);
    desk.with_card(WithoutCard::Refuse, |session| Ok(session.delete_container(name, &mut pins)?))?;
    out.done(&json!({"deleted": name}), || format!("deleted container {name}\n"))
}

fn set_default(chosen: &Chosen, desk: &Desk, out: Output) -> Result<(), Failure> {
    let name = chosen.name();
    let mut pins = PinAnswer::new(&chosen.pin);
    desk.with_card(WithoutCard::Refuse, |session| Ok(session.set_default(name, &mut pins)?))?;
    out.done(&json!({"default": name}), || format!("the default container is now {name}\n"))
}

impl Chosen {
    fn spec(&self) -> Option<&ContainerSpec> {
        self.name.as_ref().or(self.container.as_ref())
    }

    fn name(&self) -> &str {
        self.spec().and_then(ContainerSpec::container).unwrap_or_default()
    }
}
