import type { Clock } from '../../clock.ts';
import { InvariantError, messageOf, TransientError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import type { Random } from '../../random.ts';
import type { LoggedOp } from '../index/records.ts';
import type { LocalDisk } from '../local/disk.ts';
import type { Filter, Op } from '../plan/op.ts';
import type { RemoteStore } from '../remote/remote-store.ts';
import type { Side } from '../tree/entry.ts';
import { BackOff } from './back-off.ts';
import { Executor } from './executor.ts';
import { causeOf, isFull, waitOf } from './failure-cause.ts';
import { bytesOf, LANE_WINDOW, type Lane, Lanes, laneOf } from './lanes.ts';
import { keysOf, nodeKeyOf, pathOf, versionOf } from './op-keys.ts';
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
  /** False while Box is out of reach: then what waits in the lanes rests. */
  readonly reachable: () => boolean;
  /** Called when several ops in a row could not reach Box. */
  readonly onUnreachable: () => void;
  /** Called with what an op found otherwise than planned. */
  readonly onMoved: (op: Op) => void;
  /** Called after each op, whatever became of it. */
  readonly onDone: () => void;
}

const DELETION_WINDOW_MS = 60_000;
/** So many ops in a row that could not reach Box: it is asked whether anything can. */
const UNREACHABLE_AFTER = 3;

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
  /** Ops that the latest plan held beyond what the lanes take at once. */
  #beyond: Readonly<Record<Lane, number>> = { control: 0, bulk: 0 };
  readonly #bytes = { up: 0, down: 0 };
  /** Bytes that running transfers have moved, by entry. */
  readonly #moved = new Map<string, number>();
  readonly #deletions: { readonly atMs: number; readonly side: Side; readonly count: number }[] = [];
  #lastChangeAtMs: number | null = null;
  /** True since the log of operations found no room, until it finds some. */
  #logIsFull = false;
  #unreached = 0;
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

  /** True when nothing runs or waits in the lanes. */
  get idle(): boolean {
    return this.#running.size === 0;
  }

  /** True while something waits because a disk or quota is full. */
  get full(): boolean {
    return this.#logIsFull || this.backOff.waitsFor('no-room');
  }

  /** What the first entry waits for, in one line; null when none does. */
  get trouble(): string | null {
    const waiting = this.backOff.trouble;
    return waiting === undefined ? null : `${waiting.path}: ${waiting.message}`;
  }

  /** Errors: the fault of this program that an op ran into. */
  assertSound(): void {
    if (this.#fatal !== undefined) throw this.#fatal;
  }

  /** Ops that are handed out and not done. */
  get running(): number {
    return this.#running.size;
  }

  /** Queue the ops of a plan that may run now, as many as the lanes take, the smallest first. Returns those. */
  dispatch(planned: readonly Op[], isUnsettled: (op: Op) => boolean): readonly Op[] {
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
      this.#lanes.add(op, () => this.#work(op, keys).catch((error: unknown) => this.#endOnce(error)));
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

  /** Deletions done lately, by the side that lost the entry: a mass deletion that arrives piece by piece is one all the same. */
  recentDeletions(): Readonly<Record<Side, number>> {
    const since = this.#options.clock.monotonic() - DELETION_WINDOW_MS;
    while ((this.#deletions[0]?.atMs ?? Infinity) < since) this.#deletions.shift();
    const counts = { local: 0, remote: 0 };
    for (const { side, count } of this.#deletions) counts[side] += count;
    return counts;
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
      if (signal.aborted || !this.#options.reachable()) return;
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
    const side = op.kind === 'remove-local' ? 'local' : op.kind === 'remove-remote' ? 'remote' : undefined;
    const count = changes.unpair?.length ?? 0;
    if (side !== undefined && count > 0) this.#deletions.push({ atMs: clock.monotonic(), side, count });
    this.backOff.succeeded(keys[0] ?? op.kind);
    this.#lastChangeAtMs = line.atMs;
    this.#logIsFull = false;
    this.#unreached = 0;
    logger.debug({ op: op.kind, path, durationMs: Math.round(durationMs) }, 'an op is done');
  }

  #fail(op: Op, keys: readonly string[], error: unknown, durationMs: number): void {
    const { clock, logger } = this.#options;
    if (error instanceof InvariantError) {
      this.#endOnce(error);
      return;
    }
    const path = this.#running.get(op) ?? '';
    const message = messageOf(error);
    logger.warn({ op: op.kind, path, error: message }, 'an op failed');
    this.#note({ atMs: clock.now(), op: op.kind, path, sizeBytes: null, durationMs, outcome: message });
    const cause = causeOf(error);
    const effectUnknown = error instanceof TransientError && error.effectUnknown;
    if (cause === 'moved-on' || effectUnknown) this.#options.onMoved(op);
    this.#noteReach(error);
    this.backOff.failed(keys[0] ?? op.kind, versionOf(op), message, {
      path,
      cause,
      forMs: waitOf(error, cause),
    });
  }

  /** What no op may run into ends the loop at its next turn. */
  #endOnce(error: unknown): void {
    this.#fatal ??= error;
  }

  #noteReach(error: unknown): void {
    if (!(error instanceof TransientError)) return;
    this.#unreached += 1;
    if (this.#unreached < UNREACHABLE_AFTER) return;
    this.#unreached = 0;
    this.#options.onUnreachable();
  }

  /** The log of operations is for people: that it has no room must not stop the work. */
  #note(line: LoggedOp): void {
    const { replica } = this.#options;
    try {
      replica.apply({ alsoStore: () => replica.index.logOp(line) });
    } catch (error) {
      if (!isFull(error)) throw error;
      this.#logIsFull = true;
    }
  }
}

/** The entry whose content an op moves. */
function transferIdOf(op: Op): string {
  if (op.kind === 'download') return op.remote.id;
  return 'local' in op ? String(op.local.id) : '';
}
