//! The settings in the documentation are those of the engine.
#![expect(clippy::expect_used, reason = "a test may stop at the first surprise")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use firndb_core::{Config, SettingRow};

const START: &str = "<!-- The settings; tests/tests/settings.rs prints what has to be here. -->\n";
const END: &str = "<!-- The end of the settings. -->\n";

#[test]
fn the_settings_are_documented() {
    let table = table();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in the workspace");
    for name in ["bindings/cli/README.md", "bindings/npm/README.md"] {
        let text = fs::read_to_string(root.join(name)).expect("a file of this repository");
        let (_, rest) = text.split_once(START).expect("where the settings begin");
        let (found, _) = rest.split_once(END).expect("where the settings end");
        assert_eq!(found, table, "\n{name} should have between its two comments:\n{table}");
    }
}

fn table() -> String {
    let mut table = "| setting | default | |\n|---|---|---|\n".to_owned();
    for setting in Config::default().settings() {
        let default = default(&setting);
        writeln!(table, "| `{}` | {default} | {} |", setting.name, setting.description)
            .expect("a text grows");
    }
    table
}

/// The default for people.
fn default(setting: &SettingRow) -> String {
    const MIB: u64 = 1 << 20;
    if setting.name == "execution.partitions" {
        return "one for each processor; 1 in WebAssembly".to_owned();
    }
    let value = &setting.default_value;
    match value.parse::<u64>() {
        Ok(u64::MAX) => "any number".to_owned(),
        Ok(bytes) if setting.name.ends_with("bytes") && bytes >= MIB => {
            format!("{value} ({} MiB)", bytes / MIB)
        }
        _ => format!("`{value}`"),
    }
}
