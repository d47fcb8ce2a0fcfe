//! Which module for which cards: named on the command line, taken from an entry, or this program's own.

use std::path::{Path, PathBuf};

use cardmod_host::install::{
    CardKind, InstallError, Providers, check_own, file_name, is_absolute, registered_as,
};
use cardmod_host::registry::{CardEntry, Place, RegisteredModule, Registry, RegistryPaths};
use cardmod_iso7816::Atr;
use cardmod_virtual::CardOptions;
use clap::Args;

use super::super::pnp::{parse, pnp_id};
use super::super::{AtrBytes, atr_of_card};
use crate::args::Global;
use crate::failure::Failure;
use crate::output::{Output, hex};
use crate::session::Desk;

/// The word for this program's class module.
const CLASS: &str = "class";
/// Its file on Windows.
const CLASS_FILE: &str = "cardmod_class.dll";
/// Windows' own class driver.
const WINDOWS_CLASS_DRIVER: &str = "msclmd.dll";
/// The name of this program's own cards.
const OWN_CARDS: &str = "cardmod virtual card";
/// Who made the class module.
const OWN_MAKER: &str = "cardmod";

/// The module and its cards.
#[derive(Args, Debug)]
pub(super) struct WhatArgs {
    /// The card module, by its name or path on the Windows machine, or `class` for cardmod_class.dll
    /// [default: the one named by --module]
    #[arg(value_name = "MODULE", conflicts_with = "from_entry")]
    library: Option<PathBuf>,
    /// The card's name [default: the name of the module's file]
    #[arg(long, value_name = "NAME", conflicts_with = "from_entry")]
    name: Option<String>,
    /// An ATR in hexadecimal, once for each kind of card [default: that of the card; with `class` those of virtual cards]
    #[arg(long, value_name = "HEX", conflicts_with = "from_entry")]
    atr: Vec<AtrBytes>,
    /// Which bits of the ATRs count, as many bytes [default: all]
    #[arg(long, value_name = "HEX", conflicts_with = "from_entry")]
    mask: Option<AtrBytes>,
    /// As the registered card of this name (cardmod module list)
    #[arg(long, value_name = "NAME")]
    from_entry: Option<String>,
    /// The CryptoAPI provider's name, empty for none [default: the entry's, else Microsoft's for card modules]
    #[arg(long, value_name = "NAME")]
    crypto_provider: Option<String>,
    /// The CNG key storage provider's name, empty for none [default: the entry's, else Microsoft's for card modules]
    #[arg(long, value_name = "NAME")]
    key_storage_provider: Option<String>,
}

/// The module and its cards, found.
pub(super) struct Wanted {
    /// As it was named.
    module: String,
    /// The kinds, masked.
    pub(super) kinds: Vec<CardKind>,
    /// The ATRs for plug and play ids.
    atrs: Vec<Pattern>,
    /// The providers to be registered.
    pub(super) providers: Providers,
    /// Who makes it, where nobody says.
    pub(super) maker: String,
}

/// An ATR with its mask.
struct Pattern {
    atr: Vec<u8>,
    mask: Vec<u8>,
    /// It is as cards send it; else what the mask leaves out is cleared.
    whole: bool,
}

impl WhatArgs {
    pub(super) fn find(&self, global: &Global, out: Output) -> Result<Wanted, Failure> {
        if let Some(name) = &self.from_entry {
            return self.of_entry(name);
        }
        let library = self.library.as_ref().or(global.module.as_ref()).ok_or_else(|| {
            Failure::usage("no card module is named")
                .hint("name its file, class for cardmod_class.dll, or --from-entry NAME")
        })?;
        let text = library.to_str();
        let text = text.ok_or_else(|| Failure::usage("the module's name is no Unicode text"))?;
        let is_class = text == CLASS;
        let stem = || file_name(text).rsplit_once('.').map_or(text, |(stem, _)| stem).to_owned();
        let own_name = || if is_class { OWN_CARDS.to_owned() } else { stem() };
        let name = self.name.clone().unwrap_or_else(own_name);
        let atrs = self.atrs(is_class, global, out)?;
        if is_class && self.name.is_some() && self.atr.is_empty() && self.mask.is_none() {
            out.note("note: this is for cardmod's virtual cards; for cards of yours name their ATR (--atr)");
        }
        Ok(Wanted {
            module: if is_class { CLASS_FILE.to_owned() } else { text.to_owned() },
            kinds: kinds(&name, &atrs),
            atrs,
            providers: self.providers(Providers::default()),
            maker: if is_class { OWN_MAKER.to_owned() } else { name },
        })
    }

    /// The providers that are named; of the others these.
    fn providers(&self, others: Providers) -> Providers {
        let provider = |named: &Option<String>, other: Option<String>| match named.as_deref() {
            Some("") => None,
            Some(named) => Some(named.to_owned()),
            None => other,
        };
        Providers {
            crypto: provider(&self.crypto_provider, others.crypto),
            key_storage: provider(&self.key_storage_provider, others.key_storage),
        }
    }

    /// What is registered under this name.
    fn of_entry(&self, name: &str) -> Result<Wanted, Failure> {
        let registry = Registry::load(&RegistryPaths::standard());
        let entry = registry.entries().iter().find(|entry| entry.name == name).ok_or_else(|| {
            Failure::failed("no-such-entry", format!("no entry of the registry is named {name:?}"))
                .hint("cardmod module list shows them")
        })?;
        let module = match &entry.module {
            // What a class entry means to Windows.
            RegisteredModule::Class => WINDOWS_CLASS_DRIVER.to_owned(),
            RegisteredModule::Library(path) => text_of(path)?,
        };
        let (atr, mask) = (entry.atr.clone(), entry.mask.clone());
        Ok(Wanted {
            module,
            kinds: vec![CardKind { name: name.to_owned(), atr: atr.clone(), mask: mask.clone() }],
            atrs: vec![Pattern { atr, mask, whole: false }],
            providers: self.providers(providers_of(entry)),
            maker: name.to_owned(),
        })
    }

    /// The ATRs with their masks.
    fn atrs(&self, is_class: bool, global: &Global, out: Output) -> Result<Vec<Pattern>, Failure> {
        let mask =
            |atr: &[u8]| self.mask.as_ref().map_or_else(|| vec![0xFF; atr.len()], |mask| mask.0.clone());
        let given: Vec<Vec<u8>> = match self.atr.as_slice() {
            [] if is_class && self.mask.is_none() => return Ok(own_cards()),
            [] => {
                // The module is for another machine: nothing of it is loaded here.
                let global = Global { module: None, ..global.clone() };
                vec![atr_of_card(&Desk::open(&global, out)?)?]
            }
            named => named.iter().map(|atr| atr.0.clone()).collect(),
        };
        Ok(given.into_iter().map(|atr| Pattern { mask: mask(&atr), atr, whole: true }).collect())
    }
}

impl Wanted {
    /// The plug and play ids of the ATRs' historical bytes, each once.
    pub(super) fn pnp_ids(&self) -> Result<Vec<String>, Failure> {
        let mut ids = Vec::new();
        for Pattern { atr, mask, whole } in &self.atrs {
            let hidden = || {
                let message = format!("the ATR {} lacks bytes that its mask leaves out", hex(atr));
                Failure::usage(message)
                    .hint("give whole ATRs (--atr, once for each card), or the ids (--hardware-id)")
            };
            let parsed = match parse(atr) {
                Err(_) if !whole && mask.iter().any(|byte| *byte != 0xFF) => return Err(hidden()),
                parsed => parsed?,
            };
            if !whole && historical(mask, &parsed).iter().any(|byte| *byte != 0xFF) {
                return Err(hidden());
            }
            let id = pnp_id(atr, &parsed)?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    /// The module's file on this machine, where it is here.
    pub(super) fn path(&self) -> PathBuf {
        PathBuf::from(&self.module)
    }

    /// The name of its file.
    pub(super) fn file_name(&self) -> String {
        file_name(&self.module).to_owned()
    }

    /// Its file may be in a driver package.
    pub(super) fn check_own(&self) -> Result<(), InstallError> {
        check_own(self.file_name().as_str())
    }

    /// What the registry is told.
    pub(super) fn module_value(&self, out: Output) -> Result<String, Failure> {
        value_of(&self.module, out)
    }
}

/// What the registry is told of the module at this path; of a path that only this machine has, its file's name.
pub(super) fn value_of(path: &str, out: Output) -> Result<String, Failure> {
    let value = registered_as(path)?;
    if value != path && !is_absolute(path) {
        out.note(&format!(
            "note: {path} becomes {value} in Windows' system folder; name an absolute path of the Windows machine \
             for another place"
        ));
    }
    Ok(value)
}

/// The virtual cards of this program: what differs between them does not count.
fn own_cards() -> Vec<Pattern> {
    let atrs = [true, false]
        .map(|extended_length| CardOptions { extended_length, ..CardOptions::default() }.answer_to_reset());
    let same = atrs[0].iter().zip(&atrs[1]).map(|(one, other)| !(one ^ other));
    let mask: Vec<u8> = same.collect();
    atrs.into_iter().map(|atr| Pattern { atr, mask: mask.clone(), whole: true }).collect()
}

/// The kinds of cards: ATRs that are one after masking are one kind; further ones get a number.
fn kinds(name: &str, atrs: &[Pattern]) -> Vec<CardKind> {
    let mut kinds: Vec<CardKind> = Vec::new();
    for Pattern { atr, mask, .. } in atrs {
        // Where the lengths differ the whole ATR stays, and is told as wrong.
        let cut = |(at, byte): (usize, &u8)| byte & mask.get(at).copied().unwrap_or(0xFF);
        let atr: Vec<u8> = atr.iter().enumerate().map(cut).collect();
        if kinds.iter().any(|kind| kind.atr == atr && kind.mask == *mask) {
            continue;
        }
        let name = match kinds.len() {
            0 => name.to_owned(),
            known => format!("{name} ({})", known + 1),
        };
        kinds.push(CardKind { name, atr, mask: mask.clone() });
    }
    kinds
}

/// The part of an ATR's mask where the historical bytes are: before the check character, where one comes.
fn historical<'a>(mask: &'a [u8], parsed: &Atr) -> &'a [u8] {
    let end = mask.len().saturating_sub(usize::from(parsed.checked));
    &mask[end.saturating_sub(parsed.historical.len())..end]
}

/// The providers of an entry.
fn providers_of(entry: &CardEntry) -> Providers {
    let own = providers_at(&entry.origin.place);
    Providers {
        crypto: entry.crypto_provider.clone().or(own.crypto),
        key_storage: entry.key_storage_provider.clone().or(own.key_storage),
    }
}

/// What an entry there means by naming no provider: none in Windows' registry; nothing in a file, which has no use
/// for them.
fn providers_at(place: &Place) -> Providers {
    match place {
        Place::File { .. } => Providers::default(),
        Place::Key(_) => Providers { crypto: None, key_storage: None },
    }
}

fn text_of(path: &Path) -> Result<String, Failure> {
    path.to_str()
        .map(ToOwned::to_owned)
        .ok_or_else(|| Failure::failed("file", format!("{} is no Unicode text", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_cards_of_all_kinds_are_one_entry() {
        let own = own_cards();
        let kinds = kinds("x", &own);
        assert_eq!((own.len(), kinds.len()), (2, 1));
        for Pattern { atr, mask, .. } in &own {
            let matched: Vec<u8> = atr.iter().zip(mask).map(|(byte, mask)| byte & mask).collect();
            assert_eq!(matched, kinds[0].atr);
            assert!(mask.iter().filter(|byte| **byte == 0xFF).count() > 16, "the card's name counts");
        }
    }

    #[test]
    fn bytes_that_a_mask_cleared_make_no_id() {
        let wanted = |atr: Vec<u8>, mask: Vec<u8>, whole| Wanted {
            module: "x.dll".to_owned(),
            kinds: Vec::new(),
            atrs: vec![Pattern { atr, mask, whole }],
            providers: Providers::default(),
            maker: String::new(),
        };
        let plain = vec![0x3B, 0x02, 0x41, 0x42];
        for whole in [true, false] {
            let ids = wanted(plain.clone(), vec![0xFF; 4], whole).pnp_ids().unwrap();
            assert_eq!(ids, [r"SCFILTER\CID_4142"]);
        }
        let mask = vec![0xFF, 0xFF, 0xFF, 0x00];
        assert_eq!(wanted(plain, mask.clone(), true).pnp_ids().unwrap(), [r"SCFILTER\CID_4142"]);
        assert!(wanted(vec![0x3B, 0x02, 0x41, 0x00], mask, false).pnp_ids().is_err());
        // A check character that was cleared: the rest may be cleared too.
        let checked = vec![0x3B, 0x81, 0x01, 0x41, 0x00];
        assert!(wanted(checked, vec![0xFF, 0xFF, 0xFF, 0xFF, 0], false).pnp_ids().is_err());
        let own = Wanted { atrs: own_cards(), ..wanted(vec![], vec![], true) };
        assert_eq!(own.pnp_ids().unwrap().len(), 2, "with extended length and without");
    }

    #[test]
    fn providers_are_those_named_else_those_of_the_entry() {
        let text = |text: &str| Some(text.to_owned());
        let named = |crypto: Option<String>, key_storage: Option<String>| WhatArgs {
            library: None,
            name: None,
            atr: Vec::new(),
            mask: None,
            from_entry: text("x"),
            crypto_provider: crypto,
            key_storage_provider: key_storage,
        };
        let entry = || Providers { crypto: text("Own"), key_storage: None };
        assert_eq!(named(None, None).providers(entry()), entry());
        let given = named(text("Given"), text("")).providers(entry());
        assert_eq!((given.crypto, given.key_storage), (text("Given"), None));
        let given = named(text(""), text("Given")).providers(entry());
        assert_eq!((given.crypto, given.key_storage), (None, text("Given")));
        let key = providers_at(&Place::Key("HKEY_LOCAL_MACHINE".to_owned()));
        assert_eq!((key.crypto, key.key_storage), (None, None), "it has none on purpose");
        assert_eq!(providers_at(&Place::File { file: "a.toml".into(), line: None }), Providers::default());
    }
}
