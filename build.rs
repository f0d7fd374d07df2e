//! Tells cargo that the binary changes with the files embedded in it.

fn main() {
    println!("cargo:rerun-if-changed=templates");
    println!("cargo:rerun-if-changed=policies");
}
