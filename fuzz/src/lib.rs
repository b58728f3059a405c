//! What must hold of any input, apart from the fuzzer that makes it up: inputs that once broke it are tested with the rest.

pub mod dialect;
