import { type Clock, delay } from '../../clock.ts';
import { isSystemError, messageOf } from '../../errors.ts';
import type { RemoteId } from '../../ids.ts';
import type { Logger } from '../../logger.ts';
import type { Random } from '../../random.ts';
import type { LocalDisk } from '../local/disk.ts';
import type { LocalTreeStore } from '../local/local-tree-store.ts';
import type { Watcher, WatcherOptions } from '../local/watcher.ts';
import type { Filter, Op, Plan } from '../plan/op.ts';
import { plan } from '../plan/planner.ts';
import type { RemoteStore } from '../remote/remote-store.ts';
import { Dispatcher } from './dispatcher.ts';
import { isAgreed, problemOf, stateOf } from './engine-state.ts';
import { isFull } from './failure-cause.ts';
import { type Attention, FeedPace } from './feed-pace.ts';
import { LocalSide } from './local-side.ts';
import { Notices } from './notices.ts';
import { PlanPace } from './plan-pace.ts';
import { noteStarted } from './poll-interest.ts';
import { RemoteFeed } from './remote-feed.ts';
import { RemoteObserver, type RemoteObserverOptions } from './remote-observer.ts';
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
  /** More deletions than this in one plan wait for a person; undefined: half of what either side holds. */
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
  /** Takes what limits the mount without stopping it. */
  readonly notices?: Notices;
}

/** What a look at everything in Box costs beyond one listing a folder: the position and the root. */
const FULL_LOOK_CALLS = 2;
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
  readonly #local: LocalSide;
  readonly #feed: RemoteFeed;
  readonly #pace: FeedPace;
  readonly #notices: Notices;
  readonly #readyWaiters: (() => void)[] = [];
  #plan: Plan = { ops: [], problems: [], held: null };
  #state: EngineState = 'starting';
  #wasReady = false;
  #paused = false;
  readonly #planPace: PlanPace;
  /** True while staging may hold what no download will go on with: since the start, and since anything was fetched. */
  #stagingUsed = true;

  constructor(options: EngineOptions) {
    const { clock, replica, filter, disk } = options;
    const { signal } = this.#stop;
    this.#options = options;
    this.#notices = options.notices ?? new Notices();
    this.#wake = new WakeUp(clock);
    this.#planPace = new PlanPace(clock);
    this.#pace = new FeedPace(clock, options.attention ?? ATTENTION_DEFAULT);
    const common = { ...options, signal, notices: this.#notices, wake: this.#wake.call };
    const seen = options.localStore ?? replica;
    this.#local = new LocalSide({ ...common, root: disk.root, store: seen, memory: replica });
    const wanted: RemoteObserverOptions['wanted'] = (entry) =>
      filter(replica.remote.pathOf(entry.id) ?? [], entry.kind) !== 'ignore';
    const observer = new RemoteObserver({ ...common, wanted, news: this.#newsOfBox() });
    this.#remote = this.#remoteSide(observer);
    this.#dispatcher = this.#makeDispatcher();
    disk.trustOnly((names) => replica.knownAs(names));
    this.#feed = new RemoteFeed({
      ...common,
      position: () => replica.position,
      restMayFollow: () => observer.restMayFollow,
      onHint: () => this.#hintRemote('hints'),
      pace: this.#pace,
      onNotice: (text) => this.#notices.set('realtime', text === undefined ? [] : [text]),
    });
  }

  #newsOfBox(): NonNullable<RemoteObserverOptions['news']> {
    return {
      newEntry: () => this.#pace.stir(),
      newVersion: (intervalMs) => this.#pace.heard(intervalMs),
      happened: (itemId) => this.#endWaits(itemId),
    };
  }

  /** What was refused may be granted now. */
  #endWaits(itemId: RemoteId | null): void {
    if (itemId === null) this.#dispatcher.backOff.release('refused');
    else this.#dispatcher.backOff.releaseEntry(`remote ${itemId}`);
  }

  #remoteSide(observer: RemoteObserver): RemoteSide {
    const { clock, logger, replica } = this.#options;
    return new RemoteSide({
      observer,
      callsOfFullLook: () => FULL_LOOK_CALLS + replica.folderCount,
      clock,
      logger,
      signal: this.#stop.signal,
      onLooked: () => {
        replica.forgetTouched();
        this.#pace.seen(replica.remote);
        // What is asked for meanwhile is taken in by the next look.
        if (!this.#remote.pending) this.#feed.taken();
        this.#wake.call();
      },
      onBack: () => {
        this.#dispatcher.backOff.release('unreachable');
        this.#feed.retryChannel();
      },
    });
  }

  #makeDispatcher(): Dispatcher {
    return new Dispatcher({
      ...this.#options,
      signal: this.#stop.signal,
      reachable: () => this.#remote.usable,
      onUnreachable: () => this.#hintRemote('hints'),
      onMoved: (op) => this.#lookAgain(op),
      onDone: this.#wake.call,
    });
  }

  /** Run until `stop` is called. Errors: InvariantError; AuthError before Box was seen for the first time. */
  async run(): Promise<void> {
    const { signal } = this.#stop;
    await this.#local.open();
    const feeding = this.#feed.run();
    try {
      while (!signal.aborted) {
        await this.#turnWithRoom();
        await this.#wake.sleep(this.#nextAtMs());
      }
    } finally {
      this.#stop.abort();
      await Promise.all([this.#dispatcher.stop(), this.#local.close(), this.#remote.close(), feeding]);
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
    this.#local.observer.hintAll();
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
      notices: this.#notices.all,
      trouble: this.#remote.trouble ?? this.#dispatcher.trouble,
    };
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
      this.#local.observer.hintAll();
      this.#setState('full');
      await delay(clock, NO_ROOM_RETRY_MS, this.#stop.signal);
      this.#wake.call();
    }
  }

  async #turn(): Promise<void> {
    const { clock } = this.#options;
    this.#dispatcher.assertSound();
    this.#remote.begin();
    await this.#local.look();
    if (this.#stop.signal.aborted) return;
    if (!this.#planPace.isDue(this.#dispatcher.running)) return;
    const startedMs = clock.monotonic();
    const started = this.#remote.usable && !this.#local.observer.rootMissing ? this.#planAndDispatch() : 0;
    this.#settle(started);
    this.#planPace.planned(clock.monotonic() - startedMs);
    await this.#tidy();
  }

  /** Look again at what an op found otherwise than planned. */
  #lookAgain(op: Op): void {
    const { disk, replica } = this.#options;
    this.#remote.recheck(async (observer) => {
      if (op.kind === 'remove-remote' && op.remote.kind === 'folder') return observer.lookBelow(op.remote.id);
      const item = 'remote' in op ? await observer.lookAtItem(op.remote.id, op.remote.kind) : 'visible';
      if (item === 'lost' || !('parentId' in op) || op.parentId === null) return item;
      return observer.lookAtFolder(op.parentId);
    });
    for (const id of ['local' in op ? op.local.id : undefined, 'parent' in op ? op.parent.id : undefined]) {
      const names = id === undefined ? undefined : replica.local.pathOf(id);
      if (names !== undefined) this.#local.observer.hint(disk.root.resolve(names));
    }
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

  #planAndDispatch(): number {
    const { replica, filter, deletionsMax } = this.#options;
    this.#plan = plan({
      remote: replica.remote,
      local: replica.local,
      synced: replica.synced,
      intents: replica.intents,
      filter,
      ...(deletionsMax === undefined ? {} : { deletionsMax }),
      recentDeletions: this.#dispatcher.recentDeletions(),
    });
    if (this.#paused) return 0;
    if (this.#plan.ops.some((op) => op.kind === 'download')) this.#stagingUsed = true;
    const started = this.#dispatcher.dispatch(this.#plan.ops, (op) => this.#isUnsettled(op));
    noteStarted(this.#pace, started);
    return started.length;
  }

  /** True when the disk, where the op would act, was seen otherwise than the tree says and is still being looked at. */
  #isUnsettled(op: Op): boolean {
    if (
      'local' in op &&
      op.local.parentId !== null &&
      this.#local.observer.isUnsettled(op.local.parentId, op.local.name)
    )
      return true;
    if (op.kind === 'download' || op.kind === 'make-local-folder')
      return this.#local.observer.isUnsettled(op.parent.id, op.remote.name);
    return op.kind === 'move-local' && this.#local.observer.isUnsettled(op.parent.id, op.name);
  }

  #settle(started: number): void {
    const state = stateOf({
      root: this.#local.observer.rootStanding,
      box: this.#remote.view,
      paused: this.#paused,
      full: this.#dispatcher.full,
      held: this.#plan.held,
      rests: started === 0 && this.#dispatcher.idle && this.#local.observer.settled && !this.#remote.pending,
      waits: !this.#dispatcher.backOff.isEmpty,
      wasReady: this.#wasReady,
    });
    this.#setState(state);
    if (!isAgreed(state)) return;
    this.#wasReady = true;
    for (const resolve of this.#readyWaiters.splice(0)) resolve();
  }

  #setState(state: EngineState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#options.logger.info({ state }, 'the state changed');
    this.#options.onState?.(state);
  }

  #nextAtMs(): number {
    const waits = [this.#dispatcher.backOff.nextAtMs, this.#remote.nextAtMs, this.#planPace.nextAtMs];
    return waits.reduce<number>((one, other) => Math.min(one, other ?? one), this.#local.nextAtMs);
  }

  #problems(): EngineStatus['problems'] {
    const { id } = this.#options.replica.localRoot;
    return [...this.#plan.problems, ...this.#local.observer.unmirrorable.map((each) => problemOf(each, id))];
  }
}
