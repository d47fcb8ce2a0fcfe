//! A PKCS#11 module on the card, driven by pkcs11-tool; OpenSSL judges what comes out.

use std::path::Path;

use cardmod_interop::Outcome;

use crate::desk::Desk;

/// A module at work on a desk's card.
pub(crate) struct Module<'a> {
    desk: &'a Desk,
    path: &'a str,
}

impl<'a> Module<'a> {
    pub(crate) fn new(desk: &'a Desk, path: &'a Path) -> Self {
        Self { desk, path: path.to_str().expect("a path of text") }
    }

    /// pkcs11-tool with these words.
    #[track_caller]
    pub(crate) fn tool(&self, line: &str) -> Outcome {
        self.desk.run(&format!("pkcs11-tool --module {} {line}", self.path))
    }

    /// The same after a login with the PIN.
    #[track_caller]
    pub(crate) fn login(&self, line: &str) -> Outcome {
        self.tool(&format!("--login --pin 123456 {line}"))
    }

    /// The EC key with this identifier signs `data` so that it verifies under `public` (PEM).
    #[track_caller]
    pub(crate) fn signs_ec(&self, id: &str, public: &str) {
        let sign = format!("--sign --mechanism ECDSA-SHA256 --signature-format openssl --id {id}");
        self.login(&format!("{sign} --input-file data --output-file signature")).success();
        self.desk.verify(public, "signature");
    }

    /// The RSA key with this identifier signs `data`.
    #[track_caller]
    pub(crate) fn signs_rsa(&self, id: &str, public: &str) {
        let sign = format!("--sign --mechanism SHA256-RSA-PKCS --id {id}");
        self.login(&format!("{sign} --input-file data --output-file signature")).success();
        self.desk.verify(public, "signature");
    }

    /// The RSA key with this identifier opens what was sealed for `public`.
    #[track_caller]
    pub(crate) fn decrypts(&self, id: &str, public: &str) {
        self.desk.seal(public);
        let decrypt = format!("--decrypt --mechanism RSA-PKCS --id {id}");
        self.login(&format!("{decrypt} --input-file sealed --output-file opened")).success();
        self.desk.same("data", "opened");
    }
}
