//! COPY: files into tables and out of them, what is refused, and where it says that a bad row is.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use firndb_core::storage::{Source, Stores};
use firndb_core::{CancelToken, Config, Engine, ErrorKind, Session};
use firndb_storage_native::LocalFiles;
use firndb_tests::ask::{ask, fail, user};
use futures::StreamExt;
use futures::stream;
use tempfile::TempDir;

const TYPES: &str = "id BIGINT PRIMARY KEY, a BOOLEAN, b SMALLINT, c INTEGER, d REAL, e DOUBLE PRECISION, f TEXT, \
                     g BYTEA, h DATE, i TIMESTAMP, j DECIMAL(38,10), k VARCHAR(5), l TIME, m TIMESTAMPTZ, n UUID, \
                     o JSON, p TEXT[], q DECIMAL(5,2)[]";
const ROWS: &str = "(1, true, -32768, 2147483647, 0.5, 1e300, E'é\"\n,', '\\x00ff', DATE '1969-12-31', \
                    TIMESTAMP '1969-12-31 23:59:59.999999', -1234567890123456789012345678.0123456789, 'éèêëē', \
                    '23:59:59.999999', '2026-11-22 12:00:00.5+02', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', \
                    '{\"b\": 1.50, \"a\": null}', '{\"a,b\",NULL,\"NULL\",\"q\\\"\",\"\"}', ARRAY[1.5, NULL]), \
                    (2, NULL, NULL, NULL, 'NaN', '-Infinity', '', '', NULL, NULL, NULL, '', NULL, NULL, NULL, \
                    '\"\"', '{}', NULL), \
                    (-9223372036854775808, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
                    NULL, NULL, NULL, NULL, NULL)";

/// An engine in memory beside a directory of files.
struct Place {
    dir: TempDir,
    engine: Engine,
}

impl Place {
    async fn new() -> Self {
        let stores = Stores::memory().with_files(Arc::new(LocalFiles::new()));
        let engine = Engine::open(stores, Config::default()).await.unwrap();
        Self { dir: TempDir::new().unwrap(), engine }
    }

    fn session(&self) -> Session {
        self.engine.session()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The statement with `@name` in it made paths of this place.
    fn with_paths(&self, sql: &str) -> String {
        sql.replace('@', &format!("{}/", self.dir.path().display()))
    }

    fn file(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    async fn ask(&self, sql: &str) -> Vec<String> {
        ask(&mut self.session(), &self.with_paths(sql)).await
    }

    async fn refuses(&self, sql: &str, kind: ErrorKind, expected: &str) {
        let error = fail(&mut self.session(), &self.with_paths(sql)).await;
        assert_eq!(error.kind(), kind, "{sql}: {error}");
        assert!(error.to_string().contains(&self.with_paths(expected)), "{sql}: {error}");
    }
}

#[tokio::test]
async fn every_type_survives_every_format() {
    let place = Place::new().await;
    place.ask(&format!("CREATE SHARED TABLE t ({TYPES})")).await;
    place.ask(&format!("INSERT INTO t VALUES {ROWS}")).await;
    let expected = place.ask("SELECT * FROM t ORDER BY id").await;
    assert_eq!(expected.len(), 3);
    for (n, file) in ["t.csv", "t.tsv", "t.json", "t.parquet", "t.ndjson"].iter().enumerate() {
        place.ask(&format!("COPY t TO '@{file}'")).await;
        place.ask(&format!("CREATE SHARED TABLE t{n} ({TYPES})")).await;
        place.ask(&format!("COPY t{n} FROM '@{file}'")).await;
        assert_eq!(place.ask(&format!("SELECT * FROM t{n} ORDER BY id")).await, expected, "{file}");
    }
    place.ask("CREATE SHARED TABLE h (id BIGINT PRIMARY KEY, f TEXT, k VARCHAR(5))").await;
    place.ask("COPY t (id, k, f) TO '@some.csv' (HEADER, DELIMITER ';', NULL 'none', QUOTE '''')").await;
    let text = fs::read_to_string(place.path("some.csv")).unwrap();
    assert!(
        text.starts_with("id;k;f\n") && text.contains(";none;none\n") && text.contains(";'';''\n"),
        "{text}"
    );
    place.ask("COPY h FROM '@some.csv' CSV HEADER DELIMITER ';' NULL 'none' QUOTE ''''").await;
    let some = place.ask("SELECT id, f, k FROM t ORDER BY id").await;
    assert_eq!(place.ask("SELECT id, f, k FROM h ORDER BY id").await, some);
}

#[tokio::test]
async fn what_parquet_does_not_have_is_refused_by_column_and_type() {
    let place = Place::new().await;
    for sql in [
        "COPY (SELECT 1 AS n, interval '1 day' AS a) TO '@x.parquet'",
        "COPY (SELECT ARRAY[interval '1 day'] AS a) TO '@x.parquet'",
    ] {
        place.refuses(sql, ErrorKind::Unsupported, "column a is of type interval").await;
        assert_eq!(fs::read_dir(place.dir.path()).unwrap().count(), 0, "{sql}");
    }
    place.ask("COPY (SELECT 1 AS n, interval '1 day' AS a) TO '@x.csv'").await;
    place.ask("COPY (SELECT 1, count(*), NULL AS n FROM generate_series(1, 2)) TO '@x.parquet'").await;
    place.ask("COPY (SELECT 1, count(*) FROM generate_series(1, 2)) TO '@y.csv' (HEADER)").await;
    assert_eq!(fs::read_to_string(place.path("y.csv")).unwrap(), "?column?,count\n1,2\n");
}

#[tokio::test]
async fn a_file_of_many_rows_comes_back_as_it_was() {
    let place = Place::new().await;
    place.ask("CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    place.ask("INSERT INTO t SELECT v, 'row ' || v FROM generate_series(1, 300000) AS g(v)").await;
    place.ask("CREATE SHARED TABLE u (id INTEGER PRIMARY KEY, v TEXT)").await;
    for file in ["many.parquet", "many.csv", "many.json"] {
        place.ask(&format!("COPY (SELECT * FROM t WHERE id > 10) TO '@{file}'")).await;
        place.ask(&format!("COPY u FROM '@{file}'")).await;
        let found = place.ask("SELECT count(*), sum(id), count(DISTINCT v), min(v) FROM u").await;
        assert_eq!(found, ["299990|45000149945|299990|row 100"], "{file}");
        place.ask("TRUNCATE u").await;
    }
    assert!(fs::read_dir(place.dir.path()).unwrap().flatten().count() == 3, "temporary files stay");
}

#[tokio::test]
async fn a_bad_row_says_where_it_is_and_nothing_is_loaded() {
    let place = Place::new().await;
    place.ask("CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(3) NOT NULL, age INTEGER)").await;
    place.file("age.csv", "1,ab,5\n2,\"c\nd\",6\n3,e,abc\n4,f,x\n");
    place.file("width.csv", "id,name,age\n1,ab,5\n\n2,ab\n");
    place.file("long.csv", "1,abcd,5\n");
    place.file("null.csv", "1,ab,\n2,,\n");
    place.file("quote.csv", "1,ab,5\n2,\"ab,5\n");
    place.file("twice.csv", "1,ab,5\n2,ab,5\n1,ab,5\n");
    place
        .file("age.json", "{\"id\": 1, \"name\": \"ab\"}\n{\"id\": 2, \"name\": \"ab\", \"age\": \"abc\"}\n");
    place.file("name.json", "{\"id\": 1, \"nmae\": \"ab\"}\n");
    place.file("none.json", "{\"id\": 1, \"name\": \"ab\"}\n{\"id\"\n");
    fs::write(place.path("utf8.csv"), b"1,ab,5\n2,\xff,5\n").unwrap();
    let (input, constraint) = (ErrorKind::InvalidInput, ErrorKind::Constraint);
    for (options, kind, expected) in [
        ("age.csv'", input, "@age.csv, line 4, column \"age\" (3rd): \"abc\" is not an INTEGER"),
        ("width.csv' (HEADER)", input, "@width.csv, line 4: expected 3 values, found 2"),
        ("long.csv'", constraint, "line 1, column \"name\" (2nd): \"abcd\" is not a VARCHAR(3)"),
        ("null.csv'", constraint, "line 2, column \"name\" (2nd): it may not be NULL"),
        ("quote.csv'", input, "@quote.csv, line 2: a quote has no end"),
        ("twice.csv'", constraint, "primary key (id) = (1)"),
        ("utf8.csv'", input, "line 2: value 2 is not valid UTF-8"),
        ("age.json'", input, "@age.json, line 2, column \"age\": \"abc\" is not an INTEGER"),
        ("name.json'", input, "line 1, column \"nmae\": there is no such column; did you mean name?"),
        ("none.json'", input, "line 2: \"{\"id\"\" is not JSON"),
    ] {
        place.refuses(&format!("COPY t FROM '@{options}"), kind, expected).await;
        assert_eq!(place.ask("SELECT count(*) FROM t").await, ["0"], "{options}");
    }
    place.ask("COPY (SELECT 1 AS id, 'ab' AS name, 'x' AS age UNION ALL SELECT 2, 'abcd', '7') TO '@bad.parquet'").await;
    place.refuses("COPY t FROM '@bad.parquet'", input, "@bad.parquet, row 1, column \"age\"").await;
}

#[tokio::test]
async fn bad_rows_are_left_out_on_request_and_told_of() {
    let place = Place::new().await;
    place.ask("CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(3) NOT NULL)").await;
    place.file("a.csv", "id,name\n1,ab\nx,\"a,b\"\n2,\n3\n4,abcd\n5,cd\n");
    let skip = "COPY t FROM '@a.csv' (HEADER, ON_ERROR skip, REJECTED '@rejected.csv')";
    assert_eq!(place.ask(skip).await, ["2|4"]);
    assert_eq!(place.ask("SELECT * FROM t ORDER BY id").await, ["1|ab", "5|cd"]);
    let rejected = fs::read_to_string(place.path("rejected.csv")).unwrap();
    assert_eq!(
        rejected,
        "line,column,reason,row\n\
         3,\"id\",\"\"\"x\"\" is not an INTEGER\",\"x,\"\"a,b\"\"\"\n\
         4,\"name\",\"it may not be NULL\",\"2,\"\n\
         5,,\"expected 2 values, found 1\",\"3\"\n\
         6,\"name\",\"\"\"abcd\"\" is not a VARCHAR(3): value too long, 4 characters\",\"4,abcd\"\n"
    );
    place
        .ask("CREATE SHARED TABLE r (line INTEGER PRIMARY KEY, \"column\" TEXT, reason TEXT, \"row\" TEXT)")
        .await;
    place.ask("COPY r FROM '@rejected.csv' (HEADER)").await;
    assert_eq!(place.ask("SELECT \"row\" FROM r WHERE line = 3").await, ["x,\"a,b\""]);
    // A key that is there is no bad row, but a contradiction: it fails as an INSERT does.
    place.refuses("COPY t FROM '@a.csv' (HEADER, ON_ERROR skip)", ErrorKind::Constraint, "(1)").await;
    place.ask("TRUNCATE t").await;
    assert_eq!(place.ask("COPY t FROM '@a.csv' (HEADER, ON_ERROR ignore)").await, ["2|4"]);
    // They would take the place of what is read.
    place.ask("TRUNCATE t").await;
    fs::create_dir(place.path("in")).unwrap();
    let onto = "COPY t FROM '@a.csv' (HEADER, ON_ERROR skip, REJECTED '@in/../a.csv')";
    place.refuses(onto, ErrorKind::InvalidInput, "it is the file that is read").await;
    assert!(fs::read_to_string(place.path("a.csv")).unwrap().starts_with("id,name\n1,ab\n"));
}

#[tokio::test]
async fn columns_go_by_the_header_by_the_list_or_by_place() {
    let place = Place::new().await;
    place
        .ask("CREATE SHARED TABLE t (id INTEGER PRIMARY KEY DEFAULT 7, \"Name\" TEXT DEFAULT 'x', n INTEGER)")
        .await;
    place.file("names.csv", "n,NAME\n1,a\n");
    place.ask("COPY t FROM '@names.csv' (HEADER)").await;
    place.file("other.csv", "first,second\n8,9\n");
    place.ask("COPY t (n, id) FROM '@other.csv' (HEADER)").await;
    place.file(
        "json.json",
        "[{\"id\": 1, \"n\": 2}, {\"id\": 2, \"Name\": null},\n{\"Name\": \"c\", \"id\": 3}]",
    );
    place.ask("COPY t FROM '@json.json'").await;
    let all = ["1|x|2", "2|NULL|NULL", "3|c|NULL", "7|a|1", "9|x|8"];
    assert_eq!(place.ask("SELECT * FROM t ORDER BY id").await, all);
    // A JSON text of several lines is on one in a file of lines.
    place.ask("CREATE SHARED TABLE j (id INTEGER PRIMARY KEY, v JSON)").await;
    place.ask("INSERT INTO j VALUES (1, E'{\"a\":\\n1}')").await;
    place.ask("COPY j TO '@j.json'").await;
    assert_eq!(fs::read_to_string(place.path("j.json")).unwrap(), "{\"id\":1,\"v\":{\"a\": 1}}\n");
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let place = Place::new().await;
    place.ask("CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, name TEXT)").await;
    place.file("a.csv", "id,nmae\n1,a\n");
    place.file("two.csv", "id,ID\n1,1\n");
    place.file("fake.parquet", "no");
    place.file("empty.csv", "");
    let (input, missing) = (ErrorKind::InvalidInput, ErrorKind::NotFound);
    place.refuses("COPY t FROM '@a.csv' (HEADER)", missing, "did you mean name?").await;
    place.refuses("COPY t (id, nmae) FROM '@a.csv'", missing, "did you mean name?").await;
    place.refuses("COPY t (id, id) FROM '@a.csv'", input, "named twice").await;
    place.refuses("COPY t FROM '@a.csv' (HEADER match)", missing, "nmae").await;
    place.refuses("COPY t (name, id) FROM '@a.csv' (HEADER match)", input, "not that of the columns").await;
    place.refuses("COPY t FROM '@two.csv' (HEADER)", input, "two columns that go into id").await;
    place.refuses("COPY t FROM '@fake.parquet'", input, "as Parquet").await;
    place.refuses("COPY t FROM '@empty.csv' (HEADER)", input, "no columns").await;
    place.refuses("COPY t FROM '@gone.csv'", missing, "gone.csv").await;
    place.refuses("COPY tt FROM '@a.csv'", missing, "did you mean main.t?").await;
    place.refuses("COPY t TO '@no/a.csv'", missing, "no/a.csv").await;
    place.refuses("COPY (SELECT x FROM t) TO '@b.csv'", missing, "there is no column x").await;
    place.refuses("COPY t FROM STDIN (FORMAT csv)", ErrorKind::Unsupported, "copyFrom").await;
    assert!(!place.path("b.csv").exists());
    assert_eq!(place.ask("COPY t FROM '@empty.csv'").await, [""; 0]);
    let denied = fail(&mut user(&place.engine, "alice").await, &place.with_paths("COPY t TO '@b.csv'")).await;
    assert_eq!(denied.kind(), ErrorKind::PermissionDenied);
    let nowhere = Engine::open(Stores::memory(), Config::default()).await.unwrap();
    ask(&mut nowhere.session(), "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY)").await;
    let error = fail(&mut nowhere.session(), "COPY t TO 'b.csv'").await;
    assert!(error.kind() == ErrorKind::Unsupported && error.to_string().contains("copyTo"), "{error}");
}

#[tokio::test]
async fn no_file_of_the_store_itself_is_read_or_written() {
    let dir = TempDir::new().unwrap();
    let store = dir.path().join("store");
    let engine =
        Engine::open(firndb_storage_native::open(&store, None).unwrap(), Config::default()).await.unwrap();
    let mut session = engine.session();
    ask(&mut session, "CREATE SHARED TABLE t (id INTEGER PRIMARY KEY)").await;
    fs::create_dir(dir.path().join("other")).unwrap();
    for path in ["store/a.csv", "store/blobs/store.json", "other/../store/kv/CURRENT"] {
        let format = "(FORMAT csv)";
        let error =
            fail(&mut session, &format!("COPY t TO '{}/{path}' {format}", dir.path().display())).await;
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{path}: {error}");
        assert!(error.to_string().contains("directory of the store"), "{error}");
    }
    // What is there is of all users, password hashes too.
    ask(
        &mut session,
        "CREATE USER dora ROLE dba PASSWORD 'correct horse'; CREATE SHARED TABLE l (line TEXT PRIMARY KEY)",
    )
    .await;
    std::os::unix::fs::symlink(&store, dir.path().join("other/link")).unwrap();
    for path in ["store/blobs/system/users/u-dora.json", "other/link/blobs/system/users/u-dora.json"] {
        let at = dir.path().join(path);
        assert!(at.exists(), "{path}");
        let error = fail(&mut session, &format!("COPY l FROM '{}' (FORMAT csv)", at.display())).await;
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{path}: {error}");
        assert!(error.to_string().contains("directory of the store"), "{error}");
    }
    ask(&mut session, &format!("COPY t TO '{}/other/a.csv'", dir.path().display())).await;
    ask(&mut session, &format!("COPY t FROM '{}/other/a.csv'", dir.path().display())).await;
    engine.close().await.unwrap();
    // The blobs may be in a directory of their own, which is the store's as well.
    let (blobs, second) = (dir.path().join("blobs"), dir.path().join("second"));
    let url = format!("file://{}", blobs.display());
    let stores = firndb_storage_native::open(&second, Some(&url)).unwrap();
    let engine = Engine::open(stores, Config::default()).await.unwrap();
    let inside = format!("COPY (SELECT 1) TO '{}/store.json'", blobs.display());
    let error = fail(&mut engine.session(), &inside).await;
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    engine.close().await.unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn only_regular_files_are_read_and_replaced() {
    use std::os::unix::fs::FileTypeExt;
    use std::os::unix::net::UnixListener;

    let place = Place::new().await;
    let _socket = UnixListener::bind(place.path("socket")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(place.path("pipe")).status().unwrap().success());
    place.ask("CREATE SHARED TABLE t (id INTEGER PRIMARY KEY)").await;
    place.file("bad.csv", "x\n");
    let (input, no_file) = (ErrorKind::InvalidInput, "it is no regular file");
    for name in ["socket", "pipe"] {
        place.refuses(&format!("COPY t TO '@{name}' (FORMAT csv)"), input, no_file).await;
        place.refuses(&format!("COPY t FROM '@{name}' (FORMAT csv)"), input, no_file).await;
        let rejected = format!("COPY t FROM '@bad.csv' (ON_ERROR skip, REJECTED '@{name}')");
        place.refuses(&rejected, input, no_file).await;
    }
    assert!(fs::metadata(place.path("socket")).unwrap().file_type().is_socket());
    assert!(fs::metadata(place.path("pipe")).unwrap().file_type().is_fifo());
    place.refuses("COPY t FROM '/dev/null' (FORMAT csv)", input, no_file).await;
    place.refuses("COPY t FROM '/proc/self/status' (FORMAT csv)", input, "its size is not known").await;
}

#[tokio::test]
async fn a_transaction_takes_rows_and_takes_them_back() {
    let place = Place::new().await;
    place.ask("CREATE SHARED TABLE t (id INTEGER PRIMARY KEY)").await;
    place.file("a.csv", "1\n2\n");
    let mut session = place.session();
    ask(&mut session, "BEGIN").await;
    ask(&mut session, &place.with_paths("COPY t FROM '@a.csv'")).await;
    assert_eq!(ask(&mut session, "SELECT * FROM t ORDER BY id").await, ["1", "2"]);
    assert_eq!(place.ask("SELECT count(*) FROM t").await, ["0"]);
    ask(&mut session, "ROLLBACK").await;
    assert_eq!(place.ask("SELECT count(*) FROM t").await, ["0"]);
    place.ask(&place.with_paths("BEGIN; COPY t FROM '@a.csv'; COMMIT")).await;
    assert_eq!(place.ask("SELECT count(*) FROM t").await, ["2"]);
}

#[tokio::test]
async fn streams_come_and_go_with_the_call() {
    let place = Place::new().await;
    place.ask("CREATE USER TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    let mut alice = user(&place.engine, "alice").await;
    let pieces = ["1,a\n2", ",b\n", "3,c"].map(|piece| Ok(Bytes::from_static(piece.as_bytes())));
    let source = Source::stream("rows.csv", stream::iter(pieces).boxed());
    let copied = alice.copy_from("COPY t FROM STDIN", source).await.unwrap();
    assert_eq!((copied.rows, copied.rejected), (3, 0));
    let mut export =
        alice.copy_to("COPY (SELECT * FROM t ORDER BY id) TO STDOUT (FORMAT json)", &[]).await.unwrap();
    let bytes = export.next().await.unwrap().unwrap();
    assert_eq!(bytes, "{\"id\":1,\"v\":\"a\"}\n{\"id\":2,\"v\":\"b\"}\n{\"id\":3,\"v\":\"c\"}\n");
    assert_eq!((export.next().await.unwrap(), export.rows()), (None, 3));
    let mut export = alice.copy_to("COPY t TO STDOUT (FORMAT parquet)", &[]).await.unwrap();
    let mut parquet = Vec::new();
    while let Some(bytes) = export.next().await.unwrap() {
        parquet.push(Ok(bytes));
    }
    let mut bob = user(&place.engine, "bob").await;
    let source = Source::stream("", stream::iter(parquet).boxed());
    assert_eq!(bob.copy_from("COPY t FROM STDIN (FORMAT parquet)", source).await.unwrap().rows, 3);
    let broken = stream::iter([Ok("9,a\n".into()), Err(firndb_core::Error::unavailable("gone"))]).boxed();
    let error =
        bob.copy_from("COPY t FROM STDIN (FORMAT csv)", Source::stream("x", broken)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(ask(&mut bob, "SELECT count(*) FROM t").await, ["3"]);
}

#[tokio::test]
async fn rows_that_are_left_out_do_not_hold_up_a_cancellation() {
    let place = Place::new().await;
    place.ask("CREATE SHARED TABLE t (id INTEGER PRIMARY KEY, v TEXT)").await;
    // The last of them ends in a row that fails the statement, if it gets there.
    for (name, line, end, options) in [
        ("blank.csv", "\n", "x\n", ""),
        ("bad.csv", "x\n", "", "(ON_ERROR skip)"),
        ("bad.json", "{\"x\": 1}\n", "", "(ON_ERROR skip)"),
    ] {
        let cancel = CancelToken::new();
        let mut session = place.session();
        session.set_cancel(cancel.clone());
        let given = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&given);
        let pieces = stream::iter(0..100).map(move |_| {
            let is_last = counted.fetch_add(1, Ordering::Relaxed) == 2;
            if is_last {
                cancel.cancel();
            }
            Ok(Bytes::from(line.repeat(1000) + if is_last { end } else { "" }))
        });
        let source = Source::stream(name, pieces.boxed());
        let error = session.copy_from(&format!("COPY t FROM STDIN {options}"), source).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{name}: {error}");
        assert_eq!(given.load(Ordering::Relaxed), 3, "{name}");
    }
}
