import type { Logger } from '../../logger.ts';
import type { Random } from '../../random.ts';
import type { Access } from './access/access.ts';
import type { ApplicationRegistry } from './auth/application.ts';
import type { BoxClock } from './box-clock.ts';
import type { DownloadLinks } from './content/download-links.ts';
import type { Faults } from './control/faults.ts';
import type { Statistics } from './control/statistics.ts';
import type { EventFeed } from './events/event-feed.ts';
import type { LongPolls } from './events/long-polls.ts';
import type { RateLimits } from './http/rate-limits.ts';
import type { BlockedSubtrees } from './operations/blocked-subtrees.ts';
import type { Reservations } from './operations/reservations.ts';
import type { Settings } from './settings.ts';
import type { Store } from './store/store.ts';

/** Base addresses that answers refer to. */
export interface Addresses {
  /** The API's own origin. */
  readonly api: string;
  /** A second origin, for what real Box serves from other hosts: uploads, downloads, the long poll. */
  readonly edge: string;
}

/** Everything that a route of the emulated Box needs. */
export interface Box {
  readonly store: Store;
  readonly settings: Settings;
  readonly clock: BoxClock;
  readonly random: Random;
  readonly logger: Logger;
  readonly application: ApplicationRegistry;
  readonly access: Access;
  readonly feed: EventFeed;
  readonly polls: LongPolls;
  readonly links: DownloadLinks;
  readonly blocked: BlockedSubtrees;
  readonly reservations: Reservations;
  readonly faults: Faults;
  readonly statistics: Statistics;
  readonly limits: RateLimits;
  /** Known once the listeners stand. */
  readonly addresses: () => Addresses;
}
