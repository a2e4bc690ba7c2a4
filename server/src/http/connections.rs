//! The open connections: how many there are, who has to go, and when the last one is gone.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval},
};

use super::{
    Limits,
    activity::{Activity, Verdict},
};
use crate::metrics::Metrics;

/// How often all of them are looked at: by so much a timeout may be late.
const LOOK: Duration = Duration::from_millis(250);

/// The open connections.
pub struct Connections {
    open: Mutex<HashMap<u64, Arc<Activity>>>,
    emptied: Notify,
    limits: Limits,
    metrics: Arc<Metrics>,
}

/// A connection's place among them, given back at its end.
pub struct Place {
    id: u64,
    /// What the connection does.
    pub activity: Arc<Activity>,
    connections: Arc<Connections>,
}

impl Connections {
    /// None yet.
    pub fn new(limits: Limits, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), emptied: Notify::new(), limits, metrics })
    }

    /// One more, unless there are as many as there may be and none of them is idle: the idle make room for it.
    pub fn enter(this: &Arc<Self>) -> Option<Place> {
        if this.open.lock().len() >= this.limits.connections && !this.close_longest_idle() {
            this.closed("too_many");
            return None;
        }
        let activity = Arc::<Activity>::default();
        let mut open = this.open.lock();
        let id = std::iter::successors(Some(open.len() as u64), |id| Some(id.wrapping_add(1)))
            .find(|id| !open.contains_key(id))
            .unwrap_or_default();
        open.insert(id, Arc::clone(&activity));
        this.metrics.connections.set(open.len() as i64);
        Some(Place { id, activity, connections: Arc::clone(this) })
    }

    /// Asks the connection that has been idle the longest to close; `false` when all are busy.
    pub fn close_longest_idle(&self) -> bool {
        let open = self.open.lock();
        let idle = open.values().filter_map(|activity| Some((activity.idle_for()?, activity)));
        let Some((_, longest)) = idle.max_by_key(|(idle, _)| *idle) else { return false };
        longest.close();
        self.closed("shed");
        true
    }

    /// Ends, for ever, what takes too long.
    pub async fn end_the_slow(&self) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            for activity in self.open.lock().values() {
                match activity.judge(&self.limits) {
                    Verdict::Stay => continue,
                    Verdict::Close => activity.close(),
                    Verdict::Abort => activity.abort(),
                }
                self.closed("timeout");
            }
        }
    }

    /// Asks all of them to close, and waits until they are gone.
    pub async fn drain(&self) {
        for activity in self.open.lock().values() {
            activity.close();
        }
        while !self.open.lock().is_empty() {
            self.emptied.notified().await;
        }
    }

    /// Ends all of them now.
    pub fn abort(&self) {
        for activity in self.open.lock().values() {
            activity.abort();
        }
    }

    fn closed(&self, reason: &str) {
        self.metrics.connections_closed.with_label_values(&[reason]).inc();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock();
        open.remove(&self.id);
        self.connections.metrics.connections.set(open.len() as i64);
        if open.is_empty() {
            self.connections.emptied.notify_one();
        }
    }
}
