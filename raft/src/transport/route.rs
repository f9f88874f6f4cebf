//! Who speaks to whom: four metadata fields of every call.
//!
//! A node that was wiped, restored elsewhere or given another's address must
//! not take part in a quorum it does not belong to. So a call that is not meant
//! for this very node is refused before its content is looked at. With
//! certificates so is one whose sender is not the node that its certificate
//! names.
//!
//! INVARIANT: what goes on for longer than a call is judged again as it goes on:
//! who was let in may have been taken out since.

use std::sync::Arc;

use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};
use types::RaftId;

use super::incoming::Caller;
use super::tls::{Refusal, Tls};

const CLUSTER: &str = "lexecon-cluster";
const GROUP: &str = "lexecon-group";
const FROM: &str = "lexecon-from";
const TO: &str = "lexecon-to";

/// Cluster and group of a node, and the node itself.
#[derive(Clone, Debug)]
pub(crate) struct Here {
    pub(crate) cluster: String,
    pub(crate) group: String,
    pub(crate) me: RaftId,
}

/// The sender of a call, once it was let in.
#[derive(Clone)]
pub(crate) struct Sender {
    pub(crate) id: RaftId,
    standing: Standing,
    caller: Option<Caller>,
    proof: Option<Proof>,
}

impl Sender {
    /// Judges it once more, by what this node knows now.
    pub(crate) fn check(&self) -> Result<(), Status> {
        standing(self.proof.as_ref(), self.id, self.caller.as_ref()).map(drop)
    }
}

/// With certificates: where senders are looked up, and what counts refusals.
#[derive(Clone)]
pub(crate) struct Proof {
    pub(crate) registry: Registry,
    pub(crate) tls: Tls,
}

/// What the sender may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Everything.
    Member,
    /// What replicates to this node: who is not in the membership it knows may
    /// be in a newer one, which only replication can bring.
    Newcomer,
}

/// What this node knows of a sender by its Raft id, and where the id says nothing
/// yet, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// A member, of this name.
    Member(String),
    /// Registered under this name and not seen in a membership yet.
    Registered(String),
    /// Of a time this node has not come to yet.
    Ahead,
    /// It would be of such a time, but its name is that of a member that is there,
    /// under this id.
    Elsewhere(RaftId),
    /// It would be of such a time, but its name is that of a node that was a
    /// member, under this id, and is none any more.
    Left(RaftId),
    /// It was a member, or never anything.
    Nobody,
}

/// Looks a sender up, by what it calls itself and by the name in its certificate.
pub(crate) type Registry = Arc<dyn Fn(RaftId, &str) -> Known + Send + Sync>;

/// Puts the fields on every call to one target.
#[derive(Clone, Debug)]
pub(crate) struct Stamp {
    fields: Vec<(AsciiMetadataKey, AsciiMetadataValue)>,
}

impl Stamp {
    pub(crate) fn new(here: &Here, to: RaftId) -> Result<Self, Status> {
        let fields = [
            (CLUSTER, here.cluster.clone()),
            (GROUP, here.group.clone()),
            (FROM, here.me.to_string()),
            (TO, to.to_string()),
        ];
        let fields = fields.into_iter().map(|(key, value)| {
            let value = AsciiMetadataValue::try_from(value)
                .map_err(|_| Status::invalid_argument(format!("`{key}` is not ASCII")))?;
            Ok((AsciiMetadataKey::from_static(key), value))
        });
        Ok(Self { fields: fields.collect::<Result<_, Status>>()? })
    }
}

impl Interceptor for Stamp {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        for (key, value) in &self.fields {
            request.metadata_mut().insert(key.clone(), value.clone());
        }
        Ok(request)
    }
}

/// Refuses every call that is not meant for this node, or whose sender is not
/// who it says.
#[derive(Clone)]
pub(crate) struct Gate {
    here: Here,
    proof: Option<Proof>,
}

impl Gate {
    pub(crate) fn new(here: Here, proof: Option<Proof>) -> Self {
        Self { here, proof }
    }
}

/// Whether whom the certificate names is whom the message names.
fn standing(
    proof: Option<&Proof>,
    from: RaftId,
    caller: Option<&Caller>,
) -> Result<Standing, Status> {
    let Some(Proof { registry, tls }) = proof else { return Ok(Standing::Member) };
    let judged = match caller {
        Some(Caller::Node(name)) => judge(from, name, &registry(from, name)),
        Some(Caller::Unproven) | None => Err("the connection has no certificate".to_owned()),
    };
    judged.map_err(|why| {
        tls.refused(Refusal::Sender, &why);
        Status::failed_precondition(why)
    })
}

/// What the bearer of a certificate for `name` may do as `from`.
fn judge(from: RaftId, name: &str, known: &Known) -> Result<Standing, String> {
    match known {
        Known::Member(of) if of == name => Ok(Standing::Member),
        Known::Registered(of) if of == name => Ok(Standing::Newcomer),
        Known::Ahead => Ok(Standing::Newcomer),
        Known::Member(of) | Known::Registered(of) => Err(format!(
            "the sender calls itself `{from}`, which is `{of}`, and its certificate is of `{name}`"
        )),
        Known::Elsewhere(id) => Err(format!(
            "the sender calls itself `{from}`, and its certificate is of `{name}`, which is `{id}`"
        )),
        Known::Left(id) => Err(format!(
            "the sender calls itself `{from}`, and its certificate is of `{name}`, which was \
             `{id}` and is no member any more"
        )),
        Known::Nobody => {
            Err(format!("the sender calls itself `{from}`, which is no member: it is `{name}`"))
        }
    }
}

impl Interceptor for Gate {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        expect(&request, CLUSTER, &self.here.cluster)?;
        expect(&request, GROUP, &self.here.group)?;
        expect(&request, TO, &self.here.me.to_string())?;
        let from = field(&request, FROM)?
            .parse()
            .map_err(|_| Status::invalid_argument("the sender is no Raft id"))?;
        if RaftId(from) == self.here.me {
            return Err(Status::failed_precondition(format!(
                "the sender calls itself `{from}`, which is this node"
            )));
        }
        let id = RaftId(from);
        let (caller, proof) = (request.extensions().get::<Caller>().cloned(), self.proof.clone());
        let standing = standing(proof.as_ref(), id, caller.as_ref())?;
        request.extensions_mut().insert(Sender { id, standing, caller, proof });
        Ok(request)
    }
}

fn expect(request: &Request<()>, key: &'static str, own: &str) -> Result<(), Status> {
    let said = field(request, key)?;
    if said == own {
        return Ok(());
    }
    Err(Status::failed_precondition(format!("`{key}` is `{said}`, and here it is `{own}`")))
}

fn field<'a>(request: &'a Request<()>, key: &'static str) -> Result<&'a str, Status> {
    let value = request.metadata().get(key).and_then(|value| value.to_str().ok());
    value.ok_or_else(|| Status::invalid_argument(format!("`{key}` is missing")))
}

/// Who sent a call that the gate let in, and that is for members alone.
pub(crate) fn member<T>(request: &Request<T>) -> Result<RaftId, Status> {
    let sender = let_in(request)?;
    match sender.standing {
        Standing::Member => Ok(sender.id),
        Standing::Newcomer => Err(Status::failed_precondition(format!(
            "the sender calls itself `{}`, which is no member here",
            sender.id
        ))),
    }
}

/// Who sent a call that the gate let in, and that replicates.
pub(crate) fn replicating<T>(request: &Request<T>) -> Result<RaftId, Status> {
    let_in(request).map(|sender| sender.id)
}

/// Who sent a call that the gate let in.
pub(crate) fn let_in<T>(request: &Request<T>) -> Result<&Sender, Status> {
    let sender = request.extensions().get::<Sender>();
    sender.ok_or_else(|| Status::internal("the call came past the gate"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(known: &Known, certificate: &str, expect: Result<Standing, &str>) {
        match (judge(RaftId(7), certificate, known), expect) {
            (Ok(standing), Ok(expect)) => assert_eq!(standing, expect),
            (Err(why), Err(expect)) => assert!(why.contains(expect), "{why}"),
            (judged, expect) => panic!("{judged:?}, wanted {expect:?}"),
        }
    }

    #[test]
    fn a_sender_is_whom_its_certificate_names() {
        let of = |name: &str| name.to_owned();
        check(&Known::Member(of("n1")), "n1", Ok(Standing::Member));
        check(&Known::Member(of("n1")), "n2", Err("which is `n1`"));
        check(&Known::Member(of("n1")), "N1", Err("its certificate is of `N1`"));
        check(&Known::Registered(of("n1")), "n1", Ok(Standing::Newcomer));
        check(&Known::Registered(of("n1")), "n2", Err("which is `n1`"));
        check(&Known::Ahead, "n9", Ok(Standing::Newcomer));
        check(&Known::Elsewhere(RaftId(3)), "n3", Err("of `n3`, which is `3`"));
        check(&Known::Left(RaftId(3)), "n3", Err("which was `3` and is no member any more"));
        check(&Known::Nobody, "n1", Err("which is no member"));
    }

    #[test]
    fn a_newcomer_replicates_and_does_nothing_else() {
        let mut request = Request::new(());
        assert!(replicating(&request).is_err(), "it came past the gate");
        let id = RaftId(7);
        let newcomer = Sender { id, standing: Standing::Newcomer, caller: None, proof: None };
        request.extensions_mut().insert(newcomer.clone());
        assert_eq!(replicating(&request).unwrap(), RaftId(7));
        assert!(member(&request).unwrap_err().message().contains("no member here"));
        request.extensions_mut().insert(Sender { standing: Standing::Member, ..newcomer });
        assert_eq!(member(&request).unwrap(), RaftId(7));
    }
}
