//! Random bytes from the operating system, and their failure as a value.

use aws_lc_rs::rand;

/// The operating system gave no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no random numbers")]
pub(crate) struct RandomFailure;

/// Gives `N` random bytes.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], RandomFailure> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| RandomFailure)?;
    Ok(bytes)
}
