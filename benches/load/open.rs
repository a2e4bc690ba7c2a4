//! Requests that come at a given rate, whether or not earlier ones were answered: what overload is.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    rc::Rc,
    str::FromStr,
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::{
    task::LocalSet,
    time::{sleep, timeout},
};

use crate::{
    client::Client,
    tally::{Quantiles, micros},
};

const TICK: Duration = Duration::from_millis(1);
const SLICE: Duration = Duration::from_millis(100);
/// For what is in flight at the end.
const PATIENCE: Duration = Duration::from_mins(1);

/// So many requests a second for so long, written `RATE:SECONDS`.
#[derive(Debug, Clone, Copy)]
pub struct Phase {
    rate: f64,
    duration: Duration,
}

impl FromStr for Phase {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (rate, seconds) = text.split_once(':').ok_or("RATE:SECONDS is wanted")?;
        let number = |text: &str| text.parse().map_err(|_| format!("{text} is not a number"));
        let (rate, seconds): (f64, f64) = (number(rate)?, number(seconds)?);
        let duration = Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
        if rate > 0.0 { Ok(Self { rate, duration }) } else { Err("a rate above 0 is wanted".to_owned()) }
    }
}

/// One request.
struct Asked {
    phase: usize,
    /// Since the phase began.
    at: Duration,
    status: u16,
    latency_us: u32,
}

/// Of a phase.
#[derive(Debug, Serialize)]
pub struct PhaseTold {
    rate: f64,
    seconds: f64,
    asked: usize,
    /// Not asked, since all connections were taken.
    unasked: usize,
    by_status: BTreeMap<u16, StatusTold>,
    /// A tenth of a second each.
    slices: Vec<Slice>,
}

#[derive(Debug, Serialize)]
struct StatusTold {
    n: usize,
    #[serde(flatten)]
    latency: Quantiles,
}

/// By when a request was due.
#[derive(Debug, Default, Clone, Serialize)]
struct Slice {
    ok: u32,
    other: u32,
    /// Of what was answered with 200.
    worst_ms: f64,
}

/// One phase after the other, without a pause. A latency counts from when the request was due.
pub async fn run(host: &str, paths: Vec<String>, connections: usize, phases: &[Phase]) -> Vec<PhaseTold> {
    let asked = Rc::new(RefCell::new(Vec::new()));
    let idle: Rc<RefCell<Vec<Client>>> =
        Rc::new(RefCell::new((0..connections).map(|_| Client::new(host)).collect()));
    let mut unasked = vec![0; phases.len()];
    let paths = Rc::new(paths);
    let flights = LocalSet::new();
    flights
        .run_until(async {
            let mut path = 0;
            for (index, phase) in phases.iter().enumerate() {
                let (began, mut sent) = (Instant::now(), 0_u32);
                while began.elapsed() < phase.duration {
                    let due = (began.elapsed().as_secs_f64() * phase.rate) as u32;
                    for number in sent..due {
                        let at = Duration::from_secs_f64(f64::from(number) / phase.rate);
                        path = (path + 1) % paths.len();
                        let Some(mut client) = idle.borrow_mut().pop() else {
                            unasked[index] += 1;
                            continue;
                        };
                        let (asked, idle, paths) = (Rc::clone(&asked), Rc::clone(&idle), Rc::clone(&paths));
                        tokio::task::spawn_local(async move {
                            let status = client.get(&paths[path]).await.status;
                            let latency_us = micros(began.elapsed().saturating_sub(at));
                            asked.borrow_mut().push(Asked { phase: index, at, status, latency_us });
                            idle.borrow_mut().push(client);
                        });
                    }
                    sent = due;
                    sleep(TICK).await;
                }
            }
        })
        .await;
    // What never comes is missing in the counts.
    let _ = timeout(PATIENCE, async {
        flights
            .run_until(async {
                while idle.borrow().len() < connections {
                    sleep(TICK).await;
                }
            })
            .await;
    })
    .await;
    let asked = asked.borrow();
    phases.iter().enumerate().map(|(index, phase)| told(index, phase, &asked, unasked[index])).collect()
}

fn told(index: usize, phase: &Phase, asked: &[Asked], unasked: usize) -> PhaseTold {
    let mut latencies: BTreeMap<u16, Vec<u32>> = BTreeMap::new();
    let count = (phase.duration.as_secs_f64() / SLICE.as_secs_f64()).ceil() as usize;
    let mut slices = vec![Slice::default(); count];
    for one in asked.iter().filter(|one| one.phase == index) {
        latencies.entry(one.status).or_default().push(one.latency_us);
        let Some(slice) = slices.get_mut((one.at.as_secs_f64() / SLICE.as_secs_f64()) as usize) else {
            continue;
        };
        if one.status == 200 {
            slice.ok += 1;
            slice.worst_ms = slice.worst_ms.max(f64::from(one.latency_us) / 1000.0);
        } else {
            slice.other += 1;
        }
    }
    PhaseTold {
        rate: phase.rate,
        seconds: phase.duration.as_secs_f64(),
        asked: latencies.values().map(Vec::len).sum(),
        unasked,
        by_status: latencies
            .into_iter()
            .map(|(status, mut all)| (status, StatusTold { n: all.len(), latency: Quantiles::of(&mut all) }))
            .collect(),
        slices,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_is_a_rate_and_seconds() {
        let phase: Phase = "2.5:30".parse().expect("it is well written");
        assert_eq!((phase.rate, phase.duration), (2.5, Duration::from_secs(30)));
        for wrong in ["2.5", "0:30", "-1:30", "2:-1", "2:x", "inf"] {
            assert!(wrong.parse::<Phase>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn answers_are_told_by_status_and_by_when_they_were_due() {
        let phase = Phase { rate: 10.0, duration: Duration::from_millis(200) };
        let one = |at, status, ms: u32| Asked {
            phase: 0,
            at: Duration::from_millis(at),
            status,
            latency_us: ms * 1000,
        };
        let told = told(0, &phase, &[one(10, 200, 7), one(20, 200, 3), one(150, 503, 1)], 4);
        assert_eq!((told.asked, told.unasked), (3, 4));
        assert_eq!((told.by_status[&200].n, told.by_status[&503].n), (2, 1));
        let slices: Vec<_> = told.slices.iter().map(|slice| (slice.ok, slice.other)).collect();
        assert_eq!(slices, [(2, 0), (0, 1)]);
        assert!((told.slices[0].worst_ms - 7.0).abs() < 1e-9);
    }
}
