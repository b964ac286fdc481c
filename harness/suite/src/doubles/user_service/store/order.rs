//! In which order users are listed (USR-13).

use std::cmp::Ordering;

use user_proto::v1::User;

use crate::model::SortKey;

/// What `order_by` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    key: SortKey,
    descending: bool,
}

impl Order {
    /// Nothing where the text is no order.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self {
                key: SortKey::CreatedAt,
                descending: false,
            });
        }
        let (word, descending) = if let Some(word) = text.strip_suffix(" desc") {
            (word, true)
        } else {
            (text.strip_suffix(" asc").unwrap_or(text), false)
        };
        let key = SortKey::ALL.into_iter().find(|it| it.word() == word)?;
        Some(Self { key, descending })
    }

    /// The same order, always written in the same way.
    pub fn text(self) -> String {
        let direction = if self.descending { "desc" } else { "asc" };
        format!("{} {direction}", self.key.word())
    }

    /// How two users stand; no two users tie.
    pub fn compare(self, a: &User, b: &User) -> Ordering {
        let ascending = self.key.compare(a, b).then_with(|| a.id.cmp(&b.id));
        if self.descending {
            ascending.reverse()
        } else {
            ascending
        }
    }

    /// As much of a user as is needed to compare others with it.
    pub fn mark(self, user: &User) -> User {
        let mut mark = User {
            id: user.id.clone(),
            ..User::default()
        };
        match self.key {
            SortKey::CreatedAt => mark.created_at = user.created_at,
            SortKey::UpdatedAt => mark.updated_at = user.updated_at,
            SortKey::Email => mark.email.clone_from(&user.email),
            SortKey::Name => mark.name.clone_from(&user.name),
        }
        mark
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_goes_both_ways() {
        for key in SortKey::ALL {
            for (suffix, text) in [("", " asc"), (" asc", " asc"), (" desc", " desc")] {
                let order = Order::parse(&format!("{}{suffix}", key.word()));
                assert_eq!(
                    order.map(Order::text),
                    Some(format!("{}{text}", key.word()))
                );
            }
        }
        assert_eq!(Order::parse(""), Order::parse("created_at asc"));
    }

    #[test]
    fn anything_else_is_no_order() {
        for text in [
            " ",
            "id",
            "Email",
            "email ASC",
            "email  asc",
            "email asc desc",
            "email,name",
            " asc",
            "email ",
        ] {
            assert_eq!(Order::parse(text), None, "{text:?}");
        }
    }
}
