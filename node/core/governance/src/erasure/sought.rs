//! What the entries of a run tell no place of, so that it is looked for among
//! everybody's rows: once for all of them.

use std::collections::{BTreeMap, BTreeSet};

use types::UserId;

use super::Gone;
use crate::account;
use crate::apply::Context;
use crate::login::pairs;
use crate::outcome::Corruption;
use crate::store::Store;

/// What is left to be looked for.
#[derive(Debug, Default)]
pub(crate) struct Sought {
    accounts: BTreeSet<UserId>,
    /// Provider -> accounts that it vouches for.
    linked: BTreeMap<String, BTreeSet<UserId>>,
}

impl Sought {
    /// What went with an entry.
    pub(crate) fn add(&mut self, gone: Gone) {
        self.accounts.extend(gone.account);
        if let Some((provider, user)) = gone.link {
            self.linked.entry(provider).or_default().insert(user);
        }
    }

    /// Takes it away.
    pub(crate) fn forget<S: Store>(&self, context: &mut Context<'_, S>) -> Result<(), Corruption> {
        pairs::forget(context, &self.accounts)?;
        for (provider, users) in &self.linked {
            account::erased::forget_links(context, provider, users)?;
        }
        Ok(())
    }
}
