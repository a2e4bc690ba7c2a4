//! The exam that every policy passes.

use std::sync::Arc;

use super::{Cache, CachePolicy, Capacity, Weighted, build};

#[derive(Debug, PartialEq)]
struct Blob(u64);

impl Weighted for Blob {
    fn weight_bytes(&self) -> u64 {
        self.0
    }
}

const CAPACITY: Capacity = Capacity { bytes: 1 << 20, typical_bytes: 10_000 };

fn every_policy(exam: impl Fn(&dyn Cache<u32, Arc<Blob>>)) {
    for policy in [CachePolicy::Quick, CachePolicy::Lru] {
        exam(build(policy, CAPACITY).as_ref());
    }
}

#[test]
fn a_value_comes_back_and_a_newer_one_replaces_it() {
    every_policy(|cache| {
        assert_eq!(cache.get(&1), None);
        cache.insert(1, Arc::new(Blob(10)));
        cache.insert(1, Arc::new(Blob(20)));
        assert_eq!(cache.get(&1).as_deref(), Some(&Blob(20)));
        assert!(cache.bytes() < 1000);
    });
}

#[test]
fn who_comes_second_gets_what_the_first_one_brought() {
    every_policy(|cache| {
        assert_eq!(*cache.get_or_insert(1, Arc::new(Blob(10))), Blob(10));
        assert_eq!(*cache.get_or_insert(1, Arc::new(Blob(20))), Blob(10));
        assert_eq!(cache.get(&1).as_deref(), Some(&Blob(10)));
        let large = CAPACITY.bytes * 2;
        assert_eq!(*cache.get_or_insert(2, Arc::new(Blob(large))), Blob(large), "it is used, and not kept");
        assert_eq!(cache.get(&2), None);
        assert!(cache.bytes() < 1000);
    });
}

#[test]
fn the_capacity_in_bytes_is_never_exceeded() {
    every_policy(|cache| {
        for key in 0..2000 {
            cache.insert(key, Arc::new(Blob(u64::from(key % 7) * 3000)));
            assert!(cache.bytes() <= CAPACITY.bytes, "{} bytes", cache.bytes());
        }
        assert!(cache.bytes() > CAPACITY.bytes / 2);
    });
}

#[test]
fn a_value_larger_than_the_cache_is_not_kept() {
    every_policy(|cache| {
        cache.insert(1, Arc::new(Blob(10)));
        cache.insert(2, Arc::new(Blob(CAPACITY.bytes * 2)));
        assert_eq!(cache.get(&2), None);
        assert!(cache.bytes() <= CAPACITY.bytes);
    });
}

#[test]
fn many_threads_share_it() {
    every_policy(|cache| {
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    for key in 0..1000 {
                        cache.insert(key, Arc::new(Blob(u64::from(key + thread))));
                        cache.get_or_insert(key + 1, Arc::new(Blob(5)));
                        cache.get(&key);
                    }
                });
            }
        });
        assert!(cache.bytes() <= CAPACITY.bytes);
    });
}
