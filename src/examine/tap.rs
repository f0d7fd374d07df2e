//! Handing on the decoded bytes of a dump while it is examined, so that what is restored and what is
//! judged are the same bytes, read once. The dump is what lies inside the compressed layers: SQL
//! text, a PostgreSQL archive, or a dump in tar format; with a member named, that member of the tar.

/// Takes bytes, in order.
pub(super) type Take<'a> = &'a (dyn Fn(&[u8]) + Sync);

/// Gets the dump's bytes, in order, piece by piece; whoever takes them sets the pace.
pub struct Tap<'a> {
    /// The member of a tar archive that is the dump; without one, the whole payload is.
    pub member: Option<&'a str>,
    /// Takes the bytes.
    pub take: &'a (dyn Fn(&[u8]) + Sync),
}

/// Whether the tap is open at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Tapping {
    /// Nobody listens here.
    #[default]
    Off,
    /// The dump is a member of the archive that comes.
    Member,
    /// The dump begins here, below compression.
    Here,
}

/// How tapping begins.
pub(super) fn start(tap: Option<&Tap<'_>>) -> Tapping {
    match tap {
        None => Tapping::Off,
        Some(Tap { member: Some(_), .. }) => Tapping::Member,
        Some(_) => Tapping::Here,
    }
}

impl Tap<'_> {
    /// How a member called `name` of an archive at a place that is tapped like `outside` is tapped.
    pub(super) fn inside(tap: Option<&Tap<'_>>, outside: Tapping, name: &str) -> Tapping {
        let bare = |name: &str| name.trim_start_matches("./").to_owned();
        match (tap.and_then(|tap| tap.member), outside) {
            (Some(wanted), Tapping::Member) if bare(wanted) == bare(name) => Tapping::Here,
            _ => Tapping::Off,
        }
    }
}
