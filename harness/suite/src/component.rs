//! The components that this suite judges: what each serves and what it attaches to.

use conformance_engine::features::cases::Case;

/// A program of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// gRPC on PostgreSQL and Redis.
    UserService,
    /// HTTP on a user service.
    Gateway,
}

/// What a program attaches to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// PostgreSQL.
    Database,
    /// Redis.
    Redis,
    /// The user service behind a gateway.
    UserService,
}

impl Resource {
    /// The name of the component in a health answer (HLT-2).
    pub fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Redis => "redis",
            Self::UserService => "user-service",
        }
    }
}

impl Component {
    /// Every component that is judged.
    pub const ALL: [Self; 2] = [Self::UserService, Self::Gateway];

    /// As manifests and tags name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::UserService => "user-service",
            Self::Gateway => "gateway",
        }
    }

    /// Whom a case judges; none for a component that this version does not judge.
    pub fn of(case: &Case) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == case.component)
    }

    /// The variables of the ports that it serves on.
    pub fn ports(self) -> &'static [&'static str] {
        match self {
            Self::UserService => &["PORT", "METRICS_PORT", "GRPC_PORT"],
            Self::Gateway => &["PORT", "METRICS_PORT"],
        }
    }

    /// What it attaches to, and what its health answers list (HLT-2).
    pub fn resources(self) -> &'static [Resource] {
        match self {
            Self::UserService => &[Resource::Database, Resource::Redis],
            Self::Gateway => &[Resource::UserService],
        }
    }

    /// The resource without which it is never ready.
    pub fn required(self) -> Resource {
        self.resources()[0]
    }
}
