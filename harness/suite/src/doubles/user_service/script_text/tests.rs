use std::time::Duration;

use super::*;

/// The answers, and the one for all others, in short.
#[track_caller]
fn check(sentence: &str, answers: &[&str], otherwise: Option<&str>) {
    let script = parse(sentence).expect(sentence);
    let shown: Vec<_> = script.answers.iter().map(short).collect();
    assert_eq!(shown, answers, "{sentence}");
    assert_eq!(
        script.otherwise.as_ref().map(short).as_deref(),
        otherwise,
        "{sentence}"
    );
}

fn short(answer: &ScriptedAnswer) -> String {
    match answer {
        ScriptedAnswer::Contract => "contract".to_owned(),
        ScriptedAnswer::Status { code, message } => format!("{code} {message:?}"),
        ScriptedAnswer::After(time, next) => format!("{} ms {}", time.as_millis(), short(next)),
        ScriptedAnswer::GoAway(next) => format!("goaway {}", short(next)),
        other => format!("{other:?}"),
    }
}

#[track_caller]
fn refused(sentence: &str, why: &str) {
    let error = parse(sentence).expect_err(sentence);
    assert!(error.contains(why), "{error}");
}

#[test]
fn answers_come_one_after_another() {
    check(
        "UNAVAILABLE twice, then OK",
        &["14 \"\"", "14 \"\"", "contract"],
        None,
    );
    check(
        "UNAVAILABLE 3 times, then OK after 200 ms",
        &["14 \"\"", "14 \"\"", "14 \"\"", "200 ms contract"],
        None,
    );
    check(
        "OK after 2 s twice",
        &["2000 ms contract", "2000 ms contract"],
        None,
    );
    check("NOT_FOUND once", &["5 \"\""], None);
}

#[test]
fn the_last_answer_may_be_for_every_call() {
    check("INTERNAL for every call", &[], Some("13 \"\""));
    check(
        "OK, then UNAVAILABLE from now on",
        &["contract"],
        Some("14 \"\""),
    );
    refused("INTERNAL for every call, then OK", "no call gets it");
}

#[test]
fn a_status_has_a_message() {
    check(
        "NOT_FOUND \"user not found\"",
        &["5 \"user not found\""],
        None,
    );
    check("code 99", &["99 \"\""], None);
    check(
        "code 4294967295 \"x\" twice",
        &["4294967295 \"x\"", "4294967295 \"x\""],
        None,
    );
    check("INTERNAL \"a, then b\"", &["13 \"a, then b\""], None);
    check("ABORTED \"50 % \u{e9}\"", &["10 \"50 %25 %C3%A9\""], None);
    check(
        "ABORTED with the raw message \"%zz\\xff\"",
        &["10 \"%zz\\xff\""],
        None,
    );
    check("ABORTED with a message of 3 bytes", &["10 \"mmm\""], None);
    refused(
        "ABORTED with the raw message \"\\x00\"",
        "no header can carry",
    );
    refused("ABORTED \"\\xff\"", "no UTF-8");
    refused("ABORTED with a message of 99999999 bytes", "over");
}

#[test]
fn goaway_belongs_to_the_answer_after_it() {
    check("GOAWAY, then OK", &["goaway contract"], None);
    check(
        "GOAWAY, then OK, then ABORTED",
        &["goaway contract", "10 \"\""],
        None,
    );
    check(
        "GOAWAY, then OK after 5 ms",
        &["goaway 5 ms contract"],
        None,
    );
    refused("GOAWAY", "GOAWAY, then OK");
}

#[test]
fn every_answer_that_is_listed_is_known() {
    for (index, answer) in ANSWERS.iter().enumerate() {
        for times in TIMES {
            let sentence = format!("{answer} {times}");
            assert!(parse(&sentence).is_ok(), "{sentence}");
        }
        let found = parse(answer).expect(answer);
        assert_eq!(found.answers.len(), 1, "{index}: {answer}");
        let late = parse(&format!("{answer} after 30 ms")).expect(answer);
        assert!(short(&late.answers[0]).contains("30 ms"), "{answer}");
    }
}

#[test]
fn a_stream_is_reset_with_a_code_of_http2() {
    let script = parse("a stream reset with ENHANCE_YOUR_CALM").expect("it is one");
    assert!(matches!(
        script.answers[0],
        ScriptedAnswer::Reset(Reason::ENHANCE_YOUR_CALM)
    ));
    refused("a stream reset with ANGER", "ANGER");
}

#[test]
fn a_time_is_part_of_the_answer_only_if_it_is_one() {
    let script = parse("a connection closed after the answer after 1 s").expect("it is one");
    let ScriptedAnswer::After(time, answer) = &script.answers[0] else {
        panic!("{script:?}");
    };
    assert_eq!(*time, Duration::from_secs(1));
    assert!(matches!(**answer, ScriptedAnswer::CloseAfter(_)));
}

#[test]
fn what_is_not_understood_is_named_with_what_is_known() {
    for sentence in [
        "",
        "UNAVAILABEL",
        "OK, then",
        "OK after a while",
        "code x",
        "code 4294967296",
        "HTTP",
        "OK \"message",
        "UNAVAILABLE message",
        "ok",
    ] {
        refused(sentence, "is no answer; known are: OK | UNAVAILABLE |");
    }
    refused("OK 0 times", "not between");
    refused("OK 5000 times", "for every call");
    refused("HTTP 100", "no such status");
}
