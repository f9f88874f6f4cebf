//! What people brought to the duties of the act, for the documents that are shown
//! to an authority: the same artifacts with the same standing that the duties are
//! judged by, so that the two never contradict each other.

use std::collections::BTreeMap;

use register::{EU_AI_ACT, EvidenceKind, Standing, register};
use types::EntryId;

use super::controls::{Brought, Controls, LinkedArtifact};
use super::facts::Facts;
use crate::outcome::Corruption;
use crate::store::Read;

/// What was brought, by duty.
#[derive(Debug, Default)]
pub(crate) struct ToDuties(BTreeMap<String, Brought>);

impl ToDuties {
    /// What was brought up to an entry that is there.
    pub(crate) fn load(read: &impl Read, as_of: EntryId) -> Result<Self, Corruption> {
        let facts = Facts::new(read, as_of)?;
        let mut controls = Controls::load(&facts)?;
        let duties = register().duties().map(|(_, duty)| {
            let brought = controls.take(EU_AI_ACT, &duty.id);
            (duty.id.clone(), brought)
        });
        Ok(Self(duties.collect()))
    }

    /// What was linked to a duty.
    pub(crate) fn artifacts(&self, duty: &str) -> &[LinkedArtifact] {
        self.0.get(duty).map_or(&[], |brought| &brought.artifacts)
    }

    /// How a kind of evidence stands there.
    pub(crate) fn standing(&self, duty: &str, kind: EvidenceKind) -> Standing {
        self.0.get(duty).map_or(Standing::Missing, |brought| brought.standing(kind))
    }
}
