import { systemClock } from '../clock.ts';
import { type Logger, silentLogger } from '../logger.ts';
import { systemRandom } from '../random.ts';
import type { BoxConfiguration } from '../sync/box/box-configuration.ts';
import type { BoxIdentity } from '../sync/box/box-identity.ts';
import { openBoxStore } from '../sync/box/box-store.ts';
import type { RemoteCallLedger, RemoteStore } from '../sync/remote/remote-store.ts';

/** Which Box, and in whose name. */
export interface BoxOptions {
  /** The application's key, as `readBoxConfiguration` or `parseBoxConfiguration` gives it. */
  readonly configuration: BoxConfiguration;
  /** Default: the application's service account. */
  readonly identity?: BoxIdentity;
  /** Narrow the tokens to the mirrored folder. Default false. */
  readonly leastPrivilege?: boolean;
  /** Default: says nothing. */
  readonly logger?: Logger;
}

/** Box as a store that a mirror can open. Errors, when it is opened: AuthError with the step that mends it; TransientError. */
export function boxStore(options: BoxOptions): (ledger?: RemoteCallLedger) => Promise<RemoteStore> {
  return (ledger) =>
    openBoxStore({
      identity: { kind: 'service-account' },
      logger: silentLogger,
      ...options,
      clock: systemClock(),
      random: systemRandom(),
      environment: process.env,
      ...(ledger === undefined ? {} : { ledger }),
    });
}
