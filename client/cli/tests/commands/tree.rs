//! `lexecon ledger checkpoint`, `checkpoints`, `proof` and `receipt`, and
//! `lexecon cluster divergence`.

use crate::double::Said;
use crate::shell::{ask, check, check_ran};

const NOTE: &str = "log/c1\n2\nQmFzZTY0\n\n— log/c1 AAAAAAA=\n";

fn checkpoint(valid: bool) -> String {
    let note = serde_json::to_string(NOTE).unwrap();
    format!(
        r#"{{"checkpoint":{note},"origin":"log/c1","size":2,"root_hash":"8a1f","signatures":[{{"name":"log/c1","key_id":"00000000","type":1,"valid":{valid}}}],"state_hash":"77c9","policy_hash":"41c0","timestamp":"2027-03-04T05:06:07.123456Z"}}"#
    )
}

#[tokio::test]
async fn a_checkpoint_is_shown_as_the_note_it_is() {
    check(&["ledger", "checkpoint"], &checkpoint(true), 0, NOTE).await;
    check(&["ledger", "checkpoint"], &checkpoint(false), 1, NOTE).await;
    let words = ["ledger", "checkpoint", "--all"];
    let (_ran, node) = ask(&words, Said::ok(&checkpoint(true))).await;
    assert_eq!(node.lines(), ["GET /ledger/checkpoint?signatures=all"]);
    assert_eq!(node.asked()[0].header("accept"), Some("application/json"));
    let (ran, _node) = ask(&words, Said::problem(503, "not_final")).await;
    assert_eq!(ran.exit, 3);
    let no_note = checkpoint(true).replace("AAAAAAA=", "?");
    let (ran, _node) = ask(&words, Said::ok(&no_note)).await;
    assert_eq!((ran.exit, ran.out.as_str()), (3, ""));
}

#[tokio::test]
async fn checkpoints_are_a_table_that_says_how_to_go_on() {
    let list = r#"{"checkpoints":[{"size":2,"root_hash":"8a1f","timestamp":"2027-03-04T05:06:07.123456Z","checkpoint":"x"}],"next":2}"#;
    let out = "\
SIZE  TIME                         ROOT
2     2027-03-04T05:06:07.123456Z  8a1f
1 checkpoints; next page: --after 2
";
    check(&["ledger", "checkpoints"], list, 0, out).await;
    let words = ["ledger", "checkpoints", "--after", "7", "--limit", "1"];
    let (_ran, node) = ask(&words, Said::ok(list)).await;
    assert_eq!(node.lines(), ["GET /ledger/checkpoints?after=7&limit=1"]);
}

#[tokio::test]
async fn a_proof_is_checked_before_it_is_shown() {
    let leaves = ["11".repeat(32), "22".repeat(32)];
    let digest = |hex: &str| hex.parse::<types::Digest>().unwrap();
    let root = ledger::hash::node_hash(digest(&leaves[0]), digest(&leaves[1])).to_string();
    let [leaf, sibling] = &leaves;
    let proof = format!(
        r#"{{"id":0,"leaf_index":0,"leaf_hash":"{leaf}","tree_size":2,"root_hash":"{root}","hashes":["{sibling}"],"checkpoint":null}}"#
    );
    let shown = |word: &str| {
        format!(
            "proof      {word}\nentry      0 {leaf}\ntree       2 {root}\npath       1 hashes\n\
             signed by  nobody at this size\n"
        )
    };
    let words = ["ledger", "proof", "inclusion", "0", "--size", "2"];
    check(&words, &proof, 0, &shown("holds")).await;
    let (_ran, node) = ask(&words, Said::ok(&proof)).await;
    assert_eq!(node.lines(), ["GET /ledger/proof/inclusion?id=0&size=2"]);
    let wrong = proof.replace(sibling.as_str(), &"33".repeat(32));
    check(&words, &wrong, 1, &shown("does NOT hold")).await;

    let proof = format!(
        r#"{{"from":1,"to":2,"from_root":"{leaf}","to_root":"{root}","hashes":["{sibling}"],"checkpoint":"x"}}"#
    );
    let out = format!(
        "proof      holds\nolder      1 {leaf}\nnewer      2 {root}\npath       222222222222\n\
         signed by  a checkpoint of this size\n"
    );
    let words = ["ledger", "proof", "consistency", "1", "2"];
    check(&words, &proof, 0, &out).await;
    let (_ran, node) = ask(&words, Said::ok(&proof)).await;
    assert_eq!(node.lines(), ["GET /ledger/proof/consistency?from=1&to=2"]);
    let (ran, _node) = ask(&words, Said::ok(&proof.replace(leaf.as_str(), &root))).await;
    assert_eq!(ran.exit, 1);
}

#[tokio::test]
async fn a_receipt_is_printed_as_the_file_it_is() {
    let receipt = r#"{"checkpoint":null,"data":{"outcome":"allowed"},"entry_id":2,"hashes":[],"header":"e30=","leaf_hash":"77c9","leaf_index":2,"personal":null,"personal_salt":null,"root_hash":"8a1f","salt":"0e51","tree_size":3}"#;
    check(&["ledger", "receipt", "dec_1"], receipt, 0, &format!("{receipt}\n")).await;
    let words = ["ledger", "receipt", "dec_1", "--wait"];
    let (_ran, node) = ask(&words, Said::ok(receipt)).await;
    assert_eq!(node.lines(), ["GET /decisions/dec_1/receipt?wait=final"]);
    let text = format!("c2sp.org/tlog-proof@v1\nindex 2\n\n{NOTE}");
    let words = ["ledger", "receipt", "dec_1", "--format", "tlog-proof", "--json"];
    let (ran, node) = ask(&words, Said::ok(&text)).await;
    check_ran(&ran, 0, &text);
    assert_eq!(node.lines(), ["GET /decisions/dec_1/receipt?format=tlog-proof"]);
    let (ran, _node) = ask(&words, Said::ok("c2sp.org/tlog-proof@v2\n")).await;
    assert_eq!((ran.exit, ran.out.as_str()), (3, ""));
    let (ran, _node) = ask(&words, Said::problem(410, "erased")).await;
    assert_eq!(ran.exit, 3);
    let (ran, node) = ask(&["ledger", "receipt", "dec_1", "--format", "pdf"], Said::ok("")).await;
    assert_eq!((ran.exit, node.asked().len()), (2, 0));
}

#[tokio::test]
async fn replicas_that_differ_are_named() {
    let hash = "8a1f00112233445566";
    let node = |name: &str, state: &str| {
        format!(
            r#"{{"node_id":"{name}","root_hash":"{hash}","state_hash":"{state}","policy_hash":"{hash}"}}"#
        )
    };
    let silent = r#"{"node_id":"n3","root_hash":null,"state_hash":null,"policy_hash":null}"#;
    let same = format!(
        r#"{{"consistent":true,"size":9,"nodes":[{},{silent}],"first_difference":null}}"#,
        node("n1", hash)
    );
    let out = "\
NAME  ROOT          STATE         POLICY
n1    8a1f00112233  8a1f00112233  8a1f00112233
n3    -             -             -
those who signed agree at size 9
";
    check(&["cluster", "divergence"], &same, 0, out).await;
    let differs = format!(
        r#"{{"consistent":false,"size":9,"nodes":[{},{}],"first_difference":{{"entry_id":4,"node_id":"n2","field":"state_hash"}}}}"#,
        node("n1", hash),
        node("n2", "77")
    );
    let out = "\
NAME  ROOT          STATE         POLICY
n1    8a1f00112233  8a1f00112233  8a1f00112233
n2    8a1f00112233  77            8a1f00112233
`n2` does NOT agree at size 9: state_hash, from entry 4 on
";
    let words = ["cluster", "divergence", "--size", "9"];
    check(&words, &differs, 1, out).await;
    let (_ran, node) = ask(&words, Said::ok(&same)).await;
    assert_eq!(node.lines(), ["GET /cluster/divergence?size=9"]);
}
