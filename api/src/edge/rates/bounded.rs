//! What is kept of senders, and of how many.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use governor::nanos::Nanos;
use governor::state::StateStore;

/// States by sender. INVARIANT: never more than `keys_max`, upheld by
/// [`Kept::keep`].
#[derive(Debug)]
pub(super) struct Bounded<K> {
    kept: Mutex<Kept<K>>,
    keys_max: usize,
}

#[derive(Debug)]
struct Kept<K> {
    states: HashMap<K, (Nanos, u64)>,
    /// The same senders by when they were last heard of.
    order: BTreeMap<u64, K>,
    heard: u64,
}

impl<K: Hash + Eq + Clone> Bounded<K> {
    pub(super) fn new(keys_max: usize) -> Self {
        let kept = Kept { states: HashMap::new(), order: BTreeMap::new(), heard: 0 };
        Self { kept: Mutex::new(kept), keys_max }
    }
}

impl<K: Hash + Eq + Clone> Kept<K> {
    fn keep(&mut self, key: &K, state: Nanos, keys_max: usize) {
        self.heard = self.heard.wrapping_add(1);
        if let Some((_, before)) = self.states.insert(key.clone(), (state, self.heard)) {
            self.order.remove(&before);
        }
        self.order.insert(self.heard, key.clone());
        while keys_max < self.states.len() {
            let Some((_, oldest)) = self.order.pop_first() else { return };
            self.states.remove(&oldest);
        }
    }
}

impl<K: Hash + Eq + Clone> StateStore for Bounded<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let before = kept.states.get(key).map(|(state, _)| *state);
        match f(before) {
            Ok((answer, state)) => {
                kept.keep(key, state, self.keys_max);
                Ok(answer)
            }
            Err(refused) => {
                // Who is refused is heard of too, or asking on would be a way
                // to be forgotten.
                if let Some(state) = before {
                    kept.keep(key, state, self.keys_max);
                }
                Err(refused)
            }
        }
    }
}
