//! `pavage serve` as its users start it.
#![cfg(target_os = "linux")]

use std::{
    fs,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

const OTHER: &str = "0";
const BATCH: &str = "3";
const IDLE: &str = "5";

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The scheduling policy that a line of `stat` tells: the 41st field, where the name is the second.
fn policy(stat: &str) -> Option<&str> {
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(41 - 3)
}

impl Server {
    /// The scheduling policies of its threads of a name.
    fn policies(&self, name: &str) -> Vec<String> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.0.id())).expect("it runs");
        tasks
            .filter_map(|task| fs::read_to_string(task.ok()?.path().join("stat")).ok())
            .filter(|stat| stat.contains(&format!("({name})")))
            .filter_map(|stat| policy(&stat).map(str::to_owned))
            .collect()
    }
}

#[test]
fn threads_of_the_runtime_wait_for_their_turn_and_those_that_build_caps_for_all_others() {
    if fs::read_to_string("/proc/thread-self/stat").is_ok_and(|stat| policy(&stat) != Some(OTHER)) {
        eprintln!("skipped: these tests are scheduled otherwise already");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pavage = || Command::new(env!("CARGO_BIN_EXE_pavage"));
    let imagery = folder.path().join("imagery");
    let made = pavage().args(["demo", "--dalles", "1", "--no-serve", "--dir"]).arg(&imagery).output();
    assert!(made.expect("it starts").status.success());
    let child = pavage()
        .args(["serve", "--listen", "127.0.0.1:0", "--cache"])
        .arg(folder.path().join("cache"))
        .arg(imagery)
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let server = Server(child);
    let (mut talking, mut rendering, mut building) = (Vec::new(), Vec::new(), Vec::new());
    // Threads begin, and have a name before they do anything else.
    for _ in 0..100 {
        (talking, rendering) = (server.policies("tokio-rt-worker"), server.policies("render-0"));
        building = server.policies("cap-0");
        if talking.iter().any(|policy| policy == BATCH) && !rendering.is_empty() && building == [IDLE] {
            break;
        }
        sleep(Duration::from_millis(100));
    }
    assert!(talking.iter().any(|policy| policy == BATCH), "{talking:?}");
    assert_eq!((rendering, building), (vec![OTHER.to_owned()], vec![IDLE.to_owned()]));
}
