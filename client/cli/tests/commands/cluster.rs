//! `lexecon cluster`: what is printed, and with which code it ends.

use crate::double::Said;
use crate::shell::{ask, check};

const NODES: &str = r#"{"nodes":[{"node_id":"n1","raft_id":1,"address":"127.0.0.1:8000","peer_address":"127.0.0.1:9000","region":"eu","zone":"a","role":"leader","voter":true,"reachable":true,"applied_index":140,"lag_entries":0,"erased_through_entry_id":null,"version":"1.0.0","last_contact_ms":0,"quarantined":false},{"node_id":"n3","raft_id":5,"address":"http://127.0.0.1:8002","peer_address":"127.0.0.1:9002","region":null,"zone":null,"role":"follower","voter":true,"reachable":false,"applied_index":null,"lag_entries":null,"erased_through_entry_id":null,"version":null,"last_contact_ms":null,"quarantined":false}]}"#;
const NODE: &str = r#"{"node_id":"n4","raft_id":9,"address":"127.0.0.1:8003","peer_address":"127.0.0.1:9003","region":null,"zone":"b","role":"follower","voter":true,"reachable":true,"applied_index":141,"lag_entries":0,"erased_through_entry_id":null,"version":"1.0.0","last_contact_ms":3,"quarantined":false}"#;

#[tokio::test]
async fn the_cluster_is_shown_as_one_node_sees_it() {
    let reply = r#"{"cluster_id":"clu_1","node_id":"n2","role":"follower","leader_id":"n1","term":4,"commit_index":141,"applied_index":140,"ledger_size":137,"root_hash":"8a1f","state_hash":"77c9","policy_hash":"41c0","voters":["n1","n2","n3"],"learners":["n4"],"feature_level":1,"divergence":{"consistent":true,"checked_at_size":130}}"#;
    let out = "cluster         clu_1
node            n2 (follower)
leader          n1 in term 4
applied         140 of 141
ledger          137 8a1f
state           77c9
policy          41c0
voters          n1 n2 n3
learners        n4
level           1
replicas agree  yes, at size 130
";
    check(&["cluster", "status"], reply, 0, out).await;
}

#[tokio::test]
async fn nodes_are_a_table() {
    let out = "\
NAME  ROLE      VOTES  STATE        APPLIED  LAG  ADDRESS                PEER            PLACE  VERSION
n1    leader    yes    up           140      0    127.0.0.1:8000         127.0.0.1:9000  eu/a   1.0.0
n3    follower  yes    unreachable  -        -    http://127.0.0.1:8002  127.0.0.1:9002  -      -
";
    check(&["cluster", "nodes"], NODES, 0, out).await;
}

#[tokio::test]
async fn changes_show_what_they_made() {
    let out = "\
NAME  ROLE      VOTES  STATE  APPLIED  LAG  ADDRESS         PEER            PLACE  VERSION
n4    follower  yes    up     141      0    127.0.0.1:8003  127.0.0.1:9003  b      1.0.0
";
    check(&["cluster", "promote", "n4"], NODE, 0, out).await;
    check(&["cluster", "demote", "n4"], NODE, 0, out).await;
    check(&["cluster", "remove", "n4"], r#"{"removed":true}"#, 0, "removed  n4\n").await;
    let led = r#"{"leader_id":"n2"}"#;
    check(&["cluster", "transfer-leader", "--to", "n2"], led, 0, "leader  n2\n").await;
    let snapshot = r#"{"snapshot_id":"s-7","index":141,"size_bytes":9000}"#;
    let out = "snapshot  s-7\nindex     141\nbytes     9000\n";
    check(&["cluster", "snapshot"], snapshot, 0, out).await;
}

#[tokio::test]
async fn a_dry_run_says_what_would_change() {
    let plan = r#"{"dry_run":true,"allowed":false,"reasons":["2 of 3 voters are down"],"voters_before":["n1","n2","n3"],"voters_after":["n1","n3"]}"#;
    let out = "change   would be refused
reasons  2 of 3 voters are down
voters   n1 n2 n3
after    n1 n3
";
    let cases: [(&[&str], &str); 4] = [
        (&["cluster", "remove", "n2"], "DELETE /cluster/nodes/n2?dry_run=true"),
        (&["cluster", "promote", "n2"], "POST /cluster/nodes/n2/promote?dry_run=true"),
        (&["cluster", "demote", "n2"], "POST /cluster/nodes/n2/demote?dry_run=true"),
        (&["cluster", "transfer-leader"], "POST /cluster/transfer-leader?dry_run=true"),
    ];
    for (words, line) in cases {
        let words: Vec<&str> = words.iter().copied().chain(["--dry-run"]).collect();
        check(&words, plan, 1, out).await;
        let (_ran, node) = ask(&words, Said::ok(plan)).await;
        assert_eq!(node.lines(), [line]);
    }
    let allowed = plan.replace("false", "true").replace("\"2 of 3 voters are down\"", "");
    let out = "change  would be carried out\nvoters  n1 n2 n3\nafter   n1 n3\n";
    check(&["cluster", "remove", "n2", "--dry-run"], &allowed, 0, out).await;
}

#[tokio::test]
async fn adding_prints_the_command_of_the_new_node() {
    let words = [
        "cluster",
        "add",
        "n4",
        "--listen",
        "127.0.0.1:8003",
        "--peer-listen",
        "127.0.0.1:9003",
        "--data-dir",
        "/var/lib/new node",
        "--zone",
        "b",
    ];
    let (ran, node) = ask(&words, Said::ok(NODES)).await;
    assert_eq!((ran.exit, ran.err.as_str()), (0, ""));
    let command = "  lexecon serve --node-id n4 --data-dir '/var/lib/new node' --listen 127.0.0.1:8003 --peer-listen 127.0.0.1:9003 --join http://127.0.0.1:8000 --zone b\n";
    assert!(ran.out.contains(command), "{}", ran.out);
    assert_eq!(node.lines(), ["GET /cluster/nodes"]);

    let words: Vec<&str> = words.into_iter().chain(["--json", "--learner"]).collect();
    let (ran, _node) = ask(&words, Said::ok(NODES)).await;
    let out = r#"{"command":["lexecon","serve","--node-id","n4","--data-dir","/var/lib/new node","--listen","127.0.0.1:8003","--peer-listen","127.0.0.1:9003","--join","http://127.0.0.1:8000","--zone","b","--learner"],"takes_over":false}"#;
    assert_eq!(ran.out, format!("{out}\n"));
}

#[tokio::test]
async fn the_name_of_a_lost_member_is_taken_over_and_no_other() {
    let add = |name| ["cluster", "add", name, "--listen", "a:1", "--peer-listen", "a:2"];
    let (ran, _node) = ask(&add("n1"), Said::ok(NODES)).await;
    assert_eq!((ran.exit, ran.err.as_str()), (1, "a member named `n1` is up\n"));
    let (ran, _node) = ask(&add("n3"), Said::ok(NODES)).await;
    assert_eq!(ran.exit, 0);
    assert!(ran.out.contains("It takes the place of the lost member"), "{}", ran.out);
}
