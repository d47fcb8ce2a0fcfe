//! The calls into AWS-LC for Ed25519 and X25519. Keys are plain arrays there, so nothing is owned but
//! memory.

#![allow(unsafe_code)]

use aws_lc_sys as lc;
use zeroize::Zeroizing;

use super::failed;
use crate::CryptoError;

/// An Ed25519 key as the library wants it: the seed and the public key.
pub(crate) struct Ed25519Key(Zeroizing<[u8; 64]>);

/// An X25519 key with its public half.
pub(crate) struct X25519Key {
    private: Zeroizing<[u8; 32]>,
    public: [u8; 32],
}

impl Ed25519Key {
    /// A new key.
    pub(crate) fn generate() -> Ed25519Key {
        let (mut public, mut private) = ([0; 32], Zeroizing::new([0; 64]));
        // SAFETY:
        // * both arrays have the lengths the function writes (curve25519.h)
        unsafe { lc::ED25519_keypair(public.as_mut_ptr(), private.as_mut_ptr()) };
        Ed25519Key(private)
    }

    /// The key of a seed; every seed is one.
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Ed25519Key {
        let (mut public, mut private) = ([0; 32], Zeroizing::new([0; 64]));
        // SAFETY:
        // * all three arrays have the lengths the function reads and writes (curve25519.h)
        unsafe {
            lc::ED25519_keypair_from_seed(public.as_mut_ptr(), private.as_mut_ptr(), seed.as_ptr());
        }
        Ed25519Key(private)
    }

    /// The private key of RFC 8032.
    pub(crate) fn seed(&self) -> &[u8] {
        &self.0[..32]
    }

    pub(crate) fn public(&self) -> &[u8] {
        &self.0[32..]
    }

    /// The signature over a whole message.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<[u8; 64], CryptoError> {
        let mut out = [0; 64];
        // SAFETY:
        // * the message is passed with its length; the other arrays have the lengths of curve25519.h
        let done =
            unsafe { lc::ED25519_sign(out.as_mut_ptr(), message.as_ptr(), message.len(), self.0.as_ptr()) };
        if done == 1 { Ok(out) } else { Err(failed()) }
    }
}

impl X25519Key {
    /// A new key.
    pub(crate) fn generate() -> X25519Key {
        let (mut public, mut private) = ([0; 32], Zeroizing::new([0; 32]));
        // SAFETY:
        // * both arrays have the length the function writes (curve25519.h)
        unsafe { lc::X25519_keypair(public.as_mut_ptr(), private.as_mut_ptr()) };
        X25519Key { private, public }
    }

    /// The key with these private bytes; any are a key (RFC 7748, 5).
    pub(crate) fn from_private(private: &[u8; 32]) -> X25519Key {
        let mut public = [0; 32];
        // SAFETY:
        // * both arrays have the length the function reads and writes (curve25519.h)
        unsafe { lc::X25519_public_from_private(public.as_mut_ptr(), private.as_ptr()) };
        X25519Key { private: Zeroizing::new(*private), public }
    }

    pub(crate) fn private(&self) -> &[u8] {
        self.private.as_slice()
    }

    pub(crate) fn public(&self) -> &[u8] {
        &self.public
    }

    /// The shared secret; refuses a peer that would make it all zeros (RFC 7748, 6.1).
    pub(crate) fn agree(&self, peer: &[u8; 32]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let mut out = Zeroizing::new(vec![0; 32]);
        // SAFETY:
        // * all three arrays have the length the function reads and writes (curve25519.h)
        let done = unsafe { lc::X25519(out.as_mut_ptr(), self.private.as_ptr(), peer.as_ptr()) };
        if done == 1 {
            Ok(out)
        } else {
            failed();
            Err(CryptoError::BadPoint)
        }
    }
}
