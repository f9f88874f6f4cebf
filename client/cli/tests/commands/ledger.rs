//! `lexecon ledger`: what is printed, and with which code it ends.

use crate::double::Said;
use crate::shell::{ask, check};

const PAGE: &str = r#"{"entries":[{"id":118,"format":1,"entry_type":"decision","timestamp":"2027-03-04T05:06:07.123456Z","actor":"ai_agent:claims_triage","data":{"outcome":"allowed"},"salt":"0e51","data_hash":"77c9","personal":null,"personal_salt":null,"personal_hash":"4fa6","previous_hash":"2f10","current_hash":"9be1a0b2c3d4e5f60718","type_seq":61,"actor_seq":14,"erased":null},{"id":119,"format":1,"entry_type":"config_changed","timestamp":"2027-03-04T05:06:08.123456Z","actor":null,"data":{"x":1},"salt":"0e51","data_hash":"77c9","personal":null,"personal_salt":null,"personal_hash":null,"previous_hash":"9be1","current_hash":"aa","type_seq":1,"actor_seq":0,"erased":null}],"total":134,"total_exact":true,"next":119,"chain_valid":true,"verified_through":133,"checkpoint":null}"#;

const TABLE: &str = "\
ID   TIME                         TYPE            ACTOR                   HASH
118  2027-03-04T05:06:07.123456Z  decision        ai_agent:claims_triage  9be1a0b2c3d4
119  2027-03-04T05:06:08.123456Z  config_changed  -                       aa
2 of 134 entries; next page: --after 119
";

#[tokio::test]
async fn a_page_is_a_table_that_says_how_to_go_on() {
    check(&["ledger", "entries"], PAGE, 0, TABLE).await;
    let verified = format!("{TABLE}the chain holds\n");
    check(&["ledger", "entries", "--verify"], PAGE, 0, &verified).await;
    let broken = PAGE.replace("\"chain_valid\":true", "\"chain_valid\":false");
    let out = format!("{TABLE}the chain does NOT hold\n");
    check(&["ledger", "entries", "--verify"], &broken, 1, &out).await;
    let open = PAGE.replace("\"chain_valid\":true", "\"chain_valid\":null");
    let out = format!("{TABLE}the page holds; what is before it is not verified yet\n");
    check(&["ledger", "entries", "--verify"], &open, 0, &out).await;
}

#[tokio::test]
async fn filters_reach_the_request() {
    let words = [
        "ledger",
        "entries",
        "--limit",
        "20",
        "--after",
        "7",
        "--type",
        "decision",
        "--actor",
        "a:*",
        "--from",
        "2027-03-01",
        "--to",
        "2027-03-04T05:06:07+02:00",
        "--verify",
        "--order",
        "desc",
    ];
    let (_ran, node) = ask(&words, Said::ok(PAGE)).await;
    assert_eq!(
        node.lines(),
        [
            "GET /ledger/entries?limit=20&after=7&entry_type=decision&actor=a%3A*&from=2027-03-01&to=2027-03-04T05%3A06%3A07%2B02%3A00&verify=true&order=desc"
        ]
    );
    for wrong in [["--limit", "1001"], ["--from", "yesterday"], ["--order", "newest"]] {
        let words = ["ledger", "entries", wrong[0], wrong[1]];
        let (ran, node) = ask(&words, Said::ok(PAGE)).await;
        assert_eq!((ran.exit, node.asked().len()), (2, 0), "{wrong:?}");
    }
}

#[tokio::test]
async fn an_entry_is_shown_with_all_it_records() {
    let entry = r#"{"id":118,"format":1,"entry_type":"decision","timestamp":"2027-03-04T05:06:07.123456Z","actor":"ai_agent:a","data":{"outcome":"allowed"},"salt":"0e51","data_hash":"77c9","personal":null,"personal_salt":null,"personal_hash":"4fa6","previous_hash":"2f10","current_hash":"9be1","type_seq":61,"actor_seq":14,"erased":{"part":"personal","at":"2027-09-04T05:06:07.123456Z","by_entry_id":900}}"#;
    let out = "id             118
type           decision #61
time           2027-03-04T05:06:07.123456Z
actor          ai_agent:a #14
hash           9be1
previous       2f10
data hash      77c9
personal hash  4fa6
erased         {\"at\":\"2027-09-04T05:06:07.123456Z\",\"by_entry_id\":900,\"part\":\"personal\"}

data {
  \"outcome\": \"allowed\"
}
";
    check(&["ledger", "entry", "118"], entry, 0, out).await;
}

#[tokio::test]
async fn a_ledger_that_holds_is_valid() {
    let reply = r#"{"valid":true,"entries_checked":134,"entries_erased":2,"first_invalid":null,"head":{"id":133,"hash":"c0de"},"tree_size":134,"root_hash":"8a1f","checkpoint":"x","duration_ms":2}"#;
    let out = "ledger   valid
checked  134 (2 with an erased part)
head     133 c0de
tree     134 8a1f
took     2 ms
";
    check(&["ledger", "verify"], reply, 0, out).await;
}

#[tokio::test]
async fn the_first_fault_of_a_ledger_is_named() {
    let reply = r#"{"valid":false,"entries_checked":58,"entries_erased":0,"first_invalid":{"id":57,"reason":"broken_link"},"head":{"id":133,"hash":"c0de"},"tree_size":134,"root_hash":"8a1f","checkpoint":null,"duration_ms":2}"#;
    let out = "ledger   NOT VALID: entry 57: broken_link
checked  58 (0 with an erased part)
head     133 c0de
tree     134 8a1f
took     2 ms
";
    check(&["ledger", "verify", "--from", "1", "--to", "99"], reply, 1, out).await;
}
