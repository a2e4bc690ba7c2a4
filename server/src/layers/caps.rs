//! The caps of the published mosaics: which patches are there, which have to be built, and the thread that builds them
//! while the layers are served already, at low priority.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    num::NonZeroUsize,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use tiler::{
    cap::{BuildError, CapFolder, Job, Records, build, survey, write_indexes},
    catalog::{Imagery, OpenFiles},
    style::Style,
};

use super::{Bells, Layer, catalog::Catalog, store::Store};
use crate::{log, scheduling};

/// So often new patches are taken into service while there are more to build.
const TAKE_EVERY: Duration = Duration::from_secs(10);
/// So long a patch that could not be built is left alone.
const AGAIN_AFTER: Duration = Duration::from_mins(5);
/// With a full disk, so long nothing is tried.
const PAUSE: Duration = Duration::from_secs(30);
/// Files that are open for building.
const OPEN_FILES: NonZeroUsize = NonZeroUsize::new(512).expect("it is not zero");
/// A tenth of what a thread that answers gets: so it goes on where the machine is busy all day.
const NICENESS: i32 = 10;

/// How far the cap of a layer is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CapProgress {
    /// Patches that there shall be, of all its years.
    pub wanted: usize,
    /// Those that are to be built.
    pub missing: usize,
}

/// What is known of the cap of one layer.
#[derive(Debug, Default)]
pub(super) struct CapState {
    records: Records,
    /// The files that were needed the last time: requests may still read them.
    needed: HashSet<PathBuf>,
    progress: CapProgress,
}

impl Catalog {
    /// Gives each mosaic the cap that is there for it, and returns what has to be built.
    pub fn take_caps(&mut self) -> Vec<Job> {
        let stores = self.stores();
        let mut jobs = Vec::new();
        for entry in &mut self.entries {
            let options = &self.offer.layers[entry.config].options;
            let Some(store) = stores[entry.config].as_ref().filter(|_| options.cap) else { continue };
            // Of indices of colours there is no mean.
            if entry.layer.styles.iter().any(Style::is_categorical) {
                continue;
            }
            let state = self.caps.entry(entry.label.id.clone()).or_default();
            let mut layer = (*entry.layer).clone();
            let found = state.survey(store, &mut layer);
            if !found.is_empty() || layer.imagery.cap.is_some() {
                entry.layer = Arc::new(layer);
            }
            jobs.extend(found);
        }
        let published: HashSet<&String> = self.entries.iter().map(|entry| &entry.label.id).collect();
        self.caps.retain(|id, _| published.contains(id));
        jobs
    }

    /// How far the caps are, by layer.
    pub(super) fn cap_progress(&self) -> BTreeMap<String, CapProgress> {
        let capped = self.caps.iter().filter(|(_, state)| state.progress.wanted > 0);
        capped.map(|(id, state)| (id.clone(), state.progress)).collect()
    }
}

impl CapState {
    /// Looks at the patches of all years of a layer.
    fn survey(&mut self, store: &Store, layer: &mut Layer) -> Vec<Job> {
        let folder = CapFolder::new(store.cap());
        let (mut jobs, mut known, mut files) = (Vec::new(), HashSet::new(), HashSet::new());
        let mut layout = None;
        let mut index = None;
        let mut wanted = HashSet::new();
        // The last of the years is what is shown without one.
        let earlier = layer.vintages.len().saturating_sub(1);
        let years = layer.vintages[..earlier].iter_mut().map(|vintage| &mut vintage.imagery);
        for imagery in std::iter::once(&mut layer.imagery).chain(years) {
            let Imagery { mosaic, cap } = imagery;
            let Some(survey) = survey(&folder, mosaic, &mut self.records) else { continue };
            if survey.jobs.is_empty() && index.is_none() {
                index = Some(write_indexes(&folder, &survey.cap));
            }
            layout.get_or_insert_with(|| survey.cap.layout.clone());
            *cap = Some(Arc::new(survey.cap));
            jobs.extend(survey.jobs.into_iter().filter(|job| known.insert(job.file())));
            wanted.extend(survey.wanted);
            files.extend(survey.files);
        }
        if let Some(last) = layer.vintages.last_mut() {
            last.imagery = layer.imagery.clone();
        }
        if let Some(layout) = layout.filter(|_| jobs.is_empty()) {
            // Not what was needed a moment ago: a request may be about to open it.
            let keep: HashSet<PathBuf> = files.union(&self.needed).cloned().collect();
            folder.sweep(&layout, &keep);
        }
        if let Some(Err(error)) = index {
            tracing::warn!(reason = log::chain(&error), "the index of the cap cannot be written");
        }
        self.needed = files;
        self.progress = CapProgress { wanted: wanted.len(), missing: jobs.len() };
        jobs
    }
}

/// What has to be built, and the thread that waits for it.
#[derive(Debug, Default)]
pub struct CapQueue {
    jobs: Mutex<VecDeque<Job>>,
    bell: Condvar,
    is_over: AtomicBool,
    is_paused: AtomicBool,
}

impl CapQueue {
    /// From now on this has to be built, and nothing else.
    pub fn replace(&self, jobs: Vec<Job>) {
        *self.jobs.lock() = jobs.into();
        self.bell.notify_all();
    }

    /// Lets the thread end.
    pub fn stop(&self) {
        self.is_over.store(true, Ordering::Release);
        self.bell.notify_all();
    }

    /// Whether building waits for room on the disk.
    pub fn is_paused(&self) -> bool {
        self.is_paused.load(Ordering::Acquire)
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// Waits for something to build; `None` at the end.
    fn next(&self) -> Option<Job> {
        let mut jobs = self.jobs.lock();
        loop {
            if self.is_over() {
                return None;
            }
            if let Some(job) = jobs.pop_front() {
                return Some(job);
            }
            self.bell.wait(&mut jobs);
        }
    }

    fn is_empty(&self) -> bool {
        self.jobs.lock().is_empty()
    }
}

/// Builds what is in the queue, on threads that get what nobody else wants, and rings when patches are there.
///
/// # Errors
/// When the system gives no threads.
pub fn build_in_background(queue: &Arc<CapQueue>, bells: &Arc<Bells>) -> std::io::Result<()> {
    let pool = rayon::ThreadPoolBuilder::new()
        .thread_name(|n| format!("cap-{n}"))
        .start_handler(|_| {
            // Of this thread alone; where it is not allowed, building is merely less polite.
            let thread = rustix::thread::gettid();
            let _ = rustix::process::setpriority_process(Some(thread), NICENESS);
            scheduling::take_what_is_left();
        })
        .build()
        .map_err(std::io::Error::other)?;
    let (queue, bells) = (Arc::clone(queue), Arc::clone(bells));
    thread::Builder::new().name("cap".to_owned()).spawn(move || run(&queue, &bells, &pool)).map(drop)
}

fn run(queue: &CapQueue, bells: &Bells, pool: &rayon::ThreadPool) {
    let files = OpenFiles::new(OPEN_FILES);
    let mut failed: HashMap<PathBuf, Instant> = HashMap::new();
    let mut built = 0;
    let mut taken_at = Instant::now();
    while let Some(job) = queue.next() {
        let file = job.file();
        let is_tried = failed.get(&file).is_some_and(|at| at.elapsed() < AGAIN_AFTER);
        if !is_tried {
            match pool.install(|| build(&job, &files)) {
                Ok(()) => {
                    built += 1;
                    queue.is_paused.store(false, Ordering::Release);
                }
                Err(error) if error.is_disk_full() => wait_for_room(queue, job, &error),
                Err(error) => {
                    let (file, reason) = (log::printable(&file.display().to_string()), log::chain(&error));
                    tracing::warn!(
                        file,
                        reason,
                        "a patch of the cap cannot be built; it is tried again later"
                    );
                    failed.insert(job.file(), Instant::now());
                }
            }
        }
        if built > 0 && (queue.is_empty() || taken_at.elapsed() > TAKE_EVERY) {
            (built, taken_at) = (0, Instant::now());
            bells.cap.notify_one();
        }
    }
}

/// Serving goes on; the patch is built when there is room again.
fn wait_for_room(queue: &CapQueue, job: Job, error: &BuildError) {
    if !queue.is_paused.swap(true, Ordering::AcqRel) {
        let reason = log::chain(error);
        tracing::error!(
            reason,
            "the disk of the cache is full: building the cap waits for room, serving goes on"
        );
    }
    queue.jobs.lock().push_front(job);
    let until = Instant::now() + PAUSE;
    let mut jobs = queue.jobs.lock();
    while Instant::now() < until && !queue.is_over() {
        queue.bell.wait_for(&mut jobs, Duration::from_secs(1));
    }
}
