//! What commits and puts cost here: `cargo test … -- --include-ignored --nocapture measure` prints it. It is not
//! judged, since machines differ.

use firndb_core::Durability;
use firndb_core::storage::{Keyspace, WriteBatch};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use super::{fresh, javascript, must, now_ms};

const ROUNDS: usize = 60;

/// The median time of `ROUNDS` runs, in milliseconds.
async fn median_ms(mut run: impl AsyncFnMut(usize)) -> f64 {
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let start = now_ms();
        run(round).await;
        times.push(now_ms() - start);
    }
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
}

#[wasm_bindgen_test]
#[ignore = "prints what it measures, and judges nothing"]
async fn what_commits_cost() {
    fresh("measure").await;
    let stores = must(crate::open("measure").await, "opening");
    let mut first = WriteBatch::new();
    first.put(Keyspace::Meta, "epoch", "1");
    must(stores.kv.commit(first, Durability::Strict).await, "a commit");
    for repetition in 0..3 {
        for durability in [Durability::Strict, Durability::Relaxed] {
            let floor = floor_ms(durability).await;
            let plain = median_ms(async |round| {
                let mut batch = WriteBatch::new();
                batch.put(Keyspace::Hot, round.to_be_bytes().to_vec(), vec![7; 200]);
                must(stores.kv.commit(batch, durability).await, "a commit");
            })
            .await;
            let guarded = median_ms(async |round| {
                let mut batch = WriteBatch::new();
                batch.expect_value(Keyspace::Meta, "epoch", "1");
                batch.put(Keyspace::Hot, round.to_be_bytes().to_vec(), vec![7; 200]);
                must(stores.kv.commit(batch, durability).await, "a commit");
            })
            .await;
            console_log!(
                "{repetition}: {durability:?} commit: {plain:.2} ms, with a precondition {guarded:.2} ms, \
                 one put in plain JavaScript {floor:.2} ms"
            );
        }
    }
}

#[wasm_bindgen_test]
#[ignore = "prints what it measures, and judges nothing"]
async fn what_puts_and_reads_cost() {
    fresh("measure").await;
    let blobs = must(crate::open("measure").await, "opening").blobs;
    for (name, size) in [("1 KB", 1 << 10), ("1 MB", 1 << 20)] {
        let put = median_ms(async |round| {
            let path = Path::from(format!("a/b/c/{name}/{round}"));
            must(blobs.put(&path, vec![7; size].into()).await, "a put");
        })
        .await;
        let create = median_ms(async |round| {
            let path = Path::from(format!("a/b/c/{name}/create-{round}"));
            let options = PutOptions::from(PutMode::Create);
            must(blobs.put_opts(&path, vec![7; size].into(), options).await, "a put");
        })
        .await;
        let whole = median_ms(async |round| {
            let path = Path::from(format!("a/b/c/{name}/{round}"));
            must(must(blobs.get(&path).await, "a get").bytes().await, "a get");
        })
        .await;
        let path = |round| Path::from(format!("a/b/c/{name}/{round}"));
        let first =
            median_ms(async |round| _ = must(blobs.get_range(&path(round), 0..1000).await, "a range")).await;
        let again =
            median_ms(async |round| _ = must(blobs.get_range(&path(round), 0..1000).await, "a range")).await;
        console_log!(
            "{name}: put {put:.2} ms, create {create:.2} ms, get {whole:.2} ms, first range {first:.2} ms, \
             next range {again:.3} ms"
        );
    }
}

/// One transaction with one put, without Rust.
async fn floor_ms(durability: Durability) -> f64 {
    let durability = format!("{durability:?}").to_lowercase();
    let script = format!(
        "const request = indexedDB.open('firndb/measure')
         const db = await new Promise(yes => {{ request.onsuccess = () => yes(request.result) }})
         const times = []
         for (let round = 0; round < {ROUNDS}; round++) {{
             const start = performance.now()
             const tx = db.transaction('hot', 'readwrite', {{ durability: '{durability}' }})
             tx.objectStore('hot').put(new Uint8Array(200), new Uint8Array([round]))
             tx.commit()
             await new Promise(yes => {{ tx.oncomplete = yes }})
             times.push(performance.now() - start)
         }}
         db.close()
         return times.sort((a, b) => a - b)[{ROUNDS} / 2]"
    );
    javascript(&script).await.as_f64().unwrap()
}
