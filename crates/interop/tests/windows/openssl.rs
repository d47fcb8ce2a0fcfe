//! Linux' OpenSSL as the judge of what the Windows program made, and as its peer.

use crate::desk::Desk;

impl Desk {
    /// OpenSSL takes `signature` for one over `data` with the key in `public`, both files of the home.
    #[track_caller]
    pub(crate) fn openssl_verifies(&self, public: &str, signature: &str, data: &str, options: &str) {
        self.tool(&format!("openssl dgst -sha256 -verify {public} -signature {signature} {options} {data}"))
            .success()
            .says("Verified OK");
    }

    /// OpenSSL, as an authority made for the occasion, answers the request with a certificate, which is for
    /// the key in `public`.
    #[track_caller]
    pub(crate) fn openssl_certifies(&self, request: &str, public: &str, certificate: &str) {
        self.tool(&format!("openssl req -in {request} -noout -verify")).success().says("verify OK");
        if !self.path("ca.pem").exists() {
            self.tool(
                "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key \
                 -subj /CN=ca -out ca.pem -days 9",
            )
            .success();
        }
        self.tool(&format!(
            "openssl x509 -req -in {request} -CA ca.pem -CAkey ca.key -CAcreateserial -days 9 -out {certificate}"
        ))
        .success();
        self.tool(&format!("openssl verify -CAfile ca.pem {certificate}")).success().says("OK");
        let named = self.tool(&format!("openssl x509 -in {certificate} -noout -pubkey")).success();
        assert_eq!(named.stdout, String::from_utf8_lossy(&self.read(public)), "it is for another key");
    }

    /// OpenSSL seals the file `data` for the key in `public` into the file `sealed`.
    #[track_caller]
    pub(crate) fn openssl_seals(&self, public: &str, options: &str) {
        self.tool(&format!("openssl pkeyutl -encrypt -pubin -inkey {public} -in data -out sealed {options}"))
            .success();
    }

    /// OpenSSL makes a key on this curve (`peer.pem`, `peer.pub.pem`) and agrees with the key in `public` on a
    /// secret, written to the file `theirs`.
    #[track_caller]
    pub(crate) fn openssl_agrees(&self, public: &str, curve: &str) {
        self.tool(&format!("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:{curve} -out peer.pem"))
            .success();
        self.tool("openssl pkey -in peer.pem -pubout -out peer.pub.pem").success();
        self.tool(&format!("openssl pkeyutl -derive -inkey peer.pem -peerkey {public} -out theirs"))
            .success();
    }

    /// Both files are certificates, and the same one.
    #[track_caller]
    pub(crate) fn same_certificate(&self, one: &str, other: &str) {
        let print = |file: &str| {
            self.tool(&format!("openssl x509 -in {file} -noout -fingerprint -sha256")).success().stdout
        };
        assert_eq!(print(one), print(other), "{one} and {other}");
    }
}
