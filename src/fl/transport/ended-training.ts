import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { errnoOf } from '../../errors.ts';
import { createStateFile, loadState } from './state-file.ts';

/** The name of the note among a client's results. */
export const ENDED_TRAINING_FILE = 'training.ended.json';

const NOTE = z.object({
  round: z.number(),
  startSha256: z.string().nullable(),
  checkpointPath: z.string(),
  /** What the checkpoint was when the training ended. */
  sizeBytes: z.number(),
  modifiedAtMs: z.number(),
  samples: z.number().nullable(),
  metrics: z.record(z.string(), z.number()),
  seconds: z.number(),
});

type Note = z.infer<typeof NOTE>;

/** A training that has ended, as its note tells. Units: `seconds` of training. */
export type EndedTraining = Omit<Note, 'sizeBytes' | 'modifiedAtMs'>;

async function factsOf(path: string): Promise<Pick<Note, 'sizeBytes' | 'modifiedAtMs'> | undefined> {
  try {
    const { size, mtimeMs } = await stat(path);
    return { sizeBytes: size, modifiedAtMs: mtimeMs };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * The client's note of the training that ended last, until its update is on its way.
 *
 * Guarantees: written before anything is made of the training's result, so that a client that is killed then does not
 * train the same once more; good only for the same round, from the same model, while the checkpoint is as it was.
 */
export class EndedTrainings {
  readonly #path: string;

  /** `results`: the run's folder among the client's own results. */
  constructor(results: string) {
    this.#path = join(results, ENDED_TRAINING_FILE);
  }

  async note(training: EndedTraining): Promise<void> {
    const facts = await factsOf(training.checkpointPath);
    if (facts !== undefined) await createStateFile<Note>(this.#path).save({ ...training, ...facts });
  }

  /** The training that ended for this round from this model; undefined when there is none. */
  async recall(round: number, startSha256: string | null): Promise<EndedTraining | undefined> {
    const note = await loadState(this.#path, NOTE);
    if (note === undefined || note.round !== round || note.startSha256 !== startSha256) return undefined;
    const { sizeBytes, modifiedAtMs, ...training } = note;
    const facts = await factsOf(note.checkpointPath);
    return facts?.sizeBytes === sizeBytes && facts.modifiedAtMs === modifiedAtMs ? training : undefined;
  }

  /** Its update is on its way, or another training is wanted. */
  async forget(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}
