//! `cardmod card new`.

mod document;
mod piv;

use cardmod_default::Environment;
use cardmod_types::{CardId, Pin, SecretBytes};
use cardmod_virtual::{
    BlankProfile, CardKind, CardOptions, GidsProfile, Random as _, StoreError, SystemRandom,
};
use clap::{Args, ValueEnum};

use self::document::Document;
use crate::args::HexBytes;
use crate::failure::Failure;
use crate::output::Output;
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
    /// Which applications the card carries
    #[arg(long = "type", value_name = "TYPE", value_enum, default_value_t = CardType::Gids)]
    card_type: CardType,
    /// Leave the card in the initialisation state, for tools that personalise it (gids-tool)
    #[arg(long, conflicts_with_all = ["no_puk", "card_id", "NewPinOptions", "PukOptions", "AdminKeyOptions"])]
    blank: bool,
    /// Without a PUK: the administrator key alone unblocks the PIN
    #[arg(long, conflicts_with = "PukOptions")]
    no_puk: bool,
    /// The identity of the GIDS application, 16 bytes in hexadecimal [default: random]
    #[arg(long, value_name = "HEX")]
    card_id: Option<HexBytes>,
    /// How many wrong PINs in a row block it
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    tries: u8,
    /// How many containers the GIDS application takes [default: 30]
    #[arg(long, value_name = "NUMBER")]
    containers: Option<u8>,
    /// Room for files and keys
    #[arg(long, value_name = "BYTES", default_value_t = 256 * 1024)]
    capacity: u32,
    /// Without elliptic curves, in the GIDS application
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
    #[command(flatten)]
    piv: piv::PivArgs,
}

/// The applications of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CardType {
    /// A GIDS card
    Gids,
    /// A PIV card
    Piv,
    /// A card with both
    Dual,
}

/// Runs the verb.
pub(super) fn run(args: &NewArgs, desk: &Desk, out: Output) -> Result<(), Failure> {
    args.check()?;
    let (name, environment) = (&args.name, &desk.environment);
    if args.blank {
        let document = Document::new(name, CardKind::Gids, environment);
        environment.store.create_blank(name, &BlankProfile { options: args.options(), bare: false })?;
        return out.done(&document, || format!("made blank virtual card {name}\n"));
    }
    let document = match args.card_type {
        CardType::Gids => args.gids(environment)?,
        CardType::Piv => args.piv(environment)?,
        CardType::Dual => args.dual(environment)?,
    };
    // Shown even with --quiet: it is the only time.
    out.show(&document, || document.person())
}

impl NewArgs {
    fn gids(&self, environment: &Environment) -> Result<Document, Failure> {
        let profile = self.gids_profile(self.pin_value()?, self.puk_value()?)?;
        environment.store.create(&self.name, &profile)?;
        let mut document = Document::new(&self.name, CardKind::Gids, environment);
        document.describe_gids(&profile);
        self.show_secrets(&mut document, &profile.pin, profile.puk.as_ref(), Some(&profile));
        Ok(document)
    }

    fn piv(&self, environment: &Environment) -> Result<Document, Failure> {
        let puk = self.puk_value()?.map_or_else(|| random_puk(&mut SystemRandom), Ok)?;
        let (profile, key) = self.piv.profile(self.pin_value()?, puk, self.options())?;
        environment.store.create_piv(&self.name, &profile)?;
        let mut document = Document::new(&self.name, CardKind::Piv, environment);
        document.describe_piv(&profile, key);
        self.show_secrets(&mut document, &profile.pin, Some(&profile.puk), None);
        Ok(document)
    }

    /// One PIN and one PUK for both applications, which count tries apart.
    fn dual(&self, environment: &Environment) -> Result<Document, Failure> {
        let (pin, puk) = (self.pin_value()?, self.puk_value()?);
        let gids = self.gids_profile(pin.clone(), puk.clone())?;
        let puk = puk.map_or_else(|| random_puk(&mut SystemRandom), Ok)?;
        let (piv, key) = self.piv.profile(pin, puk, self.options())?;
        environment.store.create_dual(&self.name, &gids, &piv)?;
        let mut document = Document::new(&self.name, CardKind::Dual, environment);
        document.describe_gids(&gids);
        document.describe_piv(&piv, key);
        self.show_secrets(&mut document, &piv.pin, Some(&piv.puk), Some(&gids));
        Ok(document)
    }

    /// Refuses options of an application that the card will not have.
    fn check(&self) -> Result<(), Failure> {
        let foreign = match self.card_type {
            CardType::Gids => self.piv.used().first().copied().map(|option| (option, "PIV", "piv")),
            CardType::Piv => self.gids_options().first().copied().map(|option| (option, "GIDS", "gids")),
            CardType::Dual if self.blank => Some(("--blank", "GIDS alone", "gids")),
            CardType::Dual => None,
        };
        let Some((option, application, wanted)) = foreign else { return Ok(()) };
        Err(Failure::usage(format!("{option} is for cards with {application}"))
            .hint(format!("--type {wanted} makes one")))
    }

    /// The options of the GIDS application that were used, by name.
    fn gids_options(&self) -> Vec<&'static str> {
        let used = [
            ("--blank", self.blank),
            ("--no-puk", self.no_puk),
            ("--card-id", self.card_id.is_some()),
            ("--containers", self.containers.is_some()),
            ("--no-ec", self.no_ec),
            ("an administrator key", self.admin_key.source().is_some()),
        ];
        used.iter().filter(|(_, used)| *used).map(|(name, _)| *name).collect()
    }

    /// What nobody but this program has.
    fn show_secrets(
        &self,
        document: &mut Document,
        pin: &Pin,
        puk: Option<&Pin>,
        gids: Option<&GidsProfile>,
    ) {
        if self.pin.source().is_none() {
            document.show_pin(pin);
        }
        if self.puk.source().is_none() {
            document.show_puk(puk);
        }
        if let Some(gids) = gids.filter(|_| self.admin_key.source().is_none()) {
            document.show_admin_key(gids);
        }
    }

    fn options(&self) -> CardOptions {
        CardOptions {
            pin_tries: self.tries,
            max_containers: self.containers.unwrap_or(CardOptions::default().max_containers),
            capacity: self.capacity,
            ec: !self.no_ec,
            extended_length: !self.no_extended_length,
            ..CardOptions::default()
        }
    }

    fn pin_value(&self) -> Result<Pin, Failure> {
        match self.pin.source() {
            Some(source) => Ok(Pin::new(source.read("new PIN")?.to_vec())),
            None => Ok(default_pin()),
        }
    }

    fn puk_value(&self) -> Result<Option<Pin>, Failure> {
        match self.puk.source() {
            Some(source) => Ok(Some(Pin::new(source.read("PUK")?.to_vec()))),
            None if self.no_puk => Ok(None),
            None => random_puk(&mut SystemRandom).map(Some),
        }
    }

    fn gids_profile(&self, pin: Pin, puk: Option<Pin>) -> Result<GidsProfile, Failure> {
        let mut profile = GidsProfile::generate(pin, &mut SystemRandom).map_err(StoreError::from)?;
        if let Some(source) = self.admin_key.source() {
            profile.admin_key = admin_key(&source.read("administrator key")?)?;
        }
        if let Some(HexBytes(id)) = &self.card_id {
            let id = <[u8; CardId::LEN]>::try_from(id.as_slice());
            profile.card_id = CardId(id.map_err(|_| Failure::usage("--card-id takes 16 bytes, 32 digits"))?);
        }
        profile.puk = puk;
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
    let mut document = Document::new(name, CardKind::Gids, environment);
    document.describe_gids(&profile);
    document.show_pin(&profile.pin);
    document.show_puk(profile.puk.as_ref());
    document.show_admin_key(&profile);
    Ok(document.person())
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
