//! Authentication with the management key 9B, one-sided and mutual (SP 800-73 part 2, A.1 and A.2).

use aes::{Aes128, Aes192, Aes256};
use cardmod_iso7816::StatusWord;
use des::TdesEde3;
use des::cipher::{Block, BlockCipherEncrypt, KeyInit};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::authenticate::{CHALLENGE, Fields, RESPONSE, WITNESS, dynamic, fields};
use super::{Answer, Context, Reply, Request, Stop};
use crate::fault::CardFault;
use crate::model::piv::ManagementAlgorithm;
use crate::model::piv::persistent::ManagementKey;
use crate::model::piv::volatile::Challenge;

/// One step of an authentication, told apart by the template's content. The host never gets anything
/// encrypted that it chose itself, unless it has proved to know the key.
pub(super) fn authenticate(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    // Whatever comes, a challenge is answered once.
    let asked = context.volatile.challenge.take();
    let key = context.persistent.management.clone();
    if ManagementAlgorithm::from_id(request.p1) != Some(key.algorithm) {
        return Err(StatusWord::INCORRECT_P1_P2.into());
    }
    match fields(request.data)? {
        Fields { witness: None, challenge: Some([]), response: None | Some([]), exponentiation: None } => {
            let random = random_block(context, &key)?;
            let answer = dynamic(CHALLENGE, &random);
            context.volatile.challenge = Some(Challenge::External(random));
            Reply::with(answer)
        }
        Fields { witness: Some([]), challenge: None, response: None | Some([]), exponentiation: None } => {
            let random = random_block(context, &key)?;
            let answer = dynamic(WITNESS, &key.encrypt(&random)?);
            context.volatile.challenge = Some(Challenge::Witness(random));
            Reply::with(answer)
        }
        Fields { witness: None, challenge: None, response: Some(response), exponentiation: None } => {
            external(context, &key, asked, response)
        }
        Fields {
            witness: Some(witness),
            challenge: Some(challenge),
            response: None | Some([]),
            exponentiation: None,
        } => mutual(context, &key, asked, witness, challenge),
        _ => Err(StatusWord::WRONG_DATA.into()),
    }
}

/// The host returns the card's challenge encrypted.
fn external(
    context: &mut Context<'_>,
    key: &ManagementKey,
    asked: Option<Challenge>,
    response: &[u8],
) -> Answer {
    let Some(Challenge::External(challenge)) = asked else { return Err(refused(context)) };
    if !bool::from(key.encrypt(&challenge)?.as_slice().ct_eq(response)) {
        return Err(refused(context));
    }
    context.volatile.administrator = true;
    Reply::done()
}

/// The host returns the card's witness decrypted and wants its own challenge encrypted.
fn mutual(
    context: &mut Context<'_>,
    key: &ManagementKey,
    asked: Option<Challenge>,
    witness: &[u8],
    challenge: &[u8],
) -> Answer {
    if challenge.len() != key.algorithm.block_len() {
        return Err(StatusWord::WRONG_DATA.into());
    }
    let Some(Challenge::Witness(expected)) = asked else { return Err(refused(context)) };
    if !bool::from(expected.as_slice().ct_eq(witness)) {
        return Err(refused(context));
    }
    let answer = key.encrypt(challenge)?;
    context.volatile.administrator = true;
    Reply::with(dynamic(RESPONSE, &answer))
}

/// Who gives a wrong answer, or one that nobody asked for, is no administrator any more.
fn refused(context: &mut Context<'_>) -> Stop {
    context.volatile.administrator = false;
    StatusWord::SECURITY_STATUS_NOT_SATISFIED.into()
}

fn random_block(context: &mut Context<'_>, key: &ManagementKey) -> Result<Zeroizing<Vec<u8>>, Stop> {
    let mut block = Zeroizing::new(vec![0; key.algorithm.block_len()]);
    context.ports.fill(&mut block)?;
    Ok(block)
}

impl ManagementKey {
    /// One block in ECB mode.
    fn encrypt(&self, block: &[u8]) -> Result<Zeroizing<Vec<u8>>, CardFault> {
        let out = match self.algorithm {
            ManagementAlgorithm::TripleDes => encrypt::<TdesEde3>(&self.value, block),
            ManagementAlgorithm::Aes128 => encrypt::<Aes128>(&self.value, block),
            ManagementAlgorithm::Aes192 => encrypt::<Aes192>(&self.value, block),
            ManagementAlgorithm::Aes256 => encrypt::<Aes256>(&self.value, block),
        };
        out.ok_or(CardFault::Inconsistent("the management key's length is not its algorithm's"))
    }
}

/// `None` for a key or block of another length.
fn encrypt<C: BlockCipherEncrypt + KeyInit>(key: &[u8], block: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let cipher = C::new_from_slice(key).ok()?;
    let mut block = Block::<C>::try_from(block).ok()?;
    cipher.encrypt_block(&mut block);
    Some(Zeroizing::new(block.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::piv::key::TouchPolicy;
    use crate::profile::DEFAULT_MANAGEMENT_KEY;

    #[test]
    fn known_blocks() {
        let encrypted = |algorithm, key: &[u8], block: &[u8]| {
            let value = Zeroizing::new(key.to_vec());
            ManagementKey { algorithm, value, touch: TouchPolicy::Never }.encrypt(block)
        };
        let counted: Vec<u8> = (0..32).collect();
        let block = &counted[1..17];
        let des = encrypted(ManagementAlgorithm::TripleDes, &DEFAULT_MANAGEMENT_KEY, &block[..8]);
        assert_eq!(des.expect("a block")[..], [0x77, 0xA7, 0xD6, 0xBC, 0xF5, 0x79, 0x62, 0xB9]);
        let aes = encrypted(ManagementAlgorithm::Aes192, &DEFAULT_MANAGEMENT_KEY, block);
        assert_eq!(aes.expect("a block")[..4], [0x3D, 0x6E, 0x6D, 0x9C]);
        let aes = encrypted(ManagementAlgorithm::Aes128, &counted[..16], block);
        assert_eq!(aes.expect("a block")[..4], [0x08, 0x92, 0x08, 0x56]);
        // FIPS 197, C.3.
        let plain: Vec<u8> = (0..16).map(|byte| byte * 0x11).collect();
        let aes = encrypted(ManagementAlgorithm::Aes256, &counted, &plain);
        assert_eq!(aes.expect("a block")[..4], [0x8E, 0xA2, 0xB7, 0xCA]);
        assert!(encrypted(ManagementAlgorithm::Aes256, &counted[..16], &plain).is_err());
        assert!(encrypted(ManagementAlgorithm::Aes128, &counted[..16], &plain[..8]).is_err());
    }
}
