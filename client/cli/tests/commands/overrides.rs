//! `lexecon override` and the token that one yields: what is sent, and what is
//! shown of what comes back.

use crate::double::Said;
use crate::shell::{ask, check, run};

const JANE: &str = "act_human_user:executive:jane";

const OVERRIDE: &str = r#"{"override_id":"ovr_1","decision_id":"dec_1","override_type":"executive_override","authorized_by":"act_human_user:executive:jane","authorized_role":"executive","justification":"Regulator asked for the file today","original_outcome":"denied","new_outcome":"approved","timestamp":"t","expires_at":null,"scope":{"is_one_time":true,"applies_to_actor":null,"applies_to_policy":null},"status":"active","review_required_by":"r","review":null,"evidence_ids":["evd_1"],"metadata":null,"ledger_entry_id":131}"#;

const SHOWN: &str = "override  ovr_1
decision  dec_1
type      executive_override
status    active
outcome   denied to approved
by        act_human_user:executive:jane (executive)
why       Regulator asked for the file today
time      t
one time  yes
due       r
evidence  evd_1
entry     131
";

const ROWS: &str =
    "OVERRIDE  TYPE                STATUS  BY                             DECISION  EXPIRES  REVIEW BY
ovr_1     executive_override  active  act_human_user:executive:jane  dec_1     -        r
";

const WORDS: [&str; 9] = [
    "override",
    "execute",
    "dec_1",
    "--type",
    "executive_override",
    "--by",
    JANE,
    "--justification",
    "Regulator asked for the file today",
];

#[tokio::test]
async fn an_override_is_made() {
    check(&WORDS, OVERRIDE, 0, SHOWN).await;
    let (_ran, node) = ask(&WORDS, Said::ok(OVERRIDE)).await;
    assert_eq!(node.lines(), ["POST /overrides/execute"]);
    let body = r#"{"authorized_by":"act_human_user:executive:jane","decision_id":"dec_1","justification":"Regulator asked for the file today","override_type":"executive_override"}"#;
    assert_eq!(node.asked()[0].body, body);
    let more = ["--conditional", "--one-time", "--expires-at", "2027-03-05", "--evidence", "evd_2"];
    let more = more.into_iter().chain(["--original-outcome", "denied"]);
    let words: Vec<&str> = WORDS.into_iter().chain(more).collect();
    let (_ran, node) = ask(&words, Said::ok(OVERRIDE)).await;
    let body = r#"{"authorized_by":"act_human_user:executive:jane","decision_id":"dec_1","evidence_ids":["evd_2"],"expires_at":"2027-03-05","justification":"Regulator asked for the file today","new_outcome":"conditional","original_outcome":"denied","override_type":"executive_override","scope":{"is_one_time":true}}"#;
    assert_eq!(node.asked()[0].body, body);
}

#[tokio::test]
async fn what_is_refused_is_told_by_the_exit() {
    let (ran, node) = ask(&WORDS, Said::problem(403, "not_authorised")).await;
    assert_eq!((ran.exit, node.lines().len()), (3, 1));
    assert_eq!(run(&["override", "execute", "dec_1"]).await.exit, 2);
    let whim = WORDS.map(|word| if word == "executive_override" { "whim" } else { word });
    assert_eq!(run(&whim).await.exit, 2);
    assert_eq!(run(&["override", "review", "ovr_1", "maybe", "--notes", "x"]).await.exit, 2);
    assert_eq!(run(&["decisions", "token", "dec_1", "--expires-in", "0"]).await.exit, 2);
}

#[tokio::test]
async fn an_override_is_reviewed() {
    let review = r#"{"verdict":"reversed","reviewed_by":"act_human_user:executive:leo","reviewed_at":"u","notes":"hasty","ledger_entry_id":132}"#;
    let reviewed = OVERRIDE
        .replace(r#""review":null"#, &format!(r#""review":{review}"#))
        .replace(r#""status":"active""#, r#""status":"reversed""#);
    let words = ["override", "review", "ovr_1", "reversed", "--notes", "hasty"];
    let out = SHOWN.replace("active", "reversed").replace(
        "due       r\n",
        "review    reversed\nreviewer  act_human_user:executive:leo\nnotes     hasty\n",
    );
    check(&words, &reviewed, 0, &out).await;
    let words: Vec<&str> = words.into_iter().chain(["--by", JANE]).collect();
    let (_ran, node) = ask(&words, Said::ok(&reviewed)).await;
    assert_eq!(node.lines(), ["POST /overrides/ovr_1/review"]);
    let body = format!(r#"{{"notes":"hasty","reviewed_by":"{JANE}","verdict":"reversed"}}"#);
    assert_eq!(node.asked()[0].body, body);
}

#[tokio::test]
async fn overrides_are_shown_and_listed() {
    check(&["override", "show", "ovr_1"], OVERRIDE, 0, SHOWN).await;
    let list = format!(r#"{{"decision_id":"dec_1","count":1,"overrides":[{OVERRIDE}]}}"#);
    let (ran, node) = ask(&["override", "list", "dec_1"], Said::ok(&list)).await;
    assert_eq!((ran.exit, ran.out.as_str()), (0, ROWS));
    assert_eq!(node.lines(), ["GET /overrides/decision/dec_1"]);
    let list =
        format!(r#"{{"overrides":[{OVERRIDE}],"total":2,"total_exact":true,"next":"7-131"}}"#);
    let words = ["override", "pending", "--limit", "1", "--after", "6-1"];
    let (ran, node) = ask(&words, Said::ok(&list)).await;
    assert_eq!((ran.exit, ran.out), (0, format!("{ROWS}more with --after 7-131\n")));
    assert_eq!(node.lines(), ["GET /overrides/pending-reviews?after=6-1&limit=1"]);
}

#[tokio::test]
async fn whether_one_is_active_is_told_by_the_exit() {
    let words = ["override", "active", "dec_1"];
    let active = format!(r#"{{"decision_id":"dec_1","is_overridden":true,"override":{OVERRIDE}}}"#);
    check(&words, &active, 0, SHOWN).await;
    let none = r#"{"decision_id":"dec_1","is_overridden":false,"override":null}"#;
    check(&words, none, 1, "decision  dec_1\noverride  none is active\n").await;
}

#[tokio::test]
async fn a_token_is_given_for_what_a_decision_has_come_to() {
    let issued = r#"{"capability_token":"cap_x","token_id":"tok_1","token_expires_at":"e","decision_id":"dec_1","basis":"override","basis_id":"ovr_1","ledger_entry_id":132}"#;
    let out = "\
token     cap_x
id        tok_1
decision  dec_1
rests on  override ovr_1
expires   e
entry     132
";
    check(&["decisions", "token", "dec_1"], issued, 0, out).await;
    let words = ["decisions", "token", "dec_1", "--expires-in", "60"];
    let (_ran, node) = ask(&words, Said::ok(issued)).await;
    assert_eq!(node.lines(), ["POST /decisions/dec_1/token"]);
    assert_eq!(node.asked()[0].body, r#"{"expires_in":60}"#);
    let (ran, _node) = ask(&words, Said::problem(409, "override_consumed")).await;
    assert_eq!(ran.exit, 3);
}
