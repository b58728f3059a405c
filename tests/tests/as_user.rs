//! Acting for users, by table: each kind of statement, through each way in, by each role, for each target.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;

use datafusion::scalar::ScalarValue;
use firndb_core::storage::{Source, Stores};
use firndb_core::{Config, Engine, Error, ErrorKind, Outcome, Result, Role, Session, UserId};
use firndb_tests::ask::{ask, expect_clean, flushed, lines, run};
use futures::{StreamExt, stream};

const ROLES: [Role; 4] = [Role::User, Role::Service, Role::Dba, Role::System];
const NOT_BY_ROLE: &str = "Permission denied: AS USER requires service/admin role";
const INVALID: &str = "Invalid user_id for AS USER operation";
const NOT_SHARED: &str = "AS USER clause not supported for Shared tables";

/// The rows of one user.
type Rows = BTreeMap<i64, String>;

/// What a statement should do to the subject's rows; `n` is in the statement too.
type Effect = fn(&mut Rows, i64) -> Vec<String>;

/// A statement, `{as}` where the clause goes, or without it for the frame.
struct Kind {
    sql: &'static str,
    effect: Effect,
    /// Whether it writes, as the audit log says it.
    writes: bool,
    is_prepared: bool,
}

const fn write(sql: &'static str, effect: Effect) -> Kind {
    Kind { sql, effect, writes: true, is_prepared: true }
}

const fn read(sql: &'static str, effect: Effect) -> Kind {
    Kind { sql, effect, writes: false, is_prepared: true }
}

const fn explained(sql: &'static str, effect: Effect, writes: bool) -> Kind {
    Kind { sql, effect, writes, is_prepared: false }
}

/// What only EXPLAIN answers is not compared here.
const ANY: &str = "*";

const KINDS: [Kind; 19] = [
    write("INSERT INTO m {as} (id, body) VALUES ({n}, 'a{n}')", |rows, n| {
        rows.insert(n, format!("a{n}"));
        Vec::new()
    }),
    write("INSERT INTO m {as} SELECT {n}, body || '{n}' FROM m WHERE id = 1 RETURNING body", |rows, n| {
        let body = format!("{}{n}", rows[&1]);
        rows.insert(n, body.clone());
        vec![body]
    }),
    write(
        "INSERT INTO m {as} AS x (id, body) VALUES (1, 'c{n}') ON CONFLICT (id) DO UPDATE SET body = excluded.body",
        |rows, n| {
            rows.insert(1, format!("c{n}"));
            Vec::new()
        },
    ),
    write("UPDATE m {as} SET body = 'u{n}' WHERE id = 1 RETURNING id, body", |rows, n| {
        rows.insert(1, format!("u{n}"));
        vec![format!("1|u{n}")]
    }),
    write("UPDATE m {as} AS x SET body = word || '{n}' FROM s WHERE x.id = s.id", |rows, n| {
        rows.insert(1, format!("one{n}"));
        Vec::new()
    }),
    write("UPDATE m {as} SET body = (SELECT max(id) FROM m)::TEXT WHERE id = 1", |rows, _| {
        let last = *rows.keys().next_back().unwrap();
        rows.insert(1, last.to_string());
        Vec::new()
    }),
    write("DELETE FROM m {as} WHERE id = (SELECT max(id) FROM m WHERE id > 2) RETURNING id", |rows, _| {
        let last = rows.keys().next_back().copied().filter(|id| *id > 2);
        last.into_iter().inspect(|id| drop(rows.remove(id))).map(|id| id.to_string()).collect()
    }),
    write("DELETE FROM m {as} USING s WHERE m.id = s.id + {n}", |_, _| Vec::new()),
    explained(
        "EXPLAIN ANALYZE UPDATE m {as} SET body = 'x{n}' WHERE id = 1",
        |rows, n| {
            rows.insert(1, format!("x{n}"));
            vec![ANY.to_owned()]
        },
        true,
    ),
    explained("EXPLAIN DELETE FROM m {as} WHERE id = 1", |_, _| vec![ANY.to_owned()], false),
    read("SELECT body FROM m WHERE id = 1", |rows, _| vec![rows[&1].clone()]),
    read("SELECT id FROM m WHERE body LIKE 'a%' OR id < 3 ORDER BY id DESC", |rows, _| {
        let found = rows.iter().rev().filter(|(id, body)| body.starts_with('a') || **id < 3);
        found.map(|(id, _)| id.to_string()).collect()
    }),
    read("SELECT word, body FROM s LEFT JOIN m ON m.id = s.id", |rows, _| vec![format!("one|{}", rows[&1])]),
    read("SELECT (SELECT count(*) FROM m), count(*) FROM s WHERE id IN (SELECT id FROM m)", |rows, _| {
        vec![format!("{}|1", rows.len())]
    }),
    read("WITH x AS (SELECT id FROM m UNION ALL SELECT id FROM m) SELECT count(*) FROM x", |rows, _| {
        vec![(2 * rows.len()).to_string()]
    }),
    read("SELECT count(*) FROM v", |rows, _| vec![rows.len().to_string()]),
    read(
        "SELECT count(*) FROM m WHERE _seq > 0 AND _deleted IN (true, false) AND NOT _deleted",
        |rows, _| vec![rows.len().to_string()],
    ),
    explained("EXPLAIN SELECT * FROM m", |_, _| vec![ANY.to_owned()], false),
    explained("EXPLAIN ANALYZE SELECT * FROM m", |_, _| vec![ANY.to_owned()], false),
];

/// A way for a statement to come in.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Entry {
    Direct,
    Frame,
    Parameter,
    Prepared,
    Named,
    Batch,
    Transaction,
    Stream,
    Session,
}

const ENTRIES: [Entry; 9] = [
    Entry::Direct,
    Entry::Frame,
    Entry::Parameter,
    Entry::Prepared,
    Entry::Named,
    Entry::Batch,
    Entry::Transaction,
    Entry::Stream,
    Entry::Session,
];

impl Kind {
    /// The statement in the name of `subject`, as SQL writes it.
    fn named(&self, subject: &str, n: i64, in_frame: bool) -> String {
        let sql = self.sql.replace("{n}", &n.to_string());
        if self.sql.contains("{as}") && !in_frame {
            return sql.replace("{as}", &format!("AS USER {subject}"));
        }
        format!("EXECUTE AS USER {subject} ({})", sql.replace("{as}", ""))
    }

    fn plain(&self, n: i64) -> String {
        self.sql.replace("{n}", &n.to_string()).replace("{as}", "")
    }
}

async fn put(session: &mut Session, kind: &Kind, entry: Entry, subject: &str, n: i64) -> Result<Outcome> {
    let quoted = format!("'{}'", subject.replace('\'', "''"));
    let sql = kind.named(&quoted, n, entry == Entry::Frame);
    let value = [ScalarValue::Utf8(Some(subject.to_owned()))];
    let last = |outcomes: Vec<Outcome>, at: usize| outcomes.into_iter().nth(at).unwrap();
    match entry {
        Entry::Direct | Entry::Frame => session.execute(&sql).await.map(|all| last(all, 0)),
        Entry::Parameter => session.query(&kind.named("$1", n, false), &value).await,
        Entry::Prepared => {
            let prepared = session.prepare(&kind.named("$1", n, false)).await?;
            session.query_prepared(&prepared, &value).await
        }
        Entry::Named => {
            session.execute(&format!("PREPARE p AS {sql}")).await?;
            let outcome = session.execute("EXECUTE p").await;
            session.execute("DEALLOCATE p").await?;
            outcome.map(|all| last(all, 0))
        }
        Entry::Batch => session.execute(&format!("SELECT 1; {sql}; SELECT 2")).await.map(|all| last(all, 1)),
        Entry::Transaction => {
            session.execute("BEGIN").await?;
            let outcome = session.execute(&sql).await;
            session.execute(if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
            outcome.map(|all| last(all, 0))
        }
        Entry::Stream => {
            let mut rows = session.stream(&sql, &[]).await?;
            let schema = rows.schema().clone();
            let mut batches = Vec::new();
            while let Some(batch) = rows.next().await? {
                batches.push(batch);
            }
            Ok(Outcome::Rows { schema, batches })
        }
        Entry::Session => {
            session.act_as(Some(UserId::new(subject)?));
            let outcome = session.query(&kind.plain(n), &[]).await;
            session.act_as(None);
            outcome
        }
    }
}

/// What is expected of everything: the rows of each, and what the log says.
struct Model {
    engine: Engine,
    rows: BTreeMap<String, Rows>,
    log: Vec<String>,
    next: i64,
}

impl Model {
    async fn new() -> Self {
        let engine = Engine::open(Stores::memory(), Config::default()).await.unwrap();
        run(
            &engine,
            "CREATE USER TABLE m (id BIGINT PRIMARY KEY, body TEXT); \
             CREATE SHARED TABLE s (id BIGINT PRIMARY KEY, word TEXT); INSERT INTO s VALUES (1, 'one'); \
             CREATE VIEW v AS SELECT * FROM m; CREATE USER 'it''s gone'; DROP USER 'it''s gone'",
        )
        .await;
        let mut rows = BTreeMap::new();
        for role in ROLES {
            for name in [format!("{role}"), format!("other {role}")] {
                run(&engine, &format!("CREATE USER '{name}' ROLE {role}")).await;
                let mut session = engine.session_as(UserId::new(name.clone()).unwrap(), role);
                ask(&mut session, &format!("INSERT INTO m VALUES (1, '{name}'), (2, 'two')")).await;
                rows.insert(name.clone(), Rows::from([(1, name), (2, "two".to_owned())]));
            }
        }
        flushed(&engine, "SELECT 1").await;
        Self { engine, rows, log: Vec::new(), next: 100 }
    }

    fn session(&self, role: Role) -> Session {
        self.engine.session_as(UserId::new(format!("{role}")).unwrap(), role)
    }

    /// What the matrix says of `actor` who acts for `subject`.
    fn verdict(&self, actor: Role, subject: &str) -> std::result::Result<(), &'static str> {
        if subject == actor.name() {
            return Ok(());
        }
        if actor == Role::User {
            return Err(NOT_BY_ROLE);
        }
        let role = Role::of_name(subject.trim_start_matches("other "));
        match role.filter(|_| self.rows.contains_key(subject)) {
            Some(role) if role <= actor => Ok(()),
            _ => Err(INVALID),
        }
    }

    /// Puts a statement, and compares what comes back.
    async fn put(&mut self, actor: Role, kind: &Kind, entry: Entry, subject: &str) {
        self.next += 1;
        let n = self.next;
        let found = put(&mut self.session(actor), kind, entry, subject, n).await;
        let at = format!("{actor} as {subject:?}: {} ({entry:?})", kind.sql);
        let shown = if subject.is_empty() { "(empty)" } else { subject };
        let entry_of = |outcome: &str| format!("{actor}|{actor}|{shown}|{outcome}");
        match self.verdict(actor, subject) {
            Ok(()) => {
                let found = found.unwrap_or_else(|e| panic!("{at}: {e}"));
                let expected = (kind.effect)(self.rows.get_mut(subject).unwrap(), n);
                if expected != [ANY] {
                    assert_eq!(lines(&found), expected, "{at}");
                }
                // In a transaction it is told at once what was read, and with the COMMIT what was written.
                if entry == Entry::Transaction && kind.writes {
                    self.log.push(entry_of("read"));
                }
                self.log.push(entry_of(if kind.writes { "written" } else { "read" }));
            }
            Err(message) => {
                let e = found.err().unwrap_or_else(|| panic!("{at}: was not refused"));
                assert_eq!(
                    (e.kind(), e.to_string().as_str()),
                    (ErrorKind::PermissionDenied, message),
                    "{at}"
                );
                self.log.push(entry_of("refused"));
            }
        }
    }

    /// Compares everybody's rows, and the entries since the last time.
    async fn settle(&mut self, at: &str) {
        for (name, rows) in &self.rows {
            let role = Role::of_name(name.trim_start_matches("other ")).unwrap();
            let mut session = self.engine.session_as(UserId::new(name.clone()).unwrap(), role);
            let found = ask(&mut session, "SELECT id, body FROM m ORDER BY id").await;
            let expected: Vec<String> = rows.iter().map(|(id, body)| format!("{id}|{body}")).collect();
            assert_eq!(found, expected, "{name} after {at}");
        }
        let found =
            run(&self.engine, "SELECT actor, role, subject, outcome FROM system.audit_log ORDER BY number")
                .await;
        let differs = found.iter().zip(&self.log).position(|(found, expected)| found != expected);
        if let Some(n) = differs {
            panic!("entry {n} after {at}: {}, expected {}", found[n], self.log[n]);
        }
        assert_eq!(found.len(), self.log.len(), "entries after {at}");
    }
}

#[tokio::test]
async fn each_kind_of_statement_by_each_role_for_each_target() {
    let mut model = Model::new().await;
    let targets =
        ["user", "other user", "service", "other service", "dba", "other dba", "system", "other system"];
    for kind in &KINDS {
        for actor in ROLES {
            for subject in targets.iter().chain(&["it's gone", "nobody", "", "User", "user/../dba"]) {
                model.put(actor, kind, Entry::Direct, subject).await;
            }
        }
    }
    model.settle("all kinds").await;
    expect_clean(&model.engine).await;
}

#[tokio::test]
async fn each_way_in_for_each_kind_of_statement() {
    let mut model = Model::new().await;
    for entry in ENTRIES {
        for kind in KINDS.iter().filter(|kind| entry != Entry::Named || kind.is_prepared) {
            model.put(Role::Service, kind, entry, "user").await;
            model.put(Role::Service, kind, entry, "service").await;
            model.put(Role::Service, kind, entry, "dba").await;
            model.put(Role::Service, kind, entry, "nobody").await;
            model.put(Role::User, kind, entry, "other user").await;
            model.put(Role::User, kind, entry, "user").await;
        }
        // Half of it cold, half of it hot.
        model.engine.flush_all().await.unwrap();
        model.settle(&format!("{entry:?}")).await;
    }
    expect_clean(&model.engine).await;
}

#[tokio::test]
async fn rows_that_come_and_go_as_streams() {
    let model = Model::new().await;
    for actor in ROLES {
        let mut session = model.session(actor);
        for (subject, verdict) in
            ["user", "other user", "system", "nobody"].map(|s| (s, model.verdict(actor, s)))
        {
            let denied = |e: Error| assert_eq!(Err(e.to_string().as_str()), verdict, "{actor} as {subject}");
            let export = session
                .copy_to(&format!("EXECUTE AS USER '{subject}' (COPY m TO STDOUT WITH (FORMAT csv))"), &[])
                .await;
            match export {
                Ok(mut export) => {
                    let mut bytes = Vec::new();
                    while let Some(piece) = export.next().await.unwrap() {
                        bytes.extend_from_slice(&piece);
                    }
                    assert!(String::from_utf8(bytes).unwrap().contains(subject), "{actor} as {subject}");
                    assert_eq!(verdict, Ok(()), "{actor} as {subject}");
                }
                Err(e) => denied(e),
            }
            let rows = format!("{},loaded\n", 1000 + actor as i64);
            let sql =
                format!("EXECUTE AS USER '{subject}' (COPY m FROM STDIN WITH (FORMAT csv, HEADER false))");
            match session
                .copy_from(&sql, Source::stream("rows.csv", stream::iter([Ok(rows.into())]).boxed()))
                .await
            {
                Ok(copied) => assert_eq!((copied.rows, verdict), (1, Ok(())), "{actor} as {subject}"),
                Err(e) => denied(e),
            }
        }
    }
    let loaded = "SELECT actor, subject, outcome, rows FROM system.audit_log \
                  WHERE statement LIKE '%stdin%' AND outcome = 'written' ORDER BY number";
    assert_eq!(
        run(&model.engine, loaded).await,
        [
            "user|user|written|1",
            "service|user|written|1",
            "service|other user|written|1",
            "dba|user|written|1",
            "dba|other user|written|1",
            "system|user|written|1",
            "system|other user|written|1",
            "system|system|written|1",
        ]
    );
    expect_clean(&model.engine).await;
}

#[tokio::test]
async fn batches_of_a_session_that_acts_for_a_user() {
    let model = Model::new().await;
    let rows = match model.session(Role::User).query("SELECT 50 AS id, 'fifty' AS body", &[]).await.unwrap() {
        Outcome::Rows { batches, .. } => batches,
        other => panic!("{other:?}"),
    };
    let mut session = model.session(Role::Service);
    session.act_as(Some(UserId::new("other user").unwrap()));
    assert_eq!(session.insert_batches("m", rows.clone()).await.unwrap(), 1);
    session.act_as(Some(UserId::new("dba").unwrap()));
    assert_eq!(session.insert_batches("m", rows.clone()).await.unwrap_err().to_string(), INVALID);
    session.act_as(Some(UserId::new("user").unwrap()));
    assert_eq!(session.insert_batches("s", rows).await.unwrap_err().to_string(), NOT_SHARED);
    for sql in
        ["CREATE SHARED TABLE x (id INT PRIMARY KEY)", "STORAGE FLUSH ALL", "DROP USER dba", "KILL JOB 1"]
    {
        assert_eq!(session.execute(sql).await.unwrap_err().kind(), ErrorKind::Unsupported, "{sql}");
    }
    ask(&mut session, "BEGIN; INSERT INTO m VALUES (51, 'in a transaction'); COMMIT").await;
    assert_eq!(ask(&mut session, "SELECT id FROM m WHERE id > 2").await, ["51"]);
    session.act_as(None);
    assert_eq!(ask(&mut session, "SELECT count(*) FROM m").await, ["2"]);
    let log = "SELECT subject, outcome, statement FROM system.audit_log WHERE statement LIKE 'insert%' ORDER BY number";
    assert_eq!(
        run(&model.engine, log).await,
        [
            "other user|written|insert into m",
            "dba|refused|insert into m",
            "user|failed|insert into s",
            "user|read|insert into m values ( ? , ? )",
            "user|written|insert into m values ( ? , ? )"
        ]
    );
}

#[tokio::test]
async fn a_role_that_is_taken_acts_for_nobody_from_the_next_statement_on() {
    let model = Model::new().await;
    let mut session = model.session(Role::Service);
    let prepared = session.prepare("UPDATE m AS USER 'user' SET body = 'x'").await.unwrap();
    ask(&mut session, "BEGIN").await;
    session.query_prepared(&prepared, &[]).await.unwrap();
    run(&model.engine, "ALTER USER service SET ROLE user").await;
    let e = session.query_prepared(&prepared, &[]).await.unwrap_err();
    assert_eq!(e.to_string(), NOT_BY_ROLE);
    // What it did before is not committed either.
    ask(&mut session, "ROLLBACK").await;
    run(&model.engine, "ALTER USER service SET ROLE service").await;
    ask(&mut session, "BEGIN; UPDATE m AS USER 'user' SET body = 'taken'").await;
    run(&model.engine, "ALTER USER service SET ROLE user").await;
    let e = session.execute("COMMIT").await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::PermissionDenied, "{e}");
    let mut user = model.session(Role::User);
    assert!(!ask(&mut user, "SELECT body FROM m").await.contains(&"taken".to_owned()));
    // Nor does a session that asks for less than its user may.
    let mut lowered = model.engine.session_as(UserId::new("dba").unwrap(), Role::User);
    assert_eq!(
        lowered.query("EXECUTE AS USER 'user' (SELECT 1)", &[]).await.unwrap_err().to_string(),
        NOT_BY_ROLE
    );
}
