//! The card applications a class module knows, by the names of their card types on Windows.

/// An application that a class card module serves.
///
/// A card may have both. Which one a module uses is then said by the name the card is opened under
/// (`pwszCardName`): Windows registers its class module under these two names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardApplication {
    /// GIDS, Microsoft's generic profile.
    Gids,
    /// PIV, NIST SP 800-73.
    Piv,
}

impl CardApplication {
    /// The card type's name.
    #[must_use]
    pub const fn card_name(self) -> &'static str {
        match self {
            Self::Gids => "Identity Device (Microsoft Generic Profile)",
            Self::Piv => "Identity Device (NIST SP 800-73 [PIV])",
        }
    }

    /// A short word for it: `gids`, `piv`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Gids => "gids",
            Self::Piv => "piv",
        }
    }

    /// The application of this [`label`](Self::label).
    #[must_use]
    pub fn of_label(label: &str) -> Option<Self> {
        [Self::Gids, Self::Piv].into_iter().find(|application| application.label() == label)
    }

    /// The application that a card name stands for; `None` for every other name, which leaves the choice
    /// to the module.
    #[must_use]
    pub fn of_card_name(name: &str) -> Option<Self> {
        [Self::Gids, Self::Piv].into_iter().find(|application| application.card_name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_applications() {
        for application in [CardApplication::Gids, CardApplication::Piv] {
            assert_eq!(CardApplication::of_card_name(application.card_name()), Some(application));
            assert_eq!(CardApplication::of_label(application.label()), Some(application));
        }
        assert_eq!(CardApplication::of_label("GIDS"), None);
        assert_eq!(CardApplication::of_card_name("Identity Device"), None);
    }
}
