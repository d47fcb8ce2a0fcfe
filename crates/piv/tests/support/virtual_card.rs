//! A virtual PIV card in a store of its own, with the commands it was sent counted.

use cardmod_iso7816::{CardChannel, Limits, TransportError};
use cardmod_piv::{CertificateForm, KeyAlgorithm, ManagementKey, PivState, Policies, Slot, SlotKey};
use cardmod_types::Pin;
use cardmod_virtual::{PivFlavour, PivProfile, Store, VirtualCard};
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::support::{PIN, certificate};

pub(crate) const PUK: &[u8] = b"12345678";
pub(crate) const GUID: [u8; 16] = [0x21; 16];

pub(crate) struct Virtual {
    pub(crate) card: VirtualCard,
    pub(crate) log: Vec<Vec<u8>>,
    pub(crate) limits: Limits,
    _store: TempDir,
}

impl Virtual {
    pub(crate) fn new(flavour: PivFlavour, change: impl FnOnce(&mut PivProfile)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        let mut profile = PivProfile::new(Pin::new(PIN.to_vec()), Pin::new(PUK.to_vec()));
        profile.flavour = flavour;
        profile.guid = Some(GUID);
        change(&mut profile);
        store.create_piv("card", &profile).expect("a card");
        let card = store.open_card("card").expect("the card");
        Self { card, log: Vec::new(), limits: Limits::SHORT, _store: folder }
    }

    /// A key, and a certificate for it of 509 bytes.
    pub(crate) fn enrol(&mut self, slot: Slot, algorithm: KeyAlgorithm) -> SlotKey {
        let mut state = PivState::new();
        let mut piv = state.on(self);
        piv.authenticate_management(&ManagementKey::well_known(), [7; 16]).expect("the default key");
        let key = piv.generate(slot, algorithm, Policies::default()).expect("a key");
        let length = if algorithm.is_rsa() { 1000 } else { 509 };
        piv.write_certificate(slot, &certificate(&key, length), CertificateForm::Plain).expect("written");
        self.log.clear();
        key
    }

    pub(crate) fn commands(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.log).iter().map(|apdu| apdu[1]).collect()
    }

    pub(crate) fn count(&mut self) -> usize {
        self.commands().len()
    }
}

impl CardChannel for Virtual {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        self.log.push(command.to_vec());
        self.card.transmit(command).map_err(|_| TransportError { code: 0x8010_0069 })
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}
