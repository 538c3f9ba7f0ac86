import type { Clock } from '../../clock.ts';
import {
  errnoOf,
  FullError,
  InvariantError,
  messageOf,
  RejectedError,
  StaleError,
  TransientError,
} from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import type { Random } from '../../random.ts';
import type { LoggedOp } from '../index/records.ts';
import type { LocalDisk } from '../local/disk.ts';
import type { LocalObserver } from '../local/local-observer.ts';
import type { Filter, Op } from '../plan/op.ts';
import type { RemoteStore } from '../remote/remote-store.ts';
import { BackOff } from './back-off.ts';
import { Executor } from './executor.ts';
import { bytesOf, LANE_WINDOW, type Lane, Lanes, laneOf } from './lanes.ts';
import { keysOf, nodeKeyOf, pathOf, versionOf } from './op-keys.ts';
import type { RemoteObserver } from './remote-observer.ts';
import type { Changes, Replica } from './replica.ts';
import type { EngineStatus } from './status.ts';

interface DispatcherOptions {
  readonly store: RemoteStore;
  readonly replica: Replica;
  readonly disk: LocalDisk;
  readonly filter: Filter;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly conflictCopies?: 'apart' | 'beside';
  /** Called after each op, whatever became of it. */
  readonly onDone: () => void;
}

/** An entry that the other side refuses is tried again this late, unless it changes. */
const REJECTED_MS = 5 * 60_000;
const FULL_MS = 15_000;
const DELETION_WINDOW_MS = 60_000;

/**
 * Hands planned ops to the lanes and takes their outcome in.
 *
 * Guarantees: two ops on one entry or one place never run together; each outcome is recorded in one transaction; a
 * failure holds up its own entry only.
 */
export class Dispatcher {
  readonly backOff: BackOff;
  readonly #options: DispatcherOptions;
  readonly #lanes = new Lanes();
  readonly #executor: Executor;
  readonly #busy = new Set<string>();
  readonly #running = new Map<Op, string>();
  readonly #recheck: Op[] = [];
  /** Ops that the latest plan held beyond what the lanes take at once. */
  #beyond: Readonly<Record<Lane, number>> = { control: 0, bulk: 0 };
  readonly #bytes = { up: 0, down: 0 };
  /** Bytes that running transfers have moved, by entry. */
  readonly #moved = new Map<string, number>();
  readonly #deletions: { readonly atMs: number; readonly count: number }[] = [];
  #lastChangeAtMs: number | null = null;
  #trouble: string | null = null;
  #full = false;
  #fatal: unknown;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.backOff = new BackOff(options.clock, options.random);
    const onBytes = (direction: 'up' | 'down', bytes: number, id: string) => {
      this.#bytes[direction] += bytes;
      this.#moved.set(id, (this.#moved.get(id) ?? 0) + bytes);
    };
    this.#executor = new Executor({ ...options, onBytes });
  }

  /** True when nothing runs or waits in the lanes, and nothing has to be looked at again. */
  get idle(): boolean {
    return this.#running.size === 0 && this.#recheck.length === 0;
  }

  /** True since a disk or quota was found full, until a write succeeds. */
  get full(): boolean {
    return this.#full;
  }

  get trouble(): string | null {
    return this.#trouble;
  }

  /** Ops that are handed out and not done. */
  get running(): number {
    return this.#running.size;
  }

  /** Queue the ops of a plan that may run now, as many as the lanes take, the smallest first. Returns those. */
  dispatch(planned: readonly Op[], isUnsettled: (op: Op) => boolean): readonly Op[] {
    if (this.#fatal !== undefined) throw this.#fatal;
    if (!this.backOff.isEmpty) this.backOff.retain(new Set(planned.map((op) => keysOf(op)[0] ?? op.kind)));
    const started: Op[] = [];
    const room = { control: this.#roomIn('control'), bulk: this.#roomIn('bulk') };
    const beyond = { control: 0, bulk: 0 };
    const fresh = planned.length <= LANE_WINDOW ? planned : this.#notUnderWay(planned);
    for (const op of fresh) {
      const lane = laneOf(op);
      if (room[lane] <= 0) {
        beyond[lane] += 1;
        continue;
      }
      if (isUnsettled(op)) continue;
      const keys = keysOf(op);
      const key = keys[0] ?? op.kind;
      if (keys.some((each) => this.#busy.has(each)) || this.backOff.holds(key, versionOf(op))) continue;
      room[lane] -= 1;
      started.push(op);
      for (const each of keys) this.#busy.add(each);
      this.#running.set(op, pathOf(op, this.#options.replica));
      this.#lanes.add(op, () => this.#work(op, keys));
    }
    this.#beyond = beyond;
    return started;
  }

  /** What is not under way, the smallest first: only where not all of a plan can be handed out, its order matters. */
  #notUnderWay(planned: readonly Op[]): readonly Op[] {
    const underWay = new Set([...this.#running.keys()].map(nodeKeyOf));
    return planned
      .filter((op) => !underWay.has(nodeKeyOf(op)))
      .sort((one, other) => bytesOf(one) - bytesOf(other));
  }

  #roomIn(lane: Lane): number {
    return LANE_WINDOW - this.#lanes.depth(lane);
  }

  /** Deletions done lately: a mass deletion that arrives piece by piece is one all the same. */
  recentDeletions(): number {
    const since = this.#options.clock.monotonic() - DELETION_WINDOW_MS;
    while ((this.#deletions[0]?.atMs ?? Infinity) < since) this.#deletions.shift();
    return this.#deletions.reduce((sum, { count }) => sum + count, 0);
  }

  /** Look again at what ops found otherwise than planned. */
  async recheck(remote: RemoteObserver, local: LocalObserver): Promise<void> {
    for (const op of this.#recheck.splice(0)) {
      await this.#recheckRemote(op, remote).catch((error: unknown) => {
        this.#options.logger.warn({ error: messageOf(error) }, 'a second look at Box failed');
      });
      this.#recheckLocal(op, local);
    }
  }

  async #recheckRemote(op: Op, remote: RemoteObserver): Promise<void> {
    if ('remote' in op) await remote.lookAtItem(op.remote.id, op.remote.kind);
    if ('parentId' in op && op.parentId !== null) await remote.lookAtFolder(op.parentId);
  }

  #recheckLocal(op: Op, local: LocalObserver): void {
    const { disk, replica } = this.#options;
    const entries = ['local' in op ? op.local.id : undefined, 'parent' in op ? op.parent.id : undefined];
    for (const id of entries) {
      const names = id === undefined ? undefined : replica.local.pathOf(id);
      if (names !== undefined) local.hint(disk.root.resolve(names));
    }
  }

  /** The transfer part of the status. */
  progress(): Pick<EngineStatus, 'queue' | 'bytes' | 'lastChangeAtMs' | 'transfers'> {
    const transfers = [...this.#running]
      .filter(([op]) => bytesOf(op) > 0)
      .map(([op, path]) => ({
        path,
        direction: op.kind === 'download' ? ('down' as const) : ('up' as const),
        sizeBytes: bytesOf(op),
        // What is sent again after a broken connection counts twice.
        doneBytes: Math.min(bytesOf(op), this.#moved.get(transferIdOf(op)) ?? 0),
      }));
    return {
      queue: {
        control: this.#lanes.depth('control') + this.#beyond.control,
        bulk: this.#lanes.depth('bulk') + this.#beyond.bulk,
      },
      bytes: { ...this.#bytes },
      lastChangeAtMs: this.#lastChangeAtMs,
      transfers,
    };
  }

  pause(): void {
    this.#lanes.pause();
  }

  resume(): void {
    this.#lanes.resume();
  }

  async stop(): Promise<void> {
    await this.#lanes.stop();
  }

  async #work(op: Op, keys: readonly string[]): Promise<void> {
    const { clock, signal } = this.#options;
    const startedMs = clock.monotonic();
    try {
      if (signal.aborted) return;
      const changes = await this.#executor.execute(op, signal);
      this.#succeed(op, keys, changes, clock.monotonic() - startedMs);
    } catch (error) {
      if (!signal.aborted) this.#fail(op, keys, error, clock.monotonic() - startedMs);
    } finally {
      for (const key of keys) this.#busy.delete(key);
      this.#running.delete(op);
      this.#moved.delete(transferIdOf(op));
      this.#options.onDone();
    }
  }

  #succeed(op: Op, keys: readonly string[], changes: Changes, durationMs: number): void {
    const { replica, clock, logger } = this.#options;
    const path = this.#running.get(op) ?? '';
    const line = {
      atMs: clock.now(),
      op: op.kind,
      path,
      sizeBytes: bytesOf(op) || null,
      durationMs,
      outcome: 'done',
    };
    const alsoStore = () => {
      changes.alsoStore?.();
      replica.index.logOp(line);
    };
    replica.apply({ ...changes, alsoStore });
    const count =
      op.kind === 'remove-local' || op.kind === 'remove-remote' ? (changes.unpair?.length ?? 0) : 0;
    if (count > 0) this.#deletions.push({ atMs: clock.monotonic(), count });
    this.backOff.succeeded(keys[0] ?? op.kind);
    this.#lastChangeAtMs = line.atMs;
    this.#trouble = null;
    if (bytesOf(op) > 0) this.#full = false;
    logger.debug({ op: op.kind, path, durationMs: Math.round(durationMs) }, 'an op is done');
  }

  #fail(op: Op, keys: readonly string[], error: unknown, durationMs: number): void {
    const { clock, logger } = this.#options;
    if (error instanceof InvariantError) {
      this.#fatal = error;
      return;
    }
    const path = this.#running.get(op) ?? '';
    const message = messageOf(error);
    logger.warn({ op: op.kind, path, error: message }, 'an op failed');
    this.#note({ atMs: clock.now(), op: op.kind, path, sizeBytes: null, durationMs, outcome: message });
    const worldMoved =
      error instanceof StaleError || (error instanceof RejectedError && error.code === 'name-taken');
    const effectUnknown = error instanceof TransientError && error.effectUnknown;
    if (worldMoved || effectUnknown) this.#recheck.push(op);
    if (isFull(error)) this.#full = true;
    if (!worldMoved) this.#trouble = `${path}: ${message}`;
    this.backOff.failed(keys[0] ?? op.kind, versionOf(op), message, waitOf(error, worldMoved));
  }

  /** The log of operations is for people: that it has no room must not stop the work. */
  #note(line: LoggedOp): void {
    const { replica } = this.#options;
    try {
      replica.apply({ alsoStore: () => replica.index.logOp(line) });
    } catch (error) {
      if (!isFull(error)) throw error;
      this.#full = true;
    }
  }
}

/** The entry whose content an op moves. */
function transferIdOf(op: Op): string {
  if (op.kind === 'download') return op.remote.id;
  return 'local' in op ? String(op.local.id) : '';
}

/** True for every way in which a disk or a quota says that it is full. */
export function isFull(error: unknown): boolean {
  return error instanceof FullError || ['ENOSPC', 'EDQUOT', 'SQLITE_FULL'].includes(errnoOf(error) ?? '');
}

/** How long an entry rests after a failure, beyond the growing wait that every failure brings. */
function waitOf(error: unknown, worldMoved: boolean): number {
  if (isFull(error)) return FULL_MS;
  if (error instanceof TransientError) return error.retryAfterMs ?? 0;
  return error instanceof RejectedError && !worldMoved ? REJECTED_MS : 0;
}
