//! `conformance init`: a commented manifest to start from.

use std::io::Write as _;

const MANIFEST: &str = include_str!("init.toml");

pub fn main() -> anyhow::Result<u8> {
    std::io::stdout().write_all(MANIFEST.as_bytes())?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use conformance_engine::manifest::Manifest;

    use super::*;
    use crate::contract::catalogue::CATALOGUE;

    #[test]
    fn the_manifest_to_start_from_is_valid() {
        Manifest::parse(Path::new("conformance.toml"), MANIFEST, &CATALOGUE).expect("valid");
    }
}
