//! A proof signature of every key that signs.

use cardmod_host::verify::verify_signature;
use cardmod_host::{CardSession, Container, ContainerKey, SignRequest};
use cardmod_types::{HashAlgorithm, KeySpec, PublicKey, SignaturePadding};

use super::document::ProofView;
use crate::failure::Failure;
use crate::output::Output;
use crate::pins::PinAnswer;
use crate::progress::Progress;
use crate::report::purpose;
use crate::secrets::PinOptions;

/// What a proof signature is made over.
const PROOF: &[u8] = b"cardmod info: proof that this key signs";

/// Signs with every signing key and verifies what came out. A wrong PIN ends it: no try is spent twice.
pub(super) fn proofs(
    session: &mut CardSession,
    containers: &[Container],
    pin: &PinOptions,
    out: Output,
) -> Result<Vec<ProofView>, Failure> {
    let _progress = Progress::start(out, "trying the keys");
    let mut pins = PinAnswer::new(pin);
    let mut proofs = Vec::new();
    for container in containers {
        for key in &container.keys {
            if !signs(key) {
                continue;
            }
            let problem = match prove(session, container, key, &mut pins) {
                Ok(()) => None,
                Err(
                    error @ (cardmod_host::Error::WrongPin { .. } | cardmod_host::Error::PinBlocked { .. }),
                ) => return Err(error.into()),
                Err(error) => Some(error.to_string()),
            };
            let signs = problem.is_none();
            proofs.push(ProofView {
                container: container.name.clone(),
                purpose: purpose(key.half),
                signs,
                problem,
            });
        }
    }
    Ok(proofs)
}

/// RSA keys of either half sign; of the elliptic curve keys those for ECDSA.
const fn signs(key: &ContainerKey) -> bool {
    !matches!(key.spec, KeySpec::EcdheP256 | KeySpec::EcdheP384 | KeySpec::EcdheP521)
}

fn prove(
    session: &mut CardSession,
    container: &Container,
    key: &ContainerKey,
    pins: &mut PinAnswer,
) -> Result<(), cardmod_host::Error> {
    let hash = HashAlgorithm::Sha256;
    let digest = hash.digest(PROOF).unwrap_or_default();
    let padding = match key.public {
        PublicKey::Rsa(_) => SignaturePadding::Pkcs1 { hash: Some(hash) },
        PublicKey::Ec(_) => SignaturePadding::None,
    };
    let request = SignRequest { half: Some(key.half), padding: padding.clone(), digest: &digest };
    let signature = session.sign(Some(&container.name), &request, pins)?;
    verify_signature(&key.public, &padding, &digest, &signature)
}
