//! Compiles `user.proto` with protox, so that protoc is not needed.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=user");
    let descriptors = protox::compile(["user/v1/user.proto"], ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("user.v1.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .btree_map(".user.v1")
        .compile_fds(descriptors)?;
    Ok(())
}
