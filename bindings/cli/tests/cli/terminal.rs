//! The binary in a terminal: tmux types into it and shows what is on its screen.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// How long anything may take to appear, on a machine that does other work too.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(40);

/// What is on the screen, with its exit status, once the binary has ended.
const LEFT: &str = "the binary has ended with status";

/// A terminal with the binary in it. Dropping it ends both.
pub struct Terminal {
    dir: tempfile::TempDir,
}

impl Terminal {
    /// Starts `firndb ARGS` in a terminal of this size, with more variables of the environment.
    pub fn start(columns: u16, rows: u16, args: &str, variables: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        Self::start_in(dir, columns, rows, args, variables)
    }

    /// As [`Self::start`], with the history and files of a terminal before.
    pub fn start_in(dir: tempfile::TempDir, columns: u16, rows: u16, args: &str, variables: &str) -> Self {
        let terminal = Self { dir };
        let place = terminal.dir.path().display();
        let binary = env!("CARGO_BIN_EXE_firndb");
        // What the person who runs the tests has set must not matter. The status is printed by the shell around
        // the binary, since tmux now and then misses it, and then shows nothing at all; the trap keeps that shell
        // there when Ctrl-C is pressed.
        let program = format!(
            "trap : INT; cd '{place}' && env -u PAGER -u LESS -u NO_COLOR XDG_STATE_HOME='{place}/state' {variables} \
             '{binary}' {args}; echo \"{LEFT} $?\""
        );
        let (columns, rows) = (columns.to_string(), rows.to_string());
        terminal.tmux(&["new-session", "-d", "-x", &columns, "-y", &rows, "sh", "-c", &program]);
        terminal.tmux(&["set-option", "-g", "remain-on-exit", "on"]);
        terminal
    }

    /// The directory in which the binary runs.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Ends the terminal, and keeps its directory for another.
    pub fn leave(mut self) -> tempfile::TempDir {
        self.end();
        std::mem::replace(&mut self.dir, tempfile::tempdir().expect("a temporary directory"))
    }

    /// Types `text` as it is.
    pub fn write(&self, text: &str) {
        // A semicolon at the end of an argument ends the command of tmux.
        let text = text.strip_suffix(';').map_or(text.to_owned(), |start| format!("{start}\\;"));
        self.tmux(&["send-keys", "-l", &text]);
    }

    /// Presses keys by their names in tmux: `Enter`, `Tab`, `C-c`.
    pub fn press(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    /// Types a line and Enter.
    pub fn enter(&self, line: &str) {
        self.write(line);
        self.press(&["Enter"]);
    }

    /// What is on the screen.
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.tmux(&["capture-pane", "-p"]).stdout).into_owned()
    }

    /// Waits until the screen is as `wanted` says.
    #[track_caller]
    pub fn wait(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if wanted(&screen) {
                return screen;
            }
            assert!(start.elapsed() < PATIENCE, "no {what} on the screen:\n{}", framed(&screen));
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// Waits for `text` on the screen.
    #[track_caller]
    pub fn wait_for(&self, text: &str) -> String {
        self.wait(&format!("{text:?}"), |screen| screen.contains(text))
    }

    /// Waits for an empty prompt behind `text`.
    #[track_caller]
    pub fn wait_for_prompt(&self, text: &str, prompt: &str) -> String {
        self.wait(&format!("{text:?} and the prompt {prompt:?}"), |screen| {
            screen.contains(text) && screen.trim_end().lines().last().is_some_and(|l| l.trim_end() == prompt)
        })
    }

    /// Presses Ctrl-D until the binary has ended well. What is pressed while the terminal changes between
    /// its modes is nobody's.
    #[track_caller]
    pub fn leave_by_control_d(&self) {
        self.wait("end of the shell", |screen| {
            let over = screen.contains(&format!("{LEFT} 0"));
            if !over {
                self.press(&["C-d"]);
            }
            over
        });
    }

    /// Types a line, and waits for an answer with `text` in it and the prompt.
    #[track_caller]
    pub fn ask(&self, line: &str, text: &str) -> String {
        self.enter(line);
        self.wait_for_prompt(text, "firn>")
    }

    fn tmux(&self, args: &[&str]) -> Output {
        let socket = self.dir.path().join("tmux");
        let output = Command::new("tmux")
            .args(["-u", "-f", "/dev/null", "-S"])
            .arg(socket)
            // Also where the tests themselves run in it.
            .env_remove("TMUX")
            .args(args)
            .output()
            .unwrap_or_else(|e| panic!("tmux cannot be started, `cargo xtask setup` installs it: {e}"));
        assert!(output.status.success(), "tmux {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn end(&mut self) {
        let socket = self.dir.path().join("tmux");
        let _ = Command::new("tmux").arg("-S").arg(socket).arg("kill-server").output();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.end();
    }
}

fn framed(screen: &str) -> String {
    screen.trim_end().lines().fold(String::new(), |mut out, line| {
        let _ = writeln!(out, "  |{line}");
        out
    })
}
