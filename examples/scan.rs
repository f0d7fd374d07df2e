//! Drives the engine over one file for timing: `scan FILE [ROUNDS]`.
fn main() {
    let args: Vec<String> = std::env::args().collect();
    #[allow(clippy::disallowed_methods)]
    let text = std::fs::read(&args[1]).expect("a file");
    let rounds: usize = args.get(2).map_or(1, |n| n.parse().expect("a number"));
    let mut hits = 0;
    for _ in 0..rounds {
        hits += evidence::hygiene::count_secrets(&text);
    }
    println!("{hits}");
}
