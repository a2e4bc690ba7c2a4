//! The threads that connections are served on: one a core, each with a runtime of its own.
//!
//! A connection stays on its thread, and so do the streams of HTTP/2 in it. Where one runtime has several threads they wake each other to
//! share what there is to do; for answers that take microseconds, and renders that other threads make, that costs more than it
//! brings. What takes milliseconds must not be done here: all connections of the thread would wait.

use std::{
    future::Future,
    io,
    sync::{Arc, mpsc},
    thread,
};

use tokio::{
    net::TcpStream,
    runtime::{Builder, Handle},
    sync::oneshot,
};

/// The threads; they end when this is dropped, with whatever they still serve.
pub(super) struct Threads(Vec<Thread>);

struct Thread {
    runtime: Handle,
    /// One more is held for each connection.
    connections: Arc<()>,
    /// Tells that the thread may end, by being dropped.
    _lives: oneshot::Sender<()>,
}

impl Threads {
    /// Starts one for each core that there is for this process.
    pub(super) fn start() -> io::Result<Self> {
        Self::of(thread::available_parallelism().map_or(1, usize::from))
    }

    fn of(count: usize) -> io::Result<Self> {
        (0..count).map(Thread::start).collect::<io::Result<_>>().map(Self)
    }

    /// Serves a connection on the thread that has the fewest.
    pub(super) fn serve<F>(&self, stream: TcpStream, serve: impl FnOnce(TcpStream) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send,
    {
        let Some(thread) = self.0.iter().min_by_key(|thread| Arc::strong_count(&thread.connections)) else {
            return;
        };
        let one_more = Arc::clone(&thread.connections);
        // It is registered with the runtime that accepted it, and is taken off there.
        let stream = stream.into_std();
        thread.runtime.spawn(async move {
            // Neither fails unless the system has no memory: the connection then ends.
            if let Ok(stream) = stream.and_then(TcpStream::from_std) {
                serve(stream).await;
            }
            drop(one_more);
        });
    }
}

impl Thread {
    fn start(number: usize) -> io::Result<Self> {
        let (lives, ended) = oneshot::channel();
        let (started, starts) = mpsc::channel();
        thread::Builder::new().name(format!("serve-{number}")).spawn(move || run(number, &started, ended))?;
        let runtime = starts.recv().map_err(io::Error::other)??;
        Ok(Self { runtime, connections: Arc::default(), _lives: lives })
    }
}

fn run(number: usize, started: &mpsc::Sender<io::Result<Handle>>, ended: oneshot::Receiver<()>) {
    let built =
        Builder::new_current_thread().enable_all().thread_name(format!("serve-{number}-wait")).build();
    let runtime = match built {
        Ok(runtime) => runtime,
        // Who started the thread waits for it.
        Err(error) => return drop(started.send(Err(error))),
    };
    let _ = started.send(Ok(runtime.handle().clone()));
    // Nothing is sent.
    let _ = runtime.block_on(ended);
    // What waits for a disk may go on doing so.
    runtime.shutdown_background();
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{io::AsyncReadExt, net::TcpListener, sync::mpsc, time::timeout};

    use super::*;

    /// Connections that tell which thread they are on, and stay until the client goes.
    struct Fixture {
        threads: Threads,
        listener: TcpListener,
        tell: mpsc::UnboundedSender<String>,
        told: mpsc::UnboundedReceiver<String>,
    }

    impl Fixture {
        async fn new(count: usize) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
            let (tell, told) = mpsc::unbounded_channel();
            Self { threads: Threads::of(count).expect("threads are to be had"), listener, tell, told }
        }

        async fn connect(&mut self) -> (TcpStream, String) {
            let address = self.listener.local_addr().expect("it is bound");
            let (client, accepted) = tokio::join!(TcpStream::connect(address), self.listener.accept());
            let tell = self.tell.clone();
            self.threads.serve(accepted.expect("it is accepted").0, move |stream| async move {
                let name = || thread::current().name().unwrap_or_default().to_owned();
                let _ = tell.send(name());
                // Until the other end is closed.
                let _ = stream.readable().await;
                let _ = tell.send(name());
            });
            (client.expect("it connects"), self.told.recv().await.expect("it is served"))
        }
    }

    #[tokio::test]
    async fn a_connection_stays_on_the_thread_that_had_the_fewest() {
        let mut fixture = Fixture::new(2).await;
        let mut open = Vec::new();
        for _ in 0..6 {
            open.push(fixture.connect().await);
        }
        let on = |open: &[(TcpStream, String)], name: &str| {
            open.iter().filter(|(_, thread)| thread == name).count()
        };
        assert_eq!((on(&open, "serve-0"), on(&open, "serve-1")), (3, 3));
        open.retain(|(_, thread)| thread == "serve-0");
        for _ in 0..3 {
            assert_eq!(fixture.told.recv().await.as_deref(), Some("serve-1"), "it ends where it began");
        }
        let gone = timeout(Duration::from_secs(10), async {
            while Arc::strong_count(&fixture.threads.0[1].connections) > 1 {
                tokio::task::yield_now().await;
            }
        });
        gone.await.expect("who is gone does not count");
        for _ in 0..3 {
            open.push(fixture.connect().await);
        }
        assert_eq!((on(&open, "serve-0"), on(&open, "serve-1")), (3, 3));
    }

    #[tokio::test]
    async fn with_the_threads_what_they_serve_ends() {
        let mut fixture = Fixture::new(1).await;
        let (mut client, _) = fixture.connect().await;
        drop(fixture.threads);
        let read = timeout(Duration::from_secs(10), client.read(&mut [0])).await;
        assert_eq!(read.expect("it is closed").expect("it can be read to its end"), 0);
    }
}
