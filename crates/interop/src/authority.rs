//! A certificate authority of OpenSSL's: certificates for public keys whose private keys are on cards.

use crate::command::{run, tool};
use crate::home::Home;

/// The authority; its certificate is `ca.pem` in the home.
pub struct Authority<'a> {
    home: &'a Home,
}

impl<'a> Authority<'a> {
    /// An authority with its files in a home.
    ///
    /// # Panics
    /// When OpenSSL fails.
    pub fn new(home: &'a Home) -> Self {
        let authority = Self { home };
        authority
            .openssl(&format!("openssl req -x509 {NEW_KEY} -keyout ca.key -subj /CN=ca -out ca.pem -days 9"));
        // a request is signed by its own key, which never matters: the key is replaced
        authority.openssl(&format!("openssl req -new {NEW_KEY} -keyout any.key -subj /CN=any -out any.csr"));
        authority
    }

    /// Writes a certificate of `public` (PEM, a file of the home) for `/CN=subject` to `certificate` (PEM)
    /// and, with the ending `.der`, as DER.
    ///
    /// # Panics
    /// When OpenSSL fails.
    #[track_caller]
    pub fn certify(&self, public: &str, subject: &str, certificate: &str) {
        self.openssl(&format!(
            "openssl x509 -req -in any.csr -CA ca.pem -CAkey ca.key -CAcreateserial -subj /CN={subject} \
             -force_pubkey {public} -days 9 -out {certificate}"
        ));
        let stem = certificate.trim_end_matches(".pem");
        self.openssl(&format!("openssl x509 -in {certificate} -outform DER -out {stem}.der"));
    }

    #[track_caller]
    fn openssl(&self, line: &str) {
        run(tool(line).current_dir(self.home.folder())).success();
    }
}

/// Of an authority that lives for one test.
const NEW_KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
