//! Properties beyond the specification that a module may have (docs/modules.md): places for keys, the
//! management key, whether public data may be kept as hints, and which application was opened. A module that knows none of them refuses,
//! which is no error.

use cardmod_types::{CardApplication, ContainerIndex};

use super::context::Context;
use super::function::{CallError, CallErrorKind, CardFunction};

const PLACES: &str = "Cardmod Places";
const NAMES: &str = "Cardmod Names";
pub(super) const PLACE: &str = "Cardmod Place";
pub(super) const MANAGEMENT_KEY: &str = "Cardmod Management Key";
const HINTS: &str = "Cardmod Hints";
const APPLICATION: &str = "Cardmod Application";

/// The places a card has for keys, such as the slots of a PIV card, by container index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places(Vec<String>);

impl Places {
    /// The place of a container.
    pub(crate) fn label(&self, index: ContainerIndex) -> Option<&str> {
        self.0.get(usize::from(index.get())).map(String::as_str).filter(|label| !label.is_empty())
    }

    /// The container of a place, named in either case.
    pub(crate) fn find(&self, label: &str) -> Option<ContainerIndex> {
        let same = |known: &String| !known.is_empty() && known.eq_ignore_ascii_case(label);
        self.0.iter().position(same).and_then(|at| u8::try_from(at).ok()).map(ContainerIndex::new)
    }

    /// The card has none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(String::is_empty)
    }

    /// Every label with its container.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ContainerIndex, &str)> {
        (0..=u8::MAX).map(ContainerIndex::new).filter_map(|index| Some((index, self.label(index)?)))
    }

    /// Reads labels with a NUL between; `None` for what is no text, or more than there are indexes.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let text = text.strip_suffix('\0').unwrap_or(text);
        let labels: Vec<_> = text.split('\0').map(str::to_owned).collect();
        let printable = labels.iter().all(|label| !label.chars().any(char::is_control));
        (labels.len() <= 256 && printable).then_some(Self(labels))
    }

    /// The labels with a NUL between.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.0.join("\0").into_bytes()
    }
}

/// The names that the containers of a card's places have, or would have with a key, by index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names(Vec<String>);

impl Names {
    /// The name of a container.
    pub(crate) fn name(&self, index: ContainerIndex) -> Option<&str> {
        self.0.get(usize::from(index.get())).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// The first container of this very name.
    pub(crate) fn find(&self, name: &str) -> Option<ContainerIndex> {
        let at = self.0.iter().position(|known| !known.is_empty() && known == name)?;
        u8::try_from(at).ok().map(ContainerIndex::new)
    }

    /// The module tells none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(String::is_empty)
    }

    /// Reads names with a NUL between; `None` for what is no text, or more than there are indexes.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let names: Vec<_> = std::str::from_utf8(bytes).ok()?.split('\0').map(str::to_owned).collect();
        (names.len() <= 256).then_some(Self(names))
    }

    /// The names with a NUL between.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.0.join("\0").into_bytes()
    }
}

impl Context {
    /// The places of the card; none where the module knows no such thing.
    ///
    /// # Errors
    /// The module's code, or an answer that is no list of labels.
    pub(crate) fn places(&mut self) -> Result<Places, CallError> {
        match self.own_property(PLACES)? {
            None => Ok(Places::default()),
            Some(bytes) => Places::parse(&bytes).ok_or_else(|| {
                CallError::lie(CardFunction::GetProperty, "gave places that are no list of labels")
            }),
        }
    }

    /// The names that containers have, or would have, by index; none where the module knows no such thing.
    ///
    /// # Errors
    /// The module's code, or an answer that is no list of names.
    pub(crate) fn names(&mut self) -> Result<Names, CallError> {
        match self.own_property(NAMES)? {
            None => Ok(Names::default()),
            Some(bytes) => Names::parse(&bytes).ok_or_else(|| {
                CallError::lie(CardFunction::GetProperty, "gave names that are no list of names")
            }),
        }
    }

    /// Says where the next container is made; `None` takes it back.
    ///
    /// # Errors
    /// The module's code.
    pub(crate) fn set_place(&mut self, label: Option<&str>) -> Result<(), CallError> {
        self.set_own_property(PLACE, label.unwrap_or_default().as_bytes())
    }

    /// Public data of the card may be kept as hints although it has no counters.
    ///
    /// # Errors
    /// The module's code.
    pub(crate) fn hints_allowed(&mut self) -> Result<bool, CallError> {
        let value = self.own_property(HINTS)?;
        Ok(value.is_some_and(|bytes| bytes.as_slice() == 1_u32.to_ne_bytes()))
    }

    /// The application that a class module opened; `None` where the module tells none that is known.
    ///
    /// # Errors
    /// The module's code.
    pub(crate) fn application(&mut self) -> Result<Option<CardApplication>, CallError> {
        let name = self.own_property(APPLICATION)?;
        let name = name.as_ref().and_then(|name| str::from_utf8(name).ok());
        Ok(name.and_then(CardApplication::of_card_name))
    }

    /// Hands a management key to the module, or with an empty value makes it forget the one it has.
    ///
    /// # Errors
    /// The module's code.
    pub(crate) fn set_management_key(&mut self, value: &[u8]) -> Result<(), CallError> {
        self.set_own_property(MANAGEMENT_KEY, value)
    }

    /// A property that the module may not know.
    fn own_property(&mut self, name: &str) -> Result<Option<zeroize::Zeroizing<Vec<u8>>>, CallError> {
        if !self.has(CardFunction::GetProperty) {
            return Ok(None);
        }
        match self.get_property(name, 0, 0) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.is_unknown_property() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sets a property of the context, which changes nothing of the card.
    fn set_own_property(&mut self, name: &str, value: &[u8]) -> Result<(), CallError> {
        if !self.has(CardFunction::SetProperty) {
            return Err(CallError::new(CardFunction::SetProperty, CallErrorKind::Absent));
        }
        self.set_property(name, Some(value), 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_by_label_and_by_index() {
        let places = Places::parse(b"9a\09c\0\09e").expect("labels");
        let index = ContainerIndex::new;
        assert_eq!((places.find("9C"), places.find("9d"), places.find("")), (Some(index(1)), None, None));
        assert_eq!((places.label(index(3)), places.label(index(2))), (Some("9e"), None));
        assert_eq!(places.label(index(9)), None);
        assert_eq!(places.iter().map(|(_, label)| label).collect::<Vec<_>>(), ["9a", "9c", "9e"]);
        assert_eq!(Places::parse(&places.to_bytes()), Some(places.clone()));
        assert_eq!(Places::parse(b"9a\09c\0\09e\0"), Some(places), "a NUL at the end is forgiven");
    }

    #[test]
    fn names_are_found_as_they_are_written() {
        let names = Names::parse("web\0\0Büro\0web".as_bytes()).expect("names");
        let index = ContainerIndex::new;
        assert_eq!([names.find("web"), names.find("Büro")], [Some(index(0)), Some(index(2))]);
        assert_eq!([names.find("WEB"), names.find("")], [None, None]);
        assert_eq!(
            (names.name(index(2)), names.name(index(1)), names.name(index(9))),
            (Some("Büro"), None, None)
        );
        assert_eq!(Names::parse(&names.to_bytes()), Some(names));
        assert!(Names::parse(b"").expect("no names").is_empty());
        assert_eq!([Names::parse(&[0xFF]), Names::parse(&[0; 300])], [None, None]);
    }

    #[test]
    fn what_is_no_list_of_labels_is_none() {
        assert_eq!(Places::parse(&[0xFF]), None);
        assert_eq!(Places::parse(b"9a\n"), None);
        assert_eq!(Places::parse(&[0; 300]), None);
        assert!(Places::parse(b"").expect("no labels").is_empty());
    }
}
