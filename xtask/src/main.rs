//! `cargo xtask VERB`: everything that is done to FirnDB from outside: set-up, demo, tests, benchmarks.
//!
//! It has no dependencies, so that it compiles in seconds on a machine that has nothing yet.

#![cfg_attr(
    test,
    expect(clippy::panic, clippy::unwrap_used, reason = "a test may stop at the first surprise")
)]

mod addon;
mod bench;
mod claim;
mod debian;
mod demo;
mod fuzz;
mod licences;
mod lint;
mod npm;
mod phases;
mod playground;
mod setup;
mod shell;
mod test;
mod wasm;
mod web;
mod workspace;

use std::process::ExitCode;

use shell::{Failure, Result};
use workspace::Workspace;

/// A word after `cargo xtask`, and what it does.
struct Verb {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&Workspace, &[String]) -> Result<()>,
}

const VERBS: &[Verb] = &[
    Verb {
        name: "setup",
        arguments: "",
        about: "Find what building and testing need, and install what is missing",
        run: setup::verb,
    },
    Verb {
        name: "demo",
        arguments: "[ARGS…]",
        about: "Load three million flights, change and query them across both tiers",
        run: demo::verb,
    },
    Verb {
        name: "test",
        arguments: "",
        about: "Everything: format, lints, tests, and the engine as WebAssembly",
        run: test::verb,
    },
    Verb {
        name: "lint",
        arguments: "",
        about: "Check the formatting, and run clippy with warnings as errors",
        run: lint::verb,
    },
    Verb {
        name: "wasm",
        arguments: "",
        about: "Build for wasm32-unknown-unknown, run it in Node.js, test storage in Chromium",
        run: wasm::verb,
    },
    Verb {
        name: "npm",
        arguments: "",
        about: "Build the npm package, check it, and test it in Node.js and Chromium",
        run: npm::verb,
    },
    Verb {
        name: "web",
        arguments: "[--test]",
        about: "Build the package as it is shipped, and serve the playground; --test: test both instead",
        run: web::verb,
    },
    Verb {
        name: "fuzz",
        arguments: "[SECONDS]",
        about: "Make up texts of SQL until one breaks what must hold of any; needs a nightly toolchain",
        run: fuzz::verb,
    },
    Verb {
        name: "bench",
        arguments: "NAME [--tiny]",
        about: "Run one benchmark against its peers; --tiny: only see that it runs",
        run: bench::verb,
    },
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        eprint!("{}", usage());
        return ExitCode::from(2);
    };
    if matches!(name.as_str(), "help" | "-h" | "--help") {
        print!("{}", usage());
        return ExitCode::SUCCESS;
    }
    let Some(verb) = VERBS.iter().find(|verb| verb.name == name) else {
        eprint!("error: no verb `{name}`\n\n{}", usage());
        return ExitCode::from(2);
    };
    let rest: Vec<String> = arguments.collect();
    match Workspace::find().and_then(|workspace| (verb.run)(&workspace, &rest)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\nerror: {failure}");
            ExitCode::from(failure.exit_status())
        }
    }
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask VERB\n\n");
    for verb in VERBS {
        let call = format!("{} {}", verb.name, verb.arguments);
        text.push_str(&format!("  {call:<20} {}\n", verb.about));
    }
    text
}

/// Refuses arguments of a verb that takes none.
fn no_arguments(verb: &str, arguments: &[String]) -> Result<()> {
    match arguments.first() {
        None => Ok(()),
        Some(first) => {
            Err(Failure::Usage(format!("`cargo xtask {verb}` takes no argument, found `{first}`")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_has_one_line_for_each_verb() {
        let text = usage();
        for verb in VERBS {
            assert_eq!(text.lines().filter(|line| line.contains(verb.about)).count(), 1, "{}", verb.name);
        }
    }
}
