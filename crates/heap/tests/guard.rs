//! In checked mode a module that touches what it may not dies at that instruction. Each case runs in a
//! child process, which is this very test with an order in its environment.

use std::process::Command;

use cardmod_heap::{Callbacks, Heap, Mode};

#[path = "../src/tests/module.rs"]
mod module;

const ORDER: &str = "CARDMOD_HEAP_TEST_ORDER";

/// What a child says once it has done as ordered and lives.
const ALIVE: &str = "still alive";

#[test]
fn a_touch_beyond_the_bounds_kills() {
    if let Ok(order) = std::env::var(ORDER) {
        obey(&order);
        println!("{ALIVE}");
        return;
    }
    for (order, lives) in [
        ("write the last byte", true),
        ("write past the end", false),
        ("read past the end", false),
        ("write before its pages", false),
        ("write after free", false),
        ("read after realloc", false),
    ] {
        let (success, said) = child(order);
        assert_eq!((success, said.contains(ALIVE)), (lives, lives), "{order}: {said}");
    }
}

fn child(order: &str) -> (bool, String) {
    let output = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "a_touch_beyond_the_bounds_kills", "--nocapture"])
        .env(ORDER, order)
        .output()
        .expect("a child");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

fn obey(order: &str) {
    const LEN: usize = 64;
    let heap = Heap::new(Mode::Checked);
    let module = module::Module(heap.callbacks());
    let block = module.alloc(LEN);
    match order {
        "write the last byte" => module.write(block.wrapping_add(LEN - 1), b"x"),
        "write past the end" => module.write(block.wrapping_add(LEN), b"x"),
        "read past the end" => drop(std::hint::black_box(module.read(block, LEN + 1))),
        "write before its pages" => module.write(block.wrapping_sub(20_000), b"x"),
        "write after free" => {
            module.free(block);
            module.write(block, b"x");
        }
        "read after realloc" => {
            module.realloc(block, LEN);
            drop(std::hint::black_box(module.read(block, 1)));
        }
        unknown => panic!("no such order: {unknown}"),
    }
}
