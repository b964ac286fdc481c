//! Checks of the harness's source files, read as text.
//!
//! - `files`: reads source files
//! - `layers`: checks that each module uses only modules above it in its parent's list
//! - `glossary`: checks that sources do not use words with a plainer alternative

mod files;
mod glossary;
mod layers;
