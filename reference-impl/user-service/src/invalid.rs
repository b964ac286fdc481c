//! What a client can get wrong, in the contract's words.

/// A request that breaks a rule. Its text is the message of INVALID_ARGUMENT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// USR-2
    #[error("email is required")]
    EmailMissing,
    /// USR-2
    #[error("name is required")]
    NameMissing,
    /// USR-2
    #[error("id is required")]
    IdMissing,
    /// USR-3
    #[error("email is invalid")]
    Email,
    /// USR-4
    #[error("name is invalid")]
    Name,
    /// USR-5
    #[error("metadata is invalid")]
    Metadata,
    /// USR-6
    #[error("password is invalid")]
    Password,
    /// USR-9
    #[error("status is invalid")]
    Status,
    /// USR-13
    #[error("order_by is invalid")]
    OrderBy,
    /// USR-14
    #[error("filter is invalid")]
    Filter,
    /// USR-15
    #[error("page_token is invalid")]
    PageToken,
}
