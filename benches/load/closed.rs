//! So many connections, each of which asks for the next path as soon as it has its answer.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::task::LocalSet;

use crate::{
    client::Client,
    tally::{Tally, Told},
};

/// When it is enough.
#[derive(Debug, Clone, Copy)]
pub struct Amount {
    /// At least so long,
    pub duration: Duration,
    /// and at least so many requests, which fill a cache however slow the machine is.
    pub requests: usize,
}

/// Asks until it is enough, then waits for what was asked: CPU time divided by answers is exact.
pub async fn run(host: &str, paths: Vec<String>, connections: usize, amount: Amount) -> Told {
    let (tally, next, paths) =
        (Rc::new(RefCell::new(Tally::default())), Rc::new(Cell::new(0)), Rc::new(paths));
    let started = Instant::now();
    let clients = LocalSet::new();
    for _ in 0..connections {
        let (tally, next, paths, mut client) =
            (Rc::clone(&tally), Rc::clone(&next), Rc::clone(&paths), Client::new(host));
        clients.spawn_local(async move {
            while started.elapsed() < amount.duration || next.get() < amount.requests {
                let path = &paths[next.replace(next.get() + 1) % paths.len()];
                let answer = client.get(path).await;
                tally.borrow_mut().count(path, &answer);
            }
        });
    }
    clients.await;
    tally.take().told(started.elapsed())
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Write},
        net::TcpListener,
        sync::{
            Arc,
            atomic::{AtomicU64, Ordering},
        },
        thread,
    };

    use super::*;

    /// Answers three times on each connection, every second time with 503; counts what it was asked.
    fn moody_server() -> (String, Arc<AtomicU64>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let host = listener.local_addr().expect("it is bound").to_string();
        let asked = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counter = Arc::clone(&counter);
                thread::spawn(move || {
                    let mut lines =
                        BufReader::new(stream.try_clone().expect("a socket has two halves")).lines();
                    for answer in 1..=3 {
                        let mut head = lines.by_ref().map_while(Result::ok);
                        if !head.by_ref().any(|line| line.is_empty()) {
                            return;
                        }
                        let status = if counter.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
                            "200 OK"
                        } else {
                            "503 Busy"
                        };
                        let last = if answer == 3 { "connection: close\r\n" } else { "" };
                        let _ = write!(&stream, "HTTP/1.1 {status}\r\ncontent-length: 5\r\n{last}\r\ntile.");
                    }
                });
            }
        });
        (host, asked)
    }

    #[tokio::test]
    async fn every_question_that_a_server_heard_is_counted_across_closed_connections() {
        let (host, asked) = moody_server();
        let told = run(
            &host,
            vec!["/a".to_owned(), "/b".to_owned()],
            4,
            Amount { duration: Duration::from_millis(300), requests: 0 },
        )
        .await;
        let told = serde_json::to_value(told).expect("it is plain data");
        let count = |key: &str| told[key].as_u64().expect("it is a count");
        assert!(count("n") > 0 && count("bad") > 0, "{told}");
        assert_eq!(count("n") + count("bad"), asked.load(Ordering::Relaxed), "{told}");
        assert_eq!(count("bytes"), 5, "{told}");
    }

    #[tokio::test]
    async fn as_many_are_asked_for_as_are_wanted_however_short_the_time() {
        let (host, asked) = moody_server();
        run(&host, vec!["/a".to_owned()], 2, Amount { duration: Duration::ZERO, requests: 50 }).await;
        assert!(asked.load(Ordering::Relaxed) >= 50);
    }
}
