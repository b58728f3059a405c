//! The threads that the engine works on.

use napi_derive::module_init;

/// Planning recurses with the depth of a statement, and optimised less it recurses on larger frames: on stacks
/// of 2 MiB, which are the default, a query inside of a dozen others ends the process.
const STACK_BYTES: usize = 16 << 20;

/// Has the addon's calls carried out on threads with [`STACK_BYTES`] of stack each.
#[module_init]
fn start() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK_BYTES).build();
    // Nobody could be told of an error here. Without threads the first call fails, and says so.
    if let Ok(runtime) = runtime {
        napi::bindgen_prelude::create_custom_tokio_runtime(runtime);
    }
}
