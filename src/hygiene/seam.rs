//! The two types of the door. `Raw` has no `Serialize`, `Debug` or `Display`, so that raw text
//! cannot be printed by accident; `Masked` can only be made by the masker, so that the bundle can
//! only take what went through it.

use std::ops::Deref;

use serde::{Serialize, Serializer};

/// Something read from outside that may hold secrets.
pub struct Raw<T>(T);

impl<T> Raw<T> {
    /// Marks `value` as not yet masked.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Works on the raw value without letting it out.
    #[must_use]
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Raw<U> {
        Raw(change(self.0))
    }

    /// Looks at the raw value without letting it out of this room.
    pub(super) fn peek(&self) -> &T {
        &self.0
    }

    /// The raw value; for the masker alone.
    pub(super) fn into_inner(self) -> T {
        self.0
    }
}

/// Something in which every secret that the rules know was replaced.
#[derive(Clone, PartialEq, Eq)]
pub struct Masked<T>(T);

impl<T> Masked<T> {
    /// For the masker alone.
    pub(super) fn new(value: T) -> Self {
        Self(value)
    }

    /// The masked value, free to go anywhere.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Masked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Serialize> Serialize for Masked<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
