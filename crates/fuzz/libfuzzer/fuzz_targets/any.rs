//! Any target, by the name in `CARDMOD_FUZZ_TARGET`: one program to link instead of one for each.
#![no_main]

use std::sync::LazyLock;

use cardmod_fuzz::Target;
use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("CARDMOD_FUZZ_TARGET").expect("CARDMOD_FUZZ_TARGET names a target");
    cardmod_fuzz::find(&name).unwrap_or_else(|| panic!("there is no target {name}"))
});

fuzz_target!(|data: &[u8]| (TARGET.run)(data));
