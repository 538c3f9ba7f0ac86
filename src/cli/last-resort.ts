import { delay, systemClock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { EXIT } from './exit-codes.ts';
import { lastWords, tellError, wantsJson } from './output.ts';

/** What must be put in order before this process may end. */
interface HeldThing {
  /** Put it in order; resolves when that is done. */
  release(): Promise<void>;
  readonly logger?: Logger;
  /** Where that logger writes. */
  readonly log?: string | undefined;
}

/** How long putting everything in order may take. Units: milliseconds. */
const RELEASE_MAX_MS = 15_000;

const held = new Set<HeldThing>();
let isEnding = false;

/** Have something put in order should this program fail anywhere; `dispose` when it no longer needs that. */
export function holdUntilEnd(thing: HeldThing): { dispose(): void } {
  held.add(thing);
  return { dispose: () => void held.delete(thing) };
}

interface HeldWork {
  /** Aborted: the work stops in order. */
  readonly stop: AbortController;
  readonly logger: Logger;
  readonly log?: string | undefined;
}

/** Run something long that must be stopped in order should this program fail anywhere. */
export async function runHeld<Result>(
  { stop, logger, log }: HeldWork,
  work: () => Promise<Result>,
): Promise<Result> {
  const running = work();
  const release = async () => {
    stop.abort();
    // How it ends is told by who awaits it.
    await running.catch(() => undefined);
  };
  const hold = holdUntilEnd({ release, logger, log });
  try {
    return await running;
  } finally {
    hold.dispose();
  }
}

/**
 * Have faults of this program, which nobody awaited or caught, end it in order.
 *
 * Guarantees: what is held is released, the last first; one line to standard error; the stack goes to the log, and only
 * without one to standard error; exit code 1. Of several faults the first decides; the others are logged.
 */
export function standByForFaults(): void {
  process.on('uncaughtException', endInOrder);
  process.on('unhandledRejection', endInOrder);
}

function endInOrder(error: unknown): void {
  const things = [...held].reverse();
  const stack = error instanceof Error ? error.stack : undefined;
  for (const { logger } of things)
    logger?.error({ error: messageOf(error), stack }, 'a fault of this program');
  if (isEnding) return;
  isEnding = true;
  process.exitCode = EXIT.fault;
  const log = things.find((thing) => thing.log !== undefined)?.log;
  // Without a log, what is needed to mend the fault has no other place.
  const more = log === undefined ? '' : `; more is in ${log}`;
  const lines = log === undefined && stack !== undefined ? stack.split('\n') : [];
  lastWords([`error: a fault of this program: ${firstLine(messageOf(error))}${more}`, ...lines]);
  tellError(error, wantsJson(process.argv));
  const released = releaseAll(things);
  const deadline = delay(systemClock(), RELEASE_MAX_MS);
  Promise.race([released, deadline]).then(leave, leave);
}

async function releaseAll(things: readonly HeldThing[]): Promise<void> {
  for (const { release, logger } of things)
    await release().catch((error: unknown) => {
      logger?.error({ error: messageOf(error) }, 'something cannot be put in order');
    });
}

function leave(): void {
  process.exit(EXIT.fault);
}

const firstLine = (text: string) => text.split('\n', 1)[0] ?? '';
