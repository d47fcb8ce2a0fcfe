//! Systems without Windows' registry: no entries, and no place for one.

use std::io;

use super::values::{Folders, Value, Values};
use super::{CalaisKey, RegistryView};

fn none<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "only Windows has such a registry"))
}

pub(super) fn folders(_view: RegistryView) -> Folders {
    Folders::default()
}

pub(super) fn cards(_key: &CalaisKey) -> io::Result<Vec<(String, io::Result<Values>)>> {
    none()
}

pub(super) fn card(_key: &CalaisKey, _name: &str) -> io::Result<Option<Values>> {
    none()
}

pub(super) fn write(_key: &CalaisKey, _name: &str, _values: &[(&str, Value)]) -> io::Result<()> {
    none()
}

pub(super) fn remove(_key: &CalaisKey, _name: &str) -> io::Result<()> {
    none()
}
