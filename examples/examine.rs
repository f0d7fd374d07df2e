//! Examines one file (or standard input for `-`) and prints what was found as JSON.
#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr, clippy::use_debug)]

use std::io::Read;
use std::process::ExitCode;

use evidence::examine::{Options, examine};

fn main() -> ExitCode {
    let (flags, paths): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let has = |flag: &str| flags.iter().any(|given| given == flag);
    let options = Options { payload_digests: has("--digests"), ..Options::default() };
    let mut worst = 0;
    for path in paths {
        let reader: Box<dyn Read + Send> = if path == "-" {
            Box::new(std::io::stdin())
        } else {
            match std::fs::File::open(&path) {
                Ok(file) => Box::new(file),
                Err(error) => {
                    eprintln!("{path}: {error}");
                    return ExitCode::from(2);
                }
            }
        };
        match examine(reader, &options, &|_| {}, &|| false) {
            Ok(found) => {
                worst = worst.max(found.quality.exit_code());
                if has("--quiet") {
                    println!("{path}: {:?} {:?}", found.quality, found.chain);
                } else {
                    println!("{}", serde_json::to_string_pretty(&found).unwrap_or_default());
                }
            }
            Err(error) => {
                eprintln!("{path}: {error}");
                return ExitCode::from(2);
            }
        }
    }
    ExitCode::from(worst)
}
