//! A list is read to its end, one page at a time.

use client::Client;
use client::ledger::{EntriesQuery, Order};

use crate::double::{Double, Said};

pub(crate) fn page(ids: &[u64], next: &str) -> Said {
    let entries: Vec<String> = ids
        .iter()
        .map(|id| {
            format!(
                r#"{{"id":{id},"format":1,"entry_type":"decision","timestamp":"2027-03-04T05:06:07.123456Z","actor":"ai_agent:a","data":{{}},"salt":"0e","data_hash":"77c9","personal":null,"personal_salt":null,"personal_hash":null,"previous_hash":"2f10","current_hash":"9be1a0b2c3d4e5f6","type_seq":61,"actor_seq":14,"erased":null}}"#
            )
        })
        .collect();
    Said::ok(&format!(
        r#"{{"entries":[{}],"total":3,"total_exact":true,"next":{next},"chain_valid":null,"verified_through":null,"checkpoint":null}}"#,
        entries.join(",")
    ))
}

#[tokio::test]
async fn pages_follow_the_cursor_to_the_end() {
    let node = Double::start([page(&[0, 1], "1"), page(&[], "2"), page(&[3], "null")]).await;
    let client = Client::new([&node.url]).unwrap();
    let query =
        EntriesQuery { limit: Some(2), actor: Some("a:*".to_owned()), ..EntriesQuery::default() };
    let mut entries = client.entries_from(query);
    let mut ids = Vec::new();
    while let Some(entry) = entries.next().await.unwrap() {
        ids.push(entry.id);
    }
    assert_eq!(ids, [0, 1, 3]);
    assert_eq!(
        node.lines(),
        [
            "GET /ledger/entries?limit=2&actor=a%3A*",
            "GET /ledger/entries?limit=2&after=1&actor=a%3A*",
            "GET /ledger/entries?limit=2&after=2&actor=a%3A*",
        ]
    );
}

#[tokio::test]
async fn a_cursor_that_does_not_move_is_not_followed() {
    for (order, second) in [(Order::Ascending, "1"), (Order::Descending, "2")] {
        let first = if order == Order::Ascending { "2" } else { "1" };
        let node = Double::start([page(&[0], first), page(&[1], second)]).await;
        let query = EntriesQuery { order, ..EntriesQuery::default() };
        let mut entries = Client::new([&node.url]).unwrap().entries_from(query);
        entries.next().await.unwrap();
        let error = entries.next().await.unwrap_err();
        assert!(error.to_string().contains("`next` is not past `after`"), "{error}");
    }
}
