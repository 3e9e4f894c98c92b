//! Claims: what one key says of another, held against the store in batches.
//!
//! A batch is sorted by the keys that are looked up, and read at once: neighbours come from one block.

use super::{Doctor, Fault, Finding, show};
use crate::store::keys::{Family, Key};
use crate::store::read::{self, Stored};

/// Claims of one batch.
const BATCH: usize = 4096;

/// What must hold for the value that is looked up; the error says what does not.
type Check = Box<dyn FnOnce(&Stored) -> Result<(), String>>;

struct Claim {
    family: Family,
    key: Vec<u8>,
    /// The key looked up, and the one that names it, for people.
    target: String,
    place: String,
    /// Nothing: the key must not be there.
    check: Option<Check>,
}

/// Claims that wait for their look-up.
#[derive(Default)]
pub(super) struct Claims(Vec<Claim>);

impl Claims {
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= BATCH
    }

    /// `from` says that `key` is there.
    pub(super) fn there(&mut self, from: &Key<'_>, key: &Key<'_>) {
        self.holds(from, key, |_| Ok(()));
    }

    /// `from` says that `key` is not there.
    pub(super) fn absent(&mut self, from: &Key<'_>, key: &Key<'_>) {
        self.add(from, key, None);
    }

    /// `from` says that `key` is there and that something holds for its value.
    pub(super) fn holds(
        &mut self,
        from: &Key<'_>,
        key: &Key<'_>,
        check: impl FnOnce(&Stored) -> Result<(), String> + 'static,
    ) {
        self.add(from, key, Some(Box::new(check)));
    }

    fn add(&mut self, from: &Key<'_>, target: &Key<'_>, check: Option<Check>) {
        let (family, key) = target.encode();
        self.0.push(Claim {
            family,
            key,
            target: show(target),
            place: show(from),
            check,
        });
    }
}

impl Doctor<'_> {
    /// Looks up what is claimed so far.
    pub(super) fn settle_claims(&mut self) {
        let mut claims = std::mem::take(&mut self.claims.0);
        claims.sort_by(|a, b| (a.family, &a.key).cmp(&(b.family, &b.key)));
        let mut claims = claims.into_iter().peekable();
        while let Some(family) = claims.peek().map(|claim| claim.family) {
            let mut same = Vec::new();
            while let Some(claim) = claims.next_if(|claim| claim.family == family) {
                same.push(claim);
            }
            self.settle_family(family, same);
        }
    }

    fn settle_family(&mut self, family: Family, claims: Vec<Claim>) {
        let handle = read::handle(self.db, family);
        let keys = claims.iter().map(|claim| &claim.key);
        let values = self.db.batched_multi_get_cf(&handle, keys, true);
        let mut findings = Vec::new();
        for (claim, value) in claims.iter().zip(&values) {
            if let Err(error) = value {
                findings.push(Finding {
                    fault: Fault::File,
                    place: claim.target.clone(),
                    what: error.to_string(),
                });
            }
        }
        for (claim, value) in claims.into_iter().zip(values) {
            if let Ok(value) = value {
                findings.extend(judge(claim, value.as_deref()));
            }
        }
        for finding in findings {
            self.report.add(finding);
        }
    }
}

fn judge(claim: Claim, value: Option<&[u8]>) -> Option<Finding> {
    let finding = |fault, what| Finding {
        fault,
        place: claim.place.clone(),
        what,
    };
    match (value, claim.check) {
        (None, None) => None,
        (None, Some(_)) => Some(finding(
            Fault::Missing,
            format!("{} is not there", claim.target),
        )),
        (Some(_), None) => Some(finding(
            Fault::Disagree,
            format!("{} is there, and should not be", claim.target),
        )),
        (Some(value), Some(check)) => {
            // A value that cannot be read at all is found where it stands.
            let stored = Stored::new(claim.family, &claim.key, value).ok()?;
            let what = check(&stored).err()?;
            Some(finding(
                Fault::Disagree,
                format!("{}: {what}", claim.target),
            ))
        }
    }
}
