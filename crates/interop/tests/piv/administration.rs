//! `cardmod piv` on the card that others wrote: what it has is used, what it has not is told, and nothing is
//! inferred from the version it claims.

use crate::desk::Desk;

#[test]
fn the_firmware_is_looked_after_as_far_as_it_lets_itself() {
    let desk = Desk::with_firmware();
    desk.cardmod("piv init --management-key default").success().says("nothing is changed");
    desk.enrol_by_cardmod("9a", "p256");
    let shown = desk.cardmod("piv status").success();
    shown.says("firmware says").says("P-256").says("certificate, ");
    desk.piv_tool("-a status").success().says("CHUID:");
    desk.cardmod("container names --rule opensc").success().says("9a     01");
    // Its metadata and attestation are stubs, whatever its version says.
    desk.cardmod("piv metadata 9a").exits_with(7).says("does not support metadata");
    desk.cardmod("piv attest 9a").exits_with(7).says("does not support attestation");
    std::fs::write(desk.home.file("wrong-key"), "5".repeat(48)).expect("a file");
    let wrong = desk.cardmod("piv init --management-key-file wrong-key");
    wrong.exits_with(5).says("the management key is wrong");
    desk.cardmod_signs("9a");
}
