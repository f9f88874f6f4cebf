//! Documents, their normal form and its hash, as every implementation of the
//! language must give them: `golden.json` is for other languages too.
//!
//! A change of this file's expectations changes the hash of recorded policies.

use policy::Document;
use types::Json;

const GOLDEN: &str = include_str!("golden.json");

#[test]
fn documents_have_their_recorded_normal_form_and_hash() {
    let golden: Json = serde_json::from_str(GOLDEN).unwrap();
    let cases = golden.as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let case = case.as_object().unwrap();
        let name = case.get("name").unwrap().as_str().unwrap();
        let expect = case.get("normalised").unwrap();
        let hash = case.get("hash").unwrap().as_str().unwrap();
        for source in case.get("spellings").unwrap().as_array().unwrap() {
            let (document, _) = Document::parse(source).unwrap();
            let normal = document.to_json();
            assert_eq!(normal.to_canonical(), expect.to_canonical(), "{name}");
            assert_eq!(document.hash().to_string(), hash, "{name}");
        }
    }
}

#[test]
fn the_normal_form_is_its_own_normal_form() {
    let golden: Json = serde_json::from_str(GOLDEN).unwrap();
    for case in golden.as_array().unwrap() {
        let normal = case.as_object().unwrap().get("normalised").unwrap();
        let (document, _) = Document::parse(normal).unwrap();
        assert_eq!(document.to_json(), *normal);
    }
}
