//! `/openapi.json` and the pages made from it: unchanged unless meant, whole,
//! and true of what is answered.

use std::path::Path;

use serde_json::Value;

use crate::common::Server;

pub(crate) fn document() -> Value {
    serde_json::from_str(&api::openapi("0.0.0")).unwrap()
}

/// The text of the file in the tree, indented so that changes read well.
fn golden() -> (std::path::PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
    (path, text)
}

#[test]
fn the_description_is_the_one_in_the_tree() {
    let (path, text) = golden();
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        known == text,
        "api/openapi.json differs: run the tests with UPDATE_OPENAPI=1 and review"
    );
}

#[tokio::test]
async fn every_path_is_described_and_answers_its_methods_alone() {
    let server = Server::loaded().await;
    let root = server.get("/").await.json();
    assert_eq!(root["service"], "lexecon");
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let endpoints = root["endpoints"].as_object().unwrap();
    assert_eq!(paths.keys().collect::<Vec<_>>(), endpoints.keys().collect::<Vec<_>>());
    for (path, operations) in paths {
        let methods: Vec<String> =
            operations.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        let mut listed: Vec<&str> = endpoints[path]
            .as_array()
            .unwrap()
            .iter()
            .map(|method| method.as_str().unwrap())
            .collect();
        listed.sort_unstable();
        assert_eq!(methods, listed, "{path}");
        let path = path.replace("{id}", "1").replace("{version}", "1");
        let path = path.replace("{kid}", "key_1").replace("{risk_id}", "rsk_1");
        let path = path.replace("{token_id}", "tok_1").replace("{override_id}", "ovr_1");
        let path = path.replace("{record_id}", "resp_1").replace("{party}", "system");
        let path = path.replace("{escalation_id}", "esc_1").replace("{artifact_id}", "evd_1");
        let path = path.replace("{key_id}", "key_1").replace("{stop_id}", "stop_1");
        let path = path.replace("{decision_id}", "dec_1").replace("{path}", "0/000");
        let path = path.replace("{provider}", "google");
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
            let known = methods.iter().any(|known| known == method)
                || method == "HEAD" && methods.iter().any(|known| known == "GET");
            // Nothing valid is sent, so what is taken is not carried out.
            let body = if known { "" } else { "{" };
            let reply = server.call(method, &path, body, &[("x-tenant-id", "nobody")]).await;
            let expect = if known { 400 } else { 405 };
            assert_eq!(reply.status, expect, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_page_is_served_whole_under_a_policy_that_lets_it_work() {
    let server = Server::new();
    let page = server.get("/docs").await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").to_owned();
    let text = String::from_utf8(page.bytes).unwrap();
    // The policy has no `unsafe-inline` for scripts, so there may be none.
    assert!(policy.contains("script-src 'self'"), "{policy}");
    for script in text.split("<script").skip(1) {
        assert!(script.split('>').next().unwrap().contains("src="), "{script}");
    }
    assert!(text.contains("<base href=\"/docs/\">"));
    let mut files = 0;
    for attribute in ["src=\"", "href=\""] {
        for part in text.split(attribute).skip(1) {
            let file = part.split('"').next().unwrap();
            assert!(!file.contains("://"), "{file} is fetched from elsewhere");
            if file.starts_with('/') {
                continue;
            }
            let path = format!("/docs/{}", file.trim_start_matches("./"));
            let reply = server.get(&path).await;
            assert_eq!(reply.status, 200, "{path}");
            assert!(!reply.bytes.is_empty(), "{path}");
            files += 1;
        }
    }
    assert!(4 <= files, "{text}");
    let start = server.get("/docs/swagger-initializer.js").await;
    assert!(start.header("content-type").starts_with("text/javascript"));
    let start = String::from_utf8(start.bytes).unwrap();
    assert!(start.contains("/openapi.json"), "{start}");
    assert_eq!(server.get("/openapi.json").await.json()["openapi"], "3.1.0");
    assert_eq!(server.get("/docs/").await.status, 200);
    assert_eq!(server.get("/docs?x=1").await.status, 200);
}
