//! Which controls each kind of subject gives, and the one place that refuses the others.

use std::fmt;

use crate::failure::{Failure, StepResult};

/// How the suite gets at an implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectKind {
    /// A program of this machine, started by the suite.
    Process,
    /// A container image, started by the suite.
    Image,
    /// Instances that run already, at given addresses.
    Endpoint,
}

impl SubjectKind {
    /// Every kind, those with most controls first.
    pub const ALL: [Self; 3] = [Self::Process, Self::Image, Self::Endpoint];
}

impl fmt::Display for SubjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Process => "process",
            Self::Image => "image",
            Self::Endpoint => "endpoint",
        })
    }
}

/// What a scenario may want to do with a subject, besides calling it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Start an instance, with a command and an environment of the scenario's choice.
    Start,
    /// Send a signal, or end an instance.
    Signal,
    /// Read what an instance writes.
    Output,
    /// Measure memory and processor time of an instance.
    Resources,
    /// Give an instance a port on an address of this machine.
    Ports,
}

impl Control {
    /// Every control.
    pub const ALL: [Self; 5] = [
        Self::Start,
        Self::Signal,
        Self::Output,
        Self::Resources,
        Self::Ports,
    ];

    /// Whether this kind of subject gives it.
    pub fn is_given_by(self, kind: SubjectKind) -> bool {
        match kind {
            SubjectKind::Process => true,
            // Its processes are the engine's, and its ports are mapped.
            SubjectKind::Image => matches!(self, Self::Start | Self::Signal | Self::Output),
            SubjectKind::Endpoint => false,
        }
    }

    /// Fails with [`Failure::Unsupported`] unless this kind of subject gives it: the one place that does.
    pub fn require(self, kind: SubjectKind) -> StepResult {
        if self.is_given_by(kind) {
            return Ok(());
        }
        let givers: Vec<String> = SubjectKind::ALL
            .into_iter()
            .filter(|other| self.is_given_by(*other))
            .map(|other| other.to_string())
            .collect();
        Err(Failure::unsupported(format!(
            "a subject of kind {kind} offers no way to {self}; a subject of kind {} does",
            givers.join(" or ")
        )))
    }
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "start an instance",
            Self::Signal => "send a signal to an instance",
            Self::Output => "read the output of an instance",
            Self::Resources => "measure memory and processor time of an instance",
            Self::Ports => "choose the ports of an instance",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_gives_every_control() {
        for control in Control::ALL {
            assert_eq!(control.require(SubjectKind::Process), Ok(()), "{control}");
        }
    }

    #[test]
    fn what_an_endpoint_does_not_give_is_unsupported_and_names_the_kinds_that_do() {
        for control in Control::ALL {
            let refused = control.require(SubjectKind::Endpoint);
            let Err(Failure::Unsupported { reason }) = refused else {
                panic!("{control}: {refused:?}");
            };
            assert!(reason.contains("kind endpoint"), "{reason}");
            assert!(reason.contains("kind process"), "{reason}");
        }
    }

    #[test]
    fn an_image_can_be_started_but_not_measured() {
        assert_eq!(Control::Start.require(SubjectKind::Image), Ok(()));
        let refused = Control::Resources.require(SubjectKind::Image);
        assert!(matches!(refused, Err(Failure::Unsupported { .. })));
    }
}
