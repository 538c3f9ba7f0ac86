import type { Clock } from '../../clock.ts';
import { errnoOf, messageOf } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { LocalObserver } from '../local/local-observer.ts';
import type { LocalTreeStore } from '../local/local-tree-store.ts';
import type { MirrorRoot } from '../local/mirror-root.ts';
import { RootGuard, type RootMemory } from '../local/root-guard.ts';
import type { Watcher, WatcherOptions } from '../local/watcher.ts';
import type { Filter } from '../plan/op.ts';
import { type Notices, OPEN_FILES } from './notices.ts';

interface LocalSideOptions {
  readonly root: MirrorRoot;
  readonly store: LocalTreeStore;
  readonly memory: RootMemory;
  readonly watch: (options: WatcherOptions) => Promise<Watcher>;
  readonly filter: Filter;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly notices: Notices;
  /** Wakes the loop. */
  readonly wake: () => void;
}

/** The whole disk is looked at again for hints that never came: at most this often, ... */
const SCAN_MIN_MS = 5000;
/** ... and so that looking takes this share of the time at most. */
const SCAN_SHARE = 1 / 400;
/** Where not all folders could be watched, that is tried again this late. */
const WATCH_AGAIN_MS = 5 * 60_000;

const ROOT_CHANGED =
  'another directory stands where the mirrored one was at the last mount: nothing was taken for deleted, and what one side lacked was brought back';

/**
 * Decides when to look at the disk, and keeps it watched.
 *
 * Guarantees: the disk is looked at whole at a bounded share of the time, so that a lost hint costs time only; a mirrored
 * folder that was away is watched anew when it is back; where the system watches no more folders, looking goes on without.
 */
export class LocalSide {
  readonly observer: LocalObserver;
  readonly #options: LocalSideOptions;
  readonly #guard: RootGuard;
  #watcher: Watcher | undefined;
  #nextScanMs: number;
  #watchAgainMs = Number.POSITIVE_INFINITY;
  #wasAway = false;

  constructor(options: LocalSideOptions) {
    const { root, store, memory, filter, clock, logger, signal, notices, wake } = options;
    this.#options = options;
    this.#nextScanMs = clock.monotonic() + SCAN_MIN_MS;
    this.#guard = new RootGuard({ root, memory, logger });
    this.observer = new LocalObserver({
      root,
      store,
      ignored: (names, kind) => filter(names, kind) === 'ignore',
      clock,
      logger,
      signal,
      guard: this.#guard,
      onNews: wake,
      onHeldOpen: (texts) => notices.set(OPEN_FILES, texts),
    });
  }

  /** Watch, and look at everything once. */
  async open(): Promise<void> {
    this.#watcher = await this.#watch();
    this.observer.hintAll();
  }

  /** When to look without a hint. Units: the monotonic clock's milliseconds. */
  get nextAtMs(): number {
    return Math.min(this.#nextScanMs, this.observer.nextLookAtMs ?? Number.POSITIVE_INFINITY);
  }

  /** Look at what was hinted at; at everything when that is due. */
  async look(): Promise<void> {
    const { clock, notices } = this.#options;
    const startedMs = clock.monotonic();
    const isScan = startedMs >= this.#nextScanMs;
    if (isScan) this.observer.hintAll();
    await this.observer.look();
    const endedMs = clock.monotonic();
    if (isScan) this.#nextScanMs = endedMs + Math.max(SCAN_MIN_MS, (endedMs - startedMs) / SCAN_SHARE);
    if (this.#guard.wasAnother) notices.set('root-changed', [ROOT_CHANGED]);
    await this.#watchAgain();
  }

  async close(): Promise<void> {
    await Promise.all([this.#watcher?.close(), this.observer.close()]);
  }

  /** A folder that was away takes its watches along, and a limit may have been raised. */
  async #watchAgain(): Promise<void> {
    const { clock, notices } = this.#options;
    const isAway = this.observer.rootMissing;
    const isBack = this.#wasAway && !isAway;
    this.#wasAway = isAway;
    if (!isBack && (isAway || clock.monotonic() < this.#watchAgainMs)) return;
    this.#watchAgainMs = Number.POSITIVE_INFINITY;
    await this.#watcher?.close();
    notices.set('watching', []);
    await this.open();
  }

  #watch(): Promise<Watcher> {
    const { root, filter, logger, clock, watch, wake } = this.#options;
    return watch({
      path: root.path,
      ignored: (path) => {
        const names = root.namesOf(path) ?? [];
        return names.length > 0 && filter(names, 'file') === 'ignore' && filter(names, 'folder') === 'ignore';
      },
      onHint: (path) => {
        this.observer.hint(path);
        wake();
      },
      onFailure: (error) => this.#watchFailed(error),
      clock,
      logger,
    });
  }

  #watchFailed(error: unknown): void {
    const { clock, notices, wake } = this.#options;
    const isLimit = ['ENOSPC', 'EMFILE'].includes(errnoOf(error) ?? '');
    const why = isLimit
      ? "the system's limit of watched folders is reached; raise it: sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=1024"
      : messageOf(error);
    notices.set('watching', [`not all folders can be watched, so changes are found by looking: ${why}`]);
    this.#watchAgainMs = clock.monotonic() + WATCH_AGAIN_MS;
    this.#nextScanMs = clock.monotonic();
    wake();
  }
}
