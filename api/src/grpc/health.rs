//! The health service of gRPC, answered from the node at the moment it is
//! asked: there is no copy of the answer that could be stale.

use std::pin::Pin;
use std::time::Duration;

use futures::Stream;
use futures::stream;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::{METHODS, Service};
use crate::backend::Backend;

/// Between looks of a watch.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

impl<B: Backend> Service<B> {
    /// As `GET /health/ready`.
    fn serving(&self) -> ServingStatus {
        let status = self.0.backend.status();
        let ready = status.failed.is_none()
            && status.quarantine.is_none()
            && status.recovered
            && status.leader_id.is_some()
            && !status.disk_full;
        if ready { ServingStatus::Serving } else { ServingStatus::NotServing }
    }
}

/// The empty name is the whole server.
fn is_known(service: &str) -> bool {
    let prefix = format!("/{service}/");
    service.is_empty() || METHODS.iter().any(|method| method.starts_with(&prefix))
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

#[tonic::async_trait]
impl<B: Backend> Health for Service<B> {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        if !is_known(&request.get_ref().service) {
            return Err(Status::not_found("no such service"));
        }
        Ok(Response::new(response(self.serving())))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let known = is_known(&request.get_ref().service);
        let service = self.clone();
        let now = move || if known { service.serving() } else { ServingStatus::ServiceUnknown };
        let changes = stream::unfold((now, None), |(now, last)| async move {
            loop {
                let status = now();
                if last != Some(status) {
                    return Some((Ok(response(status)), (now, Some(status))));
                }
                tokio::time::sleep(WATCH_INTERVAL).await;
            }
        });
        Ok(Response::new(Box::pin(changes)))
    }
}
