use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;

/// The names on all pages of this size, and the total on each page.
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
fn a_walk_meets_every_stable_user_once_while_others_come_and_go() {
    let store = Arc::new(Store::default());
    for index in 0..50 {
        let name = format!("{:02} stable", (index * 7) % 50);
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
        met.retain(|it| it.ends_with("stable"));
        met.sort_unstable();
        let wanted: Vec<_> = (0..50).map(|it| format!("{it:02} stable")).collect();
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
