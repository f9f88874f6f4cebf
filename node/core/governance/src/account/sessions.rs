//! The end of sessions, with every row by which one is found.

use types::{SessionId, UserId};

use crate::apply::Context;
use crate::keys;
use crate::outcome::Corruption;
use crate::store::{Store, Table};
use crate::view;

/// Ends the sessions of an account, all or all but one.
pub(crate) fn end_all<S: Store>(
    context: &mut Context<'_, S>,
    user: UserId,
    except: Option<SessionId>,
) -> Result<(), Corruption> {
    for (id, session) in view::sessions_of(context.tables.read(), user)? {
        if except == Some(id) {
            continue;
        }
        context.tables.delete(Table::Session, &id.0.key());
        context.tables.delete(Table::SessionByHash, &session.hash.0);
        context.tables.delete(Table::SessionByUser, &keys::session_of(user.0, id.0));
    }
    Ok(())
}
