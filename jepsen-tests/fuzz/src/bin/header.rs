//! Bytes are a header only if they are what the header they say is written as.

#![no_main]

use fuzz::seeds;
use ledger::Header;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: seeds::plant(seeds::headers()), |bytes: &[u8]| {
    let Ok(header) = Header::parse(bytes) else {
        return;
    };
    assert_eq!(header.to_canonical().as_bytes(), bytes);
    // One header for one text, and the text is what a stock reader sees too.
    let json: serde_json::Value = serde_json::from_slice(bytes).expect("a header is JSON");
    assert_eq!(json.as_object().map(serde_json::Map::len), Some(9));
    assert_eq!(json["id"].as_u64(), Some(header.id.0));
    assert_eq!(json["actor_seq"].as_u64(), Some(header.actor_seq));
    assert_eq!(json["type_seq"].as_u64(), Some(header.type_seq));
    assert_eq!(json["data_hash"].as_str(), Some(header.data_hash.to_string().as_str()));
    assert_eq!(json["timestamp"].as_str(), Some(header.timestamp.to_string().as_str()));
    // RFC 7493: integers beyond 2^53 have no canonical form.
    for number in [header.id.0, header.actor_seq, header.type_seq] {
        assert!(number < 1 << 53, "{number} is not below 2^53");
    }
});
