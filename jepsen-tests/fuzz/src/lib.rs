//! What the fuzz targets share.
//!
//! A target is a file of `src/bin`: it takes any bytes and holds the ledger or
//! the policy language to a property, of which "does not panic" is the least.
//! Its corpus begins with [`seeds`] from the vectors of the format. What is true of a proof is told by
//! [`definition`], which follows the standard's recursion and not its loops;
//! what of a ledger, by [`ledgers`]: nobody here has a key, so whatever is
//! accepted was there before.

pub mod definition;
pub mod ledgers;
pub mod seeds;
pub mod tampering;
pub mod tree;
