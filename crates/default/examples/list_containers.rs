//! Lists the containers of every card: `list_containers [READER]`.
//!
//! What it shows: readers, opening a card, and what a container is. No PIN is needed.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use std::error::Error;

use cardmod_default::{Environment, EnvironmentOptions};
use cardmod_host::types::KeyHalf;
use cardmod_host::{CardSession, KeyAlgorithm, OpenOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let environment = Environment::open(EnvironmentOptions::default())?;
    let wanted = std::env::args().nth(1);
    for reader in environment.host.readers()? {
        if !reader.present || wanted.as_ref().is_some_and(|wanted| *wanted != reader.name) {
            continue;
        }
        println!("{}", reader.name);
        // A card that is no smart card of ours is told, and the next one is tried.
        let session = environment.open_card(&reader.name, OpenOptions::default());
        match session.map_err(Into::into).and_then(list) {
            Ok(lines) => lines.iter().for_each(|line| println!("  {line}")),
            Err(error) => println!("  {error}"),
        }
    }
    Ok(())
}

/// One line for each container of a card.
fn list(mut session: CardSession) -> Result<Vec<String>, Box<dyn Error>> {
    let mut lines = Vec::new();
    for container in session.containers()? {
        let keys: Vec<_> = container
            .keys
            .iter()
            .map(|key| {
                let purpose = match key.half {
                    KeyHalf::Signature => "signature",
                    KeyHalf::KeyExchange => "key exchange",
                };
                let certificate = if key.certificate.is_some() { ", certificate" } else { "" };
                format!("{} for {purpose}{certificate}", KeyAlgorithm::of(&key.public))
            })
            .collect();
        let default = if container.default { " (default)" } else { "" };
        lines.push(format!("{}{default}: {}", container.name, keys.join("; ")));
    }
    session.close()?;
    Ok(lines)
}

#[test]
fn each_container_is_a_line() {
    use cardmod_host::types::EcCurve;
    let test = cardmod_default::testing::card();
    assert_eq!(list(test.session()).expect("a list"), [""; 0]);
    test.generate("mail", KeyAlgorithm::Rsa(2048));
    test.generate("web", KeyAlgorithm::Ec(EcCurve::P256));
    let lines = list(test.session()).expect("a list");
    assert_eq!(lines, ["mail (default): rsa2048 for key exchange", "web: p256 for signature"]);
}
