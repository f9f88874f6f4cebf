//! Who speaks to whom: four metadata fields of every call.
//!
//! A node that was wiped, restored elsewhere or given another's address must
//! not take part in a quorum it does not belong to. So a call that is not meant
//! for this very node is refused before its content is looked at.

use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};
use types::RaftId;

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
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sender(pub(crate) RaftId);

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

/// Refuses every call that is not meant for this node.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    here: Here,
}

impl Gate {
    pub(crate) fn new(here: Here) -> Self {
        Self { here }
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
        request.extensions_mut().insert(Sender(RaftId(from)));
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

/// Who sent a call that the gate let in.
pub(crate) fn sender<T>(request: &Request<T>) -> Result<RaftId, Status> {
    let sender = request.extensions().get::<Sender>();
    sender.map(|sender| sender.0).ok_or_else(|| Status::internal("the call came past the gate"))
}
