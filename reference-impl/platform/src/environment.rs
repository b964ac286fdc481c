//! The variables a program was started with, as a value that tests can make up.

use std::collections::HashMap;

/// A snapshot of environment variables (CFG-1).
#[derive(Clone, Default)]
pub struct Environment(HashMap<String, String>);

impl Environment {
    /// The variables of this process. Bytes that are no UTF-8 become U+FFFD, which no setting accepts.
    pub fn of_process() -> Self {
        std::env::vars_os()
            .map(|(name, value)| {
                (
                    name.to_string_lossy().into_owned(),
                    value.to_string_lossy().into_owned(),
                )
            })
            .collect()
    }

    /// The value of a variable; an empty one counts as unset (CFG-1).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(
            variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_value_counts_as_unset() {
        let environment = Environment::from_iter([("PORT", ""), ("GRPC_PORT", "1")]);
        assert_eq!(environment.get("PORT"), None);
        assert_eq!(environment.get("GRPC_PORT"), Some("1"));
        assert_eq!(environment.get("METRICS_PORT"), None);
    }
}
