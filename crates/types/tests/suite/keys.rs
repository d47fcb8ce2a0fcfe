//! Keys as numbers, blobs and files, against fixtures that the `openssl` program made.

use cardmod_types::{
    EcCurve, EcPrivateKey, EcPublicKey, KeyError, KeyHalf, KeySpec, PrivateKey, PublicKey, RsaPrivateKey,
    RsaPrivateParts, RsaPublicKey,
};
use proptest::prelude::*;

use crate::support::data;

const CURVES: [(EcCurve, &str); 3] =
    [(EcCurve::P256, "p256"), (EcCurve::P384, "p384"), (EcCurve::P521, "p521")];

fn rsa() -> RsaPrivateKey {
    match PrivateKey::from_pkcs1_der(&data("rsa1024.pkcs1.der")).unwrap() {
        PrivateKey::Rsa(key) => key,
        PrivateKey::Ec(_) => panic!("an RSA key"),
    }
}

fn ec(name: &str) -> EcPrivateKey {
    match PrivateKey::from_sec1_der(&data(&format!("{name}.sec1.der"))).unwrap() {
        PrivateKey::Ec(key) => key,
        PrivateKey::Rsa(_) => panic!("an elliptic curve key"),
    }
}

#[test]
fn rsa_blobs_are_those_of_another_implementation() {
    let key = PrivateKey::Rsa(rsa());
    assert_eq!(key.to_blob(KeySpec::KeyExchange).as_bytes(), data("rsa1024.private.blob"));
    assert_eq!(key.public().to_blob(KeySpec::KeyExchange), data("rsa1024.public.blob"));
    let (again, half) = PrivateKey::from_blob(&data("rsa1024.private.blob")).unwrap();
    assert_eq!((half, again.public()), (KeyHalf::KeyExchange, key.public()));
    assert_eq!(again.to_blob(KeySpec::KeyExchange), key.to_blob(KeySpec::KeyExchange));
    assert_eq!((key.bits(), key.spec(half)), (1024, KeySpec::KeyExchange));
    let signature = key.public().to_blob(KeySpec::Signature);
    assert_eq!(signature[4..8], 0x2400u32.to_le_bytes());
    assert_eq!(PublicKey::from_blob(&signature).unwrap(), (key.public(), KeyHalf::Signature));
}

#[test]
fn rsa_files_come_back() {
    let key = PrivateKey::Rsa(rsa());
    assert_eq!(rsa().to_pkcs1_der().as_bytes(), data("rsa1024.pkcs1.der"));
    assert_eq!(key.to_pkcs8_der().as_bytes(), data("rsa1024.pkcs8.der"));
    assert_eq!(key.public().to_spki_der(), data("rsa1024.spki.der"));
    assert_eq!(PublicKey::from_spki_der(&data("rsa1024.spki.der")).unwrap(), key.public());
    for file in ["rsa1024.pkcs1.der", "rsa1024.pkcs8.der"] {
        assert_eq!(PrivateKey::from_der(&data(file)).unwrap().public(), key.public());
    }
    assert_eq!(PrivateKey::from_pkcs8_der(&data("rsa1024.pkcs8.der")).unwrap().public(), key.public());
}

#[test]
fn ec_files_and_blobs_come_back() {
    for (curve, name) in CURVES {
        let key = ec(name);
        assert_eq!(key.curve(), curve);
        assert_eq!(key.to_sec1_der().as_bytes(), data(&format!("{name}.sec1.der")));
        let key = PrivateKey::Ec(key);
        assert_eq!(key.to_pkcs8_der().as_bytes(), data(&format!("{name}.pkcs8.der")));
        assert_eq!(key.public().to_spki_der(), data(&format!("{name}.spki.der")));
        let spki = PublicKey::from_spki_der(&data(&format!("{name}.spki.der"))).unwrap();
        assert_eq!(spki, key.public());
        for half in [KeyHalf::Signature, KeyHalf::KeyExchange] {
            let spec = KeySpec::ec(half, curve);
            let public = key.public().to_blob(spec);
            assert_eq!(public.len(), 8 + 2 * curve.coordinate_len());
            assert_eq!(PublicKey::from_blob(&public).unwrap(), (key.public(), half));
            let private = key.to_blob(spec);
            assert_eq!(private.len(), 8 + 3 * curve.coordinate_len());
            let (again, found) = PrivateKey::from_blob(private.as_bytes()).unwrap();
            assert_eq!((found, again.spec(half)), (half, spec));
            assert_eq!(again.to_pkcs8_der(), key.to_pkcs8_der());
        }
    }
}

#[test]
fn magic_numbers_are_those_of_bcrypt_h() {
    let letters = |spec, private| {
        let key = PrivateKey::Ec(ec(["p256", "p384", "p521"][(spec as usize - 3) % 3]));
        let blob = if private { key.to_blob(spec).as_bytes().to_vec() } else { key.public().to_blob(spec) };
        String::from_utf8(blob[..4].to_vec()).unwrap()
    };
    let public: Vec<_> = KeySpec::ALL[2..].iter().map(|spec| letters(*spec, false)).collect();
    assert_eq!(public, ["ECS1", "ECS3", "ECS5", "ECK1", "ECK3", "ECK5"]);
    let private: Vec<_> = KeySpec::ALL[2..].iter().map(|spec| letters(*spec, true)).collect();
    assert_eq!(private, ["ECS2", "ECS4", "ECS6", "ECK2", "ECK4", "ECK6"]);
}

#[test]
fn blob_length_follows_from_the_first_bytes() {
    let blob = data("rsa1024.private.blob");
    assert_eq!(PrivateKey::blob_len(&blob[..PrivateKey::BLOB_HEADER_LEN]), Ok(blob.len()));
    let mut longer = blob.clone();
    longer.extend([0xEE; 40]);
    assert_eq!(PrivateKey::from_blob(&longer).unwrap().0.to_blob(KeySpec::KeyExchange).as_bytes(), blob);
    for len in 0..blob.len() {
        assert!(PrivateKey::from_blob(&blob[..len]).is_err(), "{len}");
    }
    let ec = PrivateKey::Ec(ec("p521")).to_blob(KeySpec::EcdheP521);
    assert_eq!(PrivateKey::blob_len(&ec.as_bytes()[..8]), Ok(206));
    let mut largest = blob[..16].to_vec();
    largest[12..16].copy_from_slice(&16_384u32.to_le_bytes());
    assert_eq!(PrivateKey::blob_len(&largest), Ok(9236));
    for bits in [0u32, 256, 511, 1000, 16_400, u32::MAX] {
        largest[12..16].copy_from_slice(&bits.to_le_bytes());
        assert_eq!(PrivateKey::blob_len(&largest), Err(KeyError::ModulusLength(bits)));
    }
}

#[test]
fn wrong_headers_have_their_error() {
    let with = |at: usize, bytes: &[u8]| {
        let mut blob = data("rsa1024.public.blob");
        blob[at..at + bytes.len()].copy_from_slice(bytes);
        PublicKey::from_blob(&blob).unwrap_err()
    };
    assert_eq!(with(0, &[7]), KeyError::Magic(0x0207));
    assert_eq!(with(8, b"RSA2"), KeyError::Magic(0x3241_5352));
    assert_eq!(with(4, &0x8004u32.to_le_bytes()), KeyError::Algorithm(0x8004));
    assert_eq!(with(12, &2048u32.to_le_bytes()), KeyError::Truncated);
    assert_eq!(with(12, &512u32.to_le_bytes()), KeyError::TrailingBytes(64));
    assert_eq!(with(16, &2u32.to_le_bytes()), KeyError::Exponent);
    assert_eq!(with(20, &[0]), KeyError::Modulus);
    assert_eq!(with(147, &[0]), KeyError::Modulus);
    let private = data("rsa1024.private.blob");
    assert_eq!(PublicKey::from_blob(&private).unwrap_err(), KeyError::Magic(0x0207));
    let mut ec = PrivateKey::Ec(ec("p256")).public().to_blob(KeySpec::EcdsaP256);
    assert!(matches!(PrivateKey::from_blob(&ec), Err(KeyError::Magic(0x3153_4345))));
    ec[4] = 48;
    assert_eq!(PublicKey::from_blob(&ec), Err(KeyError::CoordinateLength { expected: 32, actual: 48 }));
    assert_eq!(PublicKey::from_blob(&[]), Err(KeyError::Truncated));
}

#[test]
fn private_numbers_must_belong_together() {
    let key = rsa();
    let parts =
        RsaPrivateParts { d: key.d(), p: key.p(), q: key.q(), dp: key.dp(), dq: key.dq(), qinv: key.qinv() };
    let make = |parts: RsaPrivateParts<'_>| RsaPrivateKey::new(key.public().clone(), &parts).map(|_| ());
    assert_eq!(make(parts), Ok(()));
    assert_eq!(make(RsaPrivateParts { q: key.p(), ..parts }), Err(KeyError::PrivateKey));
    assert_eq!(make(RsaPrivateParts { d: &[], ..parts }), Err(KeyError::PrivateKey));
    assert_eq!(make(RsaPrivateParts { qinv: key.d(), ..parts }), Err(KeyError::PrivateKey));
    let padded = [&[0; 9], key.p()].concat();
    assert_eq!(make(RsaPrivateParts { p: &padded, ..parts }), Ok(()));
}

#[test]
fn ec_numbers_are_checked() {
    let public = ec("p521").public().clone();
    let scalar = |top: u8, rest: u8| {
        let mut d = [rest; 66];
        d[0] = top;
        EcPrivateKey::new(&d, public.clone()).map(|_| ())
    };
    assert_eq!(scalar(1, 0), Ok(()));
    assert_eq!(scalar(0, 0), Err(KeyError::Scalar));
    assert_eq!(scalar(2, 1), Err(KeyError::Scalar));
    let short = EcPublicKey::new(EcCurve::P256, &[1; 31], &[1; 32]);
    assert_eq!(short, Err(KeyError::CoordinateLength { expected: 32, actual: 31 }));
    let point = ec("p256").public().to_uncompressed();
    assert_eq!(EcPublicKey::from_uncompressed(EcCurve::P256, &point).unwrap(), *ec("p256").public());
    assert!(EcPublicKey::from_uncompressed(EcCurve::P384, &point).is_err());
    for bad in [&[][..], &[4], &[2; 33]] {
        assert!(EcPublicKey::from_uncompressed(EcCurve::P256, bad).is_err());
    }
}

#[test]
fn rsa_numbers_are_checked() {
    let n = rsa().n().to_vec();
    let padded = [&[0, 0], &n[..]].concat();
    assert_eq!(RsaPublicKey::new(&padded, 3).unwrap().modulus(), n);
    for e in [0, 1, 2, 65536] {
        assert_eq!(RsaPublicKey::new(&n, e), Err(KeyError::Exponent));
    }
    assert_eq!(RsaPublicKey::new(&[0xFE; 128], 3), Err(KeyError::Modulus));
    assert_eq!(RsaPublicKey::new(&[0xFF; 63], 3), Err(KeyError::ModulusLength(504)));
    assert_eq!(RsaPublicKey::new(&[0xFF; 2049], 3), Err(KeyError::ModulusLength(16_392)));
    assert_eq!(RsaPublicKey::new(&[], 3), Err(KeyError::ModulusLength(0)));
    let odd = RsaPublicKey::new(&[0x7F; 128], 65537).unwrap();
    assert_eq!((odd.bits(), odd.modulus_len()), (1023, 128));
    let blob = PublicKey::Rsa(odd.clone()).to_blob(KeySpec::Signature);
    assert_eq!(PublicKey::from_blob(&blob).unwrap().0, PublicKey::Rsa(odd));
}

#[test]
fn unusable_files_are_named() {
    let no_point = PrivateKey::from_sec1_der(&data("p256.no-public.sec1.der"));
    assert!(matches!(no_point, Err(KeyError::NoPublicPoint)));
    match PrivateKey::from_der(&data("other-curve.sec1.der")) {
        Err(KeyError::UnknownAlgorithm(oid)) => assert_eq!(oid, "1.3.132.0.10"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(PrivateKey::from_der(b"\x30\x03\x02\x01\x05"), Err(KeyError::Der(_))));
    assert!(matches!(PublicKey::from_spki_der(b"junk"), Err(KeyError::Der(_))));
    let mut trailing = data("rsa1024.spki.der");
    trailing.push(0);
    assert!(matches!(PublicKey::from_spki_der(&trailing), Err(KeyError::Der(_))));
}

#[test]
fn scalars_without_their_leading_zeros_are_read() {
    // SEC1 of P-256 by hand: a scalar of one byte, or of one byte too many, the curve, some point.
    let file = |scalar: &[u8]| {
        let point = ec("p256").public().to_uncompressed();
        let curve = [0xA0, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
        let parts: [&[u8]; 5] =
            [&[2, 1, 1, 4, scalar.len() as u8], scalar, &curve, &[0xA1, 0x44, 3, 0x42, 0], &point];
        let body = parts.concat();
        PrivateKey::from_sec1_der(&[&[0x30, body.len() as u8][..], &body].concat())
    };
    let expected = [&[0; 31][..], &[5]].concat();
    for scalar in [vec![5], [&[0; 32][..], &[5]].concat()] {
        match file(&scalar).unwrap() {
            PrivateKey::Ec(key) => assert_eq!(key.d(), expected),
            PrivateKey::Rsa(_) => panic!("an elliptic curve key"),
        }
    }
    assert_eq!(file(&[9; 33]).unwrap_err(), KeyError::Scalar);
    assert_eq!(file(&[]).unwrap_err(), KeyError::Scalar);
}

#[test]
fn debug_shows_no_number_of_a_private_key() {
    let shown = format!("{:?} {:?}", PrivateKey::Rsa(rsa()), PrivateKey::Ec(ec("p256")));
    assert_eq!(shown, "RsaPrivateKey(1024 bits) EcPrivateKey(P-256)");
}

proptest! {
    #[test]
    fn hostile_blobs_are_refused_or_make_keys(
        start in prop::sample::select(vec![
            b"ECS1".to_vec(), b"ECK2".to_vec(), b"ECS6".to_vec(),
            [&[6, 2, 0, 0, 0, 0x24, 0, 0][..], b"RSA1"].concat(),
            [&[7, 2, 0, 0, 0, 0xA4, 0, 0][..], b"RSA2"].concat(),
            vec![],
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let blob = [start, rest].concat();
        if let Ok((key, half)) = PublicKey::from_blob(&blob) {
            prop_assert_eq!(key.to_blob(key.spec(half)), &blob[..]);
        }
        if let Ok((key, half)) = PrivateKey::from_blob(&blob) {
            let again = key.to_blob(key.spec(half));
            prop_assert_eq!(again.as_bytes(), &blob[..again.len()]);
        }
        if let Ok(len) = PrivateKey::blob_len(&blob) {
            prop_assert!(len <= 9236);
        }
    }

    #[test]
    fn damaged_files_never_panic(at in 0usize..160, value in any::<u8>()) {
        for file in ["rsa1024.pkcs8.der", "p256.pkcs8.der", "p256.sec1.der", "p384.spki.der"] {
            let mut der = data(file);
            let at = at % der.len();
            der[at] = value;
            if let Ok(key) = PrivateKey::from_der(&der) {
                prop_assert!(key.bits() >= 256);
            }
            if let Ok(key) = PublicKey::from_spki_der(&der) {
                prop_assert!(key.bits() >= 256);
            }
        }
    }
}
