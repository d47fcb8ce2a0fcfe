//! The application template a card answers to SELECT (GIDS, tables 7–9).

use cardmod_iso7816::tlv::{Reader, Tag, single};

/// Tag of the application template.
const TEMPLATE: Tag = Tag::new(0x61);
/// Tag of the AID in it.
const AID: Tag = Tag::new(0x4F);
/// Tag of the discretionary objects in it.
const DISCRETIONARY: Tag = Tag::new(0x73);
/// Tag of the features byte among those.
const FEATURES: Tag = Tag::new(0x40);

/// What the card says about its GIDS application.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Application {
    aid: Vec<u8>,
    features: Option<u8>,
}

impl Application {
    /// Reads the answer to SELECT. Cards that answer no template, or another one, are taken as saying
    /// nothing: what matters is that the SELECT succeeded.
    #[must_use]
    pub fn parse(answer: &[u8]) -> Self {
        Self::read(answer).unwrap_or_default()
    }

    fn read(answer: &[u8]) -> Option<Self> {
        let template = single(answer).ok().filter(|tlv| tlv.tag == TEMPLATE)?;
        let aid = template.children().find(AID).ok()?.unwrap_or_default().to_vec();
        let discretionary = template.children().find(DISCRETIONARY).ok()?.unwrap_or_default();
        let features = match Reader::new(discretionary).find(FEATURES).ok()? {
            Some([features]) => Some(*features),
            _ => None,
        };
        Some(Self { aid, features })
    }

    /// The full application identifier, version bytes included; empty where the card did not say.
    #[must_use]
    pub fn aid(&self) -> &[u8] {
        &self.aid
    }

    /// Mutual authentication with the admin key (bit 8). Assumed where the card says nothing.
    #[must_use]
    pub fn mutual_authentication(&self) -> bool {
        self.features.unwrap_or(0xA0) & 0x80 != 0
    }

    /// External authentication with the admin key (bit 7).
    #[must_use]
    pub fn external_authentication(&self) -> bool {
        self.features.unwrap_or(0xA0) & 0x40 != 0
    }

    /// The card has elliptic curve container keys and key agreement with them. GIDS calls bit 6 "ECC key
    /// establishment" and gives no commands for container keys; this project uses the bit to announce
    /// its extension. GIDS' default for a missing features byte has the bit set, but a card that is
    /// silent knows no extension, so silence is no.
    #[must_use]
    pub fn elliptic_curves(&self) -> bool {
        self.features.is_some_and(|features| features & 0x20 != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(features: u8) -> Vec<u8> {
        let mut answer = vec![0x61, 0x12, 0x4F, 0x0B, 0xA0, 0, 0, 3, 0x97, 0x42, 0x54, 0x46, 0x59, 2, 1];
        answer.extend([0x73, 0x03, 0x40, 0x01, features]);
        answer
    }

    #[test]
    fn the_usual_answer() {
        let application = Application::parse(&template(0xC0));
        assert_eq!(application.aid()[9..], [2, 1]);
        assert!(application.mutual_authentication());
        assert!(application.external_authentication());
        assert!(!application.elliptic_curves());
        assert!(Application::parse(&template(0xE0)).elliptic_curves());
    }

    #[test]
    fn silence_is_the_default_without_curves() {
        for answer in [&[][..], &[0x62, 0x00][..], &[0x61, 0x05, 0x4F][..], &[0x61, 0x00][..]] {
            let application = Application::parse(answer);
            assert!(application.mutual_authentication());
            assert!(!application.external_authentication());
            assert!(!application.elliptic_curves());
        }
    }
}
