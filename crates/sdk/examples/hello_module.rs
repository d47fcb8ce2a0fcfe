//! A whole card module in about a hundred lines: a read-only card that proves a PIN.
//!
//! Built by `cargo build -p cardmod-sdk --example hello_module`, it is a DLL (or shared object) that a
//! host loads like any other card module. Its imaginary card says `HELLO` in its ATR, knows the ISO
//! command VERIFY and has no keys; the files every host wants to see are made up here. What the module
//! does not implement, such as writing or making keys, answers `SCARD_E_UNSUPPORTED_FEATURE` by itself.

#![forbid(unsafe_code)]

use cardmod_sdk::iso7816::{Command, Session, StatusWord};
use cardmod_sdk::types::{
    CacheMode, Capabilities, CardId, ContainerIndex, ContainerKeys, DirectoryName, FileAccess, FileInfo,
    FileName, FilePath, FreeSpace, KeySizes, KeySpec, Pin, PinCachePolicy, PinId, PinInfo, PinKind,
    PinPurpose, PinSet,
};
use cardmod_sdk::{CardContext, CardModule, KeyRef, Result, SignatureInput, Status};

// The one line that makes this type a card module.
cardmod_sdk::export!(HelloModule);

/// What is kept for one acquired card.
struct HelloModule {
    /// The user's PIN was verified, and nothing has happened since that would undo it.
    verified: bool,
}

/// The historical bytes this module's cards have at the end of their ATR.
const HISTORICAL: &[u8] = b"HELLO";

/// The files: where they are and what they hold. A card's own would be read from it.
fn files() -> [(FilePath, Vec<u8>); 4] {
    [
        (FilePath::cardid(), b"hello, card 0001".to_vec()),
        (FilePath::cardcf(), vec![0; 6]),
        (FilePath::cardapps(), b"mscp\0\0\0\0".to_vec()),
        (FilePath::cmapfile(), Vec::new()), // no containers
    ]
}

impl CardModule for HelloModule {
    fn acquire(cx: &mut CardContext<'_>) -> Result<Self> {
        // A card of another kind is no error of ours: the host then looks for another module.
        if !cx.atr().ends_with(HISTORICAL) {
            return Err(Status::UnknownCard);
        }
        Ok(Self { verified: false })
    }

    fn connection_lost(&mut self) {
        self.verified = false;
    }

    fn card_id(&mut self, _cx: &mut CardContext<'_>) -> Result<CardId> {
        Ok(CardId(*b"hello, card 0001"))
    }

    fn capabilities(&mut self, _cx: &mut CardContext<'_>) -> Result<Capabilities> {
        Ok(Capabilities { certificate_compression: false, key_generation: false })
    }

    fn free_space(&mut self, _cx: &mut CardContext<'_>) -> Result<FreeSpace> {
        Ok(FreeSpace { bytes: Some(0), containers: Some(0), max_containers: Some(0) })
    }

    fn key_sizes(&mut self, _cx: &mut CardContext<'_>, _spec: KeySpec) -> Result<KeySizes> {
        Err(Status::UnsupportedFeature)
    }

    fn read_only(&mut self, _cx: &mut CardContext<'_>) -> Result<bool> {
        Ok(true)
    }

    fn cache_mode(&mut self, _cx: &mut CardContext<'_>) -> Result<CacheMode> {
        Ok(CacheMode::Session)
    }

    fn pin_list(&mut self, _cx: &mut CardContext<'_>) -> Result<PinSet> {
        Ok(PinSet::only(PinId::USER))
    }

    fn pin_info(&mut self, _cx: &mut CardContext<'_>, _id: PinId) -> Result<PinInfo> {
        Ok(PinInfo {
            kind: PinKind::AlphaNumeric,
            purpose: PinPurpose::PrimaryCard,
            change: PinSet::NONE,
            unblock: PinSet::NONE,
            cache: PinCachePolicy::Normal,
            secure_entry: false,
        })
    }

    fn authenticated(&mut self, _cx: &mut CardContext<'_>) -> Result<Option<PinSet>> {
        Ok(Some(if self.verified { PinSet::only(PinId::USER) } else { PinSet::NONE }))
    }

    fn verify_pin(&mut self, cx: &mut CardContext<'_>, _id: PinId, pin: &Pin) -> Result<()> {
        self.verified = false;
        if !(4..=8).contains(&pin.len()) {
            return Err(Status::WrongPin { attempts: None }); // the card would only waste a try
        }
        let verify = Command::new(0x00, 0x20, 0x00, 0x01).secret_data(pin.clone().into_zeroizing());
        match Session::new(cx.card()).send(&verify)?.status {
            status if status.is_ok() => self.verified = true,
            StatusWord::AUTHENTICATION_BLOCKED => return Err(Status::PinBlocked),
            status => {
                let attempts = status.retries().map(u32::from);
                return Err(Status::WrongPin { attempts });
            }
        }
        Ok(())
    }

    fn deauthenticate(&mut self, _cx: &mut CardContext<'_>, _roles: PinSet) -> Result<()> {
        // This card can only be reset. Saying so makes the host do it.
        Err(Status::UnsupportedFeature)
    }

    fn read_file(&mut self, _cx: &mut CardContext<'_>, path: &FilePath) -> Result<Vec<u8>> {
        if let Some(directory) = &path.directory
            && directory.as_str() != "mscp"
        {
            return Err(Status::DirectoryNotFound);
        }
        let found = files().into_iter().find(|(known, _)| known == path);
        found.map(|(_, content)| content).ok_or(Status::FileNotFound)
    }

    fn file_info(&mut self, cx: &mut CardContext<'_>, path: &FilePath) -> Result<FileInfo> {
        let size = self.read_file(cx, path)?.len() as u32;
        Ok(FileInfo { size, access: Some(FileAccess::EveryoneReadAdminWrite) })
    }

    fn list_files(
        &mut self,
        _cx: &mut CardContext<'_>,
        directory: Option<&DirectoryName>,
    ) -> Result<Vec<FileName>> {
        if directory.is_some_and(|directory| directory.as_str() != "mscp") {
            return Err(Status::DirectoryNotFound);
        }
        let inside = files().into_iter().filter(|(path, _)| path.directory.as_ref() == directory);
        Ok(inside.map(|(path, _)| path.name).collect())
    }

    fn container_keys(&mut self, _cx: &mut CardContext<'_>, _index: ContainerIndex) -> Result<ContainerKeys> {
        Err(Status::NoKeyContainer)
    }

    fn container_pin(&mut self, _cx: &mut CardContext<'_>, _index: ContainerIndex) -> Result<PinId> {
        Err(Status::NoKeyContainer)
    }

    fn sign(&mut self, _cx: &mut CardContext<'_>, _key: KeyRef, _in: &SignatureInput<'_>) -> Result<Vec<u8>> {
        Err(Status::NoKeyContainer) // a card with keys would be asked here
    }
}

/// How a module is tested: over a card that is a script, without C and without a reader.
#[cfg(test)]
mod tests {
    use cardmod_sdk::iso7816::{CardChannel, TransportError};
    use cardmod_sdk::testing::{Driver, Surroundings};
    use zeroize::Zeroizing;

    use super::*;

    /// A card whose PIN is 1234.
    struct Card;

    impl CardChannel for Card {
        fn transmit(&mut self, command: &[u8]) -> core::result::Result<Zeroizing<Vec<u8>>, TransportError> {
            let right = command == b"\x00\x20\x00\x01\x041234";
            Ok(Zeroizing::new(if right { vec![0x90, 0x00] } else { vec![0x63, 0xC2] }))
        }
    }

    #[test]
    fn the_pin_is_proved() {
        let around = Surroundings { atr: b"\x3B\x85\x80\x01HELLO".to_vec(), ..Surroundings::default() };
        let mut driver = Driver::<HelloModule>::acquire(Card, around).unwrap();
        let mut verify = |pin: &str| {
            let pin = Pin::from(pin);
            driver.call(|module, cx| module.verify_pin(cx, PinId::USER, &pin))
        };
        assert_eq!(verify("4321"), Err(Status::WrongPin { attempts: Some(2) }));
        assert_eq!(verify("123456789"), Err(Status::WrongPin { attempts: None }));
        assert_eq!(verify("1234"), Ok(()));
    }

    #[test]
    fn other_cards_are_left_alone() {
        let other = Driver::<HelloModule>::acquire(Card, Surroundings::default());
        assert_eq!(other.err(), Some(Status::UnknownCard));
    }
}
