/** How workers are set, ms and times: short leases, since many shall be lost. */
export const LEASE = 1500
export const ATTEMPTS = 4

/** What a forwarder claims with, as lua/functions/batch/forward.lua says: its leases end with the script. */
export const FORWARD_LEASE = 60_000
