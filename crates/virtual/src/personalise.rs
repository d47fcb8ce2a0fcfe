//! Personalisation: from a profile to a card.

mod gids;
mod piv;

use crate::card::Card;
use crate::fault::{CardFault, StoreError};
use crate::ports::SystemRandom;
use crate::profile::{GidsProfile, PivProfile};

pub(crate) use piv::Object;

/// Why a card could not be personalised.
pub(crate) enum Refused {
    Profile(String),
    Fault(CardFault),
}

/// A card with the Microsoft generic profile.
pub(crate) fn gids_card(profile: &GidsProfile) -> Result<Card, Refused> {
    gids::card(profile)
}

/// A PIV card.
pub(crate) fn piv_card(profile: &PivProfile) -> Result<Card, Refused> {
    profile.options.check().map_err(|bad| Refused::Profile(bad.to_string()))?;
    let application = piv::application(profile, &mut SystemRandom)?;
    Ok(Card::of_piv(profile.options.clone(), application))
}

/// A card with both applications, and the options of the GIDS profile.
pub(crate) fn dual_card(gids: &GidsProfile, piv: &PivProfile) -> Result<Card, Refused> {
    let application = piv::application(piv, &mut SystemRandom)?;
    Ok(gids::card(gids)?.with_piv(application))
}

impl From<Refused> for StoreError {
    fn from(refused: Refused) -> StoreError {
        match refused {
            Refused::Profile(text) => StoreError::Profile(text),
            Refused::Fault(fault) => StoreError::Card(fault),
        }
    }
}

impl From<CardFault> for Refused {
    fn from(fault: CardFault) -> Refused {
        Refused::Fault(fault)
    }
}
