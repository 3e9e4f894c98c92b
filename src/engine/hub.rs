//! Wakes followers. What they show comes from the store; news only says what there is to read.
//!
//! Invariant: a topic costs memory only while somebody follows it, and telling costs the same however slow they are.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The topics that are followed now, with the newest news of each.
pub(super) struct Hub<K, N>(Arc<Mutex<Topics<K, N>>>);

type Topics<K, N> = HashMap<K, Topic<N>>;

/// A topic, and how many follow it.
struct Topic<N> {
    news: Arc<News<N>>,
    followers: usize,
}

/// What is told of a topic, and who waits for more. Those who wait are woken in the order in which they came: tokio's
/// own `watch` wakes them by chance, and a simulation could not be repeated.
struct News<N> {
    /// How often something was told, and the newest.
    told: Mutex<(u64, N)>,
    more: Notify,
}

impl<N: Copy> News<N> {
    fn newest(&self) -> (u64, N) {
        *lock(&self.told)
    }

    fn tell(&self, change: impl FnOnce(&mut N)) {
        {
            let mut told = lock(&self.told);
            told.0 += 1;
            change(&mut told.1);
        }
        self.more.notify_waiters();
    }
}

impl<K: Clone + Eq + Hash, N: Copy + Default> Hub<K, N> {
    /// Follows a topic. The news are those told from now on.
    pub(super) fn follow(&self, topic: K) -> Follower<K, N> {
        let mut topics = lock(&self.0);
        let followed = topics.entry(topic.clone()).or_default();
        followed.followers += 1;
        let news = Arc::clone(&followed.news);
        let (seen, _) = news.newest();
        Follower {
            news,
            seen,
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
        if let Some(topic) = lock(&self.0).get(topic) {
            topic.news.tell(change);
        }
    }
}

impl<K, N> Default for Hub<K, N> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<N: Default> Default for Topic<N> {
    fn default() -> Self {
        let news = News {
            told: Mutex::default(),
            more: Notify::new(),
        };
        Self {
            news: Arc::new(news),
            followers: 0,
        }
    }
}

/// One follower of a topic.
pub(super) struct Follower<K: Eq + Hash, N> {
    news: Arc<News<N>>,
    /// How often something had been told when it last looked.
    seen: u64,
    topic: K,
    topics: Arc<Mutex<Topics<K, N>>>,
}

impl<K: Eq + Hash, N: Copy> Follower<K, N> {
    /// The newest news.
    pub(super) fn news(&mut self) -> N {
        let (told, news) = self.news.newest();
        self.seen = told;
        news
    }

    /// Waits until something has been told since the last call of this or of [`Self::news`].
    pub(super) async fn changed(&mut self) {
        loop {
            // From here on it is woken, so that nothing is missed between the look and the wait.
            let more = self.news.more.notified();
            let (told, _) = self.news.newest();
            if told != self.seen {
                self.seen = told;
                return;
            }
            more.await;
        }
    }
}

impl<K: Eq + Hash, N> Drop for Follower<K, N> {
    fn drop(&mut self) {
        let mut topics = lock(&self.topics);
        let Some(topic) = topics.get_mut(&self.topic) else {
            return;
        };
        topic.followers -= 1;
        if topic.followers == 0 {
            topics.remove(&self.topic);
        }
    }
}

fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}
