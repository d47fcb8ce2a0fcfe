//! `cardmod card new`.

use cardmod_default::Environment;
use cardmod_types::{CardId, Pin, SecretBytes};
use cardmod_virtual::{BlankProfile, CardOptions, GidsProfile, Random as _, StoreError, SystemRandom};
use clap::Args;
use serde::Serialize;

use crate::args::HexBytes;
use crate::failure::Failure;
use crate::output::{Output, facts, hex};
use crate::secrets::{AdminKeyOptions, NewPinOptions, PukOptions};
use crate::session::Desk;
use crate::verbs::pin::admin_key;

/// The PIN of a card made without a PIN option; documented, and meant for tries.
const DEFAULT_PIN: &str = "123456";
const PUK_DIGITS: usize = 8;

/// `card new`.
#[derive(Args, Debug)]
pub(crate) struct NewArgs {
    /// The card's name
    #[arg(value_name = "NAME")]
    name: String,
    /// Leave the card in the initialisation state, for tools that personalise it (gids-tool)
    #[arg(long, conflicts_with_all = ["no_puk", "card_id", "NewPinOptions", "PukOptions", "AdminKeyOptions"])]
    blank: bool,
    /// Without a PUK: the administrator key alone unblocks the PIN
    #[arg(long, conflicts_with = "PukOptions")]
    no_puk: bool,
    /// The card's identity, 16 bytes in hexadecimal [default: random]
    #[arg(long, value_name = "HEX")]
    card_id: Option<HexBytes>,
    /// How many wrong PINs in a row block it
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    tries: u8,
    /// How many containers the card takes
    #[arg(long, value_name = "NUMBER", default_value_t = 30)]
    containers: u8,
    /// Room for files and keys
    #[arg(long, value_name = "BYTES", default_value_t = 256 * 1024)]
    capacity: u32,
    /// Without elliptic curves
    #[arg(long)]
    no_ec: bool,
    /// Without extended length APDUs
    #[arg(long)]
    no_extended_length: bool,
    #[command(flatten)]
    pin: NewPinOptions,
    #[command(flatten)]
    puk: PukOptions,
    #[command(flatten)]
    admin_key: AdminKeyOptions,
}

/// What is shown once. A secret that was given is not shown: its owner has it.
#[derive(Serialize)]
struct Document {
    card: String,
    reader: String,
    card_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pin: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    puk: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin_key: Option<String>,
}

/// Runs the verb.
pub(super) fn run(args: &NewArgs, desk: &Desk, out: Output) -> Result<(), Failure> {
    let store = &desk.environment.store;
    let mut document = Document::new(&args.name, &desk.environment);
    if args.blank {
        store.create_blank(&args.name, &BlankProfile { options: args.options(), bare: false })?;
        return out.done(&document, || format!("made blank virtual card {}\n", args.name));
    }
    let profile = args.profile()?;
    store.create(&args.name, &profile)?;
    document.card_id = Some(hex(profile.card_id.as_bytes()));
    if args.pin.source().is_none() {
        document.show_pin(&profile);
    }
    if args.puk.source().is_none() {
        document.show_puk(&profile);
    }
    if args.admin_key.source().is_none() {
        document.show_admin_key(&profile);
    }
    // Shown even with --quiet: it is the only time.
    out.show(&document, || person(&document))
}

impl Document {
    fn new(name: &str, environment: &Environment) -> Self {
        let reader = environment.reader_of(name);
        Self { card: name.to_owned(), reader, card_id: None, pin: None, puk: None, admin_key: None }
    }

    fn show_pin(&mut self, profile: &GidsProfile) {
        self.pin = Some(text(&profile.pin));
    }

    fn show_puk(&mut self, profile: &GidsProfile) {
        self.puk = profile.puk.as_ref().map(text);
    }

    fn show_admin_key(&mut self, profile: &GidsProfile) {
        self.admin_key = Some(hex(profile.admin_key.as_bytes()));
    }
}

fn text(pin: &Pin) -> String {
    String::from_utf8_lossy(pin.as_bytes()).into_owned()
}

fn person(document: &Document) -> String {
    let mut rows = vec![("reader", document.reader.clone())];
    let shown = [("PIN", &document.pin), ("PUK", &document.puk), ("administrator key", &document.admin_key)];
    let secrets = shown.iter().filter_map(|(name, value)| Some((*name, value.as_ref()?.clone())));
    rows.extend(secrets);
    let remark = if rows.len() > 1 { "What is secret here is not shown again.\n" } else { "" };
    format!("made virtual card {}\n{}{remark}", document.card, facts(&rows))
}

impl NewArgs {
    fn options(&self) -> CardOptions {
        CardOptions {
            pin_tries: self.tries,
            max_containers: self.containers,
            capacity: self.capacity,
            ec: !self.no_ec,
            extended_length: !self.no_extended_length,
            ..CardOptions::default()
        }
    }

    fn profile(&self) -> Result<GidsProfile, Failure> {
        let mut random = SystemRandom;
        let pin = match self.pin.source() {
            Some(source) => Pin::new(source.read("new PIN")?.to_vec()),
            None => default_pin(),
        };
        let mut profile = GidsProfile::generate(pin, &mut random).map_err(StoreError::from)?;
        if let Some(source) = self.admin_key.source() {
            profile.admin_key = admin_key(&source.read("administrator key")?)?;
        }
        if let Some(HexBytes(id)) = &self.card_id {
            let id = <[u8; CardId::LEN]>::try_from(id.as_slice());
            profile.card_id = CardId(id.map_err(|_| Failure::usage("--card-id takes 16 bytes, 32 digits"))?);
        }
        profile.puk = match self.puk.source() {
            Some(source) => Some(Pin::new(source.read("PUK")?.to_vec())),
            None if self.no_puk => None,
            None => Some(random_puk(&mut random)?),
        };
        profile.options = self.options();
        Ok(profile)
    }
}

/// Makes a card as `card new NAME` does without options; the text to show, once.
pub(crate) fn create_standard(environment: &Environment, name: &str) -> Result<String, Failure> {
    let mut random = SystemRandom;
    let mut profile = GidsProfile::generate(default_pin(), &mut random).map_err(StoreError::from)?;
    profile.puk = Some(random_puk(&mut random)?);
    environment.store.create(name, &profile)?;
    let mut document = Document::new(name, environment);
    document.show_pin(&profile);
    document.show_puk(&profile);
    document.show_admin_key(&profile);
    Ok(person(&document))
}

fn default_pin() -> Pin {
    Pin::new(DEFAULT_PIN.as_bytes().to_vec())
}

/// A PUK of decimal digits, each as likely as any other.
fn random_puk(random: &mut SystemRandom) -> Result<Pin, Failure> {
    let mut digits = SecretBytes::zeroed(PUK_DIGITS);
    for digit in digits.as_mut_bytes() {
        let mut byte = [0u8; 1];
        // 250 is the largest multiple of ten in a byte: above it some digits would be likelier.
        loop {
            random.fill(&mut byte).map_err(StoreError::from)?;
            if byte[0] < 250 {
                break;
            }
        }
        *digit = b'0' + byte[0] % 10;
    }
    Ok(Pin::new(digits.as_bytes().to_vec()))
}
