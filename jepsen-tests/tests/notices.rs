//! Notices reach a webhook at least once, whoever leads: signed, under an id
//! that every try has, and no longer once the receiver took them.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jepsen_tests::cluster::{Cluster, PATIENCE};
use jepsen_tests::trial;
use jepsen_tests::wait;
use sha2::Sha256;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use types::Json;

const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const LEAD: &str = "act_human_user:governance_lead:ana";
/// The receiver refuses so many first.
const REFUSED: usize = 2;
/// Time in which what was delivered would come again if it were not forgotten.
const QUIET: Duration = Duration::from_secs(3);

/// What came, in order: id and event, and whether it was taken.
type Inbox = Arc<Mutex<Vec<(String, String, bool)>>>;

/// A receiver that refuses at first. Panics on a signature that does not hold.
async fn receive(listener: TcpListener, inbox: Inbox) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(serve(stream, Arc::clone(&inbox)));
    }
}

async fn serve(stream: TcpStream, inbox: Inbox) {
    let mut stream = BufReader::new(stream);
    while let Some((headers, body)) = request(&mut stream).await {
        let held = holds(&headers, &body);
        let event = serde_json::from_slice::<Json>(&body).unwrap();
        let event = event.as_object().unwrap().get("type").unwrap().as_str().unwrap().to_owned();
        let taken = {
            let mut inbox = inbox.lock().unwrap();
            let taken = held && REFUSED <= inbox.len();
            inbox.push((headers["webhook-id"].clone(), event, taken));
            taken
        };
        let status = if taken { "204 No Content" } else { "500 Not Now" };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        if stream.get_mut().write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Headers by lower-case name, and the body. `None` at the end.
async fn request(stream: &mut BufReader<TcpStream>) -> Option<(BTreeMap<String, String>, Vec<u8>)> {
    let mut headers = BTreeMap::new();
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| 0 < *read)?;
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok().filter(|read| 0 < *read)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((headers, body))
}

/// Standard Webhooks: HMAC-SHA256 over id, time and body.
fn holds(headers: &BTreeMap<String, String>, body: &[u8]) -> bool {
    let key = STANDARD.decode(SECRET).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{}.{}.", headers["webhook-id"], headers["webhook-timestamp"]).as_bytes());
    mac.update(body);
    let signature = headers["webhook-signature"].strip_prefix("v1,").unwrap();
    mac.verify_slice(&STANDARD.decode(signature).unwrap()).is_ok()
}

async fn cluster_with_webhook(url: &str) -> Cluster {
    let mut cluster = Cluster::start(3).await.unwrap();
    let secret = cluster.root().join("secret");
    std::fs::write(&secret, format!("whsec_{SECRET}\n")).unwrap();
    cluster.kill(&[0, 1, 2]);
    for at in 0..3 {
        cluster.node(at).set("LEXECON_NOTIFY_WEBHOOK_URL", url);
        let secret = secret.to_str().unwrap();
        cluster.node(at).set("LEXECON_NOTIFY_WEBHOOK_SECRET_FILE", secret);
    }
    cluster.restart_dead().await.unwrap();
    cluster
}

/// Posts to a node that runs, as a client does that knows all of them.
async fn post(cluster: &mut Cluster, path: &str, body: &str) -> Json {
    let body: Json = serde_json::from_str(body).unwrap();
    let at = cluster.running()[0];
    wait::until(path, PATIENCE, async || {
        let mut client = cluster.client(at);
        let reply = client.post_keyed(path, path, &body).await.map_err(|lost| lost.to_string())?;
        if reply.status == 200 { Ok(reply.json().unwrap()) } else { Err(reply.quoted()) }
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn notices_arrive_signed_at_least_once_and_then_no_more() {
    let _turn = trial::turn().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let inbox = Inbox::default();
    let receiver = tokio::spawn(receive(listener, Arc::clone(&inbox)));
    let mut cluster = cluster_with_webhook(&url).await;

    let asked = r#"{"actor":"ai_agent:a","action":"pay","risk":{"financial":95}}"#;
    let decision = post(&mut cluster, "/decide", asked).await;
    let escalation = decision.as_object().unwrap().get("escalation_id").unwrap();
    let path = format!("/escalations/{}", escalation.as_str().unwrap());
    let by = format!(r#"{{"acknowledged_by":"{LEAD}"}}"#);
    post(&mut cluster, &format!("{path}/acknowledge"), &by).await;
    let leader = cluster.leader().await.unwrap();
    cluster.kill(&[leader]);
    let answer = format!(r#"{{"outcome":"denied","notes":"no","resolved_by":"{LEAD}"}}"#);
    post(&mut cluster, &format!("{path}/resolve"), &answer).await;

    let wanted = ["escalation.acknowledged", "escalation.created", "escalation.resolved"];
    wait::until("all notices to be taken", PATIENCE, async || {
        let inbox = inbox.lock().unwrap();
        let taken = inbox.iter().filter(|(_, _, taken)| *taken);
        let events: BTreeSet<&str> = taken.map(|(_, event, _)| event.as_str()).collect();
        if events.iter().copied().eq(wanted) { Ok(()) } else { Err(format!("{inbox:?}")) }
    })
    .await
    .unwrap();
    let count = inbox.lock().unwrap().len();
    tokio::time::sleep(QUIET).await;
    let came = inbox.lock().unwrap().clone();
    assert_eq!(came.len(), count, "a notice that was taken came again: {came:?}");
    let ids: BTreeSet<(&str, &str)> =
        came.iter().map(|(id, event, _)| (id.as_str(), event.as_str())).collect();
    assert_eq!(ids.len(), wanted.len(), "an event had more than one id: {came:?}");
    receiver.abort();
}
