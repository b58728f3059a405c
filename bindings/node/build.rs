//! Tells the linker that Node.js brings the functions of its API.

fn main() {
    napi_build::setup();
}
