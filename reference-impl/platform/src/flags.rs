//! Feature flags as text: `name=on`, `name=off`, `name=25%`, comma separated.

use std::collections::BTreeMap;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

/// The flags that `FEATURE_FLAGS` names, each with the share of calls it is on for, in percent.
/// An unknown name is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeatureFlags(pub BTreeMap<String, u8>);

/// A text that names no flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no list of flags such as name=on, name=off or name=25%")]
pub struct FlagsError;

impl FeatureFlags {
    /// Whether a flag is on for this caller (CFG-10); one that was not set is. A share goes by the
    /// caller's id, by nothing that differs between instances; without an id only a whole share is on.
    pub fn is_on(&self, flag: &str, caller: &str) -> bool {
        match self.0.get(flag).copied().unwrap_or(100) {
            100 => true,
            _ if caller.is_empty() => false,
            percent => bucket(flag, caller) < percent,
        }
    }
}

/// A number below 100, the same for the same flag and caller everywhere and always.
fn bucket(flag: &str, caller: &str) -> u8 {
    let digest = Sha256::digest(format!("{flag}:{caller}"));
    let [a, b, c, d, ..]: [u8; 32] = digest.into();
    u8::try_from(u32::from_be_bytes([a, b, c, d]) % 100).expect("less than 100")
}

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
    fn a_share_goes_by_the_caller() {
        let flags: FeatureFlags = "a=25%".parse().expect("flags");
        let on = (0..1000).filter(|id| flags.is_on("a", &id.to_string()));
        assert!((200..300).contains(&on.count()));
        assert!(!flags.is_on("a", ""));
        assert!(flags.is_on("b", ""));
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
