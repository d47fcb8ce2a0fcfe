//! `cardmod piv`: what PIV cards can beyond the module interface. Everything here is the card's own
//! command, sent by the PIV edge; keys, certificates and PINs have their verbs elsewhere.

mod authority;
mod desk;
mod keys;
mod making;
mod management;
mod setup;
mod status;
mod view;

use clap::Subcommand;

use crate::args::Global;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) use desk::PivDesk;

/// What to do with a PIV card.
#[derive(Debug, Subcommand)]
pub(crate) enum PivVerb {
    /// Show what the card tells: identity, PIN and PUK, management key, places of keys
    Status,
    /// Make a key on the card, with the policies and algorithms that tokens have
    Generate(making::GenerateArgs),
    /// Bring a private key from a file onto the card, with the policies that tokens have
    Import(making::ImportArgs),
    /// Get a certificate by which the card vouches that it made a key itself
    Attest(keys::AttestArgs),
    /// Show what the card tells about a key, PIN, PUK or management key
    Metadata(keys::MetadataArgs),
    /// Move a key, with its certificate and name, to a place that is free
    Move(keys::MoveArgs),
    /// Delete a key, with its certificate and name
    DeleteKey(keys::DeleteArgs),
    /// Set the card back to what it was when it was made: every key is lost
    Reset(setup::ResetArgs),
    /// Set how many tries PIN and PUK have; both get the values of a fresh card
    Retries(setup::RetriesArgs),
    /// Replace the management key, or keep it on the card behind the PIN
    ManagementKey(management::ManagementKeyArgs),
    /// Give a card the objects other programs know it by: CHUID and CCC, where it has none
    Init(setup::InitArgs),
}

/// Runs the verb.
pub(crate) fn run(verb: &PivVerb, global: &Global, out: Output) -> Result<(), Failure> {
    let desk = PivDesk::open(global, out)?;
    match verb {
        PivVerb::Status => status::run(desk, out),
        PivVerb::Generate(args) => making::generate(args, desk, out),
        PivVerb::Import(args) => making::import(args, desk, out),
        PivVerb::Attest(args) => keys::attest(args, desk, out),
        PivVerb::Metadata(args) => keys::metadata(args, desk, out),
        PivVerb::Move(args) => keys::move_key(args, desk, out),
        PivVerb::DeleteKey(args) => keys::delete_key(args, desk, out),
        PivVerb::Reset(args) => setup::reset(args, desk, out),
        PivVerb::Retries(args) => setup::retries(args, desk, out),
        PivVerb::ManagementKey(args) => management::run(args, desk, out),
        PivVerb::Init(args) => setup::init(args, desk, out),
    }
}
