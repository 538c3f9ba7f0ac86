/** Where a simulated site mirrors Box. */
export const MIRROR = '/mount/shared';
/** What belongs to the engine. */
export const STATE = '/mount/.mila-sync';
/** Where it keeps what two people changed at once. */
export const CONFLICTS = '/mount/.mila-sync/conflicts';
