//! What seats suppose, weighed: each condition of `for` and `against` over the facts. A hypothesis is
//! supported, contradicted or not established, and never more: no rule here could prove a cause.

use crate::model::case::{Case, Hypothesis};
use crate::model::policy::Condition;
use crate::model::verdict::{Evidence, Standing, Status, Weighed};

use super::condition;
use super::sight::Sight;
use super::truth::Truth;

/// The hypotheses of `case`, in its order.
pub(super) fn weigh(case: &Case, sight: &Sight<'_>) -> Vec<Weighed> {
    case.hypotheses.iter().map(|hypothesis| one(hypothesis, sight)).collect()
}

fn one(hypothesis: &Hypothesis, sight: &Sight<'_>) -> Weighed {
    let all = |conditions: &[Condition]| conditions.iter().map(|c| evidence(c, sight)).collect::<Vec<_>>();
    let (supports, against) = (all(&hypothesis.supports), all(&hypothesis.against));
    Weighed {
        id: hypothesis.id.clone(),
        seat: hypothesis.seat.clone(),
        says: hypothesis.says.clone(),
        standing: standing(&supports, &against),
        supports,
        against,
    }
}

/// What is not known to speak against a hypothesis may still do so: it is then not supported.
fn standing(supports: &[Evidence], against: &[Evidence]) -> Standing {
    let any = |list: &[Evidence], status| list.iter().any(|evidence| evidence.holds == status);
    match () {
        () if any(against, Status::Pass) => Standing::Contradicted,
        () if any(against, Status::Unknown) => Standing::NotEstablished,
        () if any(supports, Status::Pass) => Standing::Supported,
        () => Standing::NotEstablished,
    }
}

fn evidence(condition: &Condition, sight: &Sight<'_>) -> Evidence {
    let finding = condition::evaluate(condition, sight);
    let holds = match finding.truth {
        Truth::True => Status::Pass,
        Truth::False => Status::Fail,
        Truth::Unknown => Status::Unknown,
    };
    let mut facts: Vec<String> = Vec::new();
    for reference in condition.references() {
        if !facts.iter().any(|known| known == reference) {
            facts.push(reference.to_owned());
        }
    }
    Evidence {
        holds,
        observed: finding.observed_by_name(),
        asked: finding.expected().to_owned(),
        because: if holds == Status::Unknown { finding.why_unknown() } else { String::new() },
        facts,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{case, fact, gone};
    use super::*;
    use crate::model::fact::Reason;

    fn standing_of(more: &str) -> Standing {
        let text = format!(
            "collect: [{{ id: a, uses: file }}]\nhypotheses:\n  - id: H-1\n    seat: owner\n    says: the disk was full\n{more}"
        );
        let facts = [fact("a", "{ full: true, size_bytes: 5 }"), gone("b", Reason::Denied)];
        let weighed = weigh(&case(&text), &Sight::new(&facts, "2026-05-15T12:00:00Z"));
        weighed[0].standing
    }

    #[test]
    fn one_for_and_none_against_is_supported_and_no_more() {
        let holds = "    for: [{ fact: a.full, equals: true }, { fact: b.x, equals: 1 }]\n";
        assert_eq!(standing_of(holds), Standing::Supported);
        let against = "    against: [{ fact: a.size_bytes, equals: 5 }]\n";
        assert_eq!(standing_of(&format!("{holds}{against}")), Standing::Contradicted);
        assert_eq!(standing_of(against), Standing::Contradicted);
        let unknown = "    against: [{ fact: b.x, equals: 5 }]\n";
        assert_eq!(standing_of(&format!("{holds}{unknown}")), Standing::NotEstablished);
        let refuted = "    against: [{ fact: a.size_bytes, equals: 6 }]\n";
        assert_eq!(standing_of(&format!("{holds}{refuted}")), Standing::Supported);
        assert_eq!(standing_of(refuted), Standing::NotEstablished);
        assert_eq!(standing_of("    for: [{ fact: b.x, equals: 1 }]\n"), Standing::NotEstablished);
    }
}
