//! Many decisions in one request, recorded in its order.
//!
//! An item that is not valid is answered with its problem; the others stand.
//! What one signature covers is a tree of RFC 6962 over the signed bytes, so
//! that each reply can still be verified alone.

use governance::command::{Envelope, KeyUsage, Principal};
use ledger::hash::{entry_hash, node_hash, sha256};
use ledger::reply::signed_bytes;
use types::{Digest, Json, LogIndex, Object};

use super::reply::{self, Recorded, Tokens};
use super::{Asked, DECIDE, Key, Origin};
use crate::app::App;
use crate::backend::{Backend, Committed, Signature, Unavailable};
use crate::call::{Answer, Call};
use crate::fields::{Checked, check_body};
use crate::problem::{Code, Problem};

const PATH: &str = "/decide/batch";

/// What is signed is `LABEL`, the root in hex, a newline.
const LABEL: &str = "lexecon/batch/v1\n";

/// An item on its way.
#[derive(Debug)]
enum Item {
    /// Answered: evaluated only, or refused.
    Done(Result<Object, Problem>),
    /// To be recorded; its place among those.
    Sent(usize),
    /// Recorded.
    Recorded(Box<Recorded>),
}

/// How replies are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signing {
    /// They are shown in part, so not at all.
    Without,
    /// Each alone.
    Each,
    /// One signature over the root of a tree of all.
    Together,
}

/// `POST /decide/batch`.
pub(crate) async fn decide<B: Backend>(app: &App<B>, call: Call) -> Result<Answer, Problem> {
    let Call { body, key, principal, authority, query, request_id, .. } = call;
    let mut body = body.into_fields();
    let tokens = match query.word("tokens") {
        Some("later") => Tokens::Later,
        Some(_) | None => Tokens::Now,
    };
    let signing = match query.word("signature") {
        Some("batch") => Signing::Together,
        Some(_) | None => Signing::Each,
    };
    let scope = key.as_deref().map(|key| BatchKey::new(PATH, key, &body));
    let requests = body.items("requests").into_iter().enumerate();
    let asked = requests.map(|(at, request)| {
        let key = scope.as_ref().map(|scope| scope.item(at));
        prepare(app, &principal, key.as_ref(), check_body(DECIDE, request)?)?.by(&authority)
    });
    let results = Results::record(app, &principal, asked).await?;
    let (index, replayed) = (results.index, results.replayed());
    let replies = results.sign(app, signing, tokens).await?.into_iter();
    let replies: Vec<Json> = replies.map(|result| result_json(result, &request_id)).collect();
    let count = u64::try_from(replies.len()).unwrap_or(u64::MAX);
    let mut answer = Answer::members([("count", count.into()), ("results", Json::Array(replies))]);
    answer.index = index;
    answer.replayed = replayed;
    Ok(answer)
}

/// The key of a batch stands for those of its items that have none.
#[derive(Debug)]
pub(crate) struct BatchKey {
    /// Distinct from any key a caller would choose, and short enough with a
    /// number after it.
    key: Digest,
    /// Takes the whole body in: the same key with another body conflicts.
    path: String,
}

impl BatchKey {
    /// The key of a batch that was sent to `path`.
    pub(crate) fn new(path: &str, key: &str, body: &Checked) -> Self {
        let body = Json::Object(body.members().clone()).to_canonical();
        Self {
            key: sha256(format!("lexecon/batch-key/v1\n{key}").as_bytes()),
            path: format!("{path} {}", sha256(body.as_bytes())),
        }
    }

    /// The key of one item.
    pub(crate) fn item(&self, at: usize) -> Key {
        Key { key: format!("{}/{at}", self.key), path: self.path.clone() }
    }
}

/// A request of a batch, from a checked body of `POST /decide`.
pub(crate) fn prepare<B: Backend>(
    app: &App<B>,
    principal: &Principal,
    key: Option<&Key>,
    request: Checked,
) -> Result<Asked, Problem> {
    // The size of one item is not known; it is measured.
    let origin = Origin { principal, key, bytes: usize::MAX };
    Asked::new(request, origin, app.config.context_bytes_max)
}

/// What became of requests, in their order.
#[derive(Debug, Default)]
pub(crate) struct Results {
    items: Vec<Item>,
    /// Log index of the last that was recorded.
    pub(crate) index: Option<LogIndex>,
}

impl Results {
    /// Puts those that are valid in the log together.
    pub(crate) async fn record<B: Backend>(
        app: &App<B>,
        principal: &Principal,
        asked: impl Iterator<Item = Result<Asked, Problem>>,
    ) -> Result<Self, Problem> {
        let mut envelopes = Vec::new();
        let mut items = Vec::new();
        for asked in asked {
            items.push(match asked {
                Err(problem) => Item::Done(Err(problem)),
                Ok(asked) if asked.dry_run => Item::Done(super::preview(app, &asked.decide)),
                Ok(asked) => {
                    envelopes.push(super::envelope(app, principal, asked)?);
                    Item::Sent(envelopes.len() - 1)
                }
            });
        }
        let mut results = Self::default();
        let mut recorded = results.submit_all(app, envelopes).await?;
        let taken = items.into_iter().map(|item| match item {
            Item::Sent(at) => match recorded.get_mut(at).and_then(Option::take) {
                Some(item) => item,
                None => Item::Done(Err(Problem::new(Code::OUTCOME_UNKNOWN, "no answer came"))),
            },
            done @ (Item::Done(_) | Item::Recorded(_)) => done,
        });
        results.items = taken.collect();
        Ok(results)
    }

    async fn submit_all<B: Backend>(
        &mut self,
        app: &App<B>,
        envelopes: Vec<Envelope>,
    ) -> Result<Vec<Option<Item>>, Problem> {
        if envelopes.is_empty() {
            return Ok(Vec::new());
        }
        let mut recorded = Vec::with_capacity(envelopes.len());
        for answer in app.backend.submit_all(envelopes).await {
            recorded.push(Some(self.item(app, answer)));
        }
        // When nothing got in, the request as a whole did not.
        if let (None, Some(Some(Item::Done(Err(problem))))) = (self.index, recorded.first()) {
            return Err(problem.clone());
        }
        Ok(recorded)
    }

    /// Puts one more in the log once the others were applied. Gives back whether
    /// it is allowed; what could not be asked is not.
    ///
    /// # Errors
    /// When the log takes nothing now.
    pub(crate) async fn record_next<B: Backend>(
        &mut self,
        app: &App<B>,
        principal: &Principal,
        asked: Result<Asked, Problem>,
    ) -> Result<bool, Problem> {
        let item = match asked {
            Err(problem) => Item::Done(Err(problem)),
            Ok(asked) => {
                let envelope = super::envelope(app, principal, asked)?;
                let committed = app.backend.submit(envelope).await?;
                self.item(app, Ok(committed))
            }
        };
        let is_allowed = match &item {
            Item::Recorded(recorded) => recorded.word("outcome") == Some("allowed"),
            Item::Done(_) | Item::Sent(_) => false,
        };
        self.items.push(item);
        Ok(is_allowed)
    }

    /// Ends with what could not be asked.
    pub(crate) fn end_with(&mut self, problem: Problem) {
        self.items.push(Item::Done(Err(problem)));
    }

    fn item<B: Backend>(&mut self, app: &App<B>, answer: Result<Committed, Unavailable>) -> Item {
        let recorded = match answer {
            Ok(committed) => {
                self.index = self.index.max(Some(committed.index));
                reply::read(app, committed.outcome)
            }
            Err(why) => Err(why.into()),
        };
        match recorded {
            Ok(recorded) => Item::Recorded(Box::new(recorded)),
            Err(problem) => Item::Done(Err(problem)),
        }
    }

    /// Whether everything in it was recorded before.
    pub(crate) fn replayed(&self) -> bool {
        let mut recorded = self.items.iter().filter_map(|item| match item {
            Item::Recorded(recorded) => Some(recorded.replayed),
            Item::Done(_) | Item::Sent(_) => None,
        });
        recorded.next().is_some_and(|first| first && recorded.all(|replayed| replayed))
    }

    /// The reply of `POST /decide` to each.
    pub(crate) async fn sign<B: Backend>(
        self,
        app: &App<B>,
        signing: Signing,
        tokens: Tokens,
    ) -> Result<Vec<Result<Object, Problem>>, Problem> {
        // A thousand signatures would hold up the other requests of this thread.
        let signer = app.clone();
        app.blocking(move || match signing {
            Signing::Together => sign_together(&signer, self.items, tokens),
            Signing::Each => {
                Ok(complete(self.items, |recorded| reply::signed(&signer, recorded, tokens)))
            }
            Signing::Without => {
                Ok(complete(self.items, |recorded| reply::shown(&signer, recorded, tokens)))
            }
        })
        .await
    }
}

fn complete(
    items: Vec<Item>,
    reply: impl Fn(&Recorded) -> Result<Object, Problem>,
) -> Vec<Result<Object, Problem>> {
    let results = items.into_iter().map(|item| match item {
        Item::Recorded(recorded) => reply(&recorded),
        Item::Done(result) => result,
        Item::Sent(_) => Err(Problem::internal()),
    });
    results.collect()
}

fn sign_together<B: Backend>(
    app: &App<B>,
    items: Vec<Item>,
    tokens: Tokens,
) -> Result<Vec<Result<Object, Problem>>, Problem> {
    let mut leaves = Vec::new();
    let mut results = Vec::with_capacity(items.len());
    for item in items {
        results.push(match item {
            Item::Recorded(recorded) => {
                let mut reply = reply::unsigned(&recorded);
                leaves.push(entry_hash(signed_bytes(&reply).as_bytes()));
                reply::complete(app, &recorded, &mut reply, tokens)?;
                (true, Ok(reply))
            }
            Item::Done(result) => (false, result),
            Item::Sent(_) => (false, Err(Problem::internal())),
        });
    }
    if leaves.is_empty() {
        return Ok(results.into_iter().map(|(_, result)| result).collect());
    }
    let tree = Tree::new(leaves);
    let signature = reply::sign(app, KeyUsage::Decision, signed_text(tree.root()).as_bytes())?;
    let mut at = 0;
    let results = results.into_iter().map(|(is_leaf, mut result)| {
        if let (true, Ok(reply)) = (is_leaf, &mut result) {
            reply.insert("signature", tree.signature_json(at, &signature));
            at += 1;
        }
        result
    });
    Ok(results.collect())
}

/// What the signature of a batch is made over.
pub(super) fn signed_text(root: Digest) -> String {
    format!("{LABEL}{root}\n")
}

fn result_json(result: Result<Object, Problem>, request_id: &str) -> Json {
    match result {
        Ok(reply) => Json::Object(reply),
        Err(problem) => Json::object([("problem", problem.to_json(request_id))]),
    }
}

/// A tree of RFC 6962, section 2.1, level by level from the leaves.
#[derive(Debug)]
struct Tree {
    levels: Vec<Vec<Digest>>,
}

impl Tree {
    fn new(leaves: Vec<Digest>) -> Self {
        let mut levels = vec![leaves];
        while let Some(below) = levels.last().filter(|level| 1 < level.len()) {
            // A node without sibling moves up as it is, which gives the same
            // tree as splitting at the largest power of two.
            let above = below.chunks(2).map(|pair| match pair {
                [left, right] => node_hash(*left, *right),
                [alone, ..] => *alone,
                [] => Digest::ZERO,
            });
            let above = above.collect();
            levels.push(above);
        }
        Self { levels }
    }

    fn root(&self) -> Digest {
        self.levels.last().and_then(|top| top.first()).copied().unwrap_or(Digest::ZERO)
    }

    fn path(&self, leaf: usize) -> Vec<Digest> {
        let below_root = self.levels.iter().enumerate().take(self.levels.len().saturating_sub(1));
        below_root.filter_map(|(height, level)| level.get(leaf >> height ^ 1).copied()).collect()
    }

    fn signature_json(&self, leaf: usize, signature: &Signature) -> Json {
        let size = self.levels.first().map_or(0, Vec::len);
        let path: Vec<String> = self.path(leaf).iter().map(ToString::to_string).collect();
        Json::object([
            ("algorithm", "Ed25519-batch".into()),
            ("key_id", signature.key_id.to_string().into()),
            ("value", ledger::signature::to_text(&signature.bytes).into()),
            ("leaf_index", u64::try_from(leaf).unwrap_or(u64::MAX).into()),
            ("tree_size", u64::try_from(size).unwrap_or(u64::MAX).into()),
            ("path", path.into()),
        ])
    }
}

/// Root of a tree from a leaf and its path: RFC 9162, section 2.1.3.2. `None`
/// when the path has not the length that leaf and size ask for.
pub(super) fn root_of(leaf: Digest, index: u64, size: u64, path: &[Digest]) -> Option<Digest> {
    if size <= index {
        return None;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut root = leaf;
    for sibling in path {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            root = node_hash(*sibling, root);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            root = node_hash(root, *sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(root)
}

#[cfg(test)]
mod tests {
    use ledger::Frontier;

    use super::*;

    #[test]
    fn every_path_leads_to_the_root_of_rfc_6962() {
        for size in 1..40_usize {
            let leaves: Vec<Digest> =
                (0..size).map(|n| entry_hash(&[u8::try_from(n).unwrap()])).collect();
            let mut frontier = Frontier::default();
            leaves.iter().for_each(|leaf| frontier.append(*leaf));
            let tree = Tree::new(leaves.clone());
            assert_eq!(tree.root(), frontier.root(), "{size} leaves");
            for (index, leaf) in leaves.iter().enumerate() {
                let path = tree.path(index);
                let (at, of) = (u64::try_from(index).unwrap(), u64::try_from(size).unwrap());
                assert_eq!(root_of(*leaf, at, of, &path), Some(tree.root()), "{index} of {size}");
                assert_ne!(root_of(*leaf, at + 1, of, &path), Some(tree.root()));
                let mut longer = path.clone();
                longer.push(Digest::ZERO);
                assert_eq!(root_of(*leaf, at, of, &longer), None);
            }
        }
    }
}
