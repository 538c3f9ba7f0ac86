import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import { delay } from '../../clock.ts';
import {
  CorruptError,
  errnoOf,
  MilaError,
  messageOf,
  StaleError,
  StateError,
  TransientError,
} from '../../errors.ts';
import type { ClientSession } from './client-transport.ts';
import { digestOf } from './publish.ts';

/** Where a client keeps the model that its training starts from: the round's before it is of no more use. */
const START_FILE = 'start.latest.pt';
/** Between two tries to get hold of a model. Units: milliseconds. */
const RETRY_MS = 1_000;

/** A model that a training may start from. */
export interface StartModel {
  /** This client's own copy, which nobody else writes. */
  readonly path: string;
  /** Of the aggregate as the server published it. */
  readonly sha256: string;
}

/** Read a checkpoint and write its model anew. Errors: CorruptError when it is none. */
export type CopyModel = (
  source: string,
  output: string,
  options: { readonly signal: AbortSignal },
) => Promise<void>;

interface TakeOptions {
  readonly session: ClientSession;
  /** The run's folder among the client's own results. */
  readonly results: string;
  readonly copyModel: CopyModel;
  readonly clock: Clock;
  /** Called, once for each reason, with why the model cannot be taken yet. */
  readonly onTrouble: (message: string) => void;
}

/**
 * Take the model that a round starts from: read by this project's codec, and written anew among the client's own
 * results.
 *
 * Guarantees: the copy and the digest are of one content, that the server wrote and, where it says so, of the digest it
 * named; what changes meanwhile is taken again, what is not the server's is waited out. Training programs get the copy.
 * Errors: CorruptError 'aggregate-malformed' when the aggregate is no model; an abort's reason.
 */
export function takeStartModel(
  options: TakeOptions,
  round: number,
  signal: AbortSignal,
): Promise<StartModel> {
  return takeModel(options, { round, file: START_FILE }, signal);
}

/** As `takeStartModel`, into a file of another name. */
export async function takeModel(
  options: TakeOptions,
  { round, file }: { readonly round: number; readonly file: string },
  signal: AbortSignal,
): Promise<StartModel> {
  let said = '';
  for (;;) {
    try {
      return await takeOnce(options, { round, file }, signal);
    } catch (error) {
      if (signal.aborted || !mayPass(error)) throw error;
      const message = `the model of round ${round} cannot be taken yet: ${messageOf(error)}`;
      if (message !== said) options.onTrouble(message);
      said = message;
      await delay(options.clock, RETRY_MS, signal);
      signal.throwIfAborted();
    }
  }
}

function mayPass(error: unknown): boolean {
  if (error instanceof StaleError || error instanceof TransientError || error instanceof StateError)
    return true;
  return !(error instanceof MilaError) && errnoOf(error) === 'ENOENT';
}

async function takeOnce(
  { session, results, copyModel }: TakeOptions,
  { round, file }: { readonly round: number; readonly file: string },
  signal: AbortSignal,
): Promise<StartModel> {
  const before = await session.aggregate(round);
  const facts = await contentFacts(before.path);
  const { sha256 } = await digestOf(before.path, signal);
  if (before.sha256 !== null && before.sha256 !== sha256)
    throw new StaleError({
      code: 'aggregate-differs',
      message: 'its bytes are not the ones that the server describes',
    });
  await mkdir(results, { recursive: true });
  const path = join(results, file);
  await copyModel(before.path, path, { signal }).catch((error: unknown) => {
    if (!(error instanceof CorruptError)) throw error;
    const message = `the model of round ${round} cannot be used: ${error.message}`;
    throw new CorruptError({ code: 'aggregate-malformed', message, cause: error });
  });
  const after = await session.aggregate(round);
  if (after.version !== before.version || (await contentFacts(before.path)) !== facts)
    throw new StaleError({ code: 'changed', message: 'it was written anew while it was read' });
  return { path, sha256 };
}

/** What differs whenever a file was written anew. */
export async function contentFacts(path: string): Promise<string> {
  const { ino, size, mtimeNs } = await stat(path, { bigint: true });
  return `${ino}-${size}-${mtimeNs}`;
}
