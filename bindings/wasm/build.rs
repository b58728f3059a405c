//! Gives the module more stack than a linker does by itself.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Planning recurses into expressions. A megabyte is too little for those as deep as `SqlLimits` allows, in a
    // build that is not optimised.
    if std::env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "wasm") {
        println!("cargo::rustc-link-arg-cdylib=-zstack-size=4194304");
    }
}
