//! The threads that the engine works on.

use std::num::NonZero;
use std::thread::available_parallelism;

use napi_derive::module_init;

/// Planning recurses with the depth of a statement, and optimised less it recurses on larger frames: on stacks
/// of 2 MiB, which are the default, a query inside of a dozen others ends the process.
const STACK_BYTES: usize = 16 << 20;

/// How many threads there are for each processor. One query works on as many threads as there are processors;
/// with no others, what is asked meanwhile would wait for each of its turns.
const THREADS_PER_PROCESSOR: usize = 4;

/// Has the addon's calls carried out on threads of this kind.
#[module_init]
fn start() {
    let processors = available_parallelism().map_or(1, NonZero::get);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(processors.saturating_mul(THREADS_PER_PROCESSOR))
        .thread_stack_size(STACK_BYTES)
        .build();
    // Nobody could be told of an error here. Without threads the first call fails, and says so.
    if let Ok(runtime) = runtime {
        napi::bindgen_prelude::create_custom_tokio_runtime(runtime);
    }
}
