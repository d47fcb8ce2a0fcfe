//! Roles: the user's PIN, the PUK where the card has one, the administrator.

use cardmod_gids::{AdminChallenge, MutualNonces, PinReference};
use cardmod_sdk::{AdminAuthentication, CardContext, PinAdministration, Result, Status, UnblockAuthority};
use cardmod_types::{Pin, PinCachePolicy, PinId, PinInfo, PinKind, PinPurpose, PinSet, SecretBytes, admin};

use super::answer;
use super::module::GidsModule;

/// The PUK's role, on cards that have one.
const PUK: u32 = 3;

impl GidsModule {
    pub(crate) fn roles(&mut self, cx: &mut CardContext<'_>) -> Result<PinSet> {
        let mut roles = PinSet::only(PinId::USER).union(PinSet::only(PinId::ADMIN));
        if let Some(puk) = self.puk(cx)? {
            roles.insert(puk);
        }
        Ok(roles)
    }

    pub(crate) fn role(&mut self, cx: &mut CardContext<'_>, id: PinId) -> Result<PinInfo> {
        let puk = self.puk(cx)?;
        let info = |kind, purpose, change, unblock| PinInfo {
            kind,
            purpose,
            change,
            unblock,
            cache: PinCachePolicy::Normal,
            secure_entry: false,
        };
        let keypad = self.has_keypad(cx);
        match id {
            PinId::USER if keypad => {
                let unblock = PinSet::only(PinId::ADMIN).union(puk.map_or(PinSet::NONE, PinSet::only));
                let described = info(PinKind::External, PinPurpose::PrimaryCard, PinSet::only(id), unblock);
                // Nobody but the reader knows it, so nobody can keep it.
                Ok(PinInfo { cache: PinCachePolicy::None, ..described })
            }
            PinId::USER => {
                let unblock = PinSet::only(PinId::ADMIN).union(puk.map_or(PinSet::NONE, PinSet::only));
                Ok(info(PinKind::AlphaNumeric, PinPurpose::PrimaryCard, PinSet::only(id), unblock))
            }
            PinId::ADMIN => {
                let kind = PinKind::ChallengeResponse;
                Ok(info(kind, PinPurpose::Administrator, PinSet::only(id), PinSet::NONE))
            }
            id if puk == Some(id) => {
                Ok(info(PinKind::AlphaNumeric, PinPurpose::UnblockOnly, PinSet::NONE, PinSet::NONE))
            }
            _ => Err(Status::InvalidParameter),
        }
    }

    /// The PUK's role, when the card has a PUK.
    fn puk(&mut self, cx: &mut CardContext<'_>) -> Result<Option<PinId>> {
        self.recall_puk(cx);
        let has_puk = self.card(cx).has_puk().map_err(answer::reading)?;
        self.keep_puk(cx);
        Ok(PinId::try_from(PUK).ok().filter(|_| has_puk))
    }

    /// What the status objects of the card say (7F72, 7F73); they cost no try. The administrator's key
    /// has no counter.
    pub(crate) fn tries(&mut self, cx: &mut CardContext<'_>, id: PinId) -> Result<Option<u32>> {
        let reference = match id {
            PinId::USER => PinReference::User,
            PinId::ADMIN => return Ok(None),
            _ => PinReference::Puk,
        };
        let state = self.card(cx).pin_state(reference).map_err(answer::reading)?;
        Ok(state.map(|state| u32::from(state.tries_left)))
    }

    pub(crate) fn verify(&mut self, cx: &mut CardContext<'_>, id: PinId, pin: &Pin) -> Result<()> {
        if id != PinId::USER {
            return Err(Status::InvalidParameter);
        }
        self.card(cx).verify_pin(PinReference::User, pin).map_err(answer::verifying)
    }
}

impl PinAdministration for GidsModule {
    fn change_pin(
        &mut self,
        cx: &mut CardContext<'_>,
        by: PinId,
        old: &Pin,
        target: PinId,
        new: &Pin,
    ) -> Result<()> {
        if by != PinId::USER || target != PinId::USER {
            return Err(Status::InvalidParameter);
        }
        self.card(cx).change_pin(old, new).map_err(answer::changing)
    }

    fn unblock_pin(
        &mut self,
        cx: &mut CardContext<'_>,
        authority: UnblockAuthority<'_>,
        target: PinId,
        new: &Pin,
        tries: Option<u32>,
    ) -> Result<()> {
        if target != PinId::USER || tries.is_some() {
            // The card fixes the number of tries. A challenge fetched for this is void now.
            self.state().forget_challenge();
            return Err(Status::InvalidParameter);
        }
        match authority {
            UnblockAuthority::Secret(role, puk) if self.puk(cx)? == Some(role) => {
                self.card(cx).unblock_with_puk(puk, new).map_err(answer::changing)?;
            }
            UnblockAuthority::Secret(..) => return Err(Status::InvalidParameter),
            UnblockAuthority::Response(response) => {
                self.card(cx).authenticate_admin(response).map_err(answer::challenging)?;
                self.card(cx).unblock_as_admin(new).map_err(answer::changing)?;
            }
        }
        self.card(cx).deauthenticate().map_err(answer::verifying)
    }
}

impl AdminAuthentication for GidsModule {
    fn challenge(&mut self, cx: &mut CardContext<'_>) -> Result<Vec<u8>> {
        let application = self.card(cx).application().map_err(answer::reading)?;
        let challenge = if application.external_authentication() {
            self.card(cx).external_challenge()
        } else {
            let nonces = fresh_nonces()?;
            self.card(cx).mutual_challenge(&nonces)
        };
        challenge.map(|challenge: AdminChallenge| challenge.as_bytes().to_vec()).map_err(answer::challenging)
    }

    fn authenticate(&mut self, cx: &mut CardContext<'_>, response: &[u8]) -> Result<()> {
        self.card(cx).authenticate_admin(response).map_err(answer::challenging)
    }

    fn change_key(&mut self, cx: &mut CardContext<'_>, response: &[u8], new_key: &SecretBytes) -> Result<()> {
        // Checked before the challenge is spent.
        let check_value = admin::key_check_value(new_key).map_err(|_| Status::InvalidParameter)?;
        self.card(cx).authenticate_admin(response).map_err(answer::challenging)?;
        self.card(cx).change_admin_key(new_key, check_value).map_err(answer::challenging)
    }
}

fn fresh_nonces() -> Result<MutualNonces> {
    let mut nonces = MutualNonces { challenge: [0; 16], key_material: [0; 7] };
    for bytes in [&mut nonces.challenge[..], &mut nonces.key_material[..]] {
        getrandom::fill(bytes).map_err(|_| Status::Unexpected)?;
    }
    Ok(nonces)
}
