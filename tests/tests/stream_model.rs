//! STREAM tables against a model: whatever is done in whatever order, while the clock goes on and back, a row is there as
//! long as it is alive, and no longer.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;

use firndb_core::{Config, Engine, ErrorKind, SeqId, Session};
use firndb_tests::ask::{affected, ask, expect_clean, fail, run, settle, user};
use firndb_tests::lasting::{Lasting, START_MS};
use firndb_tests::streamed::{ALL, CREATE, NONE, Place, TTL_MS, blocks};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Whether a key has a row, as far as that is certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Alive,
    Over,
    /// It was over before the clock was set back.
    Either,
}

/// The last version of each key of one user: the millisecond of its `_seq`, and its text; none for a tombstone.
#[derive(Debug, Default)]
struct Model {
    versions: BTreeMap<i64, (i64, Option<String>)>,
}

impl Model {
    fn life(&self, id: i64, now_ms: i64, latest_ms: i64) -> Life {
        match self.versions.get(&id) {
            Some((at_ms, _)) if at_ms + TTL_MS > latest_ms => Life::Alive,
            Some((at_ms, _)) if at_ms + TTL_MS > now_ms => Life::Either,
            _ => Life::Over,
        }
    }

    fn is_row(&self, id: i64) -> bool {
        self.versions.get(&id).is_some_and(|(_, who)| who.is_some())
    }
}

/// A run against the model.
struct Trial {
    place: Place,
    engine: Option<Engine>,
    sessions: Vec<(Session, Model)>,
    rng: StdRng,
    now_ms: i64,
    latest_ms: i64,
}

const KEYS: i64 = 12;
const USERS: usize = 2;

impl Trial {
    async fn new(place: Place, seed: u64) -> Self {
        let mut trial = Self {
            place,
            engine: None,
            sessions: Vec::new(),
            rng: StdRng::seed_from_u64(seed),
            now_ms: 0,
            latest_ms: 0,
        };
        trial.reopen().await;
        run(trial.engine.as_ref().unwrap(), CREATE).await;
        trial
    }

    async fn reopen(&mut self) {
        let models: Vec<Model> = self.sessions.drain(..).map(|(_, model)| model).collect();
        if let Some(engine) = self.engine.take() {
            engine.close().await.unwrap();
        }
        let mut config = Config::default();
        config.stream.eviction_commits = self.rng.random_range(1..6);
        config.stream.eviction_interval_seconds = self.rng.random_range(1..40);
        config.hot.scopes = self.rng.random_range(1..4);
        let (engine, _) = self.place.open(config).await;
        let mut models = models.into_iter();
        for n in 0..USERS {
            let session = user(&engine, &format!("user{n}")).await;
            self.sessions.push((session, models.next().unwrap_or_default()));
        }
        self.engine = Some(engine);
    }

    fn move_clock(&mut self) {
        let by = match self.rng.random_range(0..10) {
            0 => -self.rng.random_range(1..20_000),
            1 => 0,
            2 => TTL_MS - self.rng.random_range(0..2),
            3 => self.rng.random_range(0..100_000),
            _ => self.rng.random_range(0..8_000),
        };
        self.now_ms += by;
        self.latest_ms = self.latest_ms.max(self.now_ms);
        self.place.set_ms(self.now_ms);
    }

    async fn write(&mut self, n: usize, step: usize) {
        let id = self.rng.random_range(0..KEYS);
        let choice = self.rng.random_range(0..5);
        let (now_ms, latest_ms) = (self.now_ms, self.latest_ms);
        let (session, model) = &mut self.sessions[n];
        let there = match model.life(id, now_ms, latest_ms) {
            Life::Either => return,
            life => life == Life::Alive && model.is_row(id),
        };
        let who = format!("s{step}");
        let sql = match choice {
            0 | 1 => format!("INSERT INTO typing VALUES ({id}, '{who}')"),
            2 => format!(
                "INSERT INTO typing VALUES ({id}, '{who}') ON CONFLICT (id) DO UPDATE SET who = excluded.who"
            ),
            3 => format!("UPDATE typing SET who = '{who}' WHERE id = {id}"),
            _ => format!("DELETE FROM typing WHERE id = {id}"),
        };
        if choice < 2 && there {
            assert_eq!(fail(session, &sql).await.kind(), ErrorKind::Constraint, "step {step}: {sql}");
            return;
        }
        let expected = u64::from(there || choice <= 2);
        assert_eq!(affected(session, &sql).await, expected, "step {step}: {sql}");
        if expected == 1 {
            let tombstone = choice == 4;
            let seq = format!("SELECT _seq FROM typing WHERE id = {id} AND _deleted = {tombstone}");
            let seq: i64 = ask(session, &seq).await.concat().parse().unwrap();
            let at_ms = SeqId::from_i64(seq).unix_ms() - START_MS;
            assert!(at_ms >= now_ms, "step {step}: committed before it began");
            model.versions.insert(id, (at_ms, (!tombstone).then_some(who)));
        }
    }

    async fn compare(&mut self, step: usize) {
        let (now_ms, latest_ms) = (self.now_ms, self.latest_ms);
        for (session, model) in &mut self.sessions {
            let all = "SELECT id, who, _deleted FROM typing WHERE _deleted IN (true, false) ORDER BY id";
            for (sql, feed) in [(ALL, false), (all, true)] {
                let found = ask(session, sql).await;
                let mut found = found.iter().peekable();
                for id in 0..KEYS {
                    let said = found.next_if(|row| row.split('|').next() == Some(&id.to_string()));
                    let version = model.versions.get(&id).filter(|(_, who)| feed || who.is_some());
                    let expected = version.map(|(_, who)| match (who, feed) {
                        (Some(who), false) => format!("{id}|{who}"),
                        (Some(who), true) => format!("{id}|{who}|false"),
                        (None, _) => format!("{id}|NULL|true"),
                    });
                    match (model.life(id, now_ms, latest_ms), said) {
                        (Life::Alive, said) => assert_eq!(said, expected.as_ref(), "step {step}: {sql}"),
                        (Life::Over, said) => assert_eq!(said, None, "step {step}: {sql}"),
                        (Life::Either, None) => {}
                        (Life::Either, said) => assert_eq!(said, expected.as_ref(), "step {step}: {sql}"),
                    }
                }
                assert_eq!(found.next(), None, "step {step}: {sql}");
            }
            let one = self.rng.random_range(0..KEYS);
            let found = ask(session, &format!("SELECT who FROM typing WHERE id = {one}")).await;
            match model.life(one, now_ms, latest_ms) {
                Life::Alive => {
                    let who = model.versions.get(&one).and_then(|(_, who)| who.clone());
                    assert_eq!(found, who.into_iter().collect::<Vec<_>>(), "step {step}: key {one}");
                }
                Life::Over => assert_eq!(found, NONE, "step {step}: key {one}"),
                Life::Either => {}
            }
        }
    }

    async fn run(mut self, steps: usize) {
        for step in 0..steps {
            let n = self.rng.random_range(0..USERS);
            match self.rng.random_range(0..20) {
                0..3 => self.move_clock(),
                3 => settle(self.engine.as_ref().unwrap()).await,
                4 => drop(self.engine.as_ref().unwrap().flush_all().await.unwrap()),
                5 if step % 7 == 0 => self.reopen().await,
                _ => self.write(n, step).await,
            }
            self.compare(step).await;
        }
        let engine = self.engine.take().unwrap();
        assert_eq!(engine.stats().flushes, 0);
        expect_clean(&engine).await;
        let evicted = engine.stats().blocks_expired;
        // At last everything goes.
        self.place.set_ms(self.latest_ms + 10 * TTL_MS);
        settle(&engine).await;
        self.place.set_ms(self.latest_ms + 20 * TTL_MS);
        settle(&engine).await;
        assert!(engine.stats().blocks_expired > 0, "nothing was ever evicted, {evicted} before the end");
        self.sessions.clear();
        engine.close().await.unwrap();
        drop(engine);
        let stores = self.place.stores();
        assert_eq!(blocks(stores.kv.as_ref()).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_done_in_whatever_order_a_row_is_there_while_it_is_alive() {
    let seed = firndb_tests::seed::from_env();
    for n in 0..6 {
        Trial::new(Place::Memory(Lasting::new(n)), seed + n).await.run(300).await;
    }
    let [_, directory] = Place::each();
    Trial::new(directory, seed).await.run(120).await;
}
