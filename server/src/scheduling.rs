//! How the system schedules threads. What the operator chose for the process stays: a policy other than the usual one, and how nice it is.

/// For the threads of the runtime, which talk to clients: they wait for their turn instead of interrupting, each time that a request
/// arrives, whoever has the processor: a render, or a client that is about to send more. With several requests a turn there are fewer turns.
/// Where all processors are busy, a request waits for a few milliseconds.
#[cfg(target_os = "linux")]
pub fn wait_for_turns() {
    use thread_priority::NormalThreadSchedulePolicy::Batch;
    if let Some(as_it_is) = policy::present_priority(Batch) {
        policy::set(Batch, as_it_is);
    }
}

/// For threads whose work can wait: they get what nobody else wants, and are interrupted by everybody.
#[cfg(target_os = "linux")]
pub fn take_what_is_left() {
    // How nice such a thread is counts for nothing.
    policy::set(thread_priority::NormalThreadSchedulePolicy::Idle, thread_priority::ThreadPriority::Min);
}

#[cfg(not(target_os = "linux"))]
pub fn wait_for_turns() {}

#[cfg(not(target_os = "linux"))]
pub fn take_what_is_left() {}

#[cfg(target_os = "linux")]
mod policy {
    use thread_priority::{
        NormalThreadSchedulePolicy::{self, Other},
        ThreadPriority::{self, Crossplatform},
        ThreadSchedulePolicy::Normal,
        set_thread_priority_and_policy, thread_native_id, thread_schedule_policy,
    };

    /// Of this thread, if it has the usual one. The crate sets both at once.
    pub(super) fn set(policy: NormalThreadSchedulePolicy, priority: ThreadPriority) {
        if thread_schedule_policy() != Ok(Normal(Other)) {
            return;
        }
        if let Err(error) = set_thread_priority_and_policy(thread_native_id(), priority, Normal(policy)) {
            tracing::debug!(?error, ?policy, "a thread may not be scheduled otherwise");
        }
    }

    /// What the crate calls the niceness that the thread has.
    pub(super) fn present_priority(policy: NormalThreadSchedulePolicy) -> Option<ThreadPriority> {
        let niceness = rustix::process::getpriority_process(None).ok()?;
        (0..=u8::MAX)
            .map_while(|value| Some(Crossplatform(value.try_into().ok()?)))
            .find(|priority| priority.to_posix(Normal(policy)) == Ok(niceness))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::thread;

    use rustix::process::{getpriority_process, setpriority_process};
    use thread_priority::{
        NormalThreadSchedulePolicy::{Batch, Idle, Other},
        ThreadSchedulePolicy::Normal,
        thread_schedule_policy,
    };

    use super::*;

    #[test]
    fn a_thread_is_scheduled_otherwise_and_is_as_nice_as_it_was() {
        if thread_schedule_policy() != Ok(Normal(Other)) {
            eprintln!("skipped: these tests are scheduled otherwise already");
            return;
        }
        // To be nicer takes no privilege; on Linux each thread has its own.
        for (more, change, policy) in
            [(0, wait_for_turns as fn(), Batch), (5, wait_for_turns, Batch), (19, take_what_is_left, Idle)]
        {
            let told = thread::spawn(move || {
                let before = getpriority_process(None).expect("there is one");
                let niceness = (before + more).min(19);
                setpriority_process(None, niceness).expect("it may be nicer");
                change();
                let first = thread_schedule_policy();
                // What is not usual stays.
                wait_for_turns();
                let is_as_nice = policy == Idle || getpriority_process(None).ok() == Some(niceness);
                (first, thread_schedule_policy(), is_as_nice)
            });
            let (first, then, is_as_nice) = told.join().expect("it ends");
            assert_eq!((first, then, is_as_nice), (Ok(Normal(policy)), Ok(Normal(policy)), true));
        }
    }
}
