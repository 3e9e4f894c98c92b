//! How full the queue may be, and that a database which stands still fills it and is refused new work, not queued for.

use super::*;
use crate::model::name::Name;
use crate::store::Store;
use crate::store::in_memory::Disk;
use crate::store::keys::{Family, Key};
use crate::store::read::handle;

/// Room that new work may have altogether, for batches of one unit each.
const MOST: usize = UNITS - KEPT;

/// Takes room until there is none.
fn all_there_is(committer: &Committer) -> Vec<Slot> {
    std::iter::from_fn(|| committer.admit(0).ok()).collect()
}

#[tokio::test]
async fn new_work_has_three_quarters_of_the_queue_however_many_ask_at_once() {
    let (store, _hand) = Disk::new().unwrap().open().unwrap();
    let committer = store.committer();
    let mut slots = Vec::new();
    std::thread::scope(|scope| {
        let askers: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| all_there_is(committer)))
            .collect();
        for asker in askers {
            slots.extend(asker.join().unwrap());
        }
    });
    assert!(slots.len() <= MOST, "{} were let in", slots.len());
    // Two who look at the same moment may both be sent away.
    slots.extend(all_there_is(committer));
    assert_eq!(slots.len(), MOST);
    assert!(committer.figures().refused.get() >= 8);
    // The rest is for what goes on.
    let kept = (0..KEPT).map(|_| committer.reserve(0));
    slots.extend(futures_util::future::try_join_all(kept).await.unwrap());
    assert!(matches!(committer.admit(0), Err(Error::Busy)));
    slots.truncate(MOST - 1);
    assert!(committer.admit(UNIT).is_err(), "it would need two units");
    assert!(committer.admit(0).is_ok());
}

#[tokio::test]
async fn lines_have_a_small_part_of_the_queue_and_those_that_wait_stand_in_nobodys_way() {
    let (store, _hand) = Disk::new().unwrap().open().unwrap();
    let committer = store.committer();
    let lines = committer.reserve_lines(24 << 20).await.unwrap();
    let others = (0..9).map(|_| committer.reserve_lines(8 << 20));
    let mut others = Box::pin(futures_util::future::join_all(others));
    assert!(futures_util::poll!(&mut others).is_pending());
    let all = all_there_is(committer).len();
    assert_eq!(all, MOST - units(24 << 20, UNIT, UNITS) as usize);
    drop(lines);
    // One at a time.
    assert!(futures_util::poll!(&mut others).is_pending());
    let all = all_there_is(committer).len();
    assert_eq!(all, MOST - units(8 << 20, UNIT, UNITS) as usize);
}

#[tokio::test]
async fn a_database_that_stops_all_writes_is_refused_new_work_until_it_goes_on() {
    let place = tempfile::tempdir().unwrap();
    let store = Store::open(place.path(), -1).unwrap();
    let objects = handle(&store.db, Family::Objects);
    let limits = |files: &str, compaction: &str| {
        let stop = [
            ("level0_file_num_compaction_trigger", compaction),
            ("level0_slowdown_writes_trigger", files),
            ("level0_stop_writes_trigger", files),
        ];
        store.db.set_options_cf(&objects, &stop).unwrap();
    };
    // As if compaction did not keep up: one file is too many, and it waits for more.
    limits("1", "1000");
    store.db.put_cf(&objects, b"key", b"value").unwrap();
    store.db.flush_cf(&objects).unwrap();
    let stopped = || {
        let property = store.db.property_int_value("rocksdb.is-write-stopped");
        property.unwrap() == Some(1)
    };
    assert!(stopped());
    let committer = store.committer();
    let slots = all_there_is(committer);
    assert_eq!(slots.len(), MOST);
    let name = Name::parse("any", "name").unwrap();
    let mut waits: Vec<_> = Vec::new();
    for slot in slots {
        let mut batch = Batch::new();
        batch.put_bytes(&Key::Definition(&name), b"value".to_vec());
        waits.push(slot.write(batch));
    }
    let written = tokio::spawn(futures_util::future::try_join_all(waits));
    // All are handed over, and the thread stands still in the first group.
    while committer.lag().is_zero() {
        tokio::task::yield_now().await;
    }
    assert!(matches!(committer.admit(0), Err(Error::Busy)));
    assert!(stopped());
    limits("20", "4");
    written.await.unwrap().unwrap();
    committer.admit(0).unwrap();
}
