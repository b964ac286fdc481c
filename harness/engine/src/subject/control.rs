//! Which controls each kind of subject offers.

use std::fmt;

use crate::failure::{Failure, StepResult};

/// How an implementation is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectKind {
    /// A program of this machine, started by the suite.
    Process,
    /// A container image, started by the suite.
    Image,
    /// Instances that already run, at given addresses.
    Endpoint,
}

impl SubjectKind {
    /// All kinds, those with most controls first.
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

/// An operation on a subject besides sending requests to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Start an instance with given arguments and environment.
    Start,
    /// Send a signal to an instance, or kill it.
    Signal,
    /// Read the output of an instance.
    Output,
    /// Measure memory and processor time of an instance.
    Resources,
    /// Choose the ports of an instance on this machine.
    Ports,
}

impl Control {
    /// All controls.
    pub const ALL: [Self; 5] = [
        Self::Start,
        Self::Signal,
        Self::Output,
        Self::Resources,
        Self::Ports,
    ];

    /// Whether a kind of subject offers this control.
    pub fn is_offered_by(self, kind: SubjectKind) -> bool {
        match kind {
            SubjectKind::Process => true,
            // The container engine owns its processes and maps its ports.
            SubjectKind::Image => matches!(self, Self::Start | Self::Signal | Self::Output),
            SubjectKind::Endpoint => false,
        }
    }

    /// Fails with [`Failure::Unsupported`] unless the kind of subject offers this control.
    pub fn require(self, kind: SubjectKind) -> StepResult {
        if self.is_offered_by(kind) {
            return Ok(());
        }
        let offering: Vec<String> = SubjectKind::ALL
            .into_iter()
            .filter(|other| self.is_offered_by(*other))
            .map(|other| other.to_string())
            .collect();
        Err(Failure::unsupported(format!(
            "a subject of kind {kind} offers no way to {self}; a subject of kind {} does",
            offering.join(" or ")
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
    fn a_process_offers_every_control() {
        for control in Control::ALL {
            assert_eq!(control.require(SubjectKind::Process), Ok(()), "{control}");
        }
    }

    #[test]
    fn a_control_that_an_endpoint_lacks_is_unsupported_and_the_error_names_the_kinds_that_offer_it()
    {
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
