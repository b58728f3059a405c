//! Rows as they are asked for: of one moment, no more than asked, and never in the way of flushes for ever.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use arrow::ipc::reader::StreamReader;
use datafusion::common::ScalarValue;
use firndb_core::storage::Clock;
use firndb_core::{CancelToken, Config, Engine, ErrorKind, PieceForm, Pieces, Rows, Session};
use firndb_tests::ask::ask;
use firndb_tests::lasting::Lasting;

const ROWS: i64 = 50_000;

async fn filled(lasting: &Lasting) -> Engine {
    let engine = Engine::open(lasting.stores(), Config::default()).await.unwrap();
    let mut s = engine.session();
    ask(&mut s, "CREATE TABLE t (id BIGINT PRIMARY KEY, v BIGINT)").await;
    ask(&mut s, &format!("INSERT INTO t SELECT v, v FROM generate_series(1, {ROWS}) AS g(v)")).await;
    engine.flush_all().await.unwrap();
    ask(&mut s, "UPDATE t SET v = v WHERE id % 3 = 0").await;
    engine
}

/// How many rows there are, and the sum of their first column.
async fn drain(rows: &mut Rows) -> Result<(usize, i64), firndb_core::Error> {
    let (mut count, mut sum) = (0, 0);
    while let Some(batch) = rows.next().await? {
        assert!(batch.num_rows() > 0, "an empty batch is no rows");
        count += batch.num_rows();
        sum += batch.column(0).as_primitive::<Int64Type>().iter().flatten().sum::<i64>();
    }
    Ok((count, sum))
}

async fn stream(s: &mut Session, sql: &str) -> Rows {
    s.stream(sql, &[]).await.unwrap()
}

#[tokio::test]
async fn rows_are_of_one_moment_whatever_is_written_and_flushed_meanwhile() {
    let lasting = Lasting::new(1);
    let engine = filled(&lasting).await;
    let (mut reader, mut writer) = (engine.session(), engine.session());
    let mut rows = stream(&mut reader, "SELECT v FROM t").await;
    let first = rows.next().await.unwrap().unwrap();
    let seen: i64 = first.column(0).as_primitive::<Int64Type>().iter().flatten().sum();
    ask(&mut writer, "UPDATE t SET v = 0").await;
    engine.flush_all().await.unwrap();
    ask(&mut writer, "DELETE FROM t").await;
    engine.flush_all().await.unwrap();
    let (count, sum) = drain(&mut rows).await.unwrap();
    assert_eq!(count + first.num_rows(), usize::try_from(ROWS).unwrap());
    assert_eq!(sum + seen, ROWS * (ROWS + 1) / 2);
    assert!(rows.next().await.unwrap().is_none(), "after the last row there is none");
    assert_eq!(ask(&mut writer, "SELECT count(*) FROM t").await, ["0"]);
    // Nothing is held back any more.
    engine.flush_all().await.unwrap();
    assert_eq!(lasting.hot_keys().await, 0);
}

#[tokio::test]
async fn the_sessions_end_and_other_statements_do_not_end_its_rows() {
    let engine = filled(&Lasting::new(1)).await;
    let mut s = engine.session();
    let mut one = stream(&mut s, "SELECT v FROM t WHERE id <= 20000").await;
    let mut two =
        s.stream("SELECT v FROM t WHERE id > $1", &[ScalarValue::Int64(Some(20_000))]).await.unwrap();
    one.next().await.unwrap().unwrap();
    two.next().await.unwrap().unwrap();
    ask(&mut s, "UPDATE t SET v = 0 WHERE id = 1").await;
    drop(s);
    drain(&mut one).await.unwrap();
    drain(&mut two).await.unwrap();
}

#[tokio::test]
async fn nobody_waits_for_ever_for_rows_that_nobody_asks_for() {
    let lasting = Lasting::new(1);
    let engine = filled(&lasting).await;
    let mut s = engine.session();
    let mut rows = stream(&mut s, "SELECT v FROM t").await;
    rows.next().await.unwrap().unwrap();
    ask(&mut s, "UPDATE t SET v = 0 WHERE id = 7").await;
    let pass = |ms: i64| lasting.clock().set_ms(lasting.clock().now_ms() + ms);
    pass(299_000);
    engine.flush_all().await.unwrap();
    assert!(lasting.hot_keys().await > 0, "a flush goes no further than the rows' snapshot");
    rows.next().await.unwrap().unwrap();
    pass(301_000);
    engine.flush_all().await.unwrap();
    assert_eq!(lasting.hot_keys().await, 0);
    let error = rows.next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(rows.next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_transaction_streams_its_own_writes_and_goes_on_after_rows_that_failed() {
    let engine = filled(&Lasting::new(1)).await;
    let mut s = engine.session();
    ask(&mut s, "BEGIN").await;
    ask(&mut s, "INSERT INTO t VALUES (-1, 1000)").await;
    let mut rows = stream(&mut s, "SELECT v FROM t WHERE id < 0").await;
    assert_eq!(drain(&mut rows).await.unwrap(), (1, 1000));
    let mut failing = stream(&mut s, "SELECT 1 / (v - 1000) FROM t").await;
    let error = drain(&mut failing).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    let mut rows = stream(&mut s, "SELECT v FROM t WHERE id < 0").await;
    ask(&mut s, "COMMIT").await;
    assert_eq!(drain(&mut rows).await.unwrap(), (1, 1000), "rows outlive their transaction");

    ask(&mut s, "BEGIN").await;
    assert_eq!(s.stream("SELECT * FROM nowhere", &[]).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(s.stream("SELECT 1", &[]).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    ask(&mut s, "ROLLBACK").await;
}

#[tokio::test]
async fn what_is_no_query_has_taken_effect_before_its_rows_are_read() {
    let engine = filled(&Lasting::new(1)).await;
    let mut s = engine.session();
    let mut returned = stream(&mut s, "INSERT INTO t VALUES (-1, 1) RETURNING id").await;
    assert_eq!(ask(&mut s, "SELECT v FROM t WHERE id = -1").await, ["1"]);
    assert_eq!(drain(&mut returned).await.unwrap(), (1, -1));
    let mut none = stream(&mut s, "DELETE FROM t WHERE id = -1").await;
    assert!(none.schema().fields().is_empty() && none.next().await.unwrap().is_none());
    assert!(s.stream("SELECT 1; SELECT 2", &[]).await.is_err());
}

#[tokio::test]
async fn rows_are_taken_back_in_the_middle() {
    let engine = filled(&Lasting::new(1)).await;
    let mut s = engine.session();
    let token = CancelToken::new();
    s.set_cancel(token.clone());
    let mut rows = stream(&mut s, "SELECT a.v FROM t a CROSS JOIN t b").await;
    rows.next().await.unwrap().unwrap();
    token.cancel();
    let error = drain(&mut rows).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    s.set_cancel(CancelToken::new());
    ask(&mut s, "SELECT 1").await;
}

#[tokio::test]
async fn pieces_are_one_stream_or_a_stream_each() {
    let engine = filled(&Lasting::new(1)).await;
    let mut s = engine.session();
    // Two columns of one name, and dictionaries, which a stream sends once.
    let sql = "SELECT v, v, arrow_cast(CAST(v % 2 AS TEXT), 'Dictionary(Int32, Utf8)') AS odd FROM t";
    let rows_of = |bytes: &[u8]| -> usize {
        StreamReader::try_new(bytes, None).unwrap().map(|batch| batch.unwrap().num_rows()).sum()
    };
    let mut whole = Vec::new();
    let mut pieces = Pieces::of(stream(&mut s, sql).await, PieceForm::OneStream);
    let mut count = 0;
    while let Some(piece) = pieces.next().await.unwrap() {
        whole.extend(piece);
        count += 1;
    }
    assert!(count > 3, "{count} pieces");
    assert_eq!(rows_of(&whole), usize::try_from(ROWS).unwrap());

    let mut pieces = Pieces::of(stream(&mut s, sql).await, PieceForm::StreamEach);
    let mut rows = 0;
    while let Some(piece) = pieces.next().await.unwrap() {
        rows += rows_of(&piece);
    }
    assert_eq!(rows, usize::try_from(ROWS).unwrap());

    let mut none = Pieces::of(stream(&mut s, "SELECT v FROM t WHERE id = -1").await, PieceForm::OneStream);
    let mut whole = Vec::new();
    while let Some(piece) = none.next().await.unwrap() {
        whole.extend(piece);
    }
    let reader = StreamReader::try_new(whole.as_slice(), None).unwrap();
    assert_eq!((reader.schema().fields().len(), reader.count()), (1, 0));
}

#[tokio::test]
async fn rows_that_are_left_outlive_their_table() {
    for change in ["DROP TABLE t", "TRUNCATE TABLE t"] {
        let lasting = Lasting::new(1);
        let engine = filled(&lasting).await;
        let mut s = engine.session();
        // More files than one, so that some are not open yet.
        for _ in 0..3 {
            ask(&mut s, "UPDATE t SET v = v WHERE id % 7 = 0").await;
            engine.flush_all().await.unwrap();
        }
        let (mut reader, mut other) = (engine.session(), engine.session());
        let mut rows = stream(&mut reader, "SELECT v FROM t").await;
        let mut idle = stream(&mut other, "SELECT v FROM t").await;
        let first = rows.next().await.unwrap().unwrap().num_rows();
        ask(&mut s, change).await;
        while engine.step().await.unwrap() {}
        let (count, _) = drain(&mut rows).await.unwrap();
        assert_eq!(count + first, usize::try_from(ROWS).unwrap(), "{change}");
        drop(rows);
        let before = lasting.files("main/t-").await;
        while engine.step().await.unwrap() {}
        assert_eq!(
            lasting.files("main/t-").await,
            before,
            "{change}: the other stream has not begun to read"
        );
        // Rows that nobody asks for keep no files for ever.
        let patience = i64::try_from(Config::default().transaction.idle_ms).unwrap();
        lasting.clock().set_ms(lasting.clock().now_ms() + patience + 1);
        while engine.step().await.unwrap() {}
        assert!(lasting.files("main/t-").await < before, "{change}");
        assert_eq!(idle.next().await.unwrap_err().kind(), ErrorKind::Conflict);
    }
}
