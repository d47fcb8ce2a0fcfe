//! Tests of the callbacks as a module calls them.

mod checked;
mod model;
mod module;
mod rules;
mod threads;

use crate::{Callbacks, FaultPlan, Heap, Mode};
use module::Module;

/// The heap and a module that uses it.
fn lent(mode: Mode) -> (Heap, Module) {
    let heap = Heap::new(mode);
    let module = Module(heap.callbacks());
    (heap, module)
}
