import { type Clock, delay } from '../../clock.ts';
import { isSystemError, messageOf } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import type { Random } from '../../random.ts';
import type { LocalDisk } from '../local/disk.ts';
import { LocalObserver } from '../local/local-observer.ts';
import type { LocalTreeStore } from '../local/local-tree-store.ts';
import type { Watcher, WatcherOptions } from '../local/watcher.ts';
import type { Filter, Op, Plan } from '../plan/op.ts';
import { plan } from '../plan/planner.ts';
import type { RemoteStore } from '../remote/remote-store.ts';
import { Dispatcher, isFull } from './dispatcher.ts';
import { type Attention, FeedPace } from './feed-pace.ts';
import { folderAsked, isAnswer, isOfInterest } from './lanes.ts';
import { PlanPace } from './plan-pace.ts';
import { RemoteFeed } from './remote-feed.ts';
import { RemoteObserver } from './remote-observer.ts';
import { RemoteSide } from './remote-side.ts';
import type { Replica } from './replica.ts';
import { type EngineState, type EngineStatus, heldSummary } from './status.ts';
import { WakeUp } from './wake-up.ts';

export interface EngineOptions {
  readonly store: RemoteStore;
  readonly replica: Replica;
  readonly disk: LocalDisk;
  /** How the disk tells of changes; hints only. */
  readonly watch: (options: WatcherOptions) => Promise<Watcher>;
  readonly filter: Filter;
  /** More deletions than this in one plan wait for a person; undefined: half of what is synced, at least a hundred. */
  readonly deletionsMax?: number;
  /** How rarely the event feed may be read while nothing but signs of life passes by. */
  readonly attention?: Attention;
  /** Where local content goes that lost its name in a conflict; default: apart from the mirror. */
  readonly conflictCopies?: 'apart' | 'beside';
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Told whenever the state changes. */
  readonly onState?: (state: EngineState) => void;
  /** Stands between what looks at the disk and the tree that keeps what it saw. */
  readonly localStore?: LocalTreeStore;
}

/** The whole disk is looked at again for hints that never came: at most this often, ... */
const SCAN_MIN_MS = 5000;
/** ... and so that looking takes this share of the time at most. */
const SCAN_SHARE = 1 / 400;
/** What a look at everything in Box costs beyond one listing a folder: the position and the root. */
const FULL_LOOK_CALLS = 2;
const DELETIONS_MIN = 100;
const NO_ROOM_RETRY_MS = 5000;
const ATTENTION_DEFAULT: Attention = { gapMaxMs: 60_000, followsBeats: true };

/**
 * The control loop: takes observations in, plans, gives ops out.
 *
 * Guarantees: one loop decides, so no two decisions race; effects run beside it and come back as observations; after
 * a crash at any point the next start observes, plans and goes on.
 */
export class SyncEngine {
  readonly #options: EngineOptions;
  readonly #stop = new AbortController();
  readonly #wake: WakeUp;
  readonly #dispatcher: Dispatcher;
  readonly #remote: RemoteSide;
  readonly #local: LocalObserver;
  readonly #feed: RemoteFeed;
  readonly #pace: FeedPace;
  readonly #readyWaiters: (() => void)[] = [];
  #plan: Plan = { ops: [], problems: [], held: null };
  #state: EngineState = 'starting';
  #wasReady = false;
  #paused = false;
  #nextScanMs: number;
  readonly #planPace: PlanPace;
  /** True while staging may hold what no download will go on with: since the start, and since anything was fetched. */
  #stagingUsed = true;

  constructor(options: EngineOptions) {
    const { clock, logger, store, replica, filter, disk } = options;
    const { signal } = this.#stop;
    this.#options = options;
    this.#wake = new WakeUp(clock);
    this.#planPace = new PlanPace(clock);
    this.#nextScanMs = clock.monotonic() + SCAN_MIN_MS;
    this.#dispatcher = new Dispatcher({ ...options, signal, onDone: this.#wake.call });
    const ignored = (names: readonly string[], kind: 'file' | 'folder') => filter(names, kind) === 'ignore';
    const wanted: ConstructorParameters<typeof RemoteObserver>[0]['wanted'] = (entry) =>
      !ignored(replica.remote.pathOf(entry.id) ?? [], entry.kind);
    this.#pace = new FeedPace(clock, options.attention ?? ATTENTION_DEFAULT);
    const news = {
      newEntry: () => this.#pace.stir(),
      newVersion: (intervalMs: number) => this.#pace.heard(intervalMs),
    };
    const observer = new RemoteObserver({ store, replica, logger, signal, wanted, news });
    const callsOfFullLook = () => FULL_LOOK_CALLS + replica.folderCount;
    this.#remote = new RemoteSide({ observer, callsOfFullLook, clock, logger, signal });
    const seen = options.localStore ?? replica;
    this.#local = new LocalObserver({ root: disk.root, store: seen, ignored, clock, logger, signal });
    const onHint = () => this.#hintRemote('hints');
    const position = () => replica.position;
    const restMayFollow = () => observer.restMayFollow;
    const pace = this.#pace;
    this.#feed = new RemoteFeed({ store, clock, logger, signal, position, restMayFollow, onHint, pace });
  }

  /** Run until `stop` is called. Errors: InvariantError; AuthError before Box was seen for the first time. */
  async run(): Promise<void> {
    const { signal } = this.#stop;
    const watcher = await this.#startWatcher();
    this.#local.hintAll();
    const feeding = this.#feed.run();
    try {
      while (!signal.aborted) {
        await this.#turnWithRoom();
        await this.#wake.sleep(this.#nextAtMs());
      }
    } finally {
      this.#stop.abort();
      await Promise.all([this.#dispatcher.stop(), watcher.close(), feeding]);
      this.#setState('stopped');
    }
  }

  /** Resolves once both sides agreed for the first time. */
  ready(): Promise<void> {
    return this.#wasReady
      ? Promise.resolve()
      : new Promise((resolve) => void this.#readyWaiters.push(resolve));
  }

  /** Stop in order: what runs is parked, nothing new starts. Idempotent. */
  stop(): void {
    this.#stop.abort();
    this.#wake.call();
  }

  /** Look at everything again, now. */
  syncNow(): void {
    this.#dispatcher.backOff.clear();
    this.#local.hintAll();
    this.#hintRemote('full');
  }

  /** Decide again, because something that plans depend on changed: the filter, or a tree by another hand. */
  planAgain(): void {
    this.#wake.call();
  }

  /** Hold transfers; observation goes on. */
  pause(): void {
    this.#paused = true;
    this.#dispatcher.pause();
    this.#setState('paused');
  }

  resume(): void {
    this.#paused = false;
    this.#dispatcher.resume();
    this.#wake.call();
  }

  status(): EngineStatus {
    const { replica } = this.#options;
    return {
      state: this.#state,
      ...this.#dispatcher.progress(),
      entries: { remote: replica.remote.size, local: replica.local.size, synced: replica.synced.size },
      problems: this.#problems(),
      waiting: this.#dispatcher.backOff.entries(),
      held: heldSummary(this.#plan.held),
      trouble: this.#remote.trouble ?? this.#dispatcher.trouble,
    };
  }

  #startWatcher(): Promise<Watcher> {
    const { disk, filter, logger, clock, watch } = this.#options;
    return watch({
      path: disk.root.path,
      ignored: (path) => {
        const names = disk.root.namesOf(path) ?? [];
        return names.length > 0 && filter(names, 'file') === 'ignore' && filter(names, 'folder') === 'ignore';
      },
      onHint: (path) => {
        this.#local.hint(path);
        this.#wake.call();
      },
      onFailure: () => {
        this.#nextScanMs = clock.monotonic();
        this.#wake.call();
      },
      clock,
      logger,
    });
  }

  #hintRemote(look: 'hints' | 'full'): void {
    this.#remote.hint(look);
    this.#wake.call();
  }

  /** A turn that cannot store what it saw, because the index's disk is full, is made again a little later. */
  async #turnWithRoom(): Promise<void> {
    const { clock, logger } = this.#options;
    try {
      await this.#turn();
    } catch (error) {
      // What a stop interrupts ends by the stop's own reason, which is no failure.
      if (this.#stop.signal.aborted && error === this.#stop.signal.reason) return;
      if (!isFull(error)) throw error;
      logger.warn({ error: messageOf(error) }, 'what was seen could not be stored');
      this.#remote.hint('hints');
      this.#local.hintAll();
      this.#setState('full');
      await delay(clock, NO_ROOM_RETRY_MS, this.#stop.signal);
      this.#wake.call();
    }
  }

  async #turn(): Promise<void> {
    const { clock } = this.#options;
    await this.#remote.look();
    this.#pace.seen(this.#options.replica.remote);
    this.#feed.taken();
    await this.#dispatcher.recheck(this.#remote.observer, this.#local);
    await this.#lookAtDisk();
    if (this.#stop.signal.aborted) return;
    if (!this.#planPace.isDue(this.#dispatcher.running)) return;
    const startedMs = clock.monotonic();
    const started = this.#remote.usable && !this.#local.rootMissing ? this.#planAndDispatch() : 0;
    this.#settle(started);
    this.#planPace.planned(clock.monotonic() - startedMs);
    await this.#tidy();
  }

  /** Once both sides agree, downloads of versions that nobody wants any more go. */
  async #tidy(): Promise<void> {
    if (!this.#stagingUsed || this.#state !== 'in-sync') return;
    try {
      await this.#options.disk.clearStaging();
      this.#stagingUsed = false;
    } catch (error) {
      if (!isSystemError(error)) throw error;
      this.#options.logger.warn({ error: messageOf(error) }, 'staging could not be cleared');
    }
  }

  async #lookAtDisk(): Promise<void> {
    const { clock } = this.#options;
    const scanning = clock.monotonic() >= this.#nextScanMs;
    if (scanning) this.#local.hintAll();
    const startedMs = clock.monotonic();
    await this.#local.look();
    const endedMs = clock.monotonic();
    if (scanning) this.#nextScanMs = endedMs + Math.max(SCAN_MIN_MS, (endedMs - startedMs) / SCAN_SHARE);
  }

  #planAndDispatch(): number {
    const { replica, filter, deletionsMax } = this.#options;
    // What a mass deletion took away already still counts as what it was measured by.
    const recent = this.#dispatcher.recentDeletions();
    const limit = deletionsMax ?? Math.max(DELETIONS_MIN, Math.floor((replica.synced.size + recent) / 2));
    this.#plan = plan({
      remote: replica.remote,
      local: replica.local,
      synced: replica.synced,
      intents: replica.intents,
      filter,
      deletionsMax: limit - recent,
    });
    if (this.#paused) return 0;
    if (this.#plan.ops.some((op) => op.kind === 'download')) this.#stagingUsed = true;
    const started = this.#dispatcher.dispatch(this.#plan.ops, (op) => this.#isUnsettled(op));
    // What runs already is no news: a long upload is no reason to read the feed all the while.
    if (started.some(isOfInterest)) this.#pace.interest();
    if (started.some(isAnswer)) this.#pace.answered();
    for (const op of started) {
      const folder = folderAsked(op);
      if (folder !== undefined) this.#pace.expectAnswer(folder);
    }
    return started.length;
  }

  /** True when the disk, where the op would act, was seen otherwise than the tree says and is still being looked at. */
  #isUnsettled(op: Op): boolean {
    if (
      'local' in op &&
      op.local.parentId !== null &&
      this.#local.isUnsettled(op.local.parentId, op.local.name)
    )
      return true;
    if (op.kind === 'download' || op.kind === 'make-local-folder')
      return this.#local.isUnsettled(op.parent.id, op.remote.name);
    return op.kind === 'move-local' && this.#local.isUnsettled(op.parent.id, op.name);
  }

  #settle(started: number): void {
    const state = this.#stateAfter(started);
    this.#setState(state);
    if (state !== 'in-sync' && state !== 'waiting') return;
    this.#wasReady = true;
    for (const resolve of this.#readyWaiters.splice(0)) resolve();
  }

  #stateAfter(started: number): EngineState {
    if (this.#local.rootMissing) return 'root-missing';
    if (this.#remote.view === 'lost') return 'access-lost';
    if (this.#remote.view === 'unreachable') return 'offline';
    if (this.#paused) return 'paused';
    if (this.#dispatcher.full) return 'full';
    const agreed = started === 0 && this.#dispatcher.idle && this.#local.settled && !this.#remote.pending;
    if (agreed) return this.#dispatcher.backOff.entries().length === 0 ? 'in-sync' : 'waiting';
    return this.#wasReady ? 'syncing' : 'starting';
  }

  #setState(state: EngineState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#options.logger.info({ state }, 'the state changed');
    this.#options.onState?.(state);
  }

  #nextAtMs(): number {
    const waits = [
      this.#local.nextLookAtMs,
      this.#dispatcher.backOff.nextAtMs,
      this.#remote.nextAtMs,
      this.#planPace.nextAtMs,
    ];
    return Math.min(this.#nextScanMs, ...waits.filter((at) => at !== undefined));
  }

  #problems(): EngineStatus['problems'] {
    const { id } = this.#options.replica.localRoot;
    const message = 'Only plain files and folders with names that the disk takes are mirrored.';
    const unmirrorable = this.#local.unmirrorable.map(({ path, reason }) => ({
      side: 'local' as const,
      id,
      path,
      reason,
      message,
    }));
    return [...this.#plan.problems, ...unmirrorable];
  }
}
