//! How the system schedules the threads that talk to clients.

/// This thread waits for its turn instead of interrupting, each time that a request arrives, whoever has the processor: a render of this
/// server, or a client that is about to send more. With several requests a turn there are fewer turns. What the operator chose for the
/// process stays: another policy than the usual one, and how nice it is.
#[cfg(target_os = "linux")]
pub(super) fn wait_for_turns() {
    use thread_priority::{
        NormalThreadSchedulePolicy::{Batch, Other},
        ThreadSchedulePolicy::Normal,
        set_thread_priority_and_policy, thread_native_id, thread_schedule_policy,
    };
    if thread_schedule_policy() != Ok(Normal(Other)) {
        return;
    }
    // The crate sets both at once.
    let Some(priority) = present_priority() else { return };
    if let Err(error) = set_thread_priority_and_policy(thread_native_id(), priority, Normal(Batch)) {
        tracing::debug!(?error, "threads are scheduled as they were");
    }
}

/// What the crate calls the niceness that the thread has.
#[cfg(target_os = "linux")]
fn present_priority() -> Option<thread_priority::ThreadPriority> {
    use thread_priority::{
        NormalThreadSchedulePolicy::Batch, ThreadPriority::Crossplatform, ThreadSchedulePolicy::Normal,
    };
    let niceness = rustix::process::getpriority_process(None).ok()?;
    (0..=u8::MAX)
        .map_while(|value| Some(Crossplatform(value.try_into().ok()?)))
        .find(|priority| priority.to_posix(Normal(Batch)) == Ok(niceness))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn wait_for_turns() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::thread;

    use rustix::process::{getpriority_process, setpriority_process};
    use thread_priority::{NormalThreadSchedulePolicy, ThreadSchedulePolicy, thread_schedule_policy};

    use super::*;

    #[test]
    fn a_thread_waits_for_turns_and_is_as_nice_as_it_was() {
        // To be nicer takes no privilege; on Linux each thread has its own.
        for more in [0, 1, 5] {
            let told = thread::spawn(move || {
                let before = getpriority_process(None).expect("there is one");
                let niceness = (before + more).min(19);
                setpriority_process(None, niceness).expect("it may be nicer");
                wait_for_turns();
                (thread_schedule_policy(), getpriority_process(None).ok() == Some(niceness))
            });
            let batch = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Batch);
            assert_eq!(told.join().expect("it ends"), (Ok(batch), true));
        }
    }
}
