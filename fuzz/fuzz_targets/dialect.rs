//! Any text as SQL.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| firndb_fuzz::dialect::check(text));
