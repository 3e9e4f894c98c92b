//! Wakes followers. What they show comes from the store; news only says what there is to read.
//!
//! Invariant: a topic costs memory only while somebody follows it, and telling costs the same however slow they are.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// The topics that are followed now, with the newest news of each.
pub(super) struct Hub<K, N>(Arc<Mutex<Topics<K, N>>>);

type Topics<K, N> = HashMap<K, watch::Sender<N>>;

impl<K: Clone + Eq + Hash, N: Copy + Default> Hub<K, N> {
    /// Follows a topic. The news are those told from now on.
    pub(super) fn follow(&self, topic: K) -> Follower<K, N> {
        let news = lock(&self.0)
            .entry(topic.clone())
            .or_insert_with(|| watch::Sender::new(N::default()))
            .subscribe();
        Follower {
            news: Some(news),
            topic,
            topics: Arc::clone(&self.0),
        }
    }

    /// Whether anybody follows a topic.
    pub(super) fn is_followed<Q>(&self, topic: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        lock(&self.0).contains_key(topic)
    }

    /// Changes the news of a topic and wakes everybody who follows it.
    pub(super) fn tell<Q>(&self, topic: &Q, change: impl FnOnce(&mut N))
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if let Some(news) = lock(&self.0).get(topic) {
            news.send_modify(change);
        }
    }
}

impl<K, N> Default for Hub<K, N> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// One follower of a topic.
pub(super) struct Follower<K: Eq + Hash, N> {
    /// Taken only when it is dropped.
    news: Option<watch::Receiver<N>>,
    topic: K,
    topics: Arc<Mutex<Topics<K, N>>>,
}

impl<K: Eq + Hash, N: Copy + Default> Follower<K, N> {
    /// The newest news.
    pub(super) fn news(&mut self) -> N {
        let news = self.news.as_mut();
        news.map_or_else(N::default, |news| *news.borrow_and_update())
    }

    /// Waits until something has been told since the last call of this or of [`Self::news`].
    pub(super) async fn changed(&mut self) {
        if let Some(news) = &mut self.news {
            // The hub keeps the sender while a follower lives, so this cannot fail.
            let _ = news.changed().await;
        }
    }
}

impl<K: Eq + Hash, N> Drop for Follower<K, N> {
    fn drop(&mut self) {
        let mut topics = lock(&self.topics);
        // Under the lock, so that of two followers that end together one sees that it is the last.
        drop(self.news.take());
        let alone = |news: &watch::Sender<N>| news.receiver_count() == 0;
        if topics.get(&self.topic).is_some_and(alone) {
            topics.remove(&self.topic);
        }
    }
}

fn lock<K, N>(topics: &Mutex<Topics<K, N>>) -> MutexGuard<'_, Topics<K, N>> {
    topics.lock().unwrap_or_else(PoisonError::into_inner)
}
