//! Every metric in one place: name, unit, labels. Label values come from configuration, never from a request.

mod answers;
pub use answers::Series;

use std::time::{Duration, Instant};

use prometheus::{
    Encoder, Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, TextEncoder, core::Collector,
};
use tiler::render::{Stage, StageObserver};

use self::answers::Answers;

/// Half a millisecond to fifteen seconds, closer where requests are.
const REQUEST_BUCKETS: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0];
/// Five microseconds to five seconds.
const STAGE_BUCKETS: [f64; 14] =
    [5e-6, 1e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 5e-2, 0.1, 1.0, 5.0];

/// The metrics of one server.
pub struct Metrics {
    registry: Registry,
    started: Instant,
    pub tiles_rendered: IntCounter,
    pub tiles_passed: IntCounter,
    pub answers: Answers,
    pub in_flight: IntGauge,
    stages: [Histogram; 5],
    pub cache_requests: IntCounterVec,
    pub cache_bytes: IntGaugeVec,
    pub cache_faults: IntCounterVec,
    pub queue_depth: IntGauge,
    pub queue_wait: Histogram,
    pub rejected: IntCounterVec,
    pub panics: IntCounter,
    pub source_errors: IntCounterVec,
    pub connections: IntGauge,
    pub connections_closed: IntCounterVec,
    pub accept_errors: IntCounter,
    pub layers: IntGauge,
    pub lost_folders: IntGauge,
    pub cap_patches: IntGaugeVec,
    pub cap_missing: IntGaugeVec,
    pub cap_paused: IntGauge,
    pub reloads: IntCounterVec,
    uptime_seconds: Gauge,
    resident_bytes: IntGauge,
    cpu_seconds: Gauge,
    open_files: IntGauge,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All metrics, at zero.
    pub fn new() -> Self {
        let r = Registry::new();
        let stage_seconds = histograms(
            &r,
            "pavage_stage_seconds",
            "Time of one stage of one rendered tile, in seconds.",
            (&["stage"], &STAGE_BUCKETS),
        );
        let build = gauges(&r, "pavage_build_info", "Always 1; the version is in the label.", &["version"]);
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        let answers = Answers::new(
            counters(
                &r,
                "pavage_http_requests_total",
                "Requests answered, by protocol, layer and status.",
                &["protocol", "layer", "status"],
            ),
            histograms(
                &r,
                "pavage_http_request_seconds",
                "From the request's head to the answer's, in seconds.",
                (&["protocol", "layer"], &REQUEST_BUCKETS),
            ),
            counters(&r, "pavage_response_bytes_total", "Bytes of answers' bodies.", &["protocol", "layer"]),
        );
        Self {
            started: Instant::now(),
            answers,
            tiles_rendered: counter(&r, "pavage_tiles_rendered_total", "Tiles rendered from imagery."),
            tiles_passed: counter(&r, "pavage_tiles_passed_total", "Tiles sent as they are stored."),
            in_flight: gauge(&r, "pavage_http_requests_in_flight", "Requests that wait for their answer."),
            stages: Stage::ALL.map(|stage| stage_seconds.with_label_values(&[stage.name()])),
            cache_requests: counters(
                &r,
                "pavage_cache_requests_total",
                "Look-ups in the caches of encoded tiles, in memory and on disk, and of decoded blocks, by result: hit or miss.",
                &["cache", "result"],
            ),
            cache_bytes: gauges(&r, "pavage_cache_bytes", "Bytes held by a cache.", &["cache"]),
            cache_faults: counters(
                &r,
                "pavage_cache_faults_total",
                "Times that the cache on disk was slow, broken or full; it is then left alone for a while.",
                &["cache"],
            ),
            queue_depth: gauge(&r, "pavage_render_queue_depth", "Renders that wait for a thread."),
            queue_wait: queue_wait(&r),
            rejected: counters(
                &r,
                "pavage_render_rejected_total",
                "Renders turned away with 503, by reason.",
                &["reason"],
            ),
            panics: counter(&r, "pavage_panics_total", "Bugs: work that panicked and was answered with 500."),
            source_errors: counters(
                &r,
                "pavage_source_errors_total",
                "Tiles that failed because a file could not be read, by layer.",
                &["layer"],
            ),
            connections: gauge(&r, "pavage_connections", "Open connections."),
            connections_closed: counters(
                &r,
                "pavage_connections_closed_total",
                "Connections closed by the server before their client did, by reason.",
                &["reason"],
            ),
            accept_errors: counter(&r, "pavage_accept_errors_total", "Connections that were not accepted."),
            layers: gauge(&r, "pavage_layers", "Published layers."),
            lost_folders: gauge(
                &r,
                "pavage_lost_folders",
                "Folders that could be read once and cannot be now; what was found in them is still published.",
            ),
            cap_patches: gauges(
                &r,
                "pavage_cap_patches",
                "Patches of coarser images that a layer needs for low zooms.",
                &["layer"],
            ),
            cap_missing: gauges(
                &r,
                "pavage_cap_patches_missing",
                "Those that are not built yet, or have to be built anew.",
                &["layer"],
            ),
            cap_paused: gauge(&r, "pavage_cap_paused", "1 while building waits for room on the disk."),
            reloads: counters(
                &r,
                "pavage_reloads_total",
                "Changes of files or configuration taken up, by result: succeeded or failed.",
                &["result"],
            ),
            uptime_seconds: float_gauge(&r, "pavage_uptime_seconds", "Seconds since the start."),
            resident_bytes: gauge(&r, "process_resident_memory_bytes", "Resident memory in bytes."),
            cpu_seconds: float_gauge(&r, "process_cpu_seconds_total", "User and system CPU time in seconds."),
            open_files: gauge(&r, "process_open_fds", "Open file descriptors."),
            registry: r,
        }
    }

    /// All metrics in Prometheus' text format.
    pub fn text(&self) -> String {
        self.uptime_seconds.set(self.started.elapsed().as_secs_f64());
        if let Some(process) = process() {
            self.resident_bytes.set(process.resident_bytes);
            self.cpu_seconds.set(process.cpu_seconds);
            self.open_files.set(process.open_files);
        }
        let mut text = Vec::new();
        TextEncoder::new()
            .encode(&self.registry.gather(), &mut text)
            .expect("writing to memory does not fail");
        String::from_utf8(text).expect("names, labels and numbers are text")
    }
}

impl StageObserver for Metrics {
    fn observe(&self, stage: Stage, took: Duration) {
        self.stages[stage as usize].observe(took.as_secs_f64());
    }
}

struct Process {
    resident_bytes: i64,
    cpu_seconds: f64,
    open_files: i64,
}

/// What Linux tells of this process; elsewhere nothing.
fn process() -> Option<Process> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program stands in brackets and may hold spaces.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let number = |i: usize| fields.get(i).and_then(|field| field.parse::<f64>().ok());
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    let page_bytes = rustix::param::page_size() as f64;
    Some(Process {
        cpu_seconds: (number(11)? + number(12)?) / ticks,
        resident_bytes: (number(21)? * page_bytes) as i64,
        open_files: std::fs::read_dir("/proc/self/fd").ok()?.count() as i64,
    })
}

const WELL_FORMED: &str = "names and labels are constants of this file";

fn registered<C: Collector + Clone + 'static>(registry: &Registry, metric: C) -> C {
    registry.register(Box::new(metric.clone())).expect("every metric is registered once");
    metric
}

fn counter(registry: &Registry, name: &str, help: &str) -> IntCounter {
    registered(registry, IntCounter::new(name, help).expect(WELL_FORMED))
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    registered(registry, IntCounterVec::new(Opts::new(name, help), labels).expect(WELL_FORMED))
}

fn gauge(registry: &Registry, name: &str, help: &str) -> IntGauge {
    registered(registry, IntGauge::new(name, help).expect(WELL_FORMED))
}

fn float_gauge(registry: &Registry, name: &str, help: &str) -> Gauge {
    registered(registry, Gauge::new(name, help).expect(WELL_FORMED))
}

fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    registered(registry, IntGaugeVec::new(Opts::new(name, help), labels).expect(WELL_FORMED))
}

fn queue_wait(registry: &Registry) -> Histogram {
    let help = "How long a render waited for a thread, in seconds; those turned away are not counted.";
    let options = HistogramOpts::new("pavage_render_wait_seconds", help).buckets(STAGE_BUCKETS.to_vec());
    registered(registry, Histogram::with_opts(options).expect(WELL_FORMED))
}

fn histograms(registry: &Registry, name: &str, help: &str, shape: (&[&str], &[f64])) -> HistogramVec {
    let options = HistogramOpts::new(name, help).buckets(shape.1.to_vec());
    registered(registry, HistogramVec::new(options, shape.0).expect(WELL_FORMED))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn the_names_that_dashboards_read_are_there() {
        let metrics = Metrics::new();
        metrics.observe(Stage::Warp, Duration::from_micros(60));
        metrics.answers.of("xyz", "demo").answered(StatusCode::OK, Duration::from_millis(1));
        metrics.cache_requests.with_label_values(&["tiles", "hit"]).inc();
        metrics.cache_bytes.with_label_values(&["tiles"]).set(5);
        metrics.rejected.with_label_values(&["queue_full"]).inc();
        let text = metrics.text();
        for line in [
            "pavage_tiles_rendered_total 0",
            r#"pavage_http_requests_total{layer="demo",protocol="xyz",status="200"} 1"#,
            r#"pavage_http_request_seconds_count{layer="demo",protocol="xyz"} 1"#,
            r#"pavage_stage_seconds_count{stage="warp"} 1"#,
            "pavage_http_requests_in_flight 0",
            r#"pavage_cache_requests_total{cache="tiles",result="hit"} 1"#,
            r#"pavage_cache_bytes{cache="tiles"} 5"#,
            "pavage_render_queue_depth 0",
            r#"pavage_render_rejected_total{reason="queue_full"} 1"#,
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
