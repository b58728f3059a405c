//! Rewritten queries, as text and as DataFusion plans them.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::MemorySchemaProvider;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::MemTable;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use futures::executor::block_on;

use super::*;
use crate::error::ErrorKind;
use crate::sql::{Statement, parse};

fn query(sql: &str) -> Box<Query> {
    match parse(sql).unwrap_or_else(|e| panic!("{sql}: {e}")).remove(0).statement {
        Statement::Query(query) => query,
        other => panic!("{sql}: {other:?}"),
    }
}

fn rewritten(sql: &str) -> Result<String> {
    let mut query = query(sql);
    rewrite_system_columns(&mut query).map(|()| query.to_string())
}

/// A session with the tables `t (id, a)`, `u (id, b)` and `app.t (id, a)`, each under its three names.
fn session() -> SessionContext {
    let context = SessionContext::new();
    let app = Arc::new(MemorySchemaProvider::new());
    context.catalog("datafusion").unwrap().register_schema("app", app).unwrap();
    for (name, column) in [("public.t", "a"), ("public.u", "b"), ("app.t", "a")] {
        for (suffix, hidden) in [("", &[][..]), ("$seq", &["_seq"]), ("$deleted", &["_seq", "_deleted"])] {
            let own = [("id", DataType::Int64), (column, DataType::Utf8)];
            let system = hidden.iter().map(|name| match *name {
                "_seq" => Field::new("_seq", DataType::Int64, false),
                other => Field::new(other, DataType::Boolean, false),
            });
            let fields = own.into_iter().map(|(name, ty)| Field::new(name, ty, true)).chain(system);
            let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
            let table = MemTable::try_new(schema, vec![vec![]]).unwrap();
            let (schema, name) = name.split_once('.').unwrap();
            let reference = datafusion::common::TableReference::partial(schema, format!("{name}{suffix}"));
            context.register_table(reference, Arc::new(table)).unwrap();
        }
    }
    context
}

/// The columns of a query's result and the tables it reads, as DataFusion plans it.
fn planned(context: &SessionContext, sql: &str) -> (Vec<String>, Vec<String>) {
    let mut query = query(sql);
    rewrite_system_columns(&mut query).unwrap_or_else(|e| panic!("{sql}: {e}"));
    let text = query.to_string();
    let statement = ast::Statement::Query(query);
    let statement = datafusion::sql::parser::Statement::Statement(Box::new(statement));
    let plan = block_on(context.state().statement_to_plan(statement))
        .unwrap_or_else(|e| panic!("{sql}\n{text}: {e}"));
    let mut tables = Vec::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            tables.push(scan.table_name.to_string());
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .unwrap();
    (plan.schema().fields().iter().map(|f| f.name().clone()).collect(), tables)
}

#[test]
fn plans_read_the_tables_that_are_meant() {
    let context = session();
    for (sql, columns, tables) in [
        ("SELECT * FROM t", "id a", "t"),
        ("SELECT *, _seq FROM t", "id a _seq", "t$seq"),
        (
            "SELECT *, _seq, _deleted FROM t WHERE _seq > 5 AND _deleted IN (true, false)",
            "id a _seq _deleted",
            "t$deleted",
        ),
        ("SELECT * FROM t WHERE _SEQ > 5", "id a", "t$seq"),
        ("SELECT * FROM t ORDER BY _seq", "id a", "t$seq"),
        ("SELECT t.*, _deleted FROM t", "id a _deleted", "t$deleted"),
        ("SELECT count(*) FROM t WHERE _seq > 1", "count(*)", "t$seq"),
        ("SELECT m.* FROM t AS m WHERE m._seq > 1", "id a", "t$seq"),
        (
            "SELECT app.t.id, t.a, app.t._seq FROM app.t WHERE app.t._seq > 1 ORDER BY app.t.id",
            "id a _seq",
            "app.t$seq",
        ),
        ("SELECT app.t.* FROM app.t WHERE _seq > 1", "id a", "app.t$seq"),
        ("SELECT max(_seq) FROM t GROUP BY a HAVING max(_seq) > 1", "max(t._seq)", "t$seq"),
        // Joins.
        ("SELECT * FROM t JOIN u ON t.id = u.id WHERE t._seq > 1", "id a id b", "t$seq u"),
        (
            "SELECT * FROM t JOIN u ON t.id = u.id AND t._deleted AND u._seq > 1",
            "id a id b",
            "t$deleted u$seq",
        ),
        ("SELECT * FROM t JOIN u USING (id) WHERE u._seq > 1", "id a b", "t u$seq"),
        ("SELECT u.*, t.a FROM t LEFT JOIN u USING (id) WHERE u._seq > 1", "id b a", "t u$seq"),
        ("SELECT * FROM t, u WHERE t._seq = u._seq", "id a id b", "t$seq u$seq"),
        ("SELECT * FROM t CROSS JOIN (SELECT 1 AS one) AS x WHERE _seq > 1", "id a one", "t$seq"),
        ("SELECT x._seq, y._seq FROM t x JOIN t y ON x.id = y.id", "_seq _seq", "t$seq t$seq"),
        ("SELECT * FROM (t JOIN u ON t.id = u.id) WHERE t._seq > 1", "id a id b", "t$seq u"),
        ("SELECT * FROM app.t JOIN u ON app.t.id = u.id WHERE app.t._seq > 0", "id a id b", "app.t$seq u"),
        ("SELECT * FROM app.t JOIN u ON app.t.id = u.id WHERE u._seq > 0", "id a id b", "app.t u$seq"),
        // Subqueries see what they select, and no more.
        ("SELECT * FROM (SELECT id, _seq FROM t) x WHERE x._seq > 1", "id _seq", "t$seq"),
        (
            "SELECT * FROM (SELECT id, _seq FROM t) x JOIN u ON x.id = u.id WHERE u._seq > x._seq",
            "id _seq id b",
            "t$seq u$seq",
        ),
        ("SELECT * FROM (SELECT * FROM t WHERE _deleted) x", "id a", "t$deleted"),
        ("SELECT * FROM t WHERE id IN (SELECT id FROM u WHERE _seq > 1)", "id a", "t u$seq"),
        (
            "SELECT * FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.id = t.id AND t._seq > 1)",
            "id a",
            "t$seq u",
        ),
        (
            "SELECT * FROM t WHERE EXISTS (SELECT 1 FROM (SELECT _deleted FROM u) x WHERE _deleted)",
            "id a",
            "t u$deleted",
        ),
        ("SELECT (SELECT max(_seq) FROM u) AS m, * FROM t", "m id a", "u$seq t"),
        // CTEs.
        ("WITH t AS (SELECT 1 AS one) SELECT * FROM t", "one", ""),
        ("WITH x AS (SELECT id, _seq AS s FROM t) SELECT * FROM x", "id s", "t$seq"),
        ("WITH x AS (SELECT id, _seq FROM t) SELECT * FROM x WHERE _seq > 1", "id _seq", "t$seq"),
        ("WITH x (id, _seq) AS (SELECT id, a FROM t) SELECT * FROM x WHERE _seq = 'a'", "id _seq", "t"),
        ("WITH u AS (SELECT id, _seq FROM t) SELECT * FROM u WHERE _seq > 1", "id _seq", "t$seq"),
        // Set operations.
        ("SELECT id, _seq FROM t UNION ALL SELECT id, 1 FROM u ORDER BY _seq", "id _seq", "t$seq u"),
        ("SELECT id FROM t UNION ALL (SELECT id FROM u WHERE _deleted)", "id", "t u$deleted"),
        // Names of the result.
        ("SELECT id AS _deleted FROM t ORDER BY _deleted", "_deleted", "t"),
        ("SELECT id AS seq, a FROM t ORDER BY t._seq", "seq a", "t$seq"),
    ] {
        let (found_columns, mut found) = planned(&context, sql);
        assert_eq!(found_columns.join(" "), columns, "{sql}");
        let mut expected: Vec<_> = tables.split_whitespace().collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{sql}");
    }
}

#[test]
fn a_query_without_mention_stays_as_it_is() {
    for sql in [
        "SELECT * FROM t NATURAL JOIN u",
        "SELECT \"_SEQ\", seq, \"_Deleted\" FROM t ORDER BY 1",
        "SELECT '_seq', t.* FROM (SELECT * FROM u) t",
        "SELECT id AS _seq FROM t",
    ] {
        let before = query(sql);
        let mut after = before.clone();
        rewrite_system_columns(&mut after).unwrap();
        assert_eq!(before, after, "{sql}");
    }
}

#[test]
fn the_text_shows_what_was_done() {
    for (sql, expected) in [
        (
            "SELECT *, _seq FROM App.T WHERE _deleted",
            "SELECT * EXCLUDE (\"_seq\", \"_deleted\"), _seq FROM App.\"t$deleted\" AS T WHERE _deleted",
        ),
        (
            "SELECT x.* FROM t x WHERE x._seq > 1",
            "SELECT x.* EXCLUDE (\"_seq\") FROM \"t$seq\" x WHERE x._seq > 1",
        ),
        ("SELECT _seq FROM \"My T\"", "SELECT _seq FROM \"My T$seq\" AS \"My T\""),
    ] {
        assert_eq!(rewritten(sql).unwrap(), expected);
    }
}

#[test]
fn what_cannot_be_rewritten_is_refused() {
    for (sql, kind, text) in [
        ("SELECT * FROM t NATURAL JOIN u WHERE t._seq > 1", ErrorKind::Unsupported, "NATURAL JOIN"),
        (
            "SELECT * FROM t RIGHT JOIN u USING (id) WHERE t._seq > 1",
            ErrorKind::Unsupported,
            "list the columns",
        ),
        (
            "SELECT * FROM t LEFT SEMI JOIN u ON t.id = u.id WHERE t._seq > 1",
            ErrorKind::Unsupported,
            "list the columns",
        ),
        ("SELECT *, _seq FROM t, (SELECT 1)", ErrorKind::Unsupported, "give it an alias"),
        ("SELECT _seq FROM t AS x (a, b)", ErrorKind::Unsupported, "plain alias"),
        ("SELECT x._seq FROM (t JOIN u ON t.id = u.id) AS x", ErrorKind::Unsupported, "plain alias"),
        ("SELECT app.t._seq FROM app.t, t", ErrorKind::Unsupported, "give them aliases"),
        ("SELECT * FROM \"t$seq\"", ErrorKind::NotFound, "t$seq"),
        ("SELECT * FROM u WHERE id IN (SELECT id FROM app.T$DELETED)", ErrorKind::NotFound, "T$DELETED"),
    ] {
        let e = rewritten(sql).expect_err(sql);
        assert_eq!(e.kind(), kind, "{sql}: {e}");
        assert!(e.message().contains(text), "{sql}: {e}");
    }
}

#[test]
fn expressions_mention_what_their_own_table_has() {
    let both = |seq, deleted| SystemColumns { seq, deleted };
    for (condition, expected) in [
        ("id = 1", both(false, false)),
        ("_seq > 1", both(true, false)),
        ("t._deleted AND _seq > 1", both(true, true)),
        ("id IN (SELECT id FROM u WHERE _seq > 1)", both(false, false)),
        ("id IN (SELECT id FROM u WHERE u._seq > t._seq)", both(true, false)),
        ("EXISTS (SELECT 1 FROM u AS t WHERE t._deleted)", both(false, false)),
    ] {
        let mut query = query(&format!("SELECT 1 WHERE {condition}"));
        let SetExpr::Select(select) = query.body.as_mut() else { panic!("{condition}") };
        let condition = select.selection.as_mut().unwrap();
        assert_eq!(mentions(condition), expected, "{condition}");
        assert_eq!(rewrite_expression(condition).unwrap(), expected, "{condition}");
    }
}

/// On the stack that threads have by default, whatever passes the limit on depth can be planned.
#[test]
fn statements_at_the_limit_of_depth_can_be_planned() {
    let most = crate::sql::SqlLimits::default().depth - 16;
    let context = session();
    for sql in [
        format!("SELECT id{} AS x FROM t", " + id".repeat(most)),
        format!("SELECT * FROM t WHERE {}", vec!["id = 1"; most].join(" OR ")),
        format!("SELECT a{} AS x FROM t", " || a".repeat(most)),
        format!("SELECT * FROM t WHERE id = 1{}", " IS NOT NULL".repeat(most / 2)),
        format!("SELECT id{} AS x FROM t", "::bigint".repeat(most / 2)),
        vec!["SELECT id FROM t"; most].join(" UNION ALL "),
    ] {
        let statement = ast::Statement::Query(query(&sql));
        let statement = datafusion::sql::parser::Statement::Statement(Box::new(statement));
        let plan = block_on(async {
            let state = context.state();
            let plan = state.statement_to_plan(statement).await?;
            state.create_physical_plan(&plan).await
        });
        assert!(plan.is_ok(), "{}…: {plan:?}", &sql[..40]);
    }
}
