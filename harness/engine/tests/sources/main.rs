//! What holds of the sources of the harness, read as text.
//!
//! - `files`: the files, line by line
//! - `layers`: each module uses only those above it in its parent's list
//! - `glossary`: words with a plainer word for them

mod files;
mod glossary;
mod layers;
