//! Parses the arguments, runs the verb and turns its outcome into an exit code; nothing else.

fn main() -> std::process::ExitCode {
    evidence::cli::main()
}
