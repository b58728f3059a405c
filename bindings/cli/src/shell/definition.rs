//! The statement that makes a table as it is.

use firndb_core::catalog::{AccessLevel, Compression, DefaultExpr, FlushPolicy, TableDef, quoted};

/// `CREATE TABLE`, and `CREATE INDEX` of each index, with the columns, the key and the options of `table`.
pub fn definition(table: &TableDef) -> String {
    let name = |id| table.column_by_id(id).map(|c| quoted(&c.name));
    let mut lines: Vec<String> = Vec::new();
    for column in &table.columns {
        let mut line = format!("{} {}", quoted(&column.name), column.ty);
        if !column.nullable && !table.is_key(column.id) {
            line.push_str(" NOT NULL");
        }
        if column.default == Some(DefaultExpr::Identity) {
            line.push_str(" GENERATED ALWAYS AS IDENTITY");
        } else if let Some(default) = &column.default {
            line.push_str(&format!(" DEFAULT {}", default_of(column, default)));
        }
        lines.push(line);
    }
    let key: Vec<String> = table.primary_key.iter().filter_map(|id| name(*id)).collect();
    lines.push(format!("PRIMARY KEY ({})", key.join(", ")));
    let body = lines.join(",\n  ");
    let mut text = format!("CREATE {} TABLE {} (\n  {body}\n)", table.kind.sql_name(), table.full_name());
    let mut options = Vec::new();
    if let Some(policy) = &table.options.flush {
        options.push(format!("FLUSH_POLICY = '{}'", flush_policy(policy)));
    }
    let bloom: Vec<String> = table.options.bloom.iter().filter_map(|id| name(*id)).collect();
    if table.options.no_bloom {
        options.push("BLOOM_FILTER = 'none'".to_owned());
    } else if !bloom.is_empty() {
        options.push(format!("BLOOM_FILTER = '{}'", bloom.join(",")));
    }
    let shares = &table.options.bloom_fpp;
    if !shares.is_empty() {
        let share = |ppm: u32| f64::from(ppm) / 1e6;
        let named =
            shares.columns.iter().filter_map(|(id, ppm)| Some(format!("{}:{}", name(*id)?, share(*ppm))));
        let all: Vec<String> = shares.others.iter().map(|ppm| share(*ppm).to_string()).chain(named).collect();
        options.push(format!("BLOOM_FPP = '{}'", all.join(",")));
    }
    if table.options.compression != Compression::default() {
        let names = Compression::ALL.iter().find(|(_, way)| *way == table.options.compression);
        options.push(format!("COMPRESSION = '{}'", names.map_or("", |(name, _)| name)));
    }
    if table.options.access_level != AccessLevel::Public {
        options.push(format!("ACCESS_LEVEL = '{}'", table.options.access_level));
    }
    if let Some(level) = table.options.write_access_level {
        options.push(format!("WRITE_ACCESS_LEVEL = '{level}'"));
    }
    if let Some(retention) = table.options.deleted_retention {
        options.push(format!("DELETED_RETENTION_HOURS = '{retention}'"));
    }
    if let Some(seconds) = table.options.ttl_seconds {
        options.push(format!("TTL_SECONDS = {seconds}"));
    }
    if !options.is_empty() {
        text.push_str(&format!(" WITH ({})", options.join(", ")));
    }
    text.push(';');
    for index in &table.indexes {
        let columns: Vec<String> = index.columns.iter().filter_map(|id| name(*id)).collect();
        let (index, table) = (quoted(&index.name), table.full_name());
        text.push_str(&format!("\nCREATE INDEX {index} ON {table} ({});", columns.join(", ")));
    }
    text
}

fn default_of(column: &firndb_core::catalog::ColumnDef, default: &DefaultExpr) -> String {
    match default {
        DefaultExpr::SnowflakeId | DefaultExpr::Identity => "SNOWFLAKE_ID()".to_owned(),
        DefaultExpr::Now => "NOW()".to_owned(),
        _ => column.default_expr().map_or_else(|_| "…".to_owned(), |expr| expr.to_string()),
    }
}

fn flush_policy(policy: &FlushPolicy) -> String {
    let parts = [("rows", policy.rows), ("bytes", policy.bytes), ("interval", policy.interval_s)];
    let parts: Vec<String> =
        parts.iter().filter_map(|(name, amount)| amount.map(|amount| format!("{name}:{amount}"))).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(",") }
}

#[cfg(test)]
mod tests {
    use firndb_core::{Config, Engine, storage::Stores};

    use super::*;

    #[tokio::test]
    async fn what_is_printed_makes_the_same_table() {
        let engine = Engine::open(Stores::memory(), Config::default()).await.expect("a store");
        let mut session = engine.session();
        let made = "CREATE NAMESPACE app; CREATE USER TABLE app.\"My t\" (id BIGINT DEFAULT SNOWFLAKE_ID(), \
                    thread INTEGER NOT NULL, body TEXT DEFAULT 'it''s', n DOUBLE PRECISION DEFAULT 1.5, \
                    at TIMESTAMP DEFAULT NOW(), PRIMARY KEY (thread, id)) WITH (FLUSH_POLICY = \
                    'rows:10,interval:60', BLOOM_FILTER = 'body', BLOOM_FPP = '0.02,body:0.001', COMPRESSION = 'lz4')";
        session.execute(made).await.expect(made);
        let index = "CREATE INDEX \"By body\" ON app.\"My t\" (body, n)";
        session.execute(index).await.expect(index);
        let shown = |engine: &Engine| definition(engine.catalog().tables().next().expect("a table"));
        let first = shown(&engine);
        for part in [
            "CREATE USER TABLE app.\"My t\" (\n",
            "body TEXT DEFAULT 'it''s'",
            "PRIMARY KEY (thread, id)",
            index,
        ] {
            assert!(first.contains(part), "no {part:?} in {first}");
        }
        session.execute("DROP TABLE app.\"My t\"").await.expect("dropped");
        session.execute(&first).await.expect(&first);
        assert_eq!(shown(&engine), first);
    }

    #[tokio::test]
    async fn a_stream_table_is_printed_with_the_life_of_its_rows() {
        let engine = Engine::open(Stores::memory(), Config::default()).await.expect("a store");
        let mut session = engine.session();
        let made = "CREATE TABLE typing (event_id TEXT, who TEXT, PRIMARY KEY (event_id)) WITH (TYPE = 'STREAM', TTL_SECONDS = 30)";
        session.execute(made).await.expect(made);
        let shown = |engine: &Engine| definition(engine.catalog().tables().next().expect("a table"));
        let first = shown(&engine);
        assert!(first.starts_with("CREATE STREAM TABLE main.typing (\n"), "{first}");
        assert!(first.ends_with(") WITH (TTL_SECONDS = 30);"), "{first}");
        session.execute("DROP TABLE typing").await.expect("dropped");
        session.execute(&first).await.expect(&first);
        assert_eq!(shown(&engine), first);
    }
}
