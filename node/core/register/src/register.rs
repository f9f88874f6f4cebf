//! Looking things up in the register.
//!
//! Invariants
//! - It is read once, and never changes while a program runs.
//! - The ids of duties are unique, those of controls within their framework:
//!   `build.rs` refuses others.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};
use types::{Digest, Json, Timestamp};

use crate::model::{Article, Control, Data, DateGroup, Duty, Framework, Milestone, RouteDate};
use crate::words::{RiskRoute, Role};

/// How the act is called where a framework is named.
pub const EU_AI_ACT: &str = "eu_ai_act";

/// What `build.rs` made of the data.
const TEXT: &str = include_str!(concat!(env!("OUT_DIR"), "/register.json"));

/// Both files of the data.
#[derive(Clone, Debug, Default)]
pub struct Register {
    data: Data,
    /// Everything as it is, for what has no type.
    whole: Json,
    version: String,
    digest: Digest,
    /// Places of duties: article and duty.
    duties: BTreeMap<String, (usize, usize)>,
    /// Places of controls by framework, as it is called on the wire.
    controls: BTreeMap<String, (usize, BTreeMap<String, usize>)>,
}

static REGISTER: LazyLock<Register> = LazyLock::new(|| {
    // `build.rs` has read this very text with the same types.
    Register::read(TEXT).unwrap_or_default()
});

/// The register that this program has.
pub fn register() -> &'static Register {
    &REGISTER
}

/// How a framework of the data is called on the wire.
fn wire_id(data_id: &str) -> &str {
    match data_id {
        "fedramp_moderate" => "fedramp",
        other => other,
    }
}

impl Framework {
    /// How it is called on the wire.
    pub fn id(&self) -> &str {
        wire_id(&self.data_id)
    }
}

impl Register {
    fn read(text: &str) -> Result<Self, serde_json::Error> {
        let data: Data = serde_json::from_str(text)?;
        let whole = serde_json::from_str(text)?;
        let mut duties = BTreeMap::new();
        for (at, article) in data.act.articles.iter().enumerate() {
            for (number, duty) in article.duties.iter().enumerate() {
                duties.insert(duty.id.clone(), (at, number));
            }
        }
        let mut controls = BTreeMap::new();
        for (at, framework) in data.frameworks.frameworks.iter().enumerate() {
            let ids = framework.controls.iter().enumerate();
            let ids = ids.map(|(number, control)| (control.id.clone(), number)).collect();
            controls.insert(framework.id().to_owned(), (at, ids));
        }
        // The two files are made together; the later day names both.
        let versions = [&data.act.meta.version, &data.frameworks.meta.version];
        let version = versions.into_iter().max().cloned().unwrap_or_default();
        let digest = Digest(Sha256::digest(text.as_bytes()).into());
        Ok(Self { data, whole, version, digest, duties, controls })
    }

    /// The day the data were made.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// SHA-256 of all there is in it.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Articles of the act, in its order.
    pub fn articles(&self) -> &[Article] {
        &self.data.act.articles
    }

    /// The article that has this number: `9`, or `30` of `28-39`.
    pub fn article(&self, number: &str) -> Option<&Article> {
        let is_it = |article: &&Article| {
            let wanted = number.parse::<u32>().ok();
            let bounds = article.article.split_once('-').and_then(|(first, last)| {
                Some(first.parse::<u32>().ok()?..=last.parse::<u32>().ok()?)
            });
            article.article == number
                || wanted.zip(bounds).is_some_and(|(wanted, bounds)| bounds.contains(&wanted))
        };
        self.articles().iter().find(is_it)
    }

    /// Every duty with its article, those that are only context among them.
    pub fn duties(&self) -> impl Iterator<Item = (&Article, &Duty)> {
        let of = |article| std::iter::repeat(article);
        self.articles().iter().flat_map(move |article| of(article).zip(&article.duties))
    }

    /// A duty by its id, with its article.
    pub fn duty(&self, id: &str) -> Option<(&Article, &Duty)> {
        let (article, number) = self.duties.get(id)?;
        let article = self.articles().get(*article)?;
        Some((article, article.duties.get(*number)?))
    }

    /// Frameworks, in the order of the data.
    pub fn frameworks(&self) -> &[Framework] {
        &self.data.frameworks.frameworks
    }

    /// A framework by its id on the wire or in the data.
    pub fn framework(&self, id: &str) -> Option<&Framework> {
        let (at, _) = self.controls.get(wire_id(id))?;
        self.frameworks().get(*at)
    }

    /// A control by its id. GDPR's articles are also known as `ARTICLE_30`.
    pub fn control(&self, framework: &str, id: &str) -> Option<&Control> {
        let (at, ids) = self.controls.get(wire_id(framework))?;
        let alias = match framework {
            "gdpr" => id.strip_prefix("ARTICLE_").map(|number| format!("Art.{number}")),
            _ => None,
        };
        let number = ids.get(alias.as_deref().unwrap_or(id))?;
        self.frameworks().get(*at)?.controls.get(*number)
    }

    /// Whether this is the full name of a control or duty, such as
    /// `soc2:CC6.1` or `eu_ai_act:AIA-9.1`.
    pub fn has(&self, name: &str) -> bool {
        match name.split_once(':') {
            Some((EU_AI_ACT, id)) => self.duties.contains_key(id),
            Some((framework, id)) => {
                let ids = self.controls.get(wire_id(framework));
                ids.is_some_and(|(_, ids)| ids.contains_key(id))
            }
            None => false,
        }
    }

    /// Days at which something of the act changes, in their order.
    pub fn timeline(&self) -> &[Milestone] {
        &self.data.act.application_timeline
    }

    /// Parts of the act with their dates.
    pub fn date_groups(&self) -> &[DateGroup] {
        &self.data.act.date_groups
    }

    /// A part of the data about the act as it is: `annex_iv`, `annex_viii`,
    /// `serious_incidents`, `retention_table` and the like.
    pub fn annex(&self, name: &str) -> Option<&Json> {
        self.whole.as_object()?.get("act")?.as_object()?.get(name)
    }

    /// The day from which a duty applies to these roles and routes; where none
    /// are known, to any. One of roles that no profile can name, such as that of a
    /// provider of general-purpose models, applies whatever the profile says. `None`
    /// where it never does.
    pub fn applicable_from(
        &self,
        duty: &Duty,
        roles: &[Role],
        routes: &[RiskRoute],
    ) -> Option<Timestamp> {
        let (article, _) = self.duty(&duty.id)?;
        article.applicable_from(duty, roles, routes)
    }

    /// What changed or will, in order of time, up to a day and after it.
    pub fn changes(&self, now: Timestamp) -> (&[Milestone], &[Milestone]) {
        let past = self.timeline().partition_point(|milestone| milestone.date <= now);
        self.timeline().split_at_checked(past).unwrap_or_default()
    }

    /// Articles that may oblige somebody with these roles, by the day on which they
    /// begin to apply to these routes: what begins when.
    pub fn begins(
        &self,
        roles: &[Role],
        routes: &[RiskRoute],
    ) -> BTreeMap<Timestamp, Vec<&Article>> {
        let mut days: BTreeMap<Timestamp, Vec<&Article>> = BTreeMap::new();
        for article in self.articles() {
            let duties = article.duties.iter().filter(|duty| duty.assessable);
            let from = duties.filter_map(|duty| article.applicable_from(duty, roles, routes));
            if let Some(from) = from.min() {
                days.entry(from).or_default().push(article);
            }
        }
        days
    }
}

impl Article {
    /// The day from which a duty of it applies: see [`Register::applicable_from`].
    pub fn applicable_from(
        &self,
        duty: &Duty,
        roles: &[Role],
        routes: &[RiskRoute],
    ) -> Option<Timestamp> {
        // Some roles no profile can name: of those nobody has said that they are none.
        let is_declared = |role: &Role| Role::DECLARED.contains(role);
        let obliges = roles.is_empty()
            || duty.obliged.iter().any(|role| roles.contains(role))
            || !duty.obliged.iter().any(is_declared);
        self.dates(routes).map(|date| date.amended).min().filter(|_| obliges)
    }

    /// Its dates for systems of these routes; where none are known, all.
    pub fn dates(&self, routes: &[RiskRoute]) -> impl Iterator<Item = &RouteDate> {
        self.application.dates.iter().filter(move |date| {
            routes.is_empty() || routes.iter().any(|route| date.route.is_for(*route))
        })
    }
}

#[cfg(test)]
mod tests;
