//! Feature flags as text: `name=on`, `name=off`, `name=25%`, comma separated.

use std::collections::BTreeMap;
use std::str::FromStr;

/// The flags that `FEATURE_FLAGS` names, each with the share of calls it is on for, in percent.
/// An unknown name is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeatureFlags(pub BTreeMap<String, u8>);

/// A text that names no flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no list of flags such as name=on, name=off or name=25%")]
pub struct FlagsError;

impl FromStr for FeatureFlags {
    type Err = FlagsError;

    fn from_str(text: &str) -> Result<Self, FlagsError> {
        text.split(',')
            .map(|flag| parse_flag(flag.trim()).ok_or(FlagsError))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn parse_flag(flag: &str) -> Option<(String, u8)> {
    let (name, value) = flag.split_once('=')?;
    let percent = match value {
        "on" => 100,
        "off" => 0,
        share => share
            .strip_suffix('%')?
            .parse()
            .ok()
            .filter(|percent| *percent <= 100)?,
    };
    (!name.is_empty()).then(|| (name.to_owned(), percent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&[(&str, u8)]>) {
        let expected = expected.map(|flags| {
            FeatureFlags(
                flags
                    .iter()
                    .map(|(name, percent)| ((*name).to_owned(), *percent))
                    .collect(),
            )
        });
        assert_eq!(text.parse().ok(), expected, "{text:?}");
    }

    #[test]
    fn a_flag_is_on_or_off_or_on_for_a_share() {
        check("a=on", Some(&[("a", 100)]));
        check("a=off, b=25%", Some(&[("a", 0), ("b", 25)]));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "a",
            "=on",
            "a=yes",
            "a=101%",
            "a=-1%",
            "a=25",
            "a=on,",
            "a=on;b=off",
        ] {
            check(text, None);
        }
    }
}
