//! What the crate declares, as data: for the tests that compare it with measured tables, for the
//! C header made from it, and for programs that show codes by name.

/// A base type, with its size and alignment in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// The type's name.
    pub name: &'static str,
    /// Its size.
    pub size: usize,
    /// Its alignment.
    pub align: usize,
}

/// A structure.
#[derive(Clone, Copy, Debug)]
pub struct Structure {
    /// The structure's name.
    pub name: &'static str,
    /// Its size in bytes on this target.
    pub size: usize,
    /// Its alignment in bytes on this target.
    pub align: usize,
    /// Its members, in order.
    pub fields: &'static [Field],
}

/// A member of a structure.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The member's name.
    pub name: &'static str,
    /// Its type as it is spelled in Rust, `[WCHAR; 40]` for an array.
    pub ty: &'static str,
    /// Where it begins, in bytes on this target.
    pub offset: usize,
    /// Its size in bytes on this target.
    pub size: usize,
}

/// The type of a pointer to a function.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// The type's name, such as `PFN_CARD_READ_FILE`.
    pub name: &'static str,
    /// Names and types of its parameters, in order.
    pub parameters: &'static [(&'static str, &'static str)],
    /// The type of its result; empty where there is none.
    pub result: &'static str,
}

/// A named number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// The constant's name.
    pub name: &'static str,
    /// Its value.
    pub value: u32,
}

/// A named text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// The constant's name.
    pub name: &'static str,
    /// Its characters, without the terminator.
    pub value: &'static str,
    /// UTF-16 in the interface, otherwise narrow.
    pub wide: bool,
}

/// All base types.
pub const SCALARS: &[Scalar] = crate::scalars::SCALARS;
/// All structures, by file.
pub const STRUCTURES: &[&[Structure]] = &[
    crate::structures::STRUCTURES,
    crate::card_data::STRUCTURES,
    crate::piv::STRUCTURES,
    crate::wincrypt::STRUCTURES,
    crate::cng::STRUCTURES,
];
/// All function types.
pub const FUNCTIONS: &[Function] = crate::functions::FUNCTIONS;
/// All numbers, by file.
pub const NUMBERS: &[&[Number]] = &[
    crate::constants::NUMBERS,
    crate::piv::NUMBERS,
    crate::errors::NUMBERS,
    crate::wincrypt::NUMBERS,
    crate::cng::NUMBERS,
    crate::ncrypt::NUMBERS,
];
/// All texts, by file.
pub const TEXTS: &[&[Text]] = &[
    crate::strings::TEXTS,
    crate::piv::TEXTS,
    crate::wincrypt::TEXTS,
    crate::cng_names::TEXTS,
    crate::ncrypt::TEXTS,
];

/// The name of a return code: the first `SCARD_…`, `NTE_…`, `E_…` or `ERROR_…` of that value.
///
/// ```
/// assert_eq!(cardmod_sys::reflect::code_name(0x8010_006B), Some("SCARD_W_WRONG_CHV"));
/// assert_eq!(cardmod_sys::reflect::code_name(0xDEAD_BEEF), None);
/// ```
#[must_use]
pub fn code_name(code: u32) -> Option<&'static str> {
    crate::errors::NUMBERS.iter().find(|number| number.value == code).map(|number| number.name)
}
