//! The module: selection, identity, what the card says about itself.

use std::collections::BTreeSet;

use cardmod_iso7816::StatusWord;
use cardmod_piv::{ObjectTag, PinReference, PivCard, PivError, PivState, Slot};
use cardmod_sdk::{
    AdminAuthentication, CardContext, CardModule, ContainerCreation, FileWriting, KeyAgreement, KeyRef,
    OwnProperties, PinAdministration, Result, RsaDecryption, SecurePinEntry, SignatureInput, Status,
};
use cardmod_types::{
    CacheMode, Capabilities, CardCf, CardId, ContainerIndex, ContainerKeys, DirectoryName, EcCurve, FileInfo,
    FileName, FilePath, FreeSpace, KeyHalf, KeySizes, KeySpec, Pin, PinId, PinInfo, PinSet,
};

use super::kept::Trust;
use super::keys::Seen;
use super::management::Access;
use super::view::View;
use super::{answer, places};
use crate::receipt::Receipts;

/// RSA keys of PIV cards, in bits. Which of them a card makes shows when it is asked to.
const RSA_SIZES: KeySizes = KeySizes { minimum: 1024, default: 2048, maximum: 4096, increment: 1024 };

/// The module's state for one PIV card.
#[derive(Debug)]
pub struct PivModule {
    state: PivState,
    /// The entry that used the card last.
    call: Option<u64>,
    pub(super) access: Access,
    pub(super) seen: Seen,
    /// The whole view, for as long as nobody else can have written: on a card that this context cannot
    /// write either it is kept until the card goes, as its cache mode says.
    view: Option<View>,
    pub(super) id: Option<CardId>,
    /// There may be another card in the reader.
    pub(super) unsure: bool,
    /// The PIN the user knows, as the card says, or took it.
    pub(super) pin: Option<PinReference>,
    /// How far what was kept with the host is believed.
    pub(super) trust: Trust,
    /// Where the next key goes.
    pub(super) place: Option<Slot>,
    /// The file cardcf: the card has no counters, those a host writes live as long as the context.
    pub(super) counters: CardCf,
    /// Certificate files that were created and not written yet.
    pub(super) created: BTreeSet<(KeyHalf, ContainerIndex)>,
    /// Containers made in this context.
    pub(super) made: BTreeSet<ContainerIndex>,
    /// The object of the stored map holds something else.
    pub(super) map_is_foreign: bool,
    /// The stored map lies in the vendors' object: the card is of the family that tells of its keys.
    pub(super) map_is_vendors: bool,
    /// What stands for the PIN that was typed at the reader.
    pub(super) receipts: Receipts,
}

impl PivModule {
    fn new(state: PivState) -> Self {
        Self {
            state,
            call: None,
            access: Access::default(),
            seen: Seen::default(),
            view: None,
            id: None,
            unsure: false,
            pin: None,
            trust: Trust::default(),
            place: None,
            counters: CardCf::new(),
            created: BTreeSet::new(),
            made: BTreeSet::new(),
            map_is_foreign: false,
            map_is_vendors: false,
            receipts: Receipts::default(),
        }
    }

    /// The card for one entry. Without a host that vouches for the transaction, what was known from
    /// earlier entries is doubted first.
    pub(super) fn card<'a>(&'a mut self, cx: &'a mut CardContext<'_>) -> PivCard<'a> {
        if !cx.continuity() && self.call != Some(cx.call()) {
            self.state.doubt();
        }
        self.call = Some(cx.call());
        self.state.on(cx.card())
    }

    pub(super) fn state(&self) -> &PivState {
        &self.state
    }

    /// The card's identity. Another than before is another card: nothing that was seen holds.
    pub(super) fn identity(&mut self, cx: &mut CardContext<'_>) -> Result<CardId> {
        let atr = cx.atr().to_vec();
        let id = self.card(cx).card_id(&atr).map_err(answer::reading)?;
        if self.id.is_some_and(|known| known != id) {
            self.forget_card();
            // The key was given for the card that is gone.
            self.access.withdraw();
        }
        self.id = Some(id);
        self.unsure = false;
        Ok(id)
    }

    /// Before what was seen is used: it is this card's.
    pub(super) fn recognise(&mut self, cx: &mut CardContext<'_>) -> Result<()> {
        if self.unsure {
            if self.id.is_none() {
                self.forget_card();
            }
            self.identity(cx)?;
        }
        Ok(())
    }

    fn forget_card(&mut self) {
        self.seen.forget();
        self.view = None;
        self.pin = None;
        self.access.forget();
        self.created.clear();
        self.made.clear();
    }

    /// All slots. A card that cannot be written from here is read once, any other each time, unless the edge
    /// knows that nobody can have come between.
    pub(super) fn view(&mut self, cx: &mut CardContext<'_>) -> Result<View> {
        self.recognise(cx)?;
        if self.access.is_known_read_only()
            && let Some(view) = &self.view
        {
            return Ok(view.clone());
        }
        self.identity(cx)?;
        let map = self.read_map(cx)?;
        let view = View::read(&mut self.card(cx), map).map_err(answer::reading)?;
        self.seen.learn(&view, self.map_is_vendors);
        self.view = Some(view.clone());
        Ok(view)
    }

    /// What is in a slot, and where, is about to change.
    pub(super) fn forget_view(&mut self, cx: &mut CardContext<'_>, slot: Option<Slot>) {
        self.forget_kept(cx, slot);
        self.view = None;
        if let Some(slot) = slot {
            self.seen.forget_key(slot);
        }
    }
}

/// Whether PIV is what answered the SELECT: a card that names another application, or none, has to have an
/// object of PIV, or at least to miss it as PIV does.
fn is_piv(card: &mut PivCard<'_>) -> core::result::Result<bool, PivError> {
    /// What every version of PIV has behind the provider's five bytes.
    const PIX: [u8; 4] = [0x00, 0x00, 0x10, 0x00];
    let application = card.select()?;
    if application.pix().starts_with(&PIX) {
        return Ok(true);
    }
    match card.object(ObjectTag::CHUID) {
        Ok(_) => Ok(true),
        Err(error @ PivError::Exchange(_)) => Err(error),
        Err(error) => Ok(error.status() == Some(StatusWord::SECURITY_STATUS_NOT_SATISFIED)),
    }
}

impl CardModule for PivModule {
    fn acquire(cx: &mut CardContext<'_>) -> Result<Self> {
        let mut state = PivState::new();
        if is_piv(&mut state.on(cx.card())).map_err(answer::discovering)? {
            Ok(Self::new(state))
        } else {
            Err(Status::UnknownCard)
        }
    }

    fn connection_lost(&mut self) {
        // The SDK does not say which of the three it was. A reset shows in the first answer.
        self.state.interrupted();
        self.unsure = true;
    }

    fn forget_content(&mut self) {
        self.state.forget_content();
        self.seen.forget_content();
        self.view = None;
        self.trust.lose();
    }

    fn card_id(&mut self, cx: &mut CardContext<'_>) -> Result<CardId> {
        self.identity(cx)
    }

    fn serial_number(&mut self, cx: &mut CardContext<'_>) -> Result<Option<Vec<u8>>> {
        match self.card(cx).serial() {
            Ok(serial) => Ok(serial.map(|serial| serial.to_be_bytes().to_vec())),
            Err(PivError::Malformed(_) | PivError::Unsupported(_)) => Ok(None),
            Err(error) => Err(answer::reading(error)),
        }
    }

    fn capabilities(&mut self, cx: &mut CardContext<'_>) -> Result<Capabilities> {
        // The edge writes plain DER, or what PIV calls compressed where there is no room for that.
        Ok(Capabilities { certificate_compression: true, key_generation: self.is_writable(cx)? })
    }

    fn free_space(&mut self, cx: &mut CardContext<'_>) -> Result<FreeSpace> {
        let max_containers = Some(u32::from(places::COUNT));
        if !self.is_writable(cx)? {
            return Ok(FreeSpace { bytes: Some(0), containers: Some(0), max_containers });
        }
        let view = self.view(cx)?;
        let taken = view.contents.values().filter(|content| content.occupied).count();
        let containers = max_containers.map(|most| most.saturating_sub(u32::try_from(taken).unwrap_or(0)));
        Ok(FreeSpace { bytes: None, containers, max_containers })
    }

    fn key_sizes(&mut self, _cx: &mut CardContext<'_>, spec: KeySpec) -> Result<KeySizes> {
        match spec.curve() {
            None => Ok(RSA_SIZES),
            Some(curve @ (EcCurve::P256 | EcCurve::P384)) => Ok(KeySizes::only(curve.bits())),
            Some(EcCurve::P521) => Err(Status::UnsupportedFeature),
        }
    }

    fn read_only(&mut self, cx: &mut CardContext<'_>) -> Result<bool> {
        Ok(!self.is_writable(cx)?)
    }

    fn cache_mode(&mut self, cx: &mut CardContext<'_>) -> Result<CacheMode> {
        // PIV has no counter that would tell of a change.
        Ok(if self.is_writable(cx)? { CacheMode::None } else { CacheMode::Session })
    }

    fn pin_list(&mut self, cx: &mut CardContext<'_>) -> Result<PinSet> {
        self.roles(cx)
    }

    fn has_role(&mut self, cx: &mut CardContext<'_>, id: PinId) -> Result<bool> {
        self.role_exists(cx, id)
    }

    fn pin_info(&mut self, cx: &mut CardContext<'_>, id: PinId) -> Result<PinInfo> {
        let info = Self::role(id)?;
        Ok(self.in_this_reader(cx, id, info))
    }

    fn authenticated(&mut self, cx: &mut CardContext<'_>) -> Result<Option<PinSet>> {
        self.authenticated_roles(cx).map(Some)
    }

    fn tries_left(&mut self, cx: &mut CardContext<'_>, id: PinId) -> Result<Option<u32>> {
        self.tries(cx, id)
    }

    fn container_keys(&mut self, cx: &mut CardContext<'_>, index: ContainerIndex) -> Result<ContainerKeys> {
        self.public_keys(cx, index)
    }

    fn container_pin(&mut self, cx: &mut CardContext<'_>, index: ContainerIndex) -> Result<PinId> {
        self.owner(cx, index)
    }

    fn read_file(&mut self, cx: &mut CardContext<'_>, path: &FilePath) -> Result<Vec<u8>> {
        self.file(cx, path)
    }

    fn file_info(&mut self, cx: &mut CardContext<'_>, path: &FilePath) -> Result<FileInfo> {
        self.describe_file(cx, path)
    }

    fn list_files(
        &mut self,
        cx: &mut CardContext<'_>,
        directory: Option<&DirectoryName>,
    ) -> Result<Vec<FileName>> {
        self.files_of(cx, directory)
    }

    fn verify_pin(&mut self, cx: &mut CardContext<'_>, id: PinId, pin: &Pin) -> Result<()> {
        self.verify(cx, id, pin)
    }

    fn deauthenticate(&mut self, cx: &mut CardContext<'_>, _roles: PinSet) -> Result<()> {
        self.drop_rights(cx)
    }

    fn sign(&mut self, cx: &mut CardContext<'_>, key: KeyRef, input: &SignatureInput<'_>) -> Result<Vec<u8>> {
        self.sign_with(cx, key, input)
    }

    fn rsa_decryption(&mut self) -> Option<&mut dyn RsaDecryption> {
        Some(self)
    }

    fn key_agreement(&mut self) -> Option<&mut dyn KeyAgreement> {
        Some(self)
    }

    // Whether the card can be written turns out later: these are there, and refuse while it cannot.
    fn container_creation(&mut self) -> Option<&mut dyn ContainerCreation> {
        Some(self)
    }

    fn file_writing(&mut self) -> Option<&mut dyn FileWriting> {
        Some(self)
    }

    fn pin_administration(&mut self) -> Option<&mut dyn PinAdministration> {
        Some(self)
    }

    fn secure_pin_entry(&mut self) -> Option<&mut dyn SecurePinEntry> {
        Some(self)
    }

    fn admin_authentication(&mut self) -> Option<&mut dyn AdminAuthentication> {
        if self.access.is_known_read_only() { None } else { Some(self) }
    }

    fn own_properties(&mut self) -> Option<&mut dyn OwnProperties> {
        Some(self)
    }
}
