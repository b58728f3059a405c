//! Ctrl-C while a statement runs, and a sign of life when that takes long.

use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use console::{Term, truncate_str};
use firndb_core::{CancelToken, Error, Result};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Statements that are done sooner show nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// The signs of life, and how long each is shown.
const FRAMES: [&str; 8] = ["⠁", "⠂", "⠄", "⡀", "⢀", "⠠", "⠐", "⠈"];
const FRAME: Duration = Duration::from_millis(200);

/// Passes Ctrl-C on to what runs; the shell itself goes on.
#[derive(Debug, Clone)]
pub struct Interrupts {
    current: Arc<Mutex<Option<CancelToken>>>,
    pressed: Arc<Notify>,
}

impl Interrupts {
    /// Listens from here on: the line editor must find this handler in place, for it puts back the one that
    /// it has found whenever a line was read.
    ///
    /// # Errors
    /// `Unavailable` when the system does not tell of it.
    pub fn listen() -> Result<Self> {
        let mut signals =
            signals().map_err(|e| Error::unavailable(format!("cannot listen for Ctrl-C: {e}")))?;
        let interrupts = Self { current: Arc::default(), pressed: Arc::new(Notify::new()) };
        let heard = interrupts.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                if let Some(token) = lock(&heard.current).as_ref() {
                    token.cancel();
                }
                heard.pressed.notify_waiters();
            }
        });
        Ok(interrupts)
    }

    /// Cancels `token` when Ctrl-C is pressed, and shows that something runs, until the watch is dropped.
    pub fn watch(&self, token: CancelToken) -> Watch {
        *lock(&self.current) = Some(token);
        Watch { interrupts: self.clone(), progress: Progress::start() }
    }

    /// Waits for Ctrl-C.
    pub async fn pressed(&self) {
        self.pressed.notified().await;
    }
}

#[cfg(unix)]
fn signals() -> io::Result<tokio::signal::unix::Signal> {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())
}

#[cfg(windows)]
fn signals() -> io::Result<tokio::signal::windows::CtrlC> {
    tokio::signal::windows::ctrl_c()
}

/// While it is there, Ctrl-C cancels what runs.
#[derive(Debug)]
pub struct Watch {
    interrupts: Interrupts,
    progress: Progress,
}

impl Drop for Watch {
    fn drop(&mut self) {
        *lock(&self.interrupts.current) = None;
        self.progress.stop();
    }
}

/// A line on standard error that appears after a while and counts the seconds.
///
/// It is not a bar of indicatif: that fills the line with spaces, so that the `^C` which the terminal shows
/// goes to the next one, and the line stays.
#[derive(Debug)]
struct Progress {
    task: JoinHandle<()>,
    shown: Arc<Mutex<Shown>>,
}

#[derive(Debug, Default)]
struct Shown {
    over: bool,
    drawn: bool,
}

impl Progress {
    fn start() -> Self {
        let shown: Arc<Mutex<Shown>> = Arc::default();
        let later = Arc::clone(&shown);
        let task = tokio::spawn(async move {
            if !io::stderr().is_terminal() {
                return;
            }
            let started = Instant::now();
            tokio::time::sleep(PATIENCE).await;
            for frame in FRAMES.iter().cycle() {
                {
                    let mut shown = lock(&later);
                    if shown.over {
                        return;
                    }
                    shown.drawn = true;
                    let line = format!("{frame} running, Ctrl-C cancels ({} s)", started.elapsed().as_secs());
                    // Room is left for the `^C` of the terminal.
                    let width = Term::stderr().size().1.saturating_sub(4);
                    eprint!("\r{}\x1b[K", truncate_str(&line, usize::from(width), "…"));
                }
                tokio::time::sleep(FRAME).await;
            }
        });
        Self { task, shown }
    }

    fn stop(&self) {
        self.task.abort();
        let mut shown = lock(&self.shown);
        shown.over = true;
        if shown.drawn {
            eprint!("\r\x1b[K");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks is whole at any moment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
