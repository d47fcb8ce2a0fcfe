//! Signs a file as CMS (RFC 5652, what S/MIME and code signing stand on): `sign_cms READER CONTAINER FILE`,
//! the PIN in the variable `PIN`. The message with content and certificate goes to `FILE.p7m` as DER.
//!
//! What it shows: a key of any kind as the signer of the `cms` crate, and the certificate of its container.
#![forbid(unsafe_code)]

use std::error::Error;
use std::path::Path;

use cardmod_default::{Environment, EnvironmentOptions};
use cardmod_host::signer::{AnySignature, AnySigner, CardKey};
use cardmod_host::types::{HashAlgorithm, Pin};
use cardmod_host::{FixedPin, OpenOptions};
use cms::builder::{SignedDataBuilder, SignerInfoBuilder};
use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::signed_data::{EncapsulatedContentInfo, SignerIdentifier};
use der::asn1::{ObjectIdentifier, OctetString};
use der::{Any, Decode as _, Encode as _};
use spki::AlgorithmIdentifierOwned;
use x509_cert::Certificate;

/// `id-data` (RFC 5652, section 4).
const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [reader, container, file] = &arguments[..] else {
        return Err("usage: sign_cms READER CONTAINER FILE".into());
    };
    let environment = Environment::open(EnvironmentOptions::default())?;
    let session = environment.open_card(reader, OpenOptions::default())?;
    let pins = FixedPin::new(Pin::from(std::env::var("PIN")?));
    sign(&session.share().signer(Some(container), None, pins)?, Path::new(file))
}

fn sign(key: &CardKey, file: &Path) -> Result<(), Box<dyn Error>> {
    let signer = key.any_signer();
    let certificate = Certificate::from_der(&key.certificate()?)?;
    let message = signed(&signer, &certificate, std::fs::read(file)?)?;
    std::fs::write(file.with_extension("p7m"), message)?;
    Ok(())
}

fn signed(
    signer: &AnySigner,
    certificate: &Certificate,
    content: Vec<u8>,
) -> Result<Vec<u8>, Box<dyn Error>> {
    // SHA-2 has no parameters (RFC 5754, section 2).
    let oid = match signer.hash() {
        HashAlgorithm::Sha384 => "2.16.840.1.101.3.4.2.2",
        HashAlgorithm::Sha512 => "2.16.840.1.101.3.4.2.3",
        _ => "2.16.840.1.101.3.4.2.1",
    };
    let digest = AlgorithmIdentifierOwned { oid: ObjectIdentifier::new(oid)?, parameters: None };
    let content = Any::encode_from(&OctetString::new(content)?)?;
    let content = EncapsulatedContentInfo { econtent_type: DATA, econtent: Some(content) };
    let body = certificate.tbs_certificate();
    let whose = SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
        issuer: body.issuer().clone(),
        serial_number: body.serial_number().clone(),
    });
    let signature = SignerInfoBuilder::new(whose, digest.clone(), &content, None)?;
    let mut builder = SignedDataBuilder::new(&content);
    builder
        .add_digest_algorithm(digest)?
        .add_certificate(CertificateChoices::Certificate(certificate.clone()))?
        .add_signer_info::<AnySigner, AnySignature>(signature, signer)?;
    Ok(builder.build()?.to_der()?)
}

// Unix systems alone have openssl at hand.
#[cfg(unix)]
#[test]
fn openssl_takes_the_message() {
    use std::process::Command;

    use cardmod_host::KeyAlgorithm;
    use cardmod_host::types::EcCurve;
    let test = cardmod_default::testing::card();
    let card = test.open();
    for algorithm in [KeyAlgorithm::Rsa(2048), KeyAlgorithm::Ec(EcCurve::P384)] {
        let name = algorithm.to_string();
        test.generate(&name, algorithm);
        let key = card.signer(Some(&name), None, test.pin()).expect("a key");
        certify(&test, &key);
        let file = test.home().join("letter");
        std::fs::write(&file, "the letter").expect("a file");
        sign(&key, &file).expect("signed");
        let line = "cms -verify -inform DER -in letter.p7m -CAfile own.pem -purpose any -out opened";
        let openssl = Command::new("openssl").args(line.split(' ')).current_dir(test.home()).output();
        let openssl = openssl.expect("openssl, which ./test.sh installs");
        assert!(openssl.status.success(), "{algorithm}: {}", String::from_utf8_lossy(&openssl.stderr));
        assert_eq!(std::fs::read(test.home().join("opened")).expect("a file"), b"the letter");
    }
}

/// Gives the key a certificate of its own making, and leaves it in `own.pem`.
#[cfg(all(test, unix))]
fn certify(test: &cardmod_default::testing::TestCard, key: &CardKey) {
    use std::time::Duration;

    use der::EncodePem as _;
    use signature::Keypair as _;
    use x509_cert::builder::profile::cabf::Root;
    use x509_cert::builder::{Builder as _, CertificateBuilder};
    let signer = key.any_signer();
    let public = spki::SubjectPublicKeyInfoOwned::from_key(&signer.verifying_key()).expect("a key");
    let profile = Root::new(true, "CN=me,O=Example,C=DE".parse().expect("a name")).expect("a profile");
    let validity = x509_cert::time::Validity::from_now(Duration::from_secs(600)).expect("ten minutes");
    let builder = CertificateBuilder::new(profile, 1_u8.into(), validity, public).expect("a certificate");
    let made = builder.build::<_, AnySignature>(&signer).expect("signed");
    std::fs::write(test.home().join("own.pem"), made.to_pem(der::pem::LineEnding::LF).expect("PEM"))
        .expect("a file");
    let der = made.to_der().expect("DER");
    let imported = test.session().import_certificate(Some(key.container()), None, &der, &mut test.pin());
    imported.expect("imported");
}
