//! Virtual PIV cards with keys, made by the edge itself, past the program.

use cardmod_default::piv::edge::{
    CertificateForm, KeyAlgorithm, ManagementKey, PivCard, PivState, Policies, Slot,
};
use cardmod_iso7816::{CardChannel, TransportError};
use cardmod_virtual::{Store, VirtualCard};
use zeroize::Zeroizing;

use super::Home;

struct Channel(VirtualCard);

impl CardChannel for Channel {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        self.0.transmit(command).map_err(|_| TransportError { code: 0x8010_0069 })
    }
}

/// A home with a PIV card `token`.
pub(crate) fn token(options: &str) -> Home {
    let home = Home::new();
    home.run(&format!("card new token --type piv {options}")).succeeds();
    home
}

/// Works on the card as its administrator, past the program.
pub(crate) fn administer<T>(home: &Home, work: impl FnOnce(&mut PivCard<'_>) -> T) -> T {
    let store = Store::open(home.path("cards")).expect("the store");
    let mut channel = Channel(store.open_card("token").expect("the card"));
    let mut state = PivState::new();
    let mut card = state.on(&mut channel);
    card.authenticate_management(&ManagementKey::well_known(), [7; 16]).expect("the key everybody knows");
    work(&mut card)
}

/// A key in each of these places, each with something that looks like a certificate.
pub(crate) fn enrolled(places: &[&str]) -> Home {
    let home = token("");
    administer(&home, |card| {
        for place in places {
            let slot: Slot = place.parse().expect("a place");
            card.generate(slot, KeyAlgorithm::P256, Policies::NONE).expect("a key");
            let attestation = card.attest(slot).expect("a certificate of the key");
            card.write_certificate(slot, &attestation, CertificateForm::Plain).expect("written");
        }
    });
    home
}
