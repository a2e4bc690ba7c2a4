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

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    /// The scheduling policies of its threads of a name.
    fn policies(&self, name: &str) -> Vec<String> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.0.id())).expect("it runs");
        tasks
            .filter_map(|task| fs::read_to_string(task.ok()?.path().join("stat")).ok())
            .filter_map(|stat| {
                let (beginning, fields) = stat.rsplit_once(") ")?;
                // The first field after the name is the third, the policy the 41st.
                beginning.ends_with(name).then(|| fields.split(' ').nth(41 - 3).map(str::to_owned))?
            })
            .collect()
    }
}

#[test]
fn threads_that_talk_to_clients_wait_for_their_turn_and_those_that_render_do_not() {
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
    let (mut talking, mut rendering) = (Vec::new(), Vec::new());
    // Threads begin, and have a name before they do anything else.
    for _ in 0..100 {
        (talking, rendering) = (server.policies("tokio-rt-worker"), server.policies("render-0"));
        if talking.iter().any(|policy| policy == BATCH) && !rendering.is_empty() {
            break;
        }
        sleep(Duration::from_millis(100));
    }
    assert!(talking.iter().any(|policy| policy == BATCH), "{talking:?}");
    assert_eq!(rendering, [OTHER]);
}
