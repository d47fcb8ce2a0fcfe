//! Parsers: whatever the bytes, they return, and what they accept they write again as they would read it.

use cardmod_gids::{Application, FileTable, Keymap};
use cardmod_host::{CacheRecord, x509};
use cardmod_iso7816::tlv::Reader;
use cardmod_iso7816::{Atr, Limits, parse_command};
use cardmod_pcsc::{MAX_APDU_DATA_SIZE, parse_features, parse_property};
use cardmod_types::padding::{oaep_unpad, pkcs1_unpad};
use cardmod_types::redact::Redactor;
use cardmod_types::{
    CardCf, CardId, ContainerMap, ContainerName, ContainerRecord, DirectoryName, EcCurve, EcPublicKey,
    FileName, FilePath, HashAlgorithm, KeySpec, PrivateKey, PublicKey, certificate,
};

use crate::Target;
use crate::source::Source;

/// Mutations for a parser, which is quick.
const MANY: u32 = 20_000;

/// A self-signed P-256 certificate, and a PKCS#12 file with it and its key under "password"; both by openssl.
pub(crate) const CERTIFICATE: &[u8] = include_bytes!("../seeds/certificate.der");
pub(crate) const BUNDLE: &[u8] = include_bytes!("../seeds/bundle.p12");

pub(crate) const TARGETS: &[Target] = &[
    Target { name: "tlv", shows: "BER-TLV", run: tlv, seeds: tlv_seeds, mutations: MANY },
    Target { name: "command", shows: "command APDUs", run: command, seeds: command_seeds, mutations: MANY },
    Target { name: "atr", shows: "answers to reset", run: atr, seeds: atr_seeds, mutations: MANY },
    Target { name: "redact", shows: "the APDU log", run: redact, seeds: command_seeds, mutations: MANY },
    Target {
        name: "container_map",
        shows: "cmapfile, cardcf, cardid, names",
        run: container_map,
        seeds: container_map_seeds,
        mutations: MANY,
    },
    Target {
        name: "certificate",
        shows: "certificate files, compressed or not",
        run: certificate_file,
        seeds: certificate_seeds,
        mutations: MANY,
    },
    Target { name: "keys", shows: "key blobs and DER keys", run: keys, seeds: key_seeds, mutations: MANY },
    Target {
        name: "reader",
        shows: "feature and property lists of readers, records of the public store",
        run: reader,
        seeds: reader_seeds,
        mutations: MANY,
    },
    Target {
        name: "padding",
        shows: "removal of padding",
        run: padding,
        seeds: padding_seeds,
        mutations: 500,
    },
    Target { name: "gids", shows: "file table, keymap, FCI", run: gids, seeds: gids_seeds, mutations: MANY },
    Target {
        name: "x509",
        shows: "certificates and bundles",
        run: x509_files,
        seeds: x509_seeds,
        mutations: 1000,
    },
    Target {
        name: "pkcs12",
        shows: "PKCS#12 files",
        run: |data| drop(x509::read_pkcs12(data, "password")),
        seeds: || vec![BUNDLE.to_vec()],
        mutations: 1000,
    },
];

fn tlv(data: &[u8]) {
    let mut total = 0;
    for object in Reader::new(data) {
        match object {
            Ok(object) => {
                total += object.value.len();
                // One level down, as every user does.
                Reader::new(object.value).for_each(drop);
            }
            Err(_) => break,
        }
    }
    assert!(total <= data.len(), "values lie within the input");
}

fn tlv_seeds() -> Vec<Vec<u8>> {
    vec![
        vec![0x7F, 0x49, 0x04, 0x81, 0x02, 0x01, 0x02],
        vec![0x53, 0x82, 0x00, 0x03, 0x70, 0x01, 0x00],
        vec![0xDF, 0x1F, 0x00, 0x7C, 0x02, 0x82, 0x00],
    ]
}

fn command(data: &[u8]) {
    if let Ok(command) = parse_command(data) {
        assert!(command.data.len() < data.len());
    }
}

fn command_seeds() -> Vec<Vec<u8>> {
    vec![
        vec![0x00, 0xA4, 0x04, 0x00],
        vec![0x00, 0x20, 0x00, 0x80, 0x06, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36],
        vec![0x00, 0xCB, 0x3F, 0xFF, 0x00, 0x00, 0x05, 0x5C, 0x03, 0x5F, 0xC1, 0x05, 0x00, 0x00],
        vec![0x10, 0xDB, 0x3F, 0xFF, 0x02, 0x5C, 0x03],
    ]
}

fn atr(data: &[u8]) {
    drop(Atr::parse(data));
    let limits = Limits::announced_in_atr(data);
    assert!(!limits.t0, "an ATR's capabilities say nothing about the protocol");
}

fn atr_seeds() -> Vec<Vec<u8>> {
    let yubikey = b"\x3B\xFD\x13\x00\x00\x81\x31\xFE\x15\x80\x73\xC0\x21\xC0\x57YubiKey\x40";
    vec![yubikey.to_vec(), vec![0x3B, 0x85, 0x80, 0x01, 0x80, 0x73, 0xC0, 0x01, 0xC0, 0x77]]
}

/// Commands and answers by turns; a PIN in the input must not come out.
fn redact(data: &[u8]) {
    const PIN: &[u8] = b"\x00\x20\x00\x80\x0891827364";
    let mut redactor = Redactor::new();
    let mut source = Source::new(data);
    while !source.is_empty() {
        let len = usize::from(source.byte());
        drop(redactor.command(source.bytes(len)));
        let len = usize::from(source.byte());
        drop(redactor.response(source.bytes(len)));
        let text = redactor.command(PIN);
        assert!(!text.contains("3931383237333634"), "a PIN in the log: {text}");
        drop(redactor.response(&[0x90, 0x00]));
    }
}

fn reader(data: &[u8]) {
    let features = parse_features(data);
    assert!(features.len() <= data.len() / 6, "six bytes for each");
    for tag in 0..=MAX_APDU_DATA_SIZE {
        let _ = parse_property(data, tag);
    }
    drop(CacheRecord::parse(data));
}

fn reader_seeds() -> Vec<Vec<u8>> {
    vec![vec![0x06, 4, 0x42, 0x33, 0, 6, 0x12, 4, 0x42, 0x33, 0, 0x12], vec![1, 2, 0, 0, 0x0A, 4, 0, 0, 1, 0]]
}

fn container_map(data: &[u8]) {
    if let Ok(map) = ContainerMap::parse(data) {
        let bytes = map.to_bytes();
        assert_eq!(ContainerMap::parse(&bytes).as_ref(), Ok(&map), "what is read is written the same");
        map.iter().for_each(drop);
        map.damaged().for_each(drop);
    }
    if let Ok(cardcf) = CardCf::parse(data) {
        assert_eq!(cardcf.to_bytes(), data);
    }
    let _ = (CardId::parse(data), FileName::parse(data), DirectoryName::parse(data));
    drop(std::str::from_utf8(data).map(|text| (FilePath::parse(text), ContainerName::parse(text))));
}

fn container_map_seeds() -> Vec<Vec<u8>> {
    let mut map = ContainerMap::new();
    for (index, name) in ["first", "second"].iter().enumerate() {
        let name = ContainerName::parse(name).expect("a name");
        let mut record = ContainerRecord::new(name);
        record.key_exchange_bits = 2048;
        let index = u8::try_from(index).expect("a small number");
        map.set(index.into(), Some(record)).expect("room");
    }
    vec![map.to_bytes(), CardCf::new().to_bytes().to_vec(), b"mscp\\kxc00".to_vec()]
}

fn certificate_file(data: &[u8]) {
    if let Ok(der) = certificate::expand(data) {
        assert!(der.len() <= 1 << 16, "bounded: {}", der.len());
    }
    if let Ok(packed) = certificate::compress(data) {
        assert_eq!(certificate::expand(&packed).as_deref(), Ok(data));
    }
}

fn certificate_seeds() -> Vec<Vec<u8>> {
    let der = [&[0x30, 0x82, 0x01, 0x00][..], &[7; 256]].concat();
    vec![certificate::compress(&der).expect("compressible"), der]
}

fn keys(data: &[u8]) {
    if let Ok((key, _)) = PublicKey::from_blob(data) {
        assert_eq!(PublicKey::from_spki_der(&key.to_spki_der()), Ok(key));
    }
    drop(PublicKey::from_spki_der(data));
    if let Ok((key, _)) = PrivateKey::from_blob(data) {
        assert!(PrivateKey::from_pkcs8_der(key.to_pkcs8_der().as_bytes()).is_ok());
    }
    drop(PrivateKey::from_der(data));
    for curve in [EcCurve::P256, EcCurve::P384, EcCurve::P521] {
        drop(EcPublicKey::from_uncompressed(curve, data));
        if let Ok(signature) = x509::ecdsa_from_der(data, curve) {
            assert_eq!(signature.len(), 2 * curve.coordinate_len());
        }
    }
}

fn key_seeds() -> Vec<Vec<u8>> {
    let point = EcPublicKey::new(EcCurve::P256, &[3; 32], &[4; 32]).expect("coordinates");
    let key = PublicKey::Ec(point);
    vec![key.to_blob(KeySpec::EcdsaP256), key.to_spki_der(), vec![0x30, 6, 2, 1, 1, 2, 1, 1]]
}

fn padding(data: &[u8]) {
    if let Ok(plain) = pkcs1_unpad(data) {
        assert!(plain.as_bytes().len() + 11 <= data.len());
    }
    for hash in [HashAlgorithm::Sha1, HashAlgorithm::Sha256] {
        if let Ok(plain) = oaep_unpad(hash, &[], data) {
            assert!(plain.as_bytes().len() < data.len());
        }
    }
}

fn padding_seeds() -> Vec<Vec<u8>> {
    let block = [&[0x00, 0x02][..], &[0x55; 117], &[0x00], b"plaintext"].concat();
    vec![block]
}

fn gids(data: &[u8]) {
    if let Ok(table) = FileTable::parse(data) {
        assert_eq!(FileTable::parse(&table.to_bytes()).as_ref(), Ok(&table));
        table.files().for_each(drop);
        table.directories().for_each(drop);
        let _ = table.free_tag(0xA010);
    }
    if let Ok(keymap) = Keymap::parse(data) {
        assert_eq!(Keymap::parse(&keymap.to_bytes()).as_ref(), Ok(&keymap));
        for container in keymap.used() {
            assert!(keymap.get(container).is_some(), "a used record can be read");
        }
    }
    drop(Application::parse(data));
}

fn gids_seeds() -> Vec<Vec<u8>> {
    let keymap = vec![1, 1, 0, 0, 0, 0x07, 0x9A, 0x81, 0xB0, 0xFF, 0xFF, 0, 0];
    vec![FileTable::initial().to_bytes(), keymap]
}

fn x509_files(data: &[u8]) {
    drop(x509::parse(data));
    drop(x509::summary(data));
    drop(x509::common_name(data));
    drop(x509::parse_all(data));
    drop(x509::from_pkcs7(data));
}

fn x509_seeds() -> Vec<Vec<u8>> {
    let pem = x509::to_pem("CERTIFICATE", CERTIFICATE).expect("a certificate");
    let bundle = x509::to_pkcs7(&[CERTIFICATE.to_vec()]).expect("a bundle of one");
    vec![CERTIFICATE.to_vec(), pem.into_bytes(), bundle]
}
