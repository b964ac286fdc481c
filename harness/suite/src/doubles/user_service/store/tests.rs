use std::collections::BTreeSet;
use std::sync::Arc;

use tonic::Code;

use super::*;

fn request(email: &str, name: &str) -> CreateUserRequest {
    CreateUserRequest {
        email: email.to_owned(),
        name: name.to_owned(),
        ..CreateUserRequest::default()
    }
}

fn change(id: &str) -> UpdateUserRequest {
    UpdateUserRequest {
        id: id.to_owned(),
        ..UpdateUserRequest::default()
    }
}

fn metadata(entries: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
    entries.into_iter().collect()
}

/// A store with Ada.
fn with_ada() -> (Store, User) {
    let store = Store::default();
    let ada = store.create(request("Ada@example.com", "Ada"));
    (store, ada.expect("a valid user"))
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Status>, code: Code, message: &str) {
    let status = result.expect_err(message);
    assert_eq!((status.code(), status.message()), (code, message));
}

#[track_caller]
fn invalid<T: std::fmt::Debug>(result: Result<T, Status>, message: &str) {
    refused(result, Code::InvalidArgument, message);
}

/// The names on all pages of this size, and the total that each page told.
fn walk(store: &Store, request: &ListUsersRequest) -> (Vec<String>, BTreeSet<i32>) {
    let mut request = request.clone();
    let (mut names, mut totals) = (Vec::new(), BTreeSet::new());
    loop {
        let page = store.list(&request).expect("a page");
        names.extend(page.users.into_iter().map(|it| it.name));
        totals.insert(page.total_count);
        if page.next_page_token.is_empty() {
            return (names, totals);
        }
        request.page_token = page.next_page_token;
    }
}

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
fn nobody_is_found_by_any_other_id() {
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
        let moment = |it: &User| it.updated_at.map(|it| (it.seconds, it.nanos / 1_000_000));
        assert!(moment(&now) > moment(&last), "{now:?}");
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

#[test]
fn pages_are_of_the_size_that_was_asked_for() {
    let store = Store::default();
    for index in 0..120 {
        store
            .create(request(&format!("{index}@b"), &format!("{index:03}")))
            .expect("valid");
    }
    for (page_size, wanted) in [(0, 20), (-5, 20), (1, 1), (100, 100), (101, 100)] {
        let request = ListUsersRequest {
            page_size,
            ..ListUsersRequest::default()
        };
        let page = store.list(&request).expect("a page");
        assert_eq!(page.users.len(), wanted, "{page_size}");
        let (names, totals) = walk(&store, &request);
        let in_order: Vec<_> = (0..120).map(|it| format!("{it:03}")).collect();
        assert_eq!(names, in_order, "by creation");
        assert_eq!(totals, [120].into());
    }
    let exact = ListUsersRequest {
        page_size: 60,
        ..ListUsersRequest::default()
    };
    assert_eq!(walk(&store, &exact).0.len(), 120);
}

#[test]
fn filter_and_order_do_what_they_say() {
    let store = Store::default();
    for (email, name) in [("b@x", "B"), ("A@x", "a"), ("c@x", "\u{e9}"), ("d@x", "B")] {
        store.create(request(email, name)).expect("valid");
    }
    let ask = |filter: &str, order_by: &str| {
        let request = ListUsersRequest {
            page_size: 1,
            filter: filter.to_owned(),
            order_by: order_by.to_owned(),
            ..ListUsersRequest::default()
        };
        walk(&store, &request)
    };
    assert_eq!(ask("", "name").0, ["B", "B", "a", "\u{e9}"]);
    assert_eq!(ask("", "name desc").0, ["\u{e9}", "a", "B", "B"]);
    assert_eq!(ask("", "email asc").0, ["a", "B", "\u{e9}", "B"]);
    assert_eq!(ask("email=a@X", ""), (vec!["a".to_owned()], [1].into()));
    assert_eq!(ask("name=B AND status=ACTIVE", "").1, [2].into());
    assert_eq!(ask("status=SUSPENDED", ""), (Vec::new(), [0].into()));
    let list = |request: ListUsersRequest| store.list(&request);
    invalid(
        list(ListUsersRequest {
            filter: "name".to_owned(),
            ..ListUsersRequest::default()
        }),
        "filter is invalid",
    );
    invalid(
        list(ListUsersRequest {
            order_by: "id".to_owned(),
            ..ListUsersRequest::default()
        }),
        "order_by is invalid",
    );
}

#[test]
fn a_token_is_good_for_its_own_listing_alone() {
    let store = Store::default();
    for index in 0..3 {
        store
            .create(request(&format!("{index}@b"), "Ada"))
            .expect("valid");
    }
    let first = ListUsersRequest {
        page_size: 1,
        filter: "name=Ada".to_owned(),
        ..ListUsersRequest::default()
    };
    let token = store.list(&first).expect("a page").next_page_token;
    let with = |token: &str, filter: &str, order_by: &str| {
        store.list(&ListUsersRequest {
            page_size: 2,
            page_token: token.to_owned(),
            filter: filter.to_owned(),
            order_by: order_by.to_owned(),
        })
    };
    let next = with(&token, "name=Ada", "created_at asc").expect("the same listing");
    assert_eq!(next.users.len(), 2);
    assert_eq!(next.next_page_token, "");
    let wrong = "page_token is invalid";
    invalid(with(&token, "", ""), wrong);
    invalid(with(&token, "name=Ada", "email"), wrong);
    invalid(with(&token, "name=Ada", "created_at desc"), wrong);
    for rubbish in ["x", "{}", "AAAA", "\u{1f600}", &token[1..]] {
        invalid(with(rubbish, "name=Ada", ""), wrong);
    }
}

#[test]
fn a_walk_meets_every_lasting_user_once_while_others_come_and_go() {
    let store = Arc::new(Store::default());
    for index in 0..50 {
        let name = format!("{:02} lasting", (index * 7) % 50);
        store
            .create(request(&format!("{index:02}@b"), &name))
            .expect("valid");
    }
    let writer = {
        let store = store.clone();
        move |round: usize| {
            let place = (round * 31) % 60;
            let passing = store.create(request(&format!("{place:02}x@b"), &format!("{place:02}")));
            if let Ok(passing) = passing
                && !round.is_multiple_of(3)
            {
                store.delete(&passing.id).expect("it is there");
            }
        }
    };
    for order_by in [
        "",
        "created_at desc",
        "email",
        "email desc",
        "name",
        "name desc",
    ] {
        let mut request = ListUsersRequest {
            page_size: 3,
            order_by: order_by.to_owned(),
            ..ListUsersRequest::default()
        };
        let mut met = Vec::new();
        for round in 0.. {
            let page = store.list(&request).expect("a page");
            met.extend(page.users.into_iter().map(|it| it.name));
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
            writer(round);
        }
        met.retain(|it| it.ends_with("lasting"));
        met.sort_unstable();
        let wanted: Vec<_> = (0..50).map(|it| format!("{it:02} lasting")).collect();
        assert_eq!(met, wanted, "{order_by}");
    }
}

#[test]
fn a_page_of_a_thousand_users_costs_little() {
    let store = Store::default();
    for index in 0..1000 {
        store
            .create(request(&format!("{index}@b"), &format!("{index}")))
            .expect("valid");
    }
    let request = ListUsersRequest {
        order_by: "name".to_owned(),
        ..ListUsersRequest::default()
    };
    let begun = std::time::Instant::now();
    for _ in 0..100 {
        store.list(&request).expect("a page");
    }
    // Far above what it takes, so that a busy machine does not fail it.
    assert!(begun.elapsed().as_millis() < 1_000, "{:?}", begun.elapsed());
}
