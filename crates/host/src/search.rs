//! Among several cards the one that has a container, or room for a new one.

use std::fmt::Display;

use cardmod_types::KeyHalf;

use crate::csp::{CardSession, KeyAlgorithm};
use crate::error::Error;

/// Which of several cards will do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Search {
    /// The readers of the cards that do.
    pub fitting: Vec<String>,
    /// The readers of the cards that do not, each with the reason.
    pub others: Vec<(String, String)>,
}

impl Search {
    /// Opens the card in each reader with `open`, and asks `fits` of it.
    fn over<E: Display>(
        readers: &[String],
        mut open: impl FnMut(&str) -> Result<CardSession, E>,
        mut fits: impl FnMut(&mut CardSession) -> Result<(), Error>,
    ) -> Self {
        let mut search = Self::default();
        for reader in readers {
            let answer = match open(reader) {
                Ok(mut session) => fits(&mut session).map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            match answer {
                Ok(()) => search.fitting.push(reader.clone()),
                Err(reason) => search.others.push((reader.clone(), reason)),
            }
        }
        search
    }

    /// The cards that have a container of this name, or with `None` a default container. `open` opens the
    /// card in a reader.
    pub fn container<E: Display>(
        readers: &[String],
        name: Option<&str>,
        open: impl FnMut(&str) -> Result<CardSession, E>,
    ) -> Self {
        Self::over(readers, open, |session| session.locate(name))
    }

    /// The cards that take a new container with a key of this kind, `imported` or generated: those that can
    /// be written, have such keys, and have room.
    pub fn room<E: Display>(
        readers: &[String],
        (algorithm, half): (KeyAlgorithm, KeyHalf),
        imported: bool,
        open: impl FnMut(&str) -> Result<CardSession, E>,
    ) -> Self {
        Self::over(readers, open, |session| session.takes(algorithm, half, imported))
    }

    /// The one reader whose card will do; `what` is looked for, such as `container "web"`.
    ///
    /// # Errors
    /// [`Error::NoCardFits`] with every card's reason, [`Error::SeveralCards`] with the readers to choose of.
    pub fn one(&self, what: &str) -> Result<&str, Error> {
        let what = what.to_owned();
        match self.fitting.as_slice() {
            [reader] => Ok(reader),
            [] => {
                let reasons: Vec<_> = self.others.iter().map(|(_, reason)| reason.as_str()).collect();
                Err(Error::NoCardFits { what, reasons: reasons.join("; ") })
            }
            several => {
                let readers: Vec<_> = several.iter().map(|reader| format!("{reader:?}")).collect();
                Err(Error::SeveralCards { what, readers: readers.join(", ") })
            }
        }
    }
}
