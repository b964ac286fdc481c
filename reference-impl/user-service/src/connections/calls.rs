//! The calls that run on one connection.

use std::time::Duration;

use tokio::sync::watch;

/// The calls that run on one connection, counted. Clones share the count.
#[derive(Clone)]
pub struct Calls(watch::Sender<usize>);

/// A call that runs until this is dropped.
pub struct Running(watch::Sender<usize>);

impl Calls {
    /// None yet.
    pub fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    /// One more.
    pub fn begin(&self) -> Running {
        self.0.send_modify(|count| *count += 1);
        Running(self.0.clone())
    }

    /// Waits until no call has run for `time`: counted from now, or from the end of the last call.
    pub async fn none_for(&self, time: Duration) {
        let mut count = self.0.subscribe();
        loop {
            // The sender is held here: waiting cannot fail.
            let _ = count.wait_for(|count| *count == 0).await;
            tokio::select! {
                () = tokio::time::sleep(time) => return,
                _ = count.changed() => {}
            }
        }
    }
}

impl Default for Calls {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    const TIME: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn without_a_call_the_time_counts_from_the_start() {
        let begin = Instant::now();
        Calls::new().none_for(TIME).await;
        assert_eq!(begin.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_counts_from_the_end_of_the_last_call() {
        let calls = Calls::new();
        let begin = Instant::now();
        let idle = tokio::spawn({
            let calls = calls.clone();
            async move { calls.none_for(TIME).await }
        });
        for _ in 0..3 {
            let call = calls.begin();
            sleep(TIME).await;
            drop(call);
            sleep(TIME / 2).await;
        }
        idle.await.expect("it ends");
        assert_eq!(begin.elapsed().as_secs(), 50);
    }
}
