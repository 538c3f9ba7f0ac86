import PQueue from 'p-queue';
import type { Op } from '../plan/op.ts';

/** Control: small files and everything without content. Bulk: checkpoints. A heartbeat never waits behind a gigabyte. */
export type Lane = 'control' | 'bulk';

/** Files up to this size take the control lane. */
const CONTROL_BYTES_MAX = 64 * 1024;
const CONCURRENCY: Readonly<Record<Lane, number>> = { control: 6, bulk: 4 };

/** So many ops of a lane are handed out at once; the others stay in the plan, where they can still change. */
export const LANE_WINDOW = 500;

/** The content bytes that an op moves. */
export function bytesOf(op: Op): number {
  if (op.kind === 'download') return op.remote.content.sizeBytes;
  if (op.kind === 'upload' || op.kind === 'upload-version') return op.local.content.sizeBytes;
  return 0;
}

/** Which lane an op takes. */
export function laneOf(op: Op): Lane {
  return bytesOf(op) <= CONTROL_BYTES_MAX ? 'control' : 'bulk';
}

/**
 * The queues of ops, one a lane.
 *
 * Guarantees: smallest first within a lane; lanes do not wait for each other; pausing lets what runs finish.
 */
export class Lanes {
  readonly #queues: Readonly<Record<Lane, PQueue>> = {
    control: new PQueue({ concurrency: CONCURRENCY.control }),
    bulk: new PQueue({ concurrency: CONCURRENCY.bulk }),
  };

  /** Queue the work of an op. The work handles its own errors. */
  add(op: Op, work: () => Promise<void>): void {
    const queue = this.#queues[laneOf(op)];
    void queue.add(work, { priority: -bytesOf(op) });
  }

  /** Ops waiting and running, by lane. */
  depth(lane: Lane): number {
    return this.#queues[lane].size + this.#queues[lane].pending;
  }

  pause(): void {
    for (const queue of Object.values(this.#queues)) queue.pause();
  }

  resume(): void {
    for (const queue of Object.values(this.#queues)) queue.start();
  }

  /** Drop what has not started, and wait for what runs. */
  async stop(): Promise<void> {
    const queues = Object.values(this.#queues);
    for (const queue of queues) queue.clear();
    await Promise.all(queues.map((queue) => queue.onIdle()));
  }
}
