//! Rebuilds when a migration is added, which the compiler would not see.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
