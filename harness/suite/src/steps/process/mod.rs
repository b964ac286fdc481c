//! Processes: start, stop, commands, output.
//!
//! - [`starting`]: ports and starts
//! - [`stopping`]: signals and requests in flight
//! - [`commands`]: `migrate` and `healthcheck`
//! - [`defaults`]: where a program connects to without a setting
//! - [`output`]: log output
//! - [`hostile`]: hostile text in the log
//! - [`unread`]: answers that their client does not read
//! - [`writers`]: clients that write while instances are killed

pub mod commands;
pub mod defaults;
pub mod hostile;
pub mod output;
pub mod starting;
pub mod stopping;
pub mod unread;
pub mod writers;

use crate::world::World;

impl World {
    /// The id of the newest request whose log line a step looks for.
    pub(in crate::steps) fn request_id(&self) -> String {
        self.process
            .request_id
            .clone()
            .unwrap_or_else(|| self.scenario.id.clone())
    }

    /// An id that no other request has.
    pub fn new_request_id(&mut self) -> String {
        let id = format!(
            "{}-{}",
            self.scenario.id,
            &uuid::Uuid::new_v4().simple().to_string()[..8]
        );
        self.process.request_id = Some(id.clone());
        id
    }
}
