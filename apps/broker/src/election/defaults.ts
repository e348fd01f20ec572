/** Every default of the election, with its unit and the reason. */

/** [leaseDuration] With a third of it between renewals and a tenth between looks, a new master writes within 4 s of the old one's death. */
export const DEFAULT_LEASE_DURATION_MS = 3_000;
/** Below, a busy event loop alone would end terms. */
export const MIN_LEASE_DURATION_MS = 500;
/** A master renews its lease so often within its duration, and waits for an answer as long. */
export const RENEWALS_PER_LEASE = 3;
/** Followers look so often within the duration of a lease; a master checks as often who is in sync. */
export const LOOKS_PER_LEASE = 10;
/** Followers look so long after the end of a lease that was not renewed: clocks and timers are no finer. */
export const AFTER_LEASE_MS = 5;
/** What is taken off a lease, as a share of it: clocks that differ by a tenth in speed do no harm. */
export const LEASE_MARGIN = 0.1;
/** [haMaxTimeSlaveNotCatchup] RocketMQ has 15 s, for which its senders get time-outs. */
export const DEFAULT_MAX_TIME_SLAVE_NOT_CATCHUP_MS = 2_000;
/** Members without messages let those that have some found the group, for so many lease durations. */
export const FOUNDING_DELAY_LEASES = 2;
/** A member whose machine went down without SYNC_FLUSH may lack what it reported: others are let go first, for so many lease durations. */
export const DISTRUST_LEASES = 3;
/** Epochs that a master may have: 12 bytes each. */
export const MAX_EPOCHS = 1_000_000;
/** Before a member tries again to reach its master, which is about to be replaced. */
export const MEMBER_RECONNECT_MS = 250;
/** Before a broker that could not be started in its new role is tried again. */
export const ROLE_RETRY_MS = 1_000;
/** A leader that was just elected opens its ports first; only then is it worth a warning that it cannot be reached. */
export const NEW_LEADER_PATIENCE_MS = 10_000;
/** For clients to go elsewhere before their connections are closed, when a role changes: the group cannot write meanwhile. */
export const ROLE_CHANGE_GRACE_MS = 200;
