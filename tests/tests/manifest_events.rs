//! What a commit of a manifest logs, as its fields and not as text.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use firndb_core::storage::fault::FaultStores;
use firndb_core::storage::{ManualClock, SeededRng};
use firndb_core::{Config, Engine, ErrorKind};
use firndb_tests::ask::{ask, user};
use firndb_tests::lasting::START_MS;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

/// Collects the events whose message starts with `manifest_cache_sync`.
#[derive(Debug, Clone, Default)]
struct Collected(Arc<Mutex<Vec<BTreeMap<&'static str, String>>>>);

impl Collected {
    fn take(&self) -> Vec<BTreeMap<&'static str, String>> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }
}

impl Subscriber for Collected {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        if fields.0.get("message").is_some_and(|m| m.starts_with("manifest_cache_sync")) {
            self.0.lock().unwrap().push(fields.0);
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

fn expect(found: &BTreeMap<&'static str, String>, expected: &[(&str, &str)]) {
    for (field, value) in expected {
        assert_eq!(found.get(field).map(String::as_str), Some(*value), "{field}: {found:?}");
    }
}

#[tokio::test]
async fn a_commit_logs_whether_the_cache_followed() {
    let collected = Collected::default();
    let _default = tracing::subscriber::set_default(collected.clone());
    let faults = FaultStores::new();
    let stores = faults.stores(Arc::new(ManualClock::at_ms(START_MS)), Arc::new(SeededRng::new(1)));
    let engine = Engine::open(stores, Config::default()).await.unwrap();
    ask(&mut engine.session(), "CREATE NAMESPACE app").await;
    ask(&mut engine.session(), "CREATE USER TABLE app.u (id INTEGER PRIMARY KEY)").await;
    let mut s = user(&engine, "alice").await;
    ask(&mut s, "INSERT INTO app.u VALUES (1)").await;
    assert!(collected.take().is_empty());
    engine.flush_all().await.unwrap();
    let events = collected.take();
    assert_eq!(events.len(), 1, "{events:?}");
    let place = [("namespace", "app"), ("table", "u"), ("scope", "u-alice"), ("version", "3")];
    expect(&events[0], &[("message", "manifest_cache_sync_success")]);
    expect(&events[0], &place);

    for (part, copied, kept) in
        [("kv commit relaxed: put manifest", "true", "false"), ("/manifest.json", "false", "true")]
    {
        faults.refuse(part, ErrorKind::LimitExceeded);
        ask(&mut s, &format!("INSERT INTO app.u VALUES ({})", part.len())).await;
        engine.flush_all().await.unwrap();
        let events = collected.take();
        assert_eq!(events.len(), 1, "{events:?}");
        expect(&events[0], &[("message", "manifest_cache_sync_failure")]);
        expect(&events[0], &[("namespace", "app"), ("table", "u"), ("copied", copied), ("kept", kept)]);
        faults.refuse_nothing();
    }
}
