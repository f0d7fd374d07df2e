//! Three-valued truth after Kleene: what is not established stays so, whatever it is combined with,
//! unless the rest alone decides.

/// Whether something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    /// Established to hold.
    True,
    /// Established not to hold.
    False,
    /// Not established.
    Unknown,
}

impl Truth {
    /// Both hold.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::False, _) | (_, Self::False) => Self::False,
            (Self::True, Self::True) => Self::True,
            _ => Self::Unknown,
        }
    }

    /// At least one holds.
    pub(super) fn or(self, other: Self) -> Self {
        self.negate().and(other.negate()).negate()
    }

    /// It is established not to hold.
    pub(super) fn negate(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

impl From<Option<bool>> for Truth {
    fn from(holds: Option<bool>) -> Self {
        holds.map_or(Self::Unknown, Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{self, False, True, Unknown};

    const EVERY: [Truth; 3] = [True, False, Unknown];

    /// Whether `a` says no more than `b`.
    fn says_no_more(a: Truth, b: Truth) -> bool {
        a == Unknown || a == b
    }

    #[test]
    fn the_tables_are_kleenes() {
        assert_eq!(EVERY.map(|b| True.and(b)), [True, False, Unknown]);
        assert_eq!(EVERY.map(|b| False.and(b)), [False, False, False]);
        assert_eq!(EVERY.map(|b| Unknown.and(b)), [Unknown, False, Unknown]);
        assert_eq!(EVERY.map(|b| Unknown.or(b)), [True, Unknown, Unknown]);
        assert_eq!(EVERY.map(Truth::negate), [False, True, Unknown]);
    }

    #[test]
    fn the_laws_hold() {
        for a in EVERY {
            assert_eq!(a.negate().negate(), a);
            assert_eq!((a.and(a), a.or(a)), (a, a));
            for b in EVERY {
                assert_eq!((a.and(b), a.or(b)), (b.and(a), b.or(a)));
                assert_eq!(a.and(b).negate(), a.negate().or(b.negate()));
                for c in EVERY {
                    assert_eq!(a.and(b).and(c), a.and(b.and(c)));
                    assert_eq!(a.and(b.or(c)), a.and(b).or(a.and(c)));
                }
            }
        }
    }

    #[test]
    fn knowing_less_never_says_more() {
        for (a, b) in EVERY.into_iter().flat_map(|a| EVERY.map(|b| (a, b))) {
            assert!(says_no_more(Unknown.and(b), a.and(b)), "{a:?} and {b:?}");
            assert!(says_no_more(Unknown.or(b), a.or(b)), "{a:?} or {b:?}");
        }
    }
}
