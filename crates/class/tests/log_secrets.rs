//! The module's log at its highest level, over whole sessions: it tells what happened, and none of the secrets.

mod table;

use std::path::Path;

use cardmod_crypto::KeyKind;
use cardmod_heap::Mode;
use cardmod_sdk::Status;
use cardmod_sdk::log::{Level, Settings, files};
use cardmod_sdk::testing::fix_log_settings;
use cardmod_types::padding::pkcs1_encrypt_block;
use cardmod_types::{
    CardId, EcCurve, EcPublicKey, KeyHalf, KeySpec, Pin, PrivateKey, PublicKey, SecretBytes,
};
use cardmod_virtual::{GidsProfile, PivProfile};

use table::calls::Padding;
use table::check::{rsa_public, software_key};
use table::piv::{MANAGEMENT_KEY, given};
use table::{ADMIN_KEY, Host, answer, store};

// Eight digits: no time, process or length in a line can look like one of them.
const PIN: &[u8] = b"24681357";
const WRONG: &[u8] = b"97531864";
const NEW: &[u8] = b"13572468";
const UNBLOCKED: &[u8] = b"86427531";
const PUK: &[u8] = b"19283746";
const WRONG_PUK: &[u8] = b"64738291";
const PLAIN: &[u8] = b"nobody else may read this";
const BY_RESPONSE: u32 = 1;
const BY_PUK: u32 = 2;
const CHANGE: u32 = 2;
const USER_PIN: u32 = 1;
/// Shorter pieces of a secret may be there by chance.
const PIECE: usize = 16;

/// Both applications in one test: the settings are the process's, and so are the PC/SC functions.
#[test]
fn whole_sessions_leave_no_secret_in_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    store();
    fix_log_settings(Some(Settings::in_folder(Level::Apdus, folder.path())));
    let mut secrets = gids();
    let log = content(folder.path());
    for shown in ["00A4040009A0000003974254", "CardAuthenticateChallenge(response=<given>"] {
        assert!(log.contains(shown), "{shown}");
    }
    secrets.extend(piv());
    let log = content(folder.path());
    fix_log_settings(Some(Settings::in_folder(Level::Off, folder.path())));
    for function in [
        "CardAcquireContext",
        "CardAuthenticateEx",
        "CardChangeAuthenticatorEx",
        "CardUnblockPin",
        "CardGetChallenge",
        "CardCreateContainer",
        "CardRSADecrypt",
        "CardConstructDHAgreement",
        "CardDeriveKey",
        "CardSetProperty",
        "CardDeleteContext",
    ] {
        assert!(log.contains(&format!("> {function}(")), "{function} begins");
        assert!(log.contains(&format!("< {function}(")), "{function} ends");
    }
    for shown in [
        "apdu 00A40400",
        "A000000308",
        r#"name="Cardmod Management Key", value=<25 bytes>"#,
        "SCARD_W_WRONG_CHV",
        "apdu 00200080<given>",
        "answer 9000",
    ] {
        assert!(log.contains(shown), "{shown} is in the log");
    }
    for length in ["0020008008", "0024008010", "002C008010", "pin=<8", "authority=<8", "current=<8", "new=<8"]
    {
        assert!(!log.contains(length), "{length} tells how long a PIN is");
    }
    for (what, secret) in &secrets {
        none_of(&log, what, secret);
    }
    assert!(secrets.len() > 20, "{}", secrets.len());
}

fn content(folder: &Path) -> String {
    let list = files(folder).expect("the folder");
    assert_eq!(list.len(), 1, "one file of a process: {list:?}");
    std::fs::read_to_string(&list[0]).expect("a log")
}

/// A secret in any form: bytes, digits, hexadecimal in both cases, and for long ones each piece of it, forwards
/// and backwards (the interface's order of bytes is the other one).
fn none_of(log: &str, what: &str, secret: &[u8]) {
    assert!(secret.len() >= 8, "{what} is long enough to be told from chance");
    let upper = log.to_ascii_uppercase();
    let bytes = log.as_bytes();
    let backwards: Vec<u8> = secret.iter().rev().copied().collect();
    for form in [secret, &backwards] {
        let length = form.len().min(PIECE);
        for piece in form.windows(length).step_by(length / 2) {
            assert!(!upper.contains(&hex(piece)), "{what} is in the log as hexadecimal digits");
            assert!(!bytes.windows(length).any(|window| window == piece), "{what} is in the log as it is");
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

type Secrets = Vec<(&'static str, Vec<u8>)>;

fn gids() -> Secrets {
    let key = SecretBytes::from(&ADMIN_KEY[..]);
    let profile = GidsProfile {
        puk: Some(Pin::from(PUK)),
        ..GidsProfile::new(Pin::from(PIN), key, CardId([0x5A; 16]))
    };
    store().create("logged", &profile).expect("a card");
    let mut host = Host::connected("logged", 7, Mode::Checked);
    assert_eq!(host.acquire(0), 0);
    let mut secrets = pins(&mut host);

    let challenge = host.challenge().expect("a challenge");
    let response = answer(&ADMIN_KEY, &challenge);
    assert_eq!(host.respond(&response).0, Ok(()));
    secrets.extend([("challenge", challenge), ("response", response), ("key", ADMIN_KEY.to_vec())]);
    let challenge = host.challenge().expect("a challenge");
    let response = answer(&[7; 24], &challenge);
    assert!(matches!(host.respond(&response).0, Err(Status::WrongPin { .. })));
    secrets.extend([("challenge", challenge), ("wrong response", response)]);
    let challenge = host.challenge().expect("a challenge");
    let response = answer(&ADMIN_KEY, &challenge);
    assert_eq!(host.unblock(&response, UNBLOCKED, 0, BY_RESPONSE), Ok(()));
    secrets.extend([("challenge", challenge), ("response to unblock", response)]);

    host.pin(USER_PIN, UNBLOCKED).expect("the PIN");
    secrets.extend(keys(&mut host, 0, 1));
    secrets
}

fn piv() -> Secrets {
    let profile = PivProfile {
        management_key: SecretBytes::from(&MANAGEMENT_KEY),
        ..PivProfile::new(Pin::from(PIN), Pin::from(PUK))
    };
    let mut host = Host::piv("logged-piv", &profile);
    let mut secrets = pins(&mut host);
    host.set_property("Cardmod Management Key", &given(), 0).expect("the key");
    host.pin(USER_PIN, UNBLOCKED).expect("the PIN");
    secrets.extend(keys(&mut host, 0, 2));
    secrets.push(("management key", MANAGEMENT_KEY.to_vec()));
    secrets
}

/// Verified, wrong, changed, blocked by the wrong PUK a little, unblocked.
fn pins(host: &mut Host) -> Secrets {
    host.pin(USER_PIN, PIN).expect("the PIN");
    assert!(matches!(host.pin(USER_PIN, WRONG), Err(Status::WrongPin { .. })));
    assert!(host.change(CHANGE, USER_PIN, WRONG, USER_PIN, NEW).0.is_err());
    assert_eq!(host.change(CHANGE, USER_PIN, PIN, USER_PIN, NEW).0, Ok(()));
    assert!(host.unblock(WRONG_PUK, UNBLOCKED, 0, BY_PUK).is_err());
    assert_eq!(host.unblock(PUK, UNBLOCKED, 0, BY_PUK), Ok(()));
    host.deauthenticate().expect("deauthenticated");
    let named = [
        ("PIN", PIN),
        ("wrong PIN", WRONG),
        ("new PIN", NEW),
        ("unblocked PIN", UNBLOCKED),
        ("PUK", PUK),
        ("wrong PUK", WRONG_PUK),
    ];
    named.map(|(what, secret)| (what, secret.to_vec())).into()
}

/// Imported keys, a decryption and an agreement.
fn keys(host: &mut Host, rsa: u8, ec: u8) -> Secrets {
    let (key, _) = software_key(KeyKind::Rsa(2048));
    host.import(rsa, KeySpec::KeyExchange, &key).expect("imported");
    let public = host.key(rsa);
    let mut sevens = |out: &mut [u8]| out.fill(7);
    let block = pkcs1_encrypt_block(PLAIN, 256, &mut sevens).expect("a block");
    let cryptogram = rsa_public(&public, block.as_bytes());
    let plain = host.decrypt(rsa, KeySpec::KeyExchange, Padding::Pkcs1(None), &cryptogram);
    assert_eq!(plain.as_deref(), Ok(PLAIN));
    let mut secrets: Secrets = vec![("plaintext", PLAIN.to_vec()), ("block", block.as_bytes().to_vec())];
    secrets.extend(private_parts(&key));

    let spec = KeySpec::ec(KeyHalf::KeyExchange, EcCurve::P256);
    let (key, software) = software_key(KeyKind::P256);
    host.import(ec, spec, &key).expect("imported");
    let peer = cardmod_crypto::PrivateKey::generate(KeyKind::P256).expect("a peer");
    let point = EcPublicKey::from_uncompressed(EcCurve::P256, peer.ec_point().expect("a point"));
    let blob = PublicKey::Ec(point.expect("a point")).to_blob(spec);
    let agreement = host.agree(ec, &blob).expect("an agreement");
    let derived = host.derive(agreement, "HASH", 0, &[]).expect("a key");
    host.destroy(agreement).expect("destroyed");
    let shared = software.ecdh(peer.ec_point().expect("a point")).expect("a secret");
    secrets.extend([("shared secret", shared.to_vec()), ("derived key", derived)]);
    let scalar = key.to_blob(spec).as_bytes()[8 + 64..].to_vec();
    secrets.push(("scalar", scalar));
    secrets
}

/// What of an RSA key's blob is private: everything behind header and modulus.
fn private_parts(key: &PrivateKey) -> Secrets {
    let blob = key.to_blob(KeySpec::KeyExchange);
    let private = &blob.as_bytes()[20 + 256..];
    let halves =
        ["prime p", "prime q", "exponent dp", "exponent dq", "coefficient", "exponent, first half", "d"];
    halves.into_iter().zip(private.chunks(128)).map(|(what, part)| (what, part.to_vec())).collect()
}
