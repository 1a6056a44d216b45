//! What a sandbox starts with, from its settings and from what an earlier run has kept.

use podpass_exchange::Behaviour;
use podpass_policy::AccountId;

use crate::clock::{Clock, ClockSetting};
use crate::service_controls::ServiceControls;
use crate::session::Seal;
use crate::state::{BeginError, Opening, State};

/// What a sandbox starts with, and comes back to when it is reset.
#[derive(Clone, Debug)]
pub(crate) struct Beginning {
    /// Those of the settings, then those that only the state has.
    pub(crate) accounts: Vec<crate::Account>,
    /// What limits each account of the settings.
    pub(crate) service_controls: Vec<(AccountId, ServiceControls)>,
    /// `None` when none was asked for.
    pub(crate) clock: Option<ClockSetting>,
    pub(crate) behaviour: Behaviour,
}

/// What a sandbox goes on from.
pub(super) struct Begun {
    pub(super) state: State,
    pub(super) seal: Seal,
    pub(super) clock: Clock,
}

impl Beginning {
    /// The clock after a reset.
    pub(crate) fn clock(&self) -> ClockSetting {
        self.clock.unwrap_or_default()
    }

    /// Begins, with what was kept if there is a folder for it.
    pub(super) fn begin(&self, opening: Option<Opening>) -> Result<Begun, BeginError> {
        let Some(opening) = opening else {
            let clock = Clock::new(self.clock());
            return Ok(Begun {
                state: State::fresh(self, clock.now())?,
                seal: Seal::random()?,
                clock,
            });
        };
        // A clock that a control call has moved goes on so, unless another one was asked for.
        let kept = *opening.state().clock;
        let clock = Clock::new(self.clock.or(kept).unwrap_or_default());
        let seal = Seal::of_key(&*opening.keep_key(SEAL)?)?;
        Ok(Begun {
            state: opening.begin(self, clock.now())?,
            seal,
            clock,
        })
    }
}

/// The name of the file with the key that seals sessions.
const SEAL: &str = "session.key";
