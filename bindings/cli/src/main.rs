//! `firndb`: FirnDB on the command line.

#![cfg_attr(
    test,
    expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")
)]

mod archive;
mod args;
mod backup;
mod check;
mod demo;
mod export;
mod failure;
mod grid;
mod import;
mod inspect;
mod lexemes;
mod progress;
mod records;
mod render;
mod script;
mod shell;
mod source;
mod sql;
mod store;
mod target;
mod tiers;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, Parser};
use firndb_core::Error;
use tokio::task::JoinError;

use crate::args::{Cli, Command};
use crate::failure::{Failure, INTERRUPTED, Outcome};

/// Planning recurses with the depth of a statement, and optimised less it recurses on larger frames.
const STACK_BYTES: usize = 16 << 20;

/// How long an interrupted command may take to let go of what it holds.
const GRACE: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK_BYTES).build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(e) => return end(Err(Error::unavailable(format!("cannot start threads: {e}")).into())),
    };
    let converses = matches!(cli.command, None | Some(Command::Shell(_))) && shell::is_interactive();
    let code = runtime.block_on(async {
        // In a conversation Ctrl-C is for the statement that runs.
        if converses { ended(tokio::spawn(run(cli)).await) } else { interruptible(cli).await }
    });
    // What still runs is work nobody waits for.
    runtime.shutdown_background();
    code
}

/// Runs the command until it ends or Ctrl-C.
async fn interruptible(cli: Cli) -> ExitCode {
    let mut work = tokio::spawn(run(cli));
    tokio::select! {
        done = &mut work => ended(done),
        Ok(()) = tokio::signal::ctrl_c() => {
            work.abort();
            // Dropping the work rolls back, removes temporary files, and says how far it came.
            let _ = tokio::time::timeout(GRACE, work).await;
            eprintln!("interrupted");
            ExitCode::from(INTERRUPTED)
        }
    }
}

/// The exit status of a command that was not interrupted.
fn ended(done: Result<Outcome, JoinError>) -> ExitCode {
    match done {
        Ok(outcome) => end(outcome),
        Err(e) => end(Err(Error::internal(format!("the command stopped: {e}")).into())),
    }
}

async fn run(cli: Cli) -> Outcome {
    match cli.command {
        None => shell::run(cli.shell, true).await,
        Some(Command::Shell(args)) => shell::run(args, false).await,
        Some(Command::Sql(args)) => sql::run(args).await,
        Some(Command::Import(args)) => import::run(args).await,
        Some(Command::Export(args)) => export::run(args).await,
        Some(Command::Inspect(args)) => inspect::run(args).await,
        Some(Command::Check(args)) => check::check(args).await,
        Some(Command::Recover(args)) => check::recover(args).await,
        Some(Command::Backup(args)) => backup::run(args).await,
        Some(Command::Dump(args)) => archive::dump(args).await,
        Some(Command::Load(args)) => archive::load(args).await,
        Some(Command::Demo(args)) => demo::run(args).await,
        Some(Command::Completions(args)) => {
            clap_complete::generate(args.shell, &mut Cli::command(), "firndb", &mut io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn end(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            if let Some(report) = Failure::report(&failure) {
                eprintln!("{report}");
            }
            failure.exit_code()
        }
    }
}
