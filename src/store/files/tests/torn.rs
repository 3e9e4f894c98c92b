//! A log of writes that ends at any byte of its last write.

use super::{Fault, Outcome, all_rows, each_case, killed, outcome};
use crate::store::files::journal::{self, End};

#[tokio::test(flavor = "multi_thread")]
async fn a_log_cut_at_any_byte_of_its_last_write_has_all_before_it() {
    let mut files = killed().await;
    let whole = all_rows(&files);
    let (name, bytes) = files
        .iter()
        .rfind(|(name, _)| name.ends_with(".log"))
        .unwrap();
    let (name, bytes) = (name.clone(), bytes.clone());
    // One byte less, and the reader says where the last write begins.
    let End::Torn { at } = journal::read(&bytes[..bytes.len() - 1]).unwrap() else {
        panic!("the last write is cut");
    };
    let begins = usize::try_from(at).unwrap();
    assert!((50..2000).contains(&(bytes.len() - begins)));
    files.insert(name.clone(), bytes[..begins].to_vec());
    let without = all_rows(&files);
    assert!(without.len() < whole.len());
    let cuts: Vec<usize> = (begins..=bytes.len()).collect();
    each_case(&cuts, |&cut| {
        let mut files = files.clone();
        files.insert(name.clone(), bytes[..cut].to_vec());
        let (Outcome::Harmless(rows), Some(report)) = outcome(&files) else {
            panic!("cut at {cut}: it opens");
        };
        let wanted = if cut == bytes.len() { &whole } else { &without };
        assert!(
            rows == *wanted,
            "cut at {cut}: the last write is whole or not there"
        );
        let faults: Vec<_> = report.findings.iter().map(|it| it.fault).collect();
        let torn = begins < cut && cut < bytes.len();
        assert_eq!(
            faults,
            if torn { vec![Fault::TornTail] } else { vec![] },
            "cut at {cut}"
        );
    });
}
