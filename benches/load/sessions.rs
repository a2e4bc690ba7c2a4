//! Users who browse: each asks for all tiles that came into view at once, over a few connections, and looks elsewhere as soon as
//! the view is complete.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::task::{JoinSet, LocalSet};

use crate::{
    client::Client,
    tally::{Quantiles, Tally, Told, micros},
};

/// Paths of a view, and views of a user, in order.
pub type Trace = Vec<Vec<Vec<String>>>;

/// Of tiles, and of views.
#[derive(Debug, Serialize)]
pub struct Browsed {
    #[serde(flatten)]
    tiles: Told,
    views: usize,
    /// From the first question to the last byte of a view.
    view: Quantiles,
}

/// Browses until the time is over; a view that was begun is completed.
pub async fn run(host: &str, trace: Trace, connections: usize, duration: Duration) -> Browsed {
    let (tally, views_us) = (Rc::new(RefCell::new(Tally::default())), Rc::new(RefCell::new(Vec::new())));
    let started = Instant::now();
    let users = LocalSet::new();
    for views in trace {
        let (tally, views_us, host) = (Rc::clone(&tally), Rc::clone(&views_us), host.to_owned());
        users.spawn_local(async move {
            let mut clients: Vec<_> = (0..connections).map(|_| Client::new(&host)).collect();
            for view in views.iter().map(|view| Rc::new(view.clone())).collect::<Vec<_>>().iter().cycle() {
                if started.elapsed() >= duration {
                    break;
                }
                let began = Instant::now();
                clients = look(clients, view, &tally).await;
                views_us.borrow_mut().push(micros(began.elapsed()));
            }
        });
    }
    users.await;
    let mut views_us = views_us.take();
    Browsed {
        views: views_us.len(),
        view: Quantiles::of(&mut views_us),
        tiles: tally.take().told(started.elapsed()),
    }
}

/// Fetches a view; gives the connections back.
async fn look(clients: Vec<Client>, view: &Rc<Vec<String>>, tally: &Rc<RefCell<Tally>>) -> Vec<Client> {
    let (next, mut fetching) = (Rc::new(Cell::new(0)), JoinSet::new());
    for mut client in clients {
        let (next, view, tally) = (Rc::clone(&next), Rc::clone(view), Rc::clone(tally));
        fetching.spawn_local(async move {
            while let Some(path) = view.get(next.replace(next.get() + 1)) {
                let answer = client.get(path).await;
                tally.borrow_mut().count(path, &answer);
            }
            client
        });
    }
    fetching.join_all().await
}
