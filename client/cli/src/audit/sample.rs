//! Drawing a sample that somebody else can draw again.
//!
//! Nothing is left to the program that draws: which entries are drawn follows
//! from the population, by its digest, and from a seed that is told. The help of
//! the command says how, so that a few lines in any language do the same.

use std::collections::BTreeSet;

use client::Client;
use client::ledger::{EntriesQuery, Order};
use ledger::hash::{Pieces, sha256};
use types::{Digest, Json, Object};

use super::work::SampleArgs;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table::{cell, table};

/// Entries of a page.
const PAGE: u32 = 1000;

/// Entries of a population: more would be 80 MB of ids.
const POPULATION_MAX: usize = 10_000_000;

/// Names of the populations that auditors speak of, by their entry types. Others are
/// of more than one type: a decision makes escalations too.
const ALIASES: [(&str, &str); 4] = [
    ("decisions", "decision"),
    ("overrides", "override_executed"),
    ("interventions", "intervention"),
    ("evidence", "evidence_registered"),
];

/// A population by the ids of its entries.
struct Population {
    ids: Vec<u64>,
    digest: Digest,
}

pub(super) async fn draw(
    args: &SampleArgs,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let alias = ALIASES.iter().find(|(name, _)| *name == args.population);
    let entry_type = alias.map_or(args.population.as_str(), |(_, entry_type)| entry_type);
    let (as_of, applied) = console.wait("the last entry", last(client, args.as_of)).await?;
    // Whichever node answers the rest has all of the population.
    let client = &applied.map_or_else(|| client.clone(), |index| client.at_least(index));
    let population = population(client, entry_type, as_of);
    let population = console.wait("the population", population).await?;
    let drawn = drawn(&population, args.seed, usize::from(args.size));
    let mut rows = Vec::with_capacity(drawn.len());
    for place in drawn {
        let Some(id) = population.ids.get(place) else { continue };
        rows.push((place, console.wait("an entry", client.entry(*id)).await?.value));
    }
    let shown: Vec<Json> = rows
        .iter()
        .map(|(place, entry)| {
            Json::object([
                ("actor", entry.actor.clone().into()),
                ("current_hash", entry.current_hash.clone().into()),
                ("id", entry.id.into()),
                ("place", (*place as u64).into()),
                ("timestamp", entry.timestamp.clone().into()),
            ])
        })
        .collect();
    let reply = reply(args, entry_type, (&population, as_of), shown);
    console.show(&reply, || {
        let rows = rows.iter().map(|(place, entry)| {
            [place.to_string(), entry.id.to_string(), entry.timestamp.clone(), cell(entry.actor.as_ref())]
        });
        let listed = table(["PLACE", "ENTRY", "TIME", "ACTOR"], rows.collect());
        format!(
            "{listed}{} of {} entries of type {entry_type} up to entry {as_of}, seed {}\npopulation {}\n",
            rows_of(args, &population),
            population.ids.len(),
            args.seed,
            population.digest
        )
    })?;
    Ok(Exit::Done)
}

fn rows_of(args: &SampleArgs, population: &Population) -> usize {
    usize::from(args.size).min(population.ids.len())
}

fn reply(
    args: &SampleArgs,
    entry_type: &str,
    (population, as_of): (&Population, u64),
    sample: Vec<Json>,
) -> Json {
    let of = Json::object([
        ("count", (population.ids.len() as u64).into()),
        ("digest", population.digest.to_string().into()),
        ("entry_type", entry_type.into()),
    ]);
    let mut reply = Object::new();
    reply.insert("algorithm", "lexecon/sample/v1");
    reply.insert("as_of_index", as_of);
    reply.insert("population", of);
    reply.insert("sample", Json::Array(sample));
    // Text: a number of 64 bits is not the same number everywhere.
    reply.insert("seed", args.seed.to_string());
    reply.insert("size", u64::from(args.size));
    Json::Object(reply)
}

/// The last entry of the population, and the state in which it is there.
async fn last(client: &Client, as_of: Option<u64>) -> Result<(u64, Option<u64>), Failure> {
    if let Some(as_of) = as_of {
        let entry = client.entry(as_of).await?;
        return Ok((entry.value.id, entry.meta.applied_index));
    }
    let query =
        EntriesQuery { order: Order::Descending, limit: Some(1), ..EntriesQuery::default() };
    let page = client.entries(&query).await?;
    let last = page.value.entries.first().map(|entry| entry.id);
    let last = last.ok_or_else(|| Failure::Usage("the ledger has no entry yet".to_owned()))?;
    Ok((last, page.meta.applied_index))
}

/// Every entry of a type up to one.
async fn population(client: &Client, entry_type: &str, as_of: u64) -> Result<Population, Failure> {
    let mut lines = Pieces::default();
    let mut ids = Vec::new();
    let mut after = None;
    loop {
        let query = EntriesQuery {
            entry_type: Some(entry_type.to_owned()),
            before: Some(as_of.saturating_add(1)),
            after,
            limit: Some(PAGE),
            ..EntriesQuery::default()
        };
        let page = client.entries(&query).await?.value;
        for entry in &page.entries {
            lines.add(format!("{} {}\n", entry.id, entry.current_hash).as_bytes());
            ids.push(entry.id);
        }
        if POPULATION_MAX < ids.len() {
            let detail = format!("more than {POPULATION_MAX} entries: name an earlier entry");
            return Err(Failure::Usage(detail));
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(Population { ids, digest: lines.digest() }),
        }
    }
}

/// Places of what is drawn, in the order in which it is.
fn drawn(population: &Population, seed: u64, size: usize) -> Vec<usize> {
    let count = population.ids.len() as u64;
    if count == 0 {
        return Vec::new();
    }
    let size = size.min(population.ids.len());
    // Whatever is left above the greatest multiple would favor the first ones.
    let bound = u64::MAX - u64::MAX % count;
    let mut seen = BTreeSet::new();
    let mut drawn = Vec::with_capacity(size);
    for number in 0_u64.. {
        if drawn.len() == size {
            break;
        }
        let text = format!("lexecon/sample/v1\n{seed}\n{}\n{number}\n", population.digest);
        let hash = sha256(text.as_bytes());
        let first = hash.0.first_chunk::<8>().copied().unwrap_or_default();
        let value = u64::from_be_bytes(first);
        if value < bound && seen.insert(value % count) {
            drawn.push(usize::try_from(value % count).unwrap_or(usize::MAX));
        }
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(count: u64) -> Population {
        Population { ids: (0..count).collect(), digest: sha256(b"the same population") }
    }

    #[test]
    fn a_sample_follows_from_the_seed() {
        let first = drawn(&of(1000), 7, 25);
        assert_eq!(first, drawn(&of(1000), 7, 25));
        assert_ne!(first, drawn(&of(1000), 8, 25));
        let other = Population { digest: sha256(b"another"), ..of(1000) };
        assert_ne!(first, drawn(&other, 7, 25));
        // A longer sample begins with the shorter one.
        assert_eq!(drawn(&of(1000), 7, 40)[..25], first);
    }

    #[test]
    fn nothing_is_drawn_twice_and_no_more_than_there_is() {
        let mut all = drawn(&of(40), 1, 1000);
        all.sort_unstable();
        assert_eq!(all, (0..40).collect::<Vec<_>>());
        assert_eq!(drawn(&of(0), 1, 10), Vec::<usize>::new());
    }

    /// What the help says, worked out by another program.
    #[test]
    fn a_sample_is_drawn_as_the_help_says() {
        assert_eq!(drawn(&of(10), 7, 5), KNOWN);
    }

    const KNOWN: [usize; 5] = [1, 0, 8, 4, 9];
}
