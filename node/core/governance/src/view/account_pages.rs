//! Accounts, sessions and keys of programs, page by page. There are few of each,
//! so a page is found by looking at all of them, up to [`TOTAL_MAX`].

use serde::de::DeserializeOwned;
use types::{ApiKeyId, SessionId, Timestamp, Ulid, UserId};

use super::TOTAL_MAX;
use crate::access;
use crate::outcome::Corruption;
use crate::record::{ApiKeyRecord, SessionRecord, UserRecord};
use crate::store::{Direction, Read, Scan, Table};
use crate::{codec, keys, tables};

/// Which page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountQuery<I> {
    /// Past this one, in the order asked for.
    pub after: Option<I>,
    /// Oldest first, or newest.
    pub direction: Direction,
    /// At most so many.
    pub limit: usize,
}

/// A page of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountPage<I, R> {
    /// In the order asked for.
    pub rows: Vec<(I, R)>,
    /// Where the next page begins: give it as `after`.
    pub next: Option<I>,
    /// How many there are on all pages, up to [`TOTAL_MAX`].
    pub total: u64,
    /// Whether `total` is all of them.
    pub total_exact: bool,
}

/// Accounts.
///
/// # Errors
/// [`Corruption`] when they cannot be read.
pub fn users_page(
    read: &impl Read,
    query: AccountQuery<UserId>,
) -> Result<AccountPage<UserId, UserRecord>, Corruption> {
    let walk = Walk { table: Table::User, query, id: UserId, after: query.after.map(|id| id.0) };
    walk.page(read, |_| true)
}

/// Keys of programs, those that ended among them.
///
/// # Errors
/// [`Corruption`] when they cannot be read.
pub fn api_keys_page(
    read: &impl Read,
    query: AccountQuery<ApiKeyId>,
) -> Result<AccountPage<ApiKeyId, ApiKeyRecord>, Corruption> {
    let walk =
        Walk { table: Table::ApiKey, query, id: ApiKeyId, after: query.after.map(|id| id.0) };
    walk.page(read, |_| true)
}

/// Sessions that have not ended at `now`: of one account, or of all.
///
/// # Errors
/// [`Corruption`] when they cannot be read.
pub fn sessions_page(
    read: &impl Read,
    user: Option<UserId>,
    now: Timestamp,
    query: AccountQuery<SessionId>,
) -> Result<AccountPage<SessionId, SessionRecord>, Corruption> {
    let walk =
        Walk { table: Table::Session, query, id: SessionId, after: query.after.map(|id| id.0) };
    walk.page(read, |session: &SessionRecord| {
        user.is_none_or(|user| session.user == user) && access::is_session_alive(session, now)
    })
}

struct Walk<I> {
    table: Table,
    query: AccountQuery<I>,
    id: fn(Ulid) -> I,
    after: Option<Ulid>,
}

impl<I: Copy> Walk<I> {
    fn page<R: DeserializeOwned>(
        &self,
        read: &impl Read,
        is_wanted: impl Fn(&R) -> bool,
    ) -> Result<AccountPage<I, R>, Corruption> {
        let mut rows = Vec::new();
        let (mut seen, mut total, mut has_more) = (0_u64, 0_u64, false);
        let mut failed = None;
        let mut see = |key: &[u8], value: &[u8]| {
            seen = seen.saturating_add(1);
            if failed.is_some() || TOTAL_MAX < seen {
                return;
            }
            match self.row::<R>(key, value) {
                Err(corrupt) => failed = Some(corrupt),
                Ok((_, record)) if !is_wanted(&record) => (),
                Ok((id, record)) => {
                    total = total.saturating_add(1);
                    if !self.is_past(id) {
                        return;
                    }
                    match rows.len() < self.query.limit {
                        true => rows.push(((self.id)(id), record)),
                        false => has_more = true,
                    }
                }
            }
        };
        let rows_max = usize::try_from(TOTAL_MAX).unwrap_or(usize::MAX).saturating_add(1);
        let Self { table, query: AccountQuery { direction, .. }, .. } = *self;
        read.visit(Scan { table, from: &[], to: None, direction, rows_max }, &mut see)?;
        if let Some(corrupt) = failed {
            return Err(corrupt);
        }
        let next = rows.last().map(|(id, _)| *id).filter(|_| has_more);
        Ok(AccountPage { rows, next, total, total_exact: seen <= TOTAL_MAX })
    }

    fn row<R: DeserializeOwned>(&self, key: &[u8], value: &[u8]) -> Result<(Ulid, R), Corruption> {
        let name = tables::name(self.table);
        let unreadable = || Corruption::new(name, "a key that names nothing");
        let id = keys::last_ulid(key).ok_or_else(unreadable)?;
        Ok((id, codec::decode(name, value)?))
    }

    fn is_past(&self, id: Ulid) -> bool {
        match (self.after, self.query.direction) {
            (None, _) => true,
            (Some(after), Direction::Ascending) => after < id,
            (Some(after), Direction::Descending) => id < after,
        }
    }
}

#[cfg(test)]
mod tests {
    use types::Digest;

    use super::*;
    use crate::store::{MemStore, Store as _};

    fn sessions(count: u128) -> MemStore {
        let mut store = MemStore::default();
        for n in 1..=count {
            let session = SessionRecord {
                user: UserId(Ulid(n % 2)),
                hash: Digest([0; 32]),
                authn: "password".to_owned(),
                address: "127.0.0.1".to_owned(),
                entry_id: types::EntryId(0),
                created_at: Timestamp(0),
                touched_at: Timestamp(0),
            };
            let bytes = codec::encode("session", &session).unwrap();
            store.put(Table::Session, &Ulid(n).key(), &bytes);
        }
        store
    }

    /// Ids of a page, then `next`, then the total.
    fn check(user: Option<u128>, after: Option<u128>, direction: Direction, expect: &str) {
        let query = AccountQuery { after: after.map(|n| SessionId(Ulid(n))), direction, limit: 2 };
        let user = user.map(|n| UserId(Ulid(n)));
        let page = sessions_page(&sessions(5), user, Timestamp(1), query).unwrap();
        let ids: Vec<String> = page.rows.iter().map(|(id, _)| id.0.0.to_string()).collect();
        let next = page.next.map(|next| next.0.0);
        assert_eq!(format!("{} {next:?} {}", ids.join(" "), page.total), expect);
        assert!(page.total_exact);
    }

    #[test]
    fn pages_follow_the_order_asked_for_and_end() {
        check(None, None, Direction::Ascending, "1 2 Some(2) 5");
        check(None, Some(2), Direction::Ascending, "3 4 Some(4) 5");
        check(None, Some(4), Direction::Ascending, "5 None 5");
        check(None, None, Direction::Descending, "5 4 Some(4) 5");
        check(None, Some(2), Direction::Descending, "1 None 5");
        check(Some(1), None, Direction::Ascending, "1 3 Some(3) 3");
        check(Some(1), Some(3), Direction::Ascending, "5 None 3");
    }

    #[test]
    fn sessions_that_are_over_are_on_no_page() {
        let query = AccountQuery { after: None, direction: Direction::Ascending, limit: 2 };
        let late = Timestamp(access::SESSION_IDLE.0);
        assert_eq!(sessions_page(&sessions(5), None, late, query).unwrap().total, 0);
    }
}
