//! A card plugged into a driver: this test plays vpcd, in the driver's own manner (length and bytes in two
//! writes).

mod common;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use cardmod_pcsc::{Protocols, ReaderState, SCARD_E_SHARING_VIOLATION, SCARD_STATE_EXCLUSIVE, ShareMode};
use cardmod_winscard::{PlugError, plug};
use common::{IS_VERIFIED, SELECT, VERIFY, connect, context, status_word, world};

/// What the driver's side of the connection does.
struct Driver {
    stream: TcpStream,
}

impl Driver {
    fn send(&mut self, message: &[u8]) {
        let length = u16::try_from(message.len()).expect("short").to_be_bytes();
        self.stream.write_all(&length).expect("sent");
        self.stream.write_all(message).expect("sent");
    }

    fn receive(&mut self) -> Vec<u8> {
        let mut length = [0; 2];
        self.stream.read_exact(&mut length).expect("a length");
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        self.stream.read_exact(&mut message).expect("a message");
        message
    }

    fn ask(&mut self, message: &[u8]) -> Vec<u8> {
        self.send(message);
        self.receive()
    }
}

#[test]
fn a_plugged_card_serves_the_driver_alone() {
    let reader = world().card("plugged");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let stop = AtomicBool::new(false);
    let (tell, told) = mpsc::channel();
    let context = context();
    thread::scope(|scope| {
        let card = world().store().open_card("plugged").expect("a card");
        let plugged = scope.spawn(|| plug(card, &address, &stop, || tell.send(()).expect("heard")));
        let mut driver = Driver { stream: listener.accept().expect("the card connects").0 };
        driver.send(&[1]);
        let atr = driver.ask(&[4]);
        assert_eq!(atr[0], 0x3B);
        told.recv_timeout(Duration::from_secs(20)).expect("ready");

        assert_eq!(status_word(&driver.ask(SELECT)), 0x9000);
        assert_eq!(status_word(&driver.ask(VERIFY)), 0x9000);
        let started = Instant::now();
        for _ in 0..50 {
            assert_eq!(status_word(&driver.ask(IS_VERIFIED)), 0x9000);
        }
        let took = started.elapsed();
        // Linux alone lets a program acknowledge at once; the driver is a Unix one.
        assert!(
            !cfg!(target_os = "linux") || took < Duration::from_millis(1500),
            "50 exchanges took {took:?}: acknowledgements are delayed"
        );
        driver.send(&[2]);
        assert_eq!(status_word(&driver.ask(SELECT)), 0x9000);
        assert_ne!(status_word(&driver.ask(IS_VERIFIED)), 0x9000, "the reset was one");
        driver.send(&[9]);
        assert_eq!(status_word(&driver.ask(SELECT)), 0x9000, "an unknown request has no answer");

        let refused = context.connect(&reader, ShareMode::Shared, Protocols::ANY).expect_err("plugged in");
        assert_eq!(refused.code, SCARD_E_SHARING_VIOLATION);
        let mut states = [ReaderState::unaware(&reader)];
        context.status_change(Some(0), &mut states).expect("a state");
        assert_ne!(states[0].event & SCARD_STATE_EXCLUSIVE, 0);

        stop.store(true, Ordering::Relaxed);
        plugged.join().expect("no panic").expect("stopped in order");
    });
    assert_eq!(status_word(&connect(&context, &reader).transmit(SELECT).expect("direct again")), 0x9000);
}

#[test]
fn the_driver_may_hang_up() {
    world().card("hung-up");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let card = world().store().open_card("hung-up").expect("a card");
    thread::scope(|scope| {
        let plugged = scope.spawn(|| plug(card, &address, &AtomicBool::new(false), || {}));
        drop(listener.accept().expect("the card connects"));
        plugged.join().expect("no panic").expect("an orderly end");
    });
}

#[test]
fn nobody_listens() {
    let reader = world().card("unplugged");
    let free =
        TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").to_string();
    let card = world().store().open_card("unplugged").expect("a card");
    let error = plug(card, &free, &AtomicBool::new(false), || {}).expect_err("nobody there");
    assert!(matches!(error, PlugError::Connect { .. }));
    assert!(error.to_string().contains(&free), "{error}");
    let context = context();
    connect(&context, &reader);
    let card = world().store().open_card("unplugged").expect("a card");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let held = connect(&context, &reader);
    let error = plug(card, &address, &AtomicBool::new(false), || {}).expect_err("in use");
    assert!(matches!(error, PlugError::Card(_)), "{error}");
    drop(held);
}
