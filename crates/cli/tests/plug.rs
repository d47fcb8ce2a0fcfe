//! `cardmod card plug` against a driver of the test's own, which speaks as vsmartcard's vpcd does.
#![forbid(unsafe_code)]

mod common;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use common::Home;

const POWER_ON: &[u8] = &[1];
const GET_ATR: &[u8] = &[4];
const SELECT_GIDS: &[u8] = &[0x00, 0xA4, 0x04, 0x00, 0x09, 0xA0, 0, 0, 3, 0x97, 0x42, 0x54, 0x46, 0x59, 0x00];

fn send(stream: &mut TcpStream, message: &[u8]) {
    let length = u16::try_from(message.len()).expect("a short message").to_be_bytes();
    stream.write_all(&[&length, message].concat()).expect("the card listens");
}

fn receive(stream: &mut TcpStream) -> Vec<u8> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).expect("a length");
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message).expect("a message");
    message
}

#[test]
fn a_plugged_card_serves_the_driver_alone() {
    let home = Home::with_key("p256");
    let driver = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = driver.local_addr().unwrap();
    let mut program = home.cardmod(&format!("card plug demo --address {address}"));
    let mut program = program.stdout(Stdio::piped()).spawn().unwrap();
    let (mut stream, _) = driver.accept().unwrap();
    send(&mut stream, POWER_ON);
    send(&mut stream, GET_ATR);
    assert_eq!(receive(&mut stream)[0], 0x3B);
    let mut first = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("plugged demo"), "{first}");

    send(&mut stream, SELECT_GIDS);
    assert!(receive(&mut stream).ends_with(&[0x90, 0x00]));
    home.run("--card demo info").exits(1).says("plugged");
    home.run("card erase demo --yes").exits(1).says("in use");

    drop(stream);
    assert!(program.wait().unwrap().success());
    home.run("--card demo container list").succeeds().says("web");
}

#[test]
fn a_plugged_card_has_the_applications_it_was_made_with() {
    const SELECT_PIV: &[u8] = &[0, 0xA4, 4, 0, 11, 0xA0, 0, 0, 3, 8, 0, 0, 0x10, 0, 1, 0, 0];
    const CHUID: &[u8] = &[0, 0xCB, 0x3F, 0xFF, 5, 0x5C, 3, 0x5F, 0xC1, 2, 0];
    for (kind, has_gids, has_piv) in [("gids", true, false), ("piv", false, true), ("dual", true, true)] {
        let home = Home::new();
        home.run(&format!("card new demo --type {kind}")).succeeds();
        let driver = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = driver.local_addr().unwrap();
        let mut program = home.cardmod(&format!("card plug demo --address {address}"));
        let mut program = program.stdout(Stdio::piped()).spawn().unwrap();
        let (mut stream, _) = driver.accept().unwrap();
        let mut ask = |command: &[u8]| {
            send(&mut stream, command);
            receive(&mut stream)
        };
        // Capabilities in the historical bytes: 73, then chaining and extended length in the third byte.
        let atr = ask(GET_ATR);
        assert!(atr.windows(4).any(|part| part == [0x73, 0xC0, 0x01, 0xC0]), "{kind}: {atr:02x?}");
        assert_eq!(ask(SELECT_GIDS).ends_with(&[0x90, 0x00]), has_gids, "{kind}");
        assert_eq!(ask(SELECT_PIV).ends_with(&[0x90, 0x00]), has_piv, "{kind}");
        assert_eq!(ask(CHUID).ends_with(&[0x90, 0x00]), has_piv, "{kind}");
        drop(stream);
        assert!(program.wait().unwrap().success());
    }
}

#[test]
fn a_killed_plug_gives_the_card_back() {
    let home = Home::with_key("p256");
    let driver = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = driver.local_addr().unwrap();
    let mut program = home.cardmod(&format!("card plug demo --address {address} --json"));
    let mut program = program.stdout(Stdio::piped()).spawn().unwrap();
    let (mut stream, _) = driver.accept().unwrap();
    send(&mut stream, GET_ATR);
    receive(&mut stream);
    home.run("--card demo info").exits(1).says("plugged");
    program.kill().unwrap();
    program.wait().unwrap();
    home.run("--card demo container list").succeeds().says("web");
}

#[test]
fn no_driver_and_no_card() {
    let home = Home::with_card();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    home.run(&format!("card plug demo --address {free}")).exits(1).says("vpcd").says("pcscd");
    home.run("card plug other").exits(4).says("other");
}
