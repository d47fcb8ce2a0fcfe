//! How the files of this crate say their facts: each macro declares the items and, beside them,
//! the same rows as data for [`crate::reflect`].

/// Base types whose width is promised.
macro_rules! scalars {
    ($($name:ident),* $(,)?) => {
        pub(crate) const SCALARS: &[$crate::reflect::Scalar] = &[$(
            $crate::reflect::Scalar {
                name: stringify!($name),
                size: size_of::<$name>(),
                align: align_of::<$name>(),
            },
        )*];
    };
}

/// Structures of C layout, each with a pointer type where the header has one.
macro_rules! structures {
    ($(
        $(#[$attribute:meta])*
        struct $name:ident $(, $pointer:ident)? {
            $( $(#[$field_attribute:meta])* $field:ident: $ty:ty, )*
        }
    )*) => {
        $(
            $(#[$attribute])*
            #[repr(C)]
            #[derive(Clone, Copy, Debug)]
            pub struct $name {
                $( $(#[$field_attribute])* pub $field: $ty, )*
            }
            $(
                #[doc = concat!("Pointer to [`", stringify!($name), "`].")]
                pub type $pointer = *mut $name;
            )?
            impl $crate::Zeroed for $name {
                const ZEROED: Self = Self { $( $field: <$ty as $crate::Zeroed>::ZEROED, )* };
            }
        )*
        pub(crate) const STRUCTURES: &[$crate::reflect::Structure] = &[$(
            $crate::reflect::Structure {
                name: stringify!($name),
                size: size_of::<$name>(),
                align: align_of::<$name>(),
                fields: &[$(
                    $crate::reflect::Field {
                        name: stringify!($field),
                        ty: stringify!($ty),
                        offset: core::mem::offset_of!($name, $field),
                        size: size_of::<$ty>(),
                    },
                )*],
            },
        )*];
    };
}

/// Types of pointers to functions; `None` is the NULL pointer.
macro_rules! functions {
    ($(
        $(#[$attribute:meta])*
        fn $name:ident($($parameter:ident: $ty:ty),* $(,)?) $(-> $result:ty)?;
    )*) => {
        $(
            $(#[$attribute])*
            pub type $name = Option<unsafe extern "system" fn($($parameter: $ty),*) $(-> $result)?>;
        )*
        pub(crate) const FUNCTIONS: &[$crate::reflect::Function] = &[$(
            $crate::reflect::Function {
                name: stringify!($name),
                parameters: &[$((stringify!($parameter), stringify!($ty)),)*],
                result: concat!($(stringify!($result))?),
            },
        )*];
    };
}

/// Named numbers in groups; a group's text documents each of its members.
macro_rules! numbers {
    ($( group $text:literal { $( $(#[$attribute:meta])* $name:ident = $value:expr, )* } )*) => {
        $($(
            #[doc = $text]
            $(#[$attribute])*
            pub const $name: u32 = $value;
        )*)*
        pub(crate) const NUMBERS: &[$crate::reflect::Number] = &[$($(
            $crate::reflect::Number { name: stringify!($name), value: $name },
        )*)*];
    };
}

/// Named texts in groups: `wide` ones are UTF-16 with their terminator, `narrow` ones C strings.
macro_rules! texts {
    ($( $kind:ident $text:literal { $( $(#[$attribute:meta])* $name:ident = $value:literal, )* } )*) => {
        $( texts! { @declare $kind $text $( $(#[$attribute])* $name = $value, )* } )*
        pub(crate) const TEXTS: &[$crate::reflect::Text] = &[$($(
            $crate::reflect::Text {
                name: stringify!($name),
                value: $value,
                wide: texts!(@is_wide $kind),
            },
        )*)*];
    };
    (@is_wide wide) => { true };
    (@is_wide narrow) => { false };
    (@declare wide $text:literal $( $(#[$attribute:meta])* $name:ident = $value:literal, )*) => {
        $(
            #[doc = $text]
            #[doc = concat!("\n\nUTF-16 with its terminator: `\"", $value, "\"`.")]
            $(#[$attribute])*
            pub const $name: &[$crate::WCHAR] = {
                const UNITS: [$crate::WCHAR; $value.len() + 1] = $crate::macros::utf16($value);
                &UNITS
            };
        )*
    };
    (@declare narrow $text:literal $( $(#[$attribute:meta])* $name:ident = $value:literal, )*) => {
        $(
            #[doc = $text]
            #[doc = concat!("\n\nNarrow, with its terminator: `\"", $value, "\"`.")]
            $(#[$attribute])*
            pub const $name: &core::ffi::CStr =
                match core::ffi::CStr::from_bytes_with_nul(concat!($value, "\0").as_bytes()) {
                    Ok(text) => text,
                    Err(_) => unreachable!(),
                };
        )*
    };
}

/// The UTF-16 form of an ASCII text, followed by zero.
pub(crate) const fn utf16<const UNITS: usize>(text: &str) -> [u16; UNITS] {
    let bytes = text.as_bytes();
    assert!(bytes.len() + 1 == UNITS && text.is_ascii());
    let mut units = [0; UNITS];
    let mut at = 0;
    while at < bytes.len() {
        units[at] = bytes[at] as u16;
        at += 1;
    }
    units
}
