//! The steps of a verb: what is being done, and how long it took.

use std::time::{Duration, Instant};

use crate::shell::Result;

/// Steps carried out so far, in order.
#[derive(Debug, Default)]
pub struct Phases {
    done: Vec<(String, Duration, bool)>,
}

impl Phases {
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what is about to be done, does it, and says how long it took. After a failure the table of
    /// all steps is printed too, since the caller ends there.
    pub fn run<T>(&mut self, name: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
        eprintln!("\n==> {name}");
        let start = Instant::now();
        let outcome = step();
        let took = start.elapsed();
        self.done.push((name.to_owned(), took, outcome.is_ok()));
        match &outcome {
            Ok(_) => eprintln!("    {name}: {}", seconds(took)),
            Err(_) => self.summarize(),
        }
        outcome
    }

    /// Prints the steps with their times.
    pub fn summarize(&self) {
        eprint!("\n{}", self.table());
    }

    fn table(&self) -> String {
        let width = self.done.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or(0).max(5);
        let total: Duration = self.done.iter().map(|(_, took, _)| *took).sum();
        let mut text = String::new();
        for (name, took, passed) in &self.done {
            let verdict = if *passed { "ok" } else { "FAILED" };
            text.push_str(&format!("{name:<width$}  {:>9}  {verdict}\n", seconds(*took)));
        }
        text.push_str(&format!("{:<width$}  {:>9}\n", "total", seconds(total)));
        text
    }
}

/// A time as people read it: `0.4 s`, `12.0 s`, `3 m 05 s`.
fn seconds(took: Duration) -> String {
    if took < Duration::from_secs(60) {
        format!("{:.1} s", took.as_secs_f64())
    } else {
        format!("{} m {:02} s", took.as_secs() / 60, took.as_secs() % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::Failure;

    #[test]
    fn times_are_read_as_people_say_them() {
        assert_eq!(seconds(Duration::from_millis(420)), "0.4 s");
        assert_eq!(seconds(Duration::from_secs(60)), "1 m 00 s");
        assert_eq!(seconds(Duration::from_secs(3725)), "62 m 05 s");
    }

    #[test]
    fn a_failed_step_shows_in_the_table_and_goes_to_the_caller() {
        let mut phases = Phases::new();
        assert_eq!(phases.run("one", || Ok(1)).ok(), Some(1));
        assert!(phases.run("two", || Err::<(), _>(Failure::Failed("no".into()))).is_err());
        let table = phases.table();
        let verdicts: Vec<_> = table.lines().map(|line| line.split_whitespace().last()).collect();
        assert_eq!(verdicts, [Some("ok"), Some("FAILED"), Some("s")]);
    }
}
