//! What is counted of every answer. The three metrics are found by their labels once for a protocol and layer, and kept
//! together from then on: to find them costs more than to count.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use arc_swap::ArcSwap;
use foldhash::fast::RandomState;
use http::StatusCode;
use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec};

type Known = HashMap<String, Vec<Arc<Series>>, RandomState>;

/// The metrics of answers, by protocol and layer.
pub struct Answers {
    requests: IntCounterVec,
    seconds: HistogramVec,
    bytes: IntCounterVec,
    /// By layer; of protocols there are few. Whoever looks takes no lock.
    known: ArcSwap<Known>,
}

/// Statuses of tiles, whose counters are kept at hand; others are looked up.
const STATUSES: [StatusCode; 6] = [
    StatusCode::OK,
    StatusCode::NOT_MODIFIED,
    StatusCode::NO_CONTENT,
    StatusCode::NOT_FOUND,
    StatusCode::BAD_REQUEST,
    StatusCode::SERVICE_UNAVAILABLE,
];

/// Those of one protocol and layer.
pub struct Series {
    /// By status, as they come up.
    requests: [OnceLock<IntCounter>; STATUSES.len()],
    seconds: Histogram,
    /// Bytes of bodies.
    pub bytes: IntCounter,
    labels: (&'static str, String),
    all: IntCounterVec,
}

impl Answers {
    pub(super) fn new(requests: IntCounterVec, seconds: HistogramVec, bytes: IntCounterVec) -> Self {
        Self { requests, seconds, bytes, known: ArcSwap::default() }
    }

    /// The metrics of a protocol and a published layer, or no layer.
    pub fn of(&self, protocol: &'static str, layer: &str) -> Arc<Series> {
        let is_of = |series: &&Arc<Series>| series.labels.0 == protocol;
        if let Some(series) = find(&self.known.load(), protocol, layer) {
            return Arc::clone(series);
        }
        let series = Arc::new(Series {
            requests: STATUSES.map(|_| OnceLock::new()),
            seconds: self.seconds.with_label_values(&[protocol, layer]),
            bytes: self.bytes.with_label_values(&[protocol, layer]),
            labels: (protocol, layer.to_owned()),
            all: self.requests.clone(),
        });
        self.known.rcu(|known| {
            let mut known = Known::clone(known);
            let all = known.entry(layer.to_owned()).or_default();
            // Somebody else may have been faster.
            if all.iter().find(is_of).is_none() {
                all.push(Arc::clone(&series));
            }
            known
        });
        series
    }
}

fn find<'a>(known: &'a Known, protocol: &str, layer: &str) -> Option<&'a Arc<Series>> {
    known.get(layer)?.iter().find(|series| series.labels.0 == protocol)
}

impl Series {
    /// Protocol and layer.
    pub fn labels(&self) -> (&'static str, &str) {
        (self.labels.0, &self.labels.1)
    }

    /// Counts an answer.
    pub fn answered(&self, status: StatusCode, took: Duration) {
        self.seconds.observe(took.as_secs_f64());
        let (protocol, layer) = self.labels();
        let counter = || self.all.with_label_values(&[protocol, layer, status.as_str()]);
        match STATUSES.iter().zip(&self.requests).find(|(known, _)| **known == status) {
            Some((_, known)) => known.get_or_init(counter).inc(),
            None => counter().inc(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::metrics::Metrics;

    use super::*;

    #[test]
    fn answers_are_counted_by_protocol_layer_and_status() {
        let metrics = Metrics::new();
        for (layer, status) in [("a", 200), ("a", 304), ("a", 200), ("b", 200), ("b", 418)] {
            let status = StatusCode::from_u16(status).expect("a status");
            metrics.answers.of("xyz", layer).answered(status, Duration::from_millis(1));
        }
        metrics.answers.of("xyz", "a").bytes.inc_by(7);
        let text = metrics.text();
        for line in [
            r#"pavage_http_requests_total{layer="a",protocol="xyz",status="200"} 2"#,
            r#"pavage_http_requests_total{layer="a",protocol="xyz",status="304"} 1"#,
            r#"pavage_http_requests_total{layer="b",protocol="xyz",status="200"} 1"#,
            r#"pavage_http_requests_total{layer="b",protocol="xyz",status="418"} 1"#,
            r#"pavage_http_request_seconds_count{layer="a",protocol="xyz"} 3"#,
            r#"pavage_response_bytes_total{layer="a",protocol="xyz"} 7"#,
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
