//! How text is laid out: its width and whether it may be coloured. Colour never carries meaning
//! alone; the words beside it say the same.

/// How text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether ANSI colours may be used.
    pub colour: bool,
    /// Columns of the screen.
    pub width: usize,
}

/// What a word is painted as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paint {
    /// As it is.
    #[default]
    Plain,
    /// A heading.
    Strong,
    /// Established to hold.
    Good,
    /// Established not to hold.
    Bad,
    /// Not established.
    Doubt,
    /// Beside the matter.
    Faint,
}

impl Paint {
    fn code(self) -> Option<&'static str> {
        Some(match self {
            Self::Plain => return None,
            Self::Strong => "1",
            Self::Good => "32",
            Self::Bad => "1;31",
            Self::Doubt => "33",
            Self::Faint => "2",
        })
    }
}

impl Style {
    /// `text` painted, if colours may be used.
    #[must_use]
    pub fn paint(&self, text: &str, paint: Paint) -> String {
        match paint.code() {
            Some(code) if self.colour && !text.is_empty() => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            _ => text.to_owned(),
        }
    }
}
