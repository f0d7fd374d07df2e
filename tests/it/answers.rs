//! What a seat states under its signature after the run: it answers an item that the run left UNKNOWN. A statement of
//! another seat or of another run, one that was edited afterwards, and one that nobody signed never count.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::support::world::{Ran, World};

const POLICY: &str = "\
policy: answered
title: A file is there, and two seats state what no program sees
checks:
  - { id: K-1, title: the file is there, require: { fact: subject.exists, equals: true } }
checklist:
  - { id: C-1, title: nothing was restarted, statement: executor }
  - { id: C-2, title: the team was informed, statement: owner }
";

fn world() -> World {
    let world = World::new();
    world.write("policies/answered.yaml", POLICY);
    world.write("there", "x");
    fs::create_dir_all(world.path("keys")).unwrap();
    let mut list = String::new();
    for (key, who) in [("ada", "ada"), ("lead", "lead@example.org"), ("mallory", "")] {
        let path = world.path(&format!("keys/{key}"));
        let made =
            Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&path).output().unwrap();
        assert!(made.status.success());
        let public = fs::read_to_string(world.path(&format!("keys/{key}.pub"))).unwrap();
        if !who.is_empty() {
            list.push_str(&format!("{who} namespaces=\"evidence\" {public}"));
        }
    }
    world.write("allowed_signers", list);
    let there = world.path("there");
    world.write(
        "reports/c/case.yaml",
        format!(
            "case: c\ntitle: A test\ntemplate: incident\npolicy: answered\nseats: {{ executor: ada, owner: \
             lead@example.org }}\ncollect:\n  - {{ id: subject, uses: file, with: {{ path: {} }} }}\n",
            there.display()
        ),
    );
    assert!(matches!(world.run(&["collect", "c"]).code, 0 | 3));
    assert_eq!(world.run(&["render", "c"]).code, 0);
    world
}

fn answer(world: &World, seat: &str, key: &str, item: &str, more: &[&str]) -> Ran {
    let key = format!("keys/{key}");
    let args = ["sign", "c", "--as", seat, "--key", &key, "--answers", item, "--says", "I looked myself."];
    world.run(&[&args[..], more].concat())
}

fn closing(world: &World) -> serde_json::Value {
    let checked = world.run(&["check", "c", "--json"]);
    let document: serde_json::Value =
        serde_json::from_str(&checked.stdout).unwrap_or_else(|e| panic!("{e}: {}", checked.stderr));
    document["closing"].clone()
}

fn answered(world: &World) -> Vec<String> {
    let closing = closing(world);
    let answers = closing["answers"].as_array().cloned().unwrap_or_default();
    answers.iter().map(|one| one["item"].as_str().unwrap().to_owned()).collect()
}

fn beside(world: &World, name: &str) -> PathBuf {
    world.run_folder("c").join("signatures").join(name)
}

/// Both seats answer, and the case is closed.
fn both(world: &World) {
    for (seat, key, item) in [("executor", "ada", "C-1"), ("owner", "lead", "C-2")] {
        let signed = answer(world, seat, key, item, &[]);
        assert_eq!(signed.code, 0, "{}", signed.stderr);
    }
    assert_eq!(closing(world)["state"], "closed", "{}", closing(world));
}

#[test]
fn seats_answer_after_the_run_and_the_case_is_closed() {
    let world = world();
    assert_eq!(world.run(&["check", "c", "--require-closed"]).code, 3);
    let one = answer(&world, "executor", "ada", "C-1", &[]);
    assert_eq!(one.code, 0, "{}", one.stderr);
    assert!(one.stderr.contains("you state that C-1 holds: I looked myself."), "{}", one.stderr);
    assert_eq!((closing(&world)["state"].as_str(), answered(&world)), (Some("open"), vec!["C-1".to_owned()]));
    assert_eq!(world.run(&["check", "c", "--require-closed"]).code, 3, "the owner has not answered");
    assert_eq!(answer(&world, "owner", "lead", "C-2", &[]).code, 0);
    assert_eq!(answered(&world), ["C-1", "C-2"]);

    let verified = world.run(&["verify", "c", "--require-closed"]);
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
    let said = verified.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in ["closing: closed", "answer: C-2 holds, signed by owner (lead@example.org) after the run: I looked"] {
        assert!(said.contains(word), "{word}: {}", verified.stdout);
    }
    assert_eq!(world.run(&["check", "c", "--require-closed"]).code, 0);
    assert_eq!(world.run(&["check", "c"]).code, 3, "the verdict over the facts does not change");
    let status = world.run(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(status["cases"][0]["state"], "closed", "{status}");
    assert_eq!(world.run(&["attest", "c", "--seat", "owner", "--key", "keys/lead"]).code, 0);
    assert_eq!(world.run(&["verify", "c"]).code, 0);
    let by_hand = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-n", "evidence", "-I", "lead@example.org", "-f"])
        .arg(world.path("allowed_signers"))
        .arg("-s")
        .arg(beside(&world, "owner.sig"))
        .stdin(fs::File::open(beside(&world, "owner.json")).unwrap())
        .output()
        .unwrap();
    assert!(by_hand.status.success());
}

#[test]
fn a_no_opens_the_case_and_a_replaced_signature_names_the_answers_that_it_drops() {
    let world = world();
    both(&world);
    let no = answer(&world, "owner", "lead", "C-2", &["--holds", "false", "--replace"]);
    assert_eq!(no.code, 0, "{}", no.stderr);
    assert_eq!(closing(&world)["state"], "open");
    assert!(closing(&world)["reasons"].to_string().contains("C-2 fails"), "{}", closing(&world));
    let plain = world.run(&["sign", "c", "--seat", "owner", "--key", "keys/lead", "--replace"]);
    assert!(plain.code == 0 && plain.stderr.contains("answers C-2, and this one does not"), "{}", plain.stderr);
    assert!(fs::read_to_string(beside(&world, "owner.json")).unwrap().contains("seat statement v1"));
    assert_eq!(answered(&world), ["C-1"]);
}

#[test]
fn what_the_seat_cannot_answer_is_refused_and_nothing_is_written() {
    let world = world();
    for (seat, item, words) in [
        ("executor", "C-2", "the policy asks the seat owner"),
        ("executor", "K-1", "no checklist item with this id"),
        ("executor", "C-9", "no checklist item with this id"),
    ] {
        let ran = answer(&world, seat, "ada", item, &[]);
        assert!(ran.code == 2 && ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
    let twice = answer(&world, "executor", "ada", "C-1", &["--answers", "C-1", "--says", "again"]);
    assert!(twice.code == 2 && twice.stderr.contains("given twice"), "{}", twice.stderr);
    let uneven = answer(&world, "executor", "ada", "C-1", &["--says", "more"]);
    assert!(uneven.code == 2 && uneven.stderr.contains("one text for each item"), "{}", uneven.stderr);
    assert!(!beside(&world, "executor.sig").exists());
    let secret = format!("token={}_{}", "ghp", "a1B2c3D4e5".repeat(4));
    let ran = world.run(&["sign", "c", "--as", "executor", "--key", "keys/ada", "--answers", "C-1", "--says", &secret]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let kept = fs::read_to_string(beside(&world, "executor.json")).unwrap() + &ran.stdout + &ran.stderr;
    assert!(!kept.contains(&secret), "a secret in a statement is masked before it is signed");
}

#[test]
fn an_answer_that_was_edited_moved_or_never_signed_does_not_count() {
    let world = world();
    both(&world);
    let (json, sig) = (beside(&world, "owner.json"), beside(&world, "owner.sig"));
    let good = [fs::read(&json).unwrap(), fs::read(&sig).unwrap()];
    let restore = || {
        fs::write(&json, &good[0]).unwrap();
        fs::write(&sig, &good[1]).unwrap();
    };
    let refused = |what: &str, verified: i32| {
        assert_ne!(closing(&world)["state"], "closed", "{what}");
        assert!(!answered(&world).contains(&"C-2".to_owned()), "{what}");
        assert_eq!(world.run(&["verify", "c", "--require-closed"]).code, verified, "{what}");
    };
    let text = String::from_utf8(good[0].clone()).unwrap();
    fs::write(&json, text.replace("I looked myself.", "I looked twice.")).unwrap();
    refused("edited afterwards", 5);
    restore();

    fs::remove_file(&sig).unwrap();
    let checked = world.run(&["check", "c", "--require-closed"]);
    assert!(checked.code == 5 && checked.stderr.contains("signatures/owner.json: extra"), "{}", checked.stderr);
    assert_eq!(world.run(&["verify", "c", "--require-closed"]).code, 5, "never signed");
    restore();

    // Another seat's own valid signature over a statement that answers the item of the owner.
    fs::remove_file(&json).unwrap();
    fs::remove_file(&sig).unwrap();
    let executor = fs::read_to_string(beside(&world, "executor.json")).unwrap().replace("C-1", "C-2");
    fs::write(beside(&world, "executor.json"), executor).unwrap();
    by_hand(&world, "executor", "ada");
    refused("of another seat", 3);
    assert!(answered(&world).is_empty());
    restore();

    by_hand(&world, "owner", "mallory");
    refused("by a key that the list does not know", 3);
    by_hand(&world, "owner", "ada");
    refused("by the key of another person", 5);
    restore();

    let old = world.run_folder("c").join("signatures");
    assert!(matches!(world.run(&["collect", "c"]).code, 0 | 3));
    let copied = Command::new("cp").arg("-r").args([&old, &world.run_folder("c").join("signatures")]).status().unwrap();
    assert!(copied.success());
    refused("of another run", 5);
    assert!(answered(&world).is_empty());
}

/// Signs the statement of `seat` as an outsider could, with plain `ssh-keygen`.
fn by_hand(world: &World, seat: &str, key: &str) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", "evidence", "-f"])
        .arg(world.path(&format!("keys/{key}")))
        .stdin(fs::File::open(beside(world, &format!("{seat}.json"))).unwrap())
        .output()
        .unwrap();
    assert!(made.status.success());
    fs::write(beside(world, &format!("{seat}.sig")), made.stdout).unwrap();
}
