//! Images of cards between the two systems: a store that one program made is used by the other.

use crate::desk::{Desk, tries_left};

const SIGN: &str = "--card demo sign --container web --in data --out data.sig --pin-env PIN";

#[test]
#[ignore = "run by cargo xtask windows"]
fn a_card_made_on_linux_is_used_under_wine() {
    let desk = Desk::new();
    desk.write("data", b"the data to be signed");
    desk.linux("card new demo").success();
    desk.linux("--card demo key generate --container web --algorithm p256 --pin-env PIN").success();
    desk.linux("--card demo key public --container web --out web.pub.pem").success();
    desk.wine(SIGN).success();
    desk.openssl_verifies("web.pub.pem", "data.sig", "data", "");
    // What the Windows program wrote is there for the Linux one, tries included.
    desk.wine("--card demo key generate --container more --algorithm p384 --pin-env PIN").success();
    desk.wine("--card demo pin verify --pin-env WRONG").exits_with(5).says("2 tries");
    desk.linux("--card demo container list").success().says("web").says("more");
    assert_eq!(tries_left(&desk.linux("--card demo pin status --json").success()), 2);
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn a_card_made_under_wine_is_used_on_linux() {
    let desk = Desk::with_key();
    let before = desk.read("cards/demo/card.image");
    // Wine gives files the mode that the umask leaves, and the secret of a store is its owner's alone.
    let exposed = mode(&desk, "cards/device.secret") & 0o077 != 0;
    if exposed {
        desk.linux(SIGN).exits_with(1).says("device.secret").says("make it 600");
        assert_eq!(desk.read("cards/demo/card.image"), before, "the image was touched");
        desk.tool("chmod 600 cards/device.secret").success();
    }
    desk.linux(SIGN).success();
    desk.openssl_verifies("web.pub.pem", "data.sig", "data", "");
    desk.linux("--card demo container delete web --pin-env PIN").success();
    desk.wine("--card demo container list").success().says("no containers");
}

/// Without its secret an image stays closed, on the other system too.
#[test]
#[ignore = "run by cargo xtask windows"]
fn an_image_without_its_secret_is_refused() {
    let (desk, other) = (Desk::with_key(), Desk::with_card());
    let image = desk.read("cards/demo/card.image");
    other.write("cards/demo/card.image", &image);
    other.wine(SIGN).exits_with(1).says("card.image").says("secret");
    assert_eq!(other.read("cards/demo/card.image"), image, "the image was touched");
}

fn mode(desk: &Desk, name: &str) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(desk.path(name)).expect("a file").permissions().mode()
}
