//! A certification authority whose key is on a card:
//! `issue_certificate READER CONTAINER HOST PUBLIC-KEY-FILE`. It prints its own certificate, and one for the
//! host with that public key (all PEM). The PIN is in the variable `PIN`.
//!
//! What it shows: a key of any kind as the signer of `x509-cert`'s builder.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use std::error::Error;
use std::time::Duration;

use cardmod_default::{Environment, EnvironmentOptions};
use cardmod_host::signer::{AnySignature, AnySigner};
use cardmod_host::types::Pin;
use cardmod_host::{FixedPin, OpenOptions};
use der::asn1::Ia5String;
use der::pem::LineEnding;
use der::{DecodePem as _, EncodePem as _};
use signature::Keypair as _;
use spki::SubjectPublicKeyInfoOwned;
use x509_cert::Certificate;
use x509_cert::builder::profile::cabf::Root;
use x509_cert::builder::profile::cabf::tls::{CertificateType, Subscriber};
use x509_cert::builder::{Builder as _, CertificateBuilder};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::Validity;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const AUTHORITY: &str = "CN=Authority on a card,O=Example,C=DE";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [reader, container, host, public_key] = &arguments[..] else {
        return Err("usage: issue_certificate READER CONTAINER HOST PUBLIC-KEY-FILE".into());
    };
    let public_key = SubjectPublicKeyInfoOwned::from_pem(std::fs::read(public_key)?)?;
    let environment = Environment::open(EnvironmentOptions::default())?;
    let session = environment.open_card(reader, OpenOptions::default())?;
    let pins = FixedPin::new(Pin::from(std::env::var("PIN")?));
    let signer = session.share().signer(Some(container), None, pins)?.any_signer();
    let authority = authority(&signer)?;
    let issued = issue(&signer, &authority, host, public_key)?;
    print!("{}{}", authority.to_pem(LineEnding::LF)?, issued.to_pem(LineEnding::LF)?);
    Ok(())
}

/// The authority's own certificate.
fn authority(signer: &AnySigner) -> Result<Certificate, Box<dyn Error>> {
    let key = SubjectPublicKeyInfoOwned::from_key(&signer.verifying_key())?;
    let profile = Root::new(false, AUTHORITY.parse()?)?;
    let builder = CertificateBuilder::new(profile, serial()?, Validity::from_now(3650 * DAY)?, key)?;
    Ok(builder.build::<_, AnySignature>(signer)?)
}

/// A certificate for a server.
fn issue(
    signer: &AnySigner,
    authority: &Certificate,
    host: &str,
    key: SubjectPublicKeyInfoOwned,
) -> Result<Certificate, Box<dyn Error>> {
    let names = vec![GeneralName::DnsName(Ia5String::new(host)?)];
    let profile = Subscriber {
        certificate_type: CertificateType::domain_validated(Name::default(), names.clone())?,
        issuer: authority.tbs_certificate().subject().clone(),
        client_auth: false,
    };
    let mut builder = CertificateBuilder::new(profile, serial()?, Validity::from_now(90 * DAY)?, key)?;
    // The profile checks the names; the extension is ours to add.
    builder.add_extension(&SubjectAltName(names))?;
    Ok(builder.build::<_, AnySignature>(signer)?)
}

/// A random serial number, as certificate policies want it.
fn serial() -> Result<SerialNumber, Box<dyn Error>> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    // positive, and never shorter
    bytes[0] = bytes[0] & 0x7F | 0x40;
    Ok(SerialNumber::new(&bytes)?)
}

// Unix systems alone have openssl at hand.
#[cfg(unix)]
#[test]
fn openssl_takes_what_the_authority_issued() {
    use std::process::Command;

    use cardmod_host::KeyAlgorithm;
    use cardmod_host::types::EcCurve;
    let test = cardmod_default::testing::card();
    let card = test.open();
    let server = test.generate("server", KeyAlgorithm::Ec(EcCurve::P256));
    let server = server.key(None).expect("its key").public.to_spki_der();
    let server: SubjectPublicKeyInfoOwned = der::Decode::from_der(&server).expect("a public key");
    for algorithm in
        [KeyAlgorithm::Rsa(2048), KeyAlgorithm::Ec(EcCurve::P256), KeyAlgorithm::Ec(EcCurve::P521)]
    {
        let container = algorithm.to_string();
        test.generate(&container, algorithm);
        let signer = card.signer(Some(&container), None, test.pin()).expect("a key").any_signer();
        let authority = authority(&signer).expect("its certificate");
        let issued = issue(&signer, &authority, "web.example", server.clone()).expect("a certificate");
        for (name, certificate) in [("ca.pem", &authority), ("web.pem", &issued)] {
            let pem = certificate.to_pem(LineEnding::LF).expect("PEM");
            std::fs::write(test.home().join(name), pem).expect("a file");
        }
        let verify =
            ["verify", "-CAfile", "ca.pem", "-purpose", "sslserver", "-verify_hostname", "web.example"];
        let output = Command::new("openssl").args(verify).arg("web.pem").current_dir(test.home()).output();
        let output = output.expect("openssl, which ./test.sh installs");
        assert!(output.status.success(), "{algorithm}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
