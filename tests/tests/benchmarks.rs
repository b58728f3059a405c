//! Every benchmark runs; at this size its figures mean nothing.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::process::Command;

#[test]
fn benchmarks_run_at_a_tiny_size() {
    let run = Command::new(env!("CARGO_BIN_EXE_bench")).args(["all", "--tiny"]).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{out}{err}");
    for name in ["overlay", "scan", "lookup", "insert", "flush", "prune", "feed", "versions", "copy"] {
        assert!(out.contains(&format!("{name}: ")), "{name} is missing in {out}");
    }
}
