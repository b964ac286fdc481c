use std::sync::Arc;

use super::*;

#[test]
fn a_user_is_kept_as_it_was_created() {
    let (store, ada) = with_ada();
    assert_eq!(ada.status, UserStatus::Active as i32);
    assert_eq!(ada.created_at, ada.updated_at);
    assert_eq!(
        (ada.email.as_str(), ada.name.as_str()),
        ("Ada@example.com", "Ada")
    );
    assert_eq!(store.get(&ada.id).ok(), Some(ada));
}

#[test]
fn what_breaks_a_rule_is_refused_in_the_contracts_words() {
    let store = Store::default();
    let create = |email: &str, name: &str| store.create(request(email, name));
    invalid(create("", "Ada"), "email is required");
    invalid(create("a@b", ""), "name is required");
    invalid(create("a@b", " \u{3000}"), "name is required");
    for email in ["a", "@b", "a@", "a@b@c", "a b@c", "a@b\n"] {
        invalid(create(email, "Ada"), "email is invalid");
    }
    invalid(
        create(&format!("{}@b", "a".repeat(65)), "Ada"),
        "email is invalid",
    );
    invalid(
        create(&format!("a@{}", "b".repeat(253)), "Ada"),
        "email is invalid",
    );
    invalid(create("a@b", &"n".repeat(257)), "name is invalid");
    invalid(create("a@b", "a\u{85}b"), "name is invalid");
    for password in ["1234567", &"p".repeat(129)] {
        let mut request = request("a@b", "Ada");
        password.clone_into(&mut request.password);
        invalid(store.create(request), "password is invalid");
    }
    for id in [store.get(""), store.update(change(""))] {
        invalid(id, "id is required");
    }
    invalid(store.delete(""), "id is required");
}

#[test]
fn metadata_has_its_bounds() {
    let entry = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let many = |count: usize, size: usize| {
        metadata((0..count).map(|it| (format!("{it:02}"), "v".repeat(size))))
    };
    let tried = |metadata| {
        let request = CreateUserRequest {
            metadata,
            ..request("a@b", "Ada")
        };
        Store::default().create(request)
    };
    for wrong in [
        metadata([entry("", "v")]),
        metadata([entry(&"k".repeat(65), "v")]),
        metadata([entry("k", &"v".repeat(1025))]),
        metadata([entry("k\t", "v")]),
        metadata([entry("k", "\u{7f}")]),
        many(65, 1),
        many(17, 1000),
    ] {
        invalid(tried(wrong), "metadata is invalid");
    }
    for right in [
        many(64, 1),
        metadata([entry(&"\u{e9}".repeat(64), &"\u{e9}".repeat(1024))]),
    ] {
        assert_eq!(tried(right.clone()).expect("valid").metadata, right);
    }
}

#[test]
fn an_email_belongs_to_one_user_in_any_letter_case() {
    let (store, ada) = with_ada();
    let taken = "email is already taken";
    refused(
        store.create(request("aDA@EXAMPLE.com", "B")),
        Code::AlreadyExists,
        taken,
    );
    let bob = store
        .create(request("bob@example.com", "Bob"))
        .expect("valid");
    let mut update = change(&bob.id);
    update.email = Some("ADA@example.com".to_owned());
    refused(store.update(update.clone()), Code::AlreadyExists, taken);
    assert_eq!(store.get(&bob.id).expect("he is there"), bob);
    update.id.clone_from(&ada.id);
    let ada = store.update(update.clone()).expect("it is her own");
    assert_eq!(ada.email, "ADA@example.com");
    store.delete(&ada.id).expect("she is there");
    update.id = bob.id;
    assert!(store.update(update).is_ok(), "it is free again");
}

#[test]
fn of_many_who_want_one_email_one_gets_it() {
    let store = Arc::new(Store::default());
    let threads: Vec<_> = (0..8)
        .map(|index| {
            let store = store.clone();
            std::thread::spawn(move || {
                let email = if index % 2 == 0 { "a@b" } else { "A@B" };
                (0..200)
                    .filter(|_| store.create(request(email, "Ada")).is_ok())
                    .count()
            })
        })
        .collect();
    let created: usize = threads
        .into_iter()
        .map(|it| it.join().expect("it does not panic"))
        .sum();
    assert_eq!(created, 1);
}

#[test]
fn no_user_is_found_by_any_other_id() {
    let (store, ada) = with_ada();
    store.delete(&ada.id).expect("she is there");
    for id in [ada.id.as_str(), "0", "'; --", "\u{1f600}"] {
        let gone = "user not found";
        refused(store.get(id), Code::NotFound, gone);
        refused(store.update(change(id)), Code::NotFound, gone);
        refused(store.delete(id), Code::NotFound, gone);
    }
}

#[test]
fn an_update_changes_what_is_present_and_moves_forward() {
    let (store, ada) = with_ada();
    let first = metadata([("a".to_owned(), "1".to_owned())]);
    let mut last = ada.clone();
    for round in 0..5 {
        let request = UpdateUserRequest {
            name: Some(format!("Ada {round}")),
            status: (round == 1).then_some(UserStatus::Suspended as i32),
            metadata: if round == 2 {
                first.clone()
            } else {
                metadata([])
            },
            ..change(&ada.id)
        };
        let now = store.update(request).expect("valid");
        let time = |it: &User| it.updated_at.map(|it| (it.seconds, it.nanos / 1_000_000));
        assert!(time(&now) > time(&last), "{now:?}");
        assert_eq!((&now.id, now.created_at), (&ada.id, ada.created_at));
        assert_eq!(now.name, format!("Ada {round}"));
        last = now;
    }
    assert_eq!(last.status, UserStatus::Suspended as i32);
    assert_eq!(last.metadata, first);
    assert_eq!(last.email, ada.email);
}

#[test]
fn a_refused_update_changes_nothing() {
    let (store, ada) = with_ada();
    let with = |status: Option<i32>, name: Option<&str>, email: Option<&str>| UpdateUserRequest {
        status,
        name: name.map(str::to_owned),
        email: email.map(str::to_owned),
        ..change(&ada.id)
    };
    for status in [0, 4, -1] {
        invalid(
            store.update(with(Some(status), Some("B"), None)),
            "status is invalid",
        );
    }
    invalid(
        store.update(with(Some(2), Some(" "), None)),
        "name is required",
    );
    invalid(
        store.update(with(Some(2), Some("\0"), None)),
        "name is invalid",
    );
    invalid(
        store.update(with(Some(2), None, Some(""))),
        "email is required",
    );
    invalid(
        store.update(with(Some(2), None, Some("a"))),
        "email is invalid",
    );
    assert_eq!(store.get(&ada.id).expect("she is there"), ada);
}
