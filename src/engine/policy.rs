//! The engine's numbers (decision R5), and the guards that make it safe. In: settings. Out: plain data. It must never know
//! a clock.

use std::time::Duration;

/// Numbers that an estate may set.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Wait after the first failure; doubles.
    pub backoff: Duration,
    /// The longest wait.
    pub backoff_most: Duration,
    /// Attempts of a step before it becomes a letter.
    pub attempts: u16,
    /// A wait longer than this leaves memory.
    pub park_after: Duration,
    /// A frozen run that is older than this when it ends looks again.
    pub stale_after: Duration,
    /// How long a platform may still be working on a request that nobody waits for.
    pub settle: Duration,
    /// How long a run stays away whose connection is held, before it asks again.
    pub hold: Duration,
    /// Times that a read is asked for what is not there (yet), in all.
    pub gone_attempts: u16,
    /// How often the command table is looked at.
    pub command_every: Duration,
    /// How often held lanes ask whether their connection is back.
    pub held_every: Duration,
    /// How long past runs are kept; none: for ever.
    pub keep_past: Option<Duration>,
    /// Runs in memory at a time.
    pub in_flight: usize,
    /// Events that wait, and parked runs, which are loaded at a start; the others stay on disk until these are done.
    pub load_most: usize,
    /// Times in a row that a run gives way to a newer event while it reads.
    pub gives_way: u8,
    /// Answers kept for `fresh:` in all.
    pub fresh_most: usize,
    /// What protects runs; all of them, always, but in the proof that each is needed.
    pub guards: Guards,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            backoff: Duration::from_secs(1),
            backoff_most: Duration::from_secs(300),
            attempts: 8,
            park_after: Duration::from_secs(60),
            stale_after: Duration::from_secs(15 * 60),
            settle: Duration::from_secs(15 * 60),
            hold: Duration::from_secs(5),
            gone_attempts: 4,
            command_every: Duration::from_millis(500),
            held_every: Duration::from_secs(1),
            keep_past: None,
            in_flight: 512,
            load_most: 100_000,
            gives_way: 3,
            fresh_most: 10_000,
            guards: Guards::default(),
        }
    }
}

impl Policy {
    /// How long to wait after so many failures in a row (from 1), with full jitter: anything up to the doubled wait.
    pub fn wait(&self, failures: u16, dice: u64) -> Duration {
        let doubled =
            self.backoff.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(self.backoff_most);
        let most = u64::try_from(doubled.as_millis()).unwrap_or(u64::MAX).max(1);
        Duration::from_millis(dice % most + 1)
    }

    /// How long to wait for what was announced before it can be read: doubled as any wait, but at least half of that, so that
    /// the few attempts are not all spent in a breath.
    pub fn wait_for_gone(&self, failures: u16, dice: u64) -> Duration {
        let doubled =
            self.backoff.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(self.backoff_most);
        let half = u64::try_from(doubled.as_millis()).unwrap_or(u64::MAX) / 2;
        Duration::from_millis(half + dice % half.max(1) + 1)
    }
}

/// One thing that protects runs. The simulator takes each away in turn and must see the harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guard {
    /// A write waits until what it depends on is durable.
    FrozeWait,
    /// A write that may not be repeated waits until its intent is durable.
    IntentWait,
    /// The intent is written only when the permit is there.
    PermitFirst,
    /// A frozen run goes on with its frozen values.
    FrozenReads,
    /// An intent without an end is in doubt.
    Doubt,
    /// A look waits until the platform can no longer be working on it.
    Settle,
    /// A look that finds nothing waits until what was written would be seen.
    Lag,
    /// A key is used only as long as the platform remembers it.
    ValidFor,
    /// A request of which nobody knows how it went is not simply sent again.
    Certainty,
    /// Runs of one lane do not overlap.
    Lane,
    /// A webhook is answered only when its event is durable.
    OfferWait,
    /// A page's events and its watermark are one commit.
    PageCommit,
    /// The same fact is recognised.
    Recognition,
    /// Effects are remembered across runs.
    CarryOver,
    /// A run that finished with old values looks again.
    Refresh,
    /// A write that may land late is looked after once it must have landed.
    Later,
    /// What is written to a book is one commit with the word that it landed.
    NoteCommit,
    /// An operator's request and what comes of it are one commit.
    OrderCommit,
    /// Events about what was erased are not taken.
    Tombstone,
}

impl Guard {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::FrozeWait,
        Self::IntentWait,
        Self::PermitFirst,
        Self::FrozenReads,
        Self::Doubt,
        Self::Settle,
        Self::Lag,
        Self::ValidFor,
        Self::Certainty,
        Self::Lane,
        Self::OfferWait,
        Self::PageCommit,
        Self::Recognition,
        Self::CarryOver,
        Self::Refresh,
        Self::Later,
        Self::NoteCommit,
        Self::OrderCommit,
        Self::Tombstone,
    ];
}

/// The guards that stand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Guards(Option<Guard>);

impl Guards {
    /// All but one: only for the proof that it is needed.
    pub fn without(guard: Guard) -> Self {
        Self(Some(guard))
    }

    /// Whether a guard stands.
    pub fn has(self, guard: Guard) -> bool {
        self.0 != Some(guard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_most_and_are_spread() {
        let policy = Policy::default();
        for (failures, most) in [(1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (60, 300)] {
            let most = Duration::from_secs(most);
            let waits: Vec<_> = (0..1000).map(|dice| policy.wait(failures, dice * 7919)).collect();
            assert!(waits.iter().all(|wait| *wait <= most && !wait.is_zero()), "{failures}");
            assert!(waits.iter().max().unwrap() > &(most / 2), "{failures}");
            assert!(waits.iter().min().unwrap() < &(most / 2), "{failures}");
        }
        let waits: Vec<_> = (0..1000).map(|dice| policy.wait_for_gone(3, dice * 7919)).collect();
        assert!(waits.iter().all(|wait| (2..=4).contains(&wait.as_secs())), "{waits:?}");
    }
}
