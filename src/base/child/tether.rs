//! Children that end with this program. The kernel sends a child a signal when the thread that started
//! it ends (`PR_SET_PDEATHSIG`). A program can ask for that only about itself, so `setpriv` asks and then
//! becomes the child: its process number and its exit status are those of the child.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::super::env;
use super::Invocation;

const WORDS: [&str; 3] = ["--pdeathsig", "KILL", "--"];

static SETPRIV: OnceLock<Option<PathBuf>> = OnceLock::new();

/// The program and the arguments to put before `program`; `None` when `setpriv` cannot do it here, or
/// `program` cannot be found: the error then names `program` itself.
pub(super) fn before(program: &OsStr) -> Option<(&'static Path, [&'static str; 3])> {
    let setpriv = SETPRIV.get_or_init(find).as_deref()?;
    let path = program.to_str()?;
    let found = if path.contains('/') { Path::new(path).is_file() } else { env::find_program(path).is_some() };
    found.then_some((setpriv, WORDS))
}

/// `setpriv`, if it knows the option: that of busybox does not.
fn find() -> Option<PathBuf> {
    let setpriv = env::find_program("setpriv")?;
    let tried = Invocation::new(&setpriv).args(WORDS).args(["true"]).run();
    tried.is_ok_and(|outcome| outcome.success()).then_some(setpriv)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::Duration;

    use super::super::super::clock::Deadline;
    use super::super::super::process;
    use super::*;

    #[test]
    fn a_child_ends_with_the_thread_that_started_it() {
        if SETPRIV.get_or_init(find).is_none() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().to_owned();
        let start = move || Invocation::new("sleep").args(["600"]).folder(&inside).ends_with_us().spawn();
        let starts = Deadline::after(Duration::from_secs(60));
        let runs = |folder: &Path| process::working_for(folder, None).iter().any(|worker| worker.program == "sleep");
        let outside = folder.path().to_owned();
        let daemon = std::thread::spawn(move || {
            std::mem::forget(start().unwrap());
            // The request reaches the kernel before the program itself begins.
            while !runs(&outside) {
                assert!(!starts.passed(), "it does not start");
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        daemon.join().unwrap();
        let patience = Deadline::after(Duration::from_secs(60));
        while !process::working_for(folder.path(), None).is_empty() {
            assert!(!patience.passed(), "it still runs");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_program_that_is_missing_is_named_and_exit_codes_are_its_own() {
        let missing = Invocation::new("no-such-program-here").ends_with_us().run().err().unwrap();
        assert!(missing.to_string().contains("no-such-program-here"));
        let run = Invocation::new("sh").args(["-c", "echo $PPID; exit 7"]).ends_with_us().run().unwrap();
        assert_eq!(
            (run.code, String::from_utf8(run.stdout).unwrap().trim()),
            (Some(7), &*std::process::id().to_string())
        );
    }
}
