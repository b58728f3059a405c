//! The names that can be completed: what the store has, and the functions.

use std::collections::HashSet;
use std::sync::OnceLock;

use datafusion::execution::SessionStateDefaults;
use firndb_core::catalog::{Catalog, MAIN_NAMESPACE, RESERVED_NAMESPACES, quoted};
use firndb_core::own_tables;

/// A table that can be completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The names of its columns.
    pub columns: Vec<String>,
}

impl Table {
    /// How a statement names it.
    pub fn sql(&self) -> String {
        if self.namespace == MAIN_NAMESPACE {
            return quoted(&self.name);
        }
        format!("{}.{}", quoted(&self.namespace), quoted(&self.name))
    }
}

/// The names of a store.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Its namespaces.
    pub namespaces: Vec<String>,
    /// Its tables.
    pub tables: Vec<Table>,
}

impl Names {
    /// Those of `catalog`, and of the engine's own tables.
    pub fn of(catalog: &Catalog) -> Self {
        let tables = catalog.tables().map(|table| Table {
            namespace: table.namespace.clone(),
            name: table.name.clone(),
            columns: table.columns.iter().map(|c| c.name.clone()).collect(),
        });
        let own = RESERVED_NAMESPACES.iter().flat_map(|namespace| own_tables(namespace)).map(|table| Table {
            namespace: table.namespace.to_owned(),
            name: table.name.to_owned(),
            columns: table.columns.iter().map(|(name, _)| (*name).to_owned()).collect(),
        });
        let views = catalog.views().map(|view| Table {
            namespace: view.namespace.clone(),
            name: view.name.clone(),
            columns: view.columns.iter().map(|c| c.name.clone()).collect(),
        });
        let namespaces = catalog.namespaces().chain(RESERVED_NAMESPACES);
        Self {
            namespaces: namespaces.map(str::to_owned).collect(),
            tables: tables.chain(views).chain(own).collect(),
        }
    }

    /// The table called `name`, in `namespace` if one is given; else the engine's own come last.
    pub fn table(&self, namespace: Option<&str>, name: &str) -> Option<&Table> {
        self.tables.iter().find(|t| t.name == name && namespace.is_none_or(|n| n == t.namespace))
    }
}

/// Functions that DataFusion does not have, or calls otherwise.
const OWN_FUNCTIONS: &[&str] = &[
    "ceiling",
    "every",
    "extract",
    "gen_random_uuid",
    "mod",
    "seq_timestamp",
    "sign",
    "ulid",
    "uuid_v7",
    "variance",
];

/// The names of all functions, also the other names of one, sorted.
pub fn functions() -> &'static [String] {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let mut names: HashSet<String> = HashSet::new();
        for f in SessionStateDefaults::default_scalar_functions() {
            names.extend(f.aliases().iter().cloned().chain([f.name().to_owned()]));
        }
        for f in SessionStateDefaults::default_aggregate_functions() {
            names.extend(f.aliases().iter().cloned().chain([f.name().to_owned()]));
        }
        for f in SessionStateDefaults::default_window_functions() {
            names.extend(f.aliases().iter().cloned().chain([f.name().to_owned()]));
        }
        names.extend(OWN_FUNCTIONS.iter().map(|name| (*name).to_owned()));
        let mut names: Vec<String> =
            names.into_iter().filter(|n| n.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')).collect();
        names.sort();
        names
    })
}
