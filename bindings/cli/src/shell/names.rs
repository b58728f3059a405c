//! The names that can be completed: what the store has, and the functions.

use std::collections::HashSet;
use std::sync::OnceLock;

use datafusion::execution::SessionStateDefaults;
use firndb_core::catalog::{Catalog, MAIN_NAMESPACE, quoted};

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
    /// Those of `catalog`.
    pub fn of(catalog: &Catalog) -> Self {
        let tables = catalog.tables().map(|table| Table {
            namespace: table.namespace.clone(),
            name: table.name.clone(),
            columns: table.columns.iter().map(|c| c.name.clone()).collect(),
        });
        Self { namespaces: catalog.namespaces().map(str::to_owned).collect(), tables: tables.collect() }
    }

    /// The table called `name`, in `namespace` if one is given.
    pub fn table(&self, namespace: Option<&str>, name: &str) -> Option<&Table> {
        self.tables.iter().find(|t| t.name == name && namespace.is_none_or(|n| n == t.namespace))
    }
}

/// The names of all functions, sorted.
pub fn functions() -> &'static [String] {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let mut names: HashSet<String> = HashSet::new();
        names.extend(SessionStateDefaults::default_scalar_functions().iter().map(|f| f.name().to_owned()));
        names.extend(SessionStateDefaults::default_aggregate_functions().iter().map(|f| f.name().to_owned()));
        names.extend(SessionStateDefaults::default_window_functions().iter().map(|f| f.name().to_owned()));
        let mut names: Vec<String> =
            names.into_iter().filter(|n| n.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')).collect();
        names.sort();
        names
    })
}
