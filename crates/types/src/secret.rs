//! Bytes nobody may see: wiped when dropped, compared in constant time, printed as a length.

use core::fmt;

use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

macro_rules! secret_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Wiped when dropped; `==` compares in constant time (lengths are not secret); `Debug` and
        /// `Display` show the length alone.
        #[derive(Clone)]
        pub struct $name(Zeroizing<Vec<u8>>);

        impl $name {
            /// Takes the bytes over; no copy is made, the vector is wiped with the secret.
            #[must_use]
            pub fn new(bytes: Vec<u8>) -> Self {
                Self(Zeroizing::new(bytes))
            }

            /// The bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }

            /// How many bytes.
            #[must_use]
            pub fn len(&self) -> usize {
                self.0.len()
            }

            /// Whether there are none.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }

            /// The bytes in a buffer that still wipes itself.
            #[must_use]
            pub fn into_zeroizing(self) -> Zeroizing<Vec<u8>> {
                self.0
            }
        }

        impl From<Vec<u8>> for $name {
            fn from(bytes: Vec<u8>) -> Self {
                Self::new(bytes)
            }
        }

        impl From<Zeroizing<Vec<u8>>> for $name {
            fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
                Self(bytes)
            }
        }

        impl From<&[u8]> for $name {
            fn from(bytes: &[u8]) -> Self {
                Self::new(bytes.to_vec())
            }
        }

        impl<const N: usize> From<&[u8; N]> for $name {
            fn from(bytes: &[u8; N]) -> Self {
                Self::new(bytes.to_vec())
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                self.as_bytes()
            }
        }

        impl ConstantTimeEq for $name {
            fn ct_eq(&self, other: &Self) -> Choice {
                self.as_bytes().ct_eq(other.as_bytes())
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.ct_eq(other).into()
            }
        }

        impl Eq for $name {}

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.len())
            }
        }
    };
}

secret_type! {
    /// A PIN or PUK as the card wants it: bytes without terminator or padding.
    Pin
}

secret_type! {
    /// A key, a shared secret, a plaintext: bytes of any kind.
    SecretBytes
}

impl From<&str> for Pin {
    fn from(text: &str) -> Self {
        Self::from(text.as_bytes())
    }
}

impl From<String> for Pin {
    /// Takes the text's memory over, so that no copy of it stays behind.
    fn from(text: String) -> Self {
        Self::new(text.into_bytes())
    }
}

impl SecretBytes {
    /// `len` zero bytes, to be filled through [`SecretBytes::as_mut_bytes`].
    #[must_use]
    pub fn zeroed(len: usize) -> Self {
        Self::new(vec![0; len])
    }

    /// The bytes, to be changed in place. Their number is fixed: growing would leave copies behind.
    pub fn as_mut_bytes(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// Shortens to the first `len` bytes; what is cut off is wiped.
    pub fn truncate(&mut self, len: usize) {
        if let Some(cut) = self.0.get_mut(len..) {
            zeroize::Zeroize::zeroize(cut);
            self.0.truncate(len);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_print_as_lengths() {
        let pin = Pin::from("123456");
        assert_eq!(format!("{pin} {pin:?}"), "Pin(6) Pin(6)");
        assert_eq!(format!("{:?}", Some(SecretBytes::from(&[1, 2, 3]))), "Some(SecretBytes(3))");
    }

    #[test]
    fn equality_sees_content_and_length() {
        assert_eq!(Pin::from("1234"), Pin::from(String::from("1234")));
        assert_ne!(Pin::from("1234"), Pin::from("1235"));
        assert_ne!(Pin::from("1234"), Pin::from("12345"));
        assert!(Pin::from("").is_empty());
    }

    #[test]
    fn truncation_never_grows() {
        let mut secret = SecretBytes::from(&[1, 2, 3, 4]);
        secret.truncate(9);
        assert_eq!(secret.len(), 4);
        secret.truncate(2);
        assert_eq!(secret.as_bytes(), [1, 2]);
        assert_eq!(SecretBytes::zeroed(3).as_bytes(), [0; 3]);
    }
}
