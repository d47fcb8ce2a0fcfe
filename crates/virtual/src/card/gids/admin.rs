//! GENERAL AUTHENTICATE with the administrator's key: external and mutual authentication
//! (GIDS 2.0, "GENERAL AUTHENTICATE").

use cardmod_iso7816::StatusWord;
use cardmod_iso7816::tlv::{Reader, Tag, Writer, single};
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use des::TdesEde3;
use des::cipher::Array;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{Answer, Context, Reply, Request, Stop};
use crate::model::gids::file::{Content, Material};
use crate::model::gids::volatile::Challenge;

const DYNAMIC: Tag = Tag::new(0x7C);
const CHALLENGE: Tag = Tag::new(0x81);
const RESPONSE: Tag = Tag::new(0x82);
/// Bytes of a mutual authentication's cryptogram: two challenges, half a session key, padding.
const TOKEN_LEN: usize = 40;

/// One step of an authentication, told apart by the template's content.
pub(super) fn general_authenticate(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    // Whatever comes, a challenge is answered once.
    let challenge = context.volatile.challenge.take();
    let file = context.volatile.authentication.ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
    let key = admin_key(context, file)?;
    let template =
        single(request.data).ok().filter(|object| object.tag == DYNAMIC).ok_or(StatusWord::WRONG_DATA)?;
    let object = Reader::new(template.value).read().ok().flatten().ok_or(StatusWord::WRONG_DATA)?;
    match (object.tag, object.value.len()) {
        (CHALLENGE, 0) => {
            let random = context.random()?;
            context.volatile.challenge = Some(Challenge::External(random));
            Reply::with(dynamic(CHALLENGE, &random))
        }
        (CHALLENGE, 16) => {
            let mut host = [0; 16];
            host.copy_from_slice(object.value);
            let card = context.random()?;
            context.volatile.challenge = Some(Challenge::Mutual { host, card });
            Reply::with(dynamic(CHALLENGE, &card))
        }
        (RESPONSE, len) => match challenge {
            Some(Challenge::External(random)) if len == random.len() => {
                external(context, &key, random, object.value)
            }
            Some(Challenge::Mutual { host, card }) if len == TOKEN_LEN => {
                mutual(context, &key, [host, card], object.value)
            }
            Some(_) => Err(StatusWord::WRONG_DATA.into()),
            None => Err(StatusWord::CONDITIONS_NOT_SATISFIED.into()),
        },
        _ => Err(StatusWord::WRONG_DATA.into()),
    }
}

fn external(context: &mut Context<'_>, key: &AdminKey, challenge: [u8; 8], response: &[u8]) -> Answer {
    let expected = Zeroizing::new(key.encrypt(&challenge));
    if !bool::from(expected.as_slice().ct_eq(response)) {
        return Err(failed(context));
    }
    context.volatile.status.admin = true;
    Reply::done()
}

/// The host's token is E(R2 ‖ R1 ‖ Z1 ‖ padding), the card's E(R1 ‖ R2 ‖ Z2 ‖ padding).
fn mutual(context: &mut Context<'_>, key: &AdminKey, [r1, r2]: [[u8; 16]; 2], token: &[u8]) -> Answer {
    let plain = Zeroizing::new(key.decrypt(token));
    let challenges = plain[..16].ct_eq(&r2) & plain[16..32].ct_eq(&r1);
    let padding = plain[32 + key.half_len..].ct_eq(&PADDING[..TOKEN_LEN - 32 - key.half_len]);
    if !bool::from(challenges & padding) {
        return Err(failed(context));
    }
    let half = Zeroizing::new(context.random::<8>()?);
    let mut answer = Zeroizing::new(Vec::with_capacity(TOKEN_LEN));
    answer.extend_from_slice(&r1);
    answer.extend_from_slice(&r2);
    answer.extend_from_slice(&half[..key.half_len]);
    answer.extend_from_slice(&PADDING[..TOKEN_LEN - 32 - key.half_len]);
    context.volatile.status.admin = true;
    Reply::with(dynamic(RESPONSE, &key.encrypt(&answer)))
}

/// ISO 9797-1, padding method 2.
const PADDING: [u8; 8] = [0x80, 0, 0, 0, 0, 0, 0, 0];

fn failed(context: &mut Context<'_>) -> Stop {
    context.volatile.status.admin = false;
    StatusWord::SECURITY_STATUS_NOT_SATISFIED.into()
}

fn dynamic(tag: Tag, value: &[u8]) -> Zeroizing<Vec<u8>> {
    Writer::new().template(DYNAMIC, |template| template.object(tag, value)).finish()
}

/// A triple-DES key ready for use in CBC mode with a zero IV.
struct AdminKey {
    /// Three keys; a two-key value repeats its first.
    key: Zeroizing<[u8; 24]>,
    /// Bytes of one side's half of a session key: 5 for two-key, 7 for three-key triple-DES.
    half_len: usize,
}

fn admin_key(context: &Context<'_>, file: u16) -> Result<AdminKey, StatusWord> {
    let missing = StatusWord::REFERENCED_DATA_NOT_FOUND;
    let Content::Key { key: Some(stored), .. } = &context.file(file)?.content else { return Err(missing) };
    let Material::Symmetric(value) = &stored.material else { return Err(missing) };
    let mut key = Zeroizing::new([0; 24]);
    match value.len() {
        16 => {
            key[..16].copy_from_slice(value);
            key[16..].copy_from_slice(&value[..8]);
            Ok(AdminKey { key, half_len: 5 })
        }
        24 => {
            key.copy_from_slice(value);
            Ok(AdminKey { key, half_len: 7 })
        }
        _ => Err(missing),
    }
}

impl AdminKey {
    /// CBC over whole blocks.
    fn encrypt(&self, plain: &[u8]) -> Vec<u8> {
        let mut out = plain.to_vec();
        let mut cipher = cbc::Encryptor::<TdesEde3>::new(&(*self.key).into(), &[0; 8].into());
        for block in out.as_chunks_mut::<8>().0 {
            cipher.encrypt_block(Array::cast_from_core_mut(block));
        }
        out
    }

    fn decrypt(&self, sealed: &[u8]) -> Vec<u8> {
        let mut out = sealed.to_vec();
        let mut cipher = cbc::Decryptor::<TdesEde3>::new(&(*self.key).into(), &[0; 8].into());
        for block in out.as_chunks_mut::<8>().0 {
            cipher.decrypt_block(Array::cast_from_core_mut(block));
        }
        out
    }
}

/// First three bytes of the encryption of zeros: the key check value of PUT KEY.
pub(super) fn check_value(key: &[u8]) -> Option<[u8; 3]> {
    let mut three = Zeroizing::new([0; 24]);
    match key.len() {
        16 => {
            three[..16].copy_from_slice(key);
            three[16..].copy_from_slice(&key[..8]);
        }
        24 => three.copy_from_slice(key),
        _ => return None,
    }
    let block = AdminKey { key: three, half_len: 7 }.encrypt(&[0; 8]);
    Some([block[0], block[1], block[2]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sample_key() {
        let sample = [1, 2, 3, 4, 5, 6, 7, 8].repeat(3);
        assert_eq!(check_value(&sample), Some([0xB0, 0x73, 0xDC]));
        assert_eq!(check_value(&sample[..16]), Some([0xB0, 0x73, 0xDC]));
        assert_eq!(check_value(&sample[..8]), None);
        let mut key = Zeroizing::new([0; 24]);
        key.copy_from_slice(&sample);
        let key = AdminKey { key, half_len: 7 };
        let response = [0x77, 0xA7, 0xD6, 0xBC, 0xF5, 0x79, 0x62, 0xB9];
        assert_eq!(key.encrypt(&[1, 2, 3, 4, 5, 6, 7, 8]), response);
        assert_eq!(key.decrypt(&response), [1, 2, 3, 4, 5, 6, 7, 8]);
    }
}
