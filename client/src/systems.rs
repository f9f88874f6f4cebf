//! AI systems of the organisation: registering them, changing what is said of
//! them, and finding them again.

use reqwest::Method;
use serde::Deserialize;
use types::{Json, Object};

use crate::call::Call;
use crate::error::Error;
use crate::ledger::Order;
use crate::reply::Reply;
use crate::transport::Client;

/// What is said of a system. On a change, what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SystemDetails {
    /// What it is called; no other system is.
    pub name: Option<String>,
    /// What it is for.
    pub intended_purpose: Option<String>,
    /// `provider`, `deployer`, `importer`, `distributor` or
    /// `authorised_representative`.
    pub role: Option<String>,
    /// `annex_i`, `annex_iii`, `transparency`, `minimal` or `prohibited`.
    pub risk_route: Option<String>,
    /// Whose decisions belong to it: actors, `prefix:*`, or `*`.
    pub actor_patterns: Option<Vec<String>>,
    /// When it was placed on the market: a date or a time.
    pub placed_on_market: Option<String>,
    /// When it was put into service.
    pub put_into_service: Option<String>,
    /// When that ended.
    pub retired: Option<String>,
    /// What Annex VIII wants; contact details in its member `contact`.
    pub annex_viii: Option<Object>,
    /// Whatever you want to keep with it.
    pub metadata: Option<Object>,
}

/// An AI system.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct System {
    /// Its id.
    pub system_id: String,
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub intended_purpose: String,
    /// As what the organisation has to do with it.
    pub role: String,
    /// By which route duties bind it.
    pub risk_route: String,
    /// Whose decisions belong to it.
    pub actor_patterns: Vec<String>,
    /// When it was placed on the market.
    pub placed_on_market: Option<String>,
    /// When it was put into service.
    pub put_into_service: Option<String>,
    /// When that ended.
    pub retired: Option<String>,
    /// What Annex VIII wants.
    pub annex_viii: Option<Object>,
    /// What was given with it.
    pub metadata: Option<Object>,
    /// `planned`, `in_use` or `retired`.
    pub status: String,
    /// 1 as it was registered.
    pub version: u64,
    /// Cluster time of its registration.
    pub created_at: String,
    /// Cluster time of the last change.
    pub updated_at: String,
    /// The entry that says so.
    pub ledger_entry_id: u64,
    /// The last entry counted, where it was asked for.
    pub as_of_index: Option<u64>,
}

/// A page of systems.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Systems {
    /// In the order asked for.
    pub systems: Vec<System>,
    /// On all pages.
    pub total: u64,
    /// Whether that is all of them.
    pub total_exact: bool,
    /// Where the next page begins.
    pub next: Option<String>,
    /// The last entry counted.
    pub as_of_index: u64,
}

/// Which systems are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemFilter {
    /// `planned`, `in_use` or `retired`.
    pub status: Option<String>,
    /// `next` of the page before.
    pub after: Option<String>,
    /// At most so many.
    pub limit: Option<u32>,
    /// Oldest or newest first.
    pub order: Order,
    /// As they were at an entry or a time.
    pub as_of: Option<String>,
}

impl Client {
    /// Registers a system. It is sent once unless the client has a key; a second
    /// one of its name is refused.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn system_register(&self, details: &SystemDetails) -> Result<Reply<System>, Error> {
        self.call(&Call::write(Method::POST, ["systems"]).body(&body(details))).await
    }

    /// Changes what is said of a system.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn system_update(
        &self,
        system_id: &str,
        change: &SystemDetails,
    ) -> Result<Reply<System>, Error> {
        self.call(&Call::write(Method::PATCH, ["systems", system_id]).body(&body(change))).await
    }

    /// A system, as it is or as it was.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn system(
        &self,
        system_id: &str,
        as_of: Option<&str>,
    ) -> Result<Reply<System>, Error> {
        self.call(&Call::get(["systems", system_id]).query("as_of", as_of)).await
    }

    /// Systems, a page of them.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn systems(&self, filter: &SystemFilter) -> Result<Reply<Systems>, Error> {
        let call = Call::get(["systems"])
            .query("status", filter.status.as_deref())
            .query("after", filter.after.as_deref())
            .query("limit", filter.limit)
            .query("order", (filter.order != Order::Ascending).then_some(filter.order))
            .query("as_of", filter.as_of.as_deref());
        self.call(&call).await
    }
}

fn body(details: &SystemDetails) -> Json {
    let mut body = Object::new();
    for (name, value) in [
        ("name", &details.name),
        ("intended_purpose", &details.intended_purpose),
        ("role", &details.role),
        ("risk_route", &details.risk_route),
        ("placed_on_market", &details.placed_on_market),
        ("put_into_service", &details.put_into_service),
        ("retired", &details.retired),
    ] {
        if let Some(value) = value {
            body.insert(name, value.as_str());
        }
    }
    if let Some(patterns) = &details.actor_patterns {
        body.insert("actor_patterns", patterns.clone());
    }
    for (name, value) in [("annex_viii", &details.annex_viii), ("metadata", &details.metadata)] {
        if let Some(value) = value {
            body.insert(name, value.clone());
        }
    }
    Json::Object(body)
}
