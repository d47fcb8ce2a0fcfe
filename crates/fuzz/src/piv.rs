//! Parsers of the PIV edge: data objects, metadata, what vendors keep on their cards.

use cardmod_piv::{
    AdminData, Application, CardCapabilities, Certificate, Chuid, Discovery, FascN, KeyHistory, Metadata,
    PrintedInformation, SecurityObject, Slot, SlotKey, SlotMap,
};

use crate::Target;
use crate::parsers::CERTIFICATE;

/// More than the longest object: nothing is expanded beyond it.
const LONGEST: usize = 1 << 16;

pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "piv_objects",
        shows: "data objects of PIV",
        run: objects,
        seeds: object_seeds,
        mutations: 20_000,
    },
    Target {
        name: "piv_certificate",
        shows: "certificate objects, plain, gzip and zlib",
        run: certificate,
        seeds: certificate_seeds,
        mutations: 10_000,
    },
    Target {
        name: "piv_vendor",
        shows: "metadata, admin data, stored map",
        run: vendor,
        seeds: vendor_seeds,
        mutations: 20_000,
    },
];

fn objects(data: &[u8]) {
    let _ = (Application::parse(data), CardCapabilities::parse(data), PrintedInformation::parse(data));
    let _ = (SecurityObject::parse(data), Chuid::parse(data), Discovery::parse(data));
    if let Ok(history) = KeyHistory::parse(data) {
        let slots = history.slots_with_certificate().chain(history.slots_without_certificate());
        assert!(slots.count() <= 40, "twenty retired keys, each named at most twice");
    }
    if let Some(number) = FascN::new(data) {
        let _ = (number.agency(), number.digits());
    }
    if let Some(slot) = std::str::from_utf8(data).ok().and_then(|text| text.parse::<Slot>().ok()) {
        assert_eq!(slot.label().parse(), Ok(slot));
    }
}

fn certificate(data: &[u8]) {
    if let Ok(Some(certificate)) = Certificate::parse(data) {
        assert!(certificate.der().len() <= LONGEST, "bounded: {}", certificate.der().len());
        assert_eq!(certificate.der().first(), Some(&0x30), "a certificate is a SEQUENCE");
    }
    drop(SlotKey::from_spki_der(data));
}

fn vendor(data: &[u8]) {
    drop(Metadata::parse(data));
    if let Ok(admin) = AdminData::parse(data) {
        assert_eq!(
            AdminData::parse(&admin.encode()).as_ref(),
            Ok(&admin),
            "what is read is written the same"
        );
    }
    if let Ok(map) = SlotMap::parse(data) {
        assert_eq!(SlotMap::parse(&map.encode()).as_ref(), Ok(&map), "what is read is written the same");
        for (index, record) in map.containers() {
            assert_eq!(map.get(index), Some(record));
            let _ = (record.slot(), record.name());
        }
    }
}

fn object_seeds() -> Vec<Vec<u8>> {
    let chuid = [
        &[0x30, 0x19][..],
        b"\xD4\xE7\x39\xDA\x73\x9C\xED\x39\xCE\x73\x9D\x83\x68\x58\x21\x08\x42\x10\x84\x21\xC8\x42\x10\xC3\xEB",
        &[0x34, 0x10],
        &[0x5A; 16],
        b"\x35\x0820300101\x3E\x00\xFE\x00",
    ];
    vec![
        b"\x61\x11\x4F\x06\x00\x00\x10\x00\x01\x00\x79\x07\x4F\x05\xA0\x00\x00\x03\x08".to_vec(),
        chuid.concat(),
        b"\xC1\x01\x05\xC2\x01\x00\xFE\x00".to_vec(),
        b"\x4F\x0B\xA0\x00\x00\x03\x08\x00\x00\x10\x00\x01\x00\x5F\x2F\x02\x60\x10".to_vec(),
        b"9d".to_vec(),
    ]
}

fn certificate_seeds() -> Vec<Vec<u8>> {
    let length = u16::try_from(CERTIFICATE.len()).expect("a short certificate").to_be_bytes();
    let plain = [&[0x70, 0x82][..], &length, CERTIFICATE, &[0x71, 0x01, 0x00, 0xFE, 0x00]].concat();
    // gzip of 3003020105: no certificate, but a way into the decoder.
    let gzip = b"\x70\x19\x1F\x8B\x08\0\0\0\0\0\x02\x03\x33\x36\x66\x62\x64\x05\0\xD5\xF1\x43\x1F\x05\0\0\0\x71\x01\x01\xFE\0";
    let packed = cardmod_types::certificate::compress(CERTIFICATE).expect("compressible");
    let length = u16::try_from(packed.len()).expect("short").to_be_bytes();
    vec![plain, gzip.to_vec(), [&[0x70, 0x82][..], &length, &packed, &[0x71, 0x01, 0x01]].concat()]
}

fn vendor_seeds() -> Vec<Vec<u8>> {
    let mut metadata = b"\x01\x01\x11\x02\x02\x02\x01\x03\x01\x01\x04\x43\x86\x41\x04".to_vec();
    metadata.extend([0x5A; 64]);
    let mut record = [0; 107];
    record[..8].copy_from_slice(b"n\0a\0m\0e\0");
    record[80] = 0x9A;
    record[81] = 1;
    vec![
        metadata,
        b"\x01\x01\xFF\x05\x01\x01\x06\x02\x05\x05".to_vec(),
        b"\x80\x03\x81\x01\x02".to_vec(),
        [&[0x81, 107][..], &record].concat(),
    ]
}
