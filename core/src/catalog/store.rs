//! Where the catalog is kept: definitions in the key-value store, a copy of each in the blob store.
//!
//! ```text
//! 01                  counter: {"next_table_id"}
//! 02 text             a namespace, by its name
//! 03 u32 big-endian   a table, by its id; dropped ones too, until their rows and files are gone
//! 04 text text        a view, by the names of its namespace and its own
//! ```
//!
//! In the blob store a table has a file per version of its definition, `table-{version}.json` in its own
//! directory, and a view the one of its definition as it is, `{namespace}/views/{name}.json`.

use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use serde::{Deserialize, Serialize};

use crate::catalog::codec::{decode, encode};
use crate::catalog::{Catalog, MAIN_NAMESPACE, TableDef, ViewDef, decode_table, encode_table};
use crate::error::{Error, Result};
use crate::storage::keys::push_text;
use crate::storage::{KeyRange, Keyspace, KvStore, WriteBatch};
use crate::types::{TableId, path_part};

const COUNTER: u8 = 1;
const NAMESPACE: u8 = 2;
const TABLE: u8 = 3;
const VIEW: u8 = 4;
const PAGE: usize = 1024;
/// The directory of a namespace's views; that of a table ends in its id.
pub const VIEWS: &str = "views";

#[derive(Serialize, Deserialize)]
struct Counter {
    next_table_id: u32,
}

#[derive(Serialize, Deserialize)]
struct Namespace {
    name: String,
}

impl Catalog {
    /// The catalog that a store holds; of a store without one, that of a fresh store.
    ///
    /// # Errors
    /// `Corrupt`, naming the key, for what is not part of a catalog; `Unsupported` for another format;
    /// else as [`KvStore::page`].
    pub async fn load(kv: &dyn KvStore) -> Result<Self> {
        let mut range = KeyRange::all();
        let (mut namespaces, mut tables, mut views, mut next_table_id) =
            (Vec::new(), Vec::new(), Vec::new(), 1);
        loop {
            let page = kv.page(Keyspace::Catalog, range.clone(), PAGE).await?;
            for (key, value) in &page {
                let origin = name_of(key);
                match key.first() {
                    Some(&COUNTER) => next_table_id = decode::<Counter>(value, &origin)?.next_table_id,
                    Some(&NAMESPACE) => namespaces.push(decode::<Namespace>(value, &origin)?.name),
                    Some(&TABLE) => {
                        let table = decode_table(value, &origin)?;
                        if table_key(table.id) != key.as_ref() {
                            return Err(Error::corrupt(format!(
                                "{origin} holds the table of id {}",
                                table.id
                            )));
                        }
                        tables.push(table);
                    }
                    Some(&VIEW) => {
                        let view = decode::<ViewDef>(value, &origin)?;
                        if view_key(&view) != key.as_ref() {
                            return Err(Error::corrupt(format!(
                                "{origin} holds the view {}",
                                view.full_name()
                            )));
                        }
                        views.push(view);
                    }
                    _ => return Err(Error::corrupt(format!("{origin} is not a key of the catalog"))),
                }
            }
            match page.last() {
                Some((last, _)) if page.len() == PAGE => range = range.after(last.clone()),
                _ => break,
            }
        }
        Self::from_parts(namespaces, tables, next_table_id)?.with_views(views)
    }
}

/// Adds to `batch` what makes the stored catalog `new`, where it is `old`; and returns the definition
/// files that have to be in the blob store, synced, before the batch commits. Files may be there already,
/// from an attempt that did not commit: they are to be replaced.
///
/// # Errors
/// `Internal` when a definition cannot be written as JSON.
pub fn write_difference(old: &Catalog, new: &Catalog, batch: &mut WriteBatch) -> Result<Vec<(Path, Bytes)>> {
    let mut files = Vec::new();
    if old.next_table_id() != new.next_table_id() {
        let counter = encode(&Counter { next_table_id: new.next_table_id() })?;
        batch.put(Keyspace::Catalog, vec![COUNTER], counter);
    }
    for name in old.namespaces().filter(|n| !new.has_namespace(n)) {
        batch.delete(Keyspace::Catalog, namespace_key(name));
    }
    for name in new.namespaces().filter(|n| *n != MAIN_NAMESPACE && !old.has_namespace(n)) {
        batch.put(Keyspace::Catalog, namespace_key(name), encode(&Namespace { name: name.to_owned() })?);
    }
    for table in new.tables().chain(new.dropped()) {
        if stored(old, table.id).is_some_and(|before| Arc::ptr_eq(before, table)) {
            continue;
        }
        let bytes = Bytes::from(encode_table(table)?);
        batch.put(Keyspace::Catalog, table_key(table.id), bytes.clone());
        files.push((table.definition_path(), bytes));
    }
    for view in new.views() {
        if old.view(&view.namespace, &view.name).is_none_or(|before| before != view) {
            let (path, bytes) = view_file(view)?;
            batch.put(Keyspace::Catalog, view_key(view), bytes.clone());
            files.push((path, bytes));
        }
    }
    for view in old.views().filter(|v| new.view(&v.namespace, &v.name).is_none()) {
        batch.delete(Keyspace::Catalog, view_key(view));
    }
    for table in old.tables().chain(old.dropped()).filter(|t| stored(new, t.id).is_none()) {
        batch.delete(Keyspace::Catalog, table_key(table.id));
    }
    Ok(files)
}

/// Where the blob store keeps the definition of a view, and the bytes of it.
///
/// # Errors
/// `Internal` when it cannot be written as JSON.
pub fn view_file(view: &ViewDef) -> Result<(Path, Bytes)> {
    let name = format!("{}.json", path_part("", &view.name));
    Ok((view_dir(&view.namespace).join(name), encode(view)?.into()))
}

/// Where the files of the views of `namespace` are.
pub fn view_dir(namespace: &str) -> Path {
    Path::from(format!("{}/{VIEWS}", path_part("", namespace)))
}

/// The view whose definition is `bytes`, found at `path`.
///
/// # Errors
/// As [`decode_table`]; `Corrupt` when it is the definition of another view than its path says.
pub fn decode_view(bytes: &[u8], path: &Path) -> Result<ViewDef> {
    let view = decode::<ViewDef>(bytes, path.as_ref())?;
    let (own, _) = view_file(&view)?;
    if own != *path {
        return Err(Error::corrupt(format!("{path} holds the view {}", view.full_name())));
    }
    Ok(view)
}

fn stored(catalog: &Catalog, id: TableId) -> Option<&Arc<TableDef>> {
    catalog.tables.get(&id).or_else(|| catalog.dropped.get(&id))
}

fn namespace_key(name: &str) -> Vec<u8> {
    let mut key = vec![NAMESPACE];
    push_text(&mut key, name);
    key
}

fn table_key(id: TableId) -> Vec<u8> {
    let mut key = vec![TABLE];
    key.extend_from_slice(&id.0.to_be_bytes());
    key
}

fn view_key(view: &ViewDef) -> Vec<u8> {
    let mut key = vec![VIEW];
    push_text(&mut key, &view.namespace);
    push_text(&mut key, &view.name);
    key
}

/// A key as messages show it.
fn name_of(key: &[u8]) -> String {
    match key {
        [COUNTER] => "catalog key counter".to_owned(),
        [NAMESPACE, name @ ..] => {
            format!("catalog key ns:{}", String::from_utf8_lossy(name).trim_end_matches('\0'))
        }
        [TABLE, a, b, c, d] => format!("catalog key table:{:08x}", u32::from_be_bytes([*a, *b, *c, *d])),
        [VIEW, names @ ..] => {
            let names = String::from_utf8_lossy(names).replace("\0\0", ".");
            format!("catalog key view:{}", names.trim_end_matches('.'))
        }
        other => format!("catalog key {other:02x?}"),
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::catalog::tests::{alter, drop_table, table_of};
    use crate::catalog::{IfThere, TableName, create_namespace, create_view, drop_namespace, drop_views};
    use crate::error::ErrorKind;
    use crate::storage::{MemoryKv, Mutation};
    use crate::types::Durability;

    fn commit(kv: &MemoryKv, old: &Catalog, new: &Catalog) -> Vec<String> {
        let mut batch = WriteBatch::new();
        let files = write_difference(old, new, &mut batch).unwrap();
        block_on(kv.commit(batch, Durability::Strict)).unwrap();
        assert_eq!(block_on(Catalog::load(kv)).unwrap(), *new);
        files.into_iter().map(|(path, _)| path.to_string()).collect()
    }

    #[test]
    fn what_ddl_made_is_loaded_again() {
        let kv = MemoryKv::new();
        let fresh = block_on(Catalog::load(&kv)).unwrap();
        assert_eq!(fresh, Catalog::default());
        assert_eq!(fresh.namespaces().collect::<Vec<_>>(), ["main"]);

        let app = create_namespace(&fresh, "app", false).unwrap().unwrap();
        assert!(commit(&kv, &fresh, &app).is_empty());
        let (created, _) =
            crate::catalog::tests::create_in(&app, "CREATE TABLE app.t (id BIGINT PRIMARY KEY)");
        assert_eq!(commit(&kv, &app, &created), ["app/t-00000001/table-1.json"]);
        let (altered, _) = alter(&created, "ALTER TABLE app.t ADD COLUMN a TEXT");
        assert_eq!(commit(&kv, &created, &altered), ["app/t-00000001/table-2.json"]);
        let gone = drop_namespace(&altered, "app", false, true).unwrap().unwrap();
        assert_eq!(commit(&kv, &altered, &gone), ["app/t-00000001/table-3.json"]);
        assert_eq!(gone.dropped().count(), 1);
        let forgotten = gone.forget_dropped(TableId(1));
        assert!(commit(&kv, &gone, &forgotten).is_empty());
        assert_eq!(block_on(Catalog::load(&kv)).unwrap().next_table_id(), 2);
    }

    #[test]
    fn views_are_loaded_again_until_they_are_dropped() {
        let kv = MemoryKv::new();
        let (catalog, _) = table_of("CREATE TABLE t (id BIGINT PRIMARY KEY)");
        commit(&kv, &Catalog::default(), &catalog);
        let view = |query: &str| ViewDef {
            namespace: "main".to_owned(),
            name: "v.w".to_owned(),
            query: query.to_owned(),
            search: "main".to_owned(),
            columns: Vec::new(),
            uses: [("main".to_owned(), "t".to_owned())].into(),
        };
        let made = create_view(&catalog, view("SELECT 1"), IfThere::Fail).unwrap().unwrap();
        let (path, bytes) = view_file(&view("SELECT 1")).unwrap();
        assert_eq!(commit(&kv, &catalog, &made), [path.to_string()]);
        assert_eq!(decode_view(&bytes, &path).unwrap(), view("SELECT 1"));
        let elsewhere = decode_view(&bytes, &Path::from("main/views/w.json")).unwrap_err();
        assert_eq!(elsewhere.kind(), ErrorKind::Corrupt, "{elsewhere}");
        let replaced = create_view(&made, view("SELECT 2"), IfThere::Replace).unwrap().unwrap();
        commit(&kv, &made, &replaced);
        let loaded = block_on(Catalog::load(&kv)).unwrap();
        assert_eq!(loaded.view("main", "v.w").unwrap().query, "SELECT 2");
        assert_eq!(name_of(&view_key(&view(""))), "catalog key view:main.v.w");
        let dropped = drop_views(&loaded, &[TableName::bare("v.w")], false, false, "main").unwrap().unwrap();
        commit(&kv, &loaded, &dropped);
        assert_eq!(block_on(Catalog::load(&kv)).unwrap().views().count(), 0);
    }

    #[test]
    fn an_unchanged_catalog_writes_nothing() {
        let (catalog, _) = table_of("CREATE TABLE t (id BIGINT PRIMARY KEY)");
        let mut batch = WriteBatch::new();
        assert!(write_difference(&catalog, &catalog.clone(), &mut batch).unwrap().is_empty());
        assert_eq!(batch, WriteBatch::new());
    }

    #[test]
    fn more_tables_than_a_page_are_all_loaded() {
        let mut catalog = Catalog::default();
        for n in 0..PAGE + 5 {
            let sql = format!("CREATE TABLE t{n} (id BIGINT PRIMARY KEY)");
            catalog = crate::catalog::tests::create_in(&catalog, &sql).0;
        }
        commit(&MemoryKv::new(), &Catalog::default(), &catalog);
    }

    #[test]
    fn a_dropped_table_stays_until_it_is_forgotten() {
        let (catalog, table) = table_of("CREATE TABLE t (id BIGINT PRIMARY KEY)");
        let kv = MemoryKv::new();
        commit(&kv, &Catalog::default(), &catalog);
        let dropped = drop_table(&catalog, "t");
        commit(&kv, &catalog, &dropped);
        let loaded = block_on(Catalog::load(&kv)).unwrap();
        assert!(loaded.table("main", "t").is_none());
        let last = loaded.dropped().next().unwrap();
        assert!(last.dropped && last.id == table.id && last.schema_version == 2);
    }

    #[test]
    fn damage_is_corrupt_and_names_the_key() {
        let (catalog, table) = table_of("CREATE TABLE t (id BIGINT PRIMARY KEY)");
        let good = encode_table(&table).unwrap();
        let cases: [(Vec<u8>, Vec<u8>, &str); 5] = [
            (table_key(TableId(1)), b"garbage".to_vec(), "table:00000001"),
            (table_key(TableId(2)), good.clone(), "table:00000002"),
            (namespace_key("app"), b"{}".to_vec(), "ns:app"),
            (vec![COUNTER], vec![], "counter"),
            (vec![9, 9], good, "[09, 09]"),
        ];
        for (key, value, named) in cases {
            let kv = MemoryKv::new();
            commit(&kv, &Catalog::default(), &catalog);
            let batch = WriteBatch {
                preconditions: vec![],
                mutations: vec![Mutation::Put(Keyspace::Catalog, key.into(), value.into())],
            };
            block_on(kv.commit(batch, Durability::Strict)).unwrap();
            let e = block_on(Catalog::load(&kv)).expect_err(named);
            assert_eq!(e.kind(), ErrorKind::Corrupt, "{e}");
            assert!(e.message().contains(named), "{e}");
        }
    }
}
