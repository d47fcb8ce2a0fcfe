//! The module: selection, identity, and what the card says about itself.

use cardmod_gids::{GidsCard, GidsState, MAX_CONTAINERS};
use cardmod_sdk::{
    AdminAuthentication, CardContext, CardModule, ContainerCreation, FileWriting, KeyAgreement, KeyRef,
    PinAdministration, PropertyWriting, Result, RsaDecryption, SecurePinEntry, SignatureInput, Status,
};
use cardmod_types::{
    Capabilities, CardId, ContainerIndex, ContainerKeys, DirectoryName, FileInfo, FileName, FilePath,
    FreeSpace, KeySizes, KeySpec, Pin, PinId, PinInfo, PinSet, SecretBytes,
};

use super::answer;
use crate::receipt::Receipts;

/// RSA keys of a GIDS card, in bits.
const RSA_SIZES: KeySizes = KeySizes { minimum: 1024, default: 2048, maximum: 4096, increment: 1024 };

/// The module's state for one GIDS card.
#[derive(Debug)]
pub struct GidsModule {
    gids: GidsState,
    elliptic_curves: bool,
    /// What stands for the PIN that was typed at the reader.
    pub(super) receipts: Receipts,
}

impl GidsModule {
    /// The card for one entry. Without a host that vouches for the transaction, what was known from
    /// earlier entries is doubted first.
    pub(crate) fn card<'a>(&'a mut self, cx: &'a mut CardContext<'_>) -> GidsCard<'a> {
        if !cx.continuity() {
            self.gids.doubt();
        }
        self.gids.on(cx.card())
    }

    pub(crate) fn state(&mut self) -> &mut GidsState {
        &mut self.gids
    }

    /// Refuses what needs elliptic curves on a card that does not announce them.
    pub(crate) fn check_curves(&self, spec: KeySpec) -> Result<()> {
        if spec.is_rsa() || self.elliptic_curves { Ok(()) } else { Err(Status::UnsupportedFeature) }
    }
}

impl CardModule for GidsModule {
    fn acquire(cx: &mut CardContext<'_>) -> Result<Self> {
        let mut gids = GidsState::new();
        let application = gids.on(cx.card()).select().map_err(answer::discovering)?;
        Ok(Self { gids, elliptic_curves: application.elliptic_curves(), receipts: Receipts::default() })
    }

    fn connection_lost(&mut self) {
        // The SDK does not say which of the three it was. A reset shows in the first answer.
        self.gids.interrupted();
    }

    fn forget_content(&mut self) {
        self.gids.forget_content();
    }

    fn card_id(&mut self, cx: &mut CardContext<'_>) -> Result<CardId> {
        self.card(cx).card_id().map_err(answer::reading)
    }

    fn capabilities(&mut self, _cx: &mut CardContext<'_>) -> Result<Capabilities> {
        // Files are passed on as they stand, so compression is the host's.
        Ok(Capabilities { certificate_compression: false, key_generation: true })
    }

    fn free_space(&mut self, cx: &mut CardContext<'_>) -> Result<FreeSpace> {
        let containers = self.at_hand(cx, |card| card.free_containers()).map_err(answer::reading)?;
        Ok(FreeSpace {
            bytes: None,
            containers: Some(containers),
            max_containers: Some(u32::from(MAX_CONTAINERS)),
        })
    }

    fn key_sizes(&mut self, _cx: &mut CardContext<'_>, spec: KeySpec) -> Result<KeySizes> {
        self.check_curves(spec)?;
        Ok(spec.curve().map_or(RSA_SIZES, |curve| KeySizes::only(curve.bits())))
    }

    fn pin_list(&mut self, cx: &mut CardContext<'_>) -> Result<PinSet> {
        self.roles(cx)
    }

    fn pin_info(&mut self, cx: &mut CardContext<'_>, id: PinId) -> Result<PinInfo> {
        self.role(cx, id)
    }

    fn tries_left(&mut self, cx: &mut CardContext<'_>, id: PinId) -> Result<Option<u32>> {
        self.tries(cx, id)
    }

    fn authenticated(&mut self, cx: &mut CardContext<'_>) -> Result<Option<PinSet>> {
        let verified = if cx.continuity() {
            self.gids.verified()
        } else {
            self.card(cx).confirmed_roles().map_err(answer::reading)?
        };
        let mut roles = PinSet::NONE;
        for (role, is_verified) in [(PinId::USER, verified.user), (PinId::ADMIN, verified.admin)] {
            if is_verified {
                roles.insert(role);
            }
        }
        Ok(Some(roles))
    }

    fn container_keys(&mut self, cx: &mut CardContext<'_>, index: ContainerIndex) -> Result<ContainerKeys> {
        self.public_keys(cx, index)
    }

    fn container_pin(&mut self, cx: &mut CardContext<'_>, index: ContainerIndex) -> Result<PinId> {
        self.at_hand(cx, |card| card.key_record(index)).map_err(answer::reading)?;
        Ok(PinId::USER)
    }

    fn read_file(&mut self, cx: &mut CardContext<'_>, path: &FilePath) -> Result<Vec<u8>> {
        if *path == FilePath::cardcf() || *path == FilePath::cardid() {
            return self.card(cx).read_file(path).map_err(answer::reading);
        }
        self.at_hand(cx, |card| card.read_file(path)).map_err(answer::reading)
    }

    fn file_info(&mut self, cx: &mut CardContext<'_>, path: &FilePath) -> Result<FileInfo> {
        let described = |card: &mut GidsCard<'_>| Ok((card.file_access(path)?, card.read_file(path)?.len()));
        let (access, size) = self.at_hand(cx, described).map_err(answer::reading)?;
        Ok(FileInfo { size: u32::try_from(size).unwrap_or(u32::MAX), access })
    }

    fn list_files(
        &mut self,
        cx: &mut CardContext<'_>,
        directory: Option<&DirectoryName>,
    ) -> Result<Vec<FileName>> {
        self.at_hand(cx, |card| card.list_files(directory)).map_err(answer::reading)
    }

    fn verify_pin(&mut self, cx: &mut CardContext<'_>, id: PinId, pin: &Pin) -> Result<()> {
        self.verify(cx, id, pin)
    }

    fn deauthenticate(&mut self, cx: &mut CardContext<'_>, _roles: PinSet) -> Result<()> {
        // The card clears every role at once, so more than asked for may be taken away, never less.
        self.card(cx).deauthenticate().map_err(answer::verifying)
    }

    fn sign(&mut self, cx: &mut CardContext<'_>, key: KeyRef, input: &SignatureInput<'_>) -> Result<Vec<u8>> {
        self.sign_with(cx, key, input)
    }

    fn rsa_decryption(&mut self) -> Option<&mut dyn RsaDecryption> {
        Some(self)
    }

    fn key_agreement(&mut self) -> Option<&mut dyn KeyAgreement> {
        if self.elliptic_curves { Some(self) } else { None }
    }

    fn container_creation(&mut self) -> Option<&mut dyn ContainerCreation> {
        Some(self)
    }

    fn file_writing(&mut self) -> Option<&mut dyn FileWriting> {
        Some(self)
    }

    fn pin_administration(&mut self) -> Option<&mut dyn PinAdministration> {
        Some(self)
    }

    fn admin_authentication(&mut self) -> Option<&mut dyn AdminAuthentication> {
        Some(self)
    }

    fn secure_pin_entry(&mut self) -> Option<&mut dyn SecurePinEntry> {
        Some(self)
    }

    fn property_writing(&mut self) -> Option<&mut dyn PropertyWriting> {
        Some(self)
    }
}

impl RsaDecryption for GidsModule {
    fn decrypt_raw(
        &mut self,
        cx: &mut CardContext<'_>,
        key: KeyRef,
        ciphertext: &[u8],
    ) -> Result<SecretBytes> {
        self.decrypt_with(cx, key, ciphertext)
    }
}
