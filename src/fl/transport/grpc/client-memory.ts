import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { writeAtomically, writeFileAtomically } from '../../../atomic-file.ts';
import { errnoOf } from '../../../errors.ts';
import { participantKey, runPaths } from '../../round/run-folder.ts';
import { resultsFolder } from '../client-results.ts';
import { loadState } from '../state-file.ts';

/** Holds a token: for this user's eyes only. */
const MEMORY_MODE = 0o600;

const MEMORY = z.object({
  format: z.literal(1),
  target: z.string(),
  run: z.string().regex(/^[\w-]{1,64}$/),
  token: z.string(),
  /** The newest round whose model is here; 0 for none. */
  round: z.number().int().nonnegative(),
  /** The round whose update the server took last; 0 for none. */
  delivered: z.number().int().nonnegative(),
});

/** What a client must remember of its connection over a restart. */
export type Remembered = z.infer<typeof MEMORY>;

/** A client's own disk: its place at a server, and the models that it was given. */
export class ClientMemory {
  readonly #savePath: string;
  readonly #name: string;
  readonly #path: string;

  /** Units: `savePath` where the client's results go, one folder per run. */
  constructor(savePath: string, name: string) {
    this.#savePath = savePath;
    this.#name = name;
    this.#path = join(savePath, `${participantKey(name)}.grpc.json`);
  }

  /** What is remembered of `target`. Errors: CorruptError 'state-damaged'. */
  async recall(target: string): Promise<Remembered | undefined> {
    const known = await loadState(this.#path, MEMORY);
    if (known?.target !== target) return undefined;
    // A model that is gone must be asked for again.
    const isHere = known.round === 0 || existsSync(this.modelPath(known.run, known.round).received);
    return isHere ? known : { ...known, round: 0 };
  }

  async remember(value: Omit<Remembered, 'format'>): Promise<void> {
    await mkdir(this.#savePath, { recursive: true });
    const text = `${JSON.stringify({ format: 1, ...value }, undefined, 1)}\n`;
    await writeFileAtomically(this.#path, text, { mode: MEMORY_MODE });
  }

  /** This client's own: another one with the same save_path keeps its models elsewhere. */
  folderOf(run: string): string {
    return resultsFolder({ savePath: this.#savePath, name: this.#name }, run);
  }

  /** Where a round's model stands, and the mark that it came, be it empty. */
  modelPath(run: string, round: number): { readonly aggregate: string; readonly received: string } {
    return {
      aggregate: join(this.folderOf(run), runPaths.aggregate('.', round)),
      received: join(this.folderOf(run), runPaths.round('.', round)),
    };
  }

  hasAggregate(run: string, round: number): boolean {
    return existsSync(this.modelPath(run, round).aggregate);
  }

  /** Keep a model that was received. Models older than the one before it are deleted: they can be large. */
  async keepModel(run: string, round: number, configuration: Buffer, checkpoint: Buffer): Promise<void> {
    const { aggregate } = this.modelPath(run, round);
    await mkdir(dirname(aggregate), { recursive: true });
    await writeFileAtomically(join(this.folderOf(run), runPaths.task('.')), configuration);
    if (checkpoint.length > 0)
      await writeAtomically(aggregate, async (handle) => void (await handle.writeFile(checkpoint)));
    if (round > 2) await rm(this.modelPath(run, round - 2).aggregate, { force: true });
  }

  /** The task configuration as it came; undefined before it came. */
  async readTask(run: string): Promise<Buffer | undefined> {
    return readFile(join(this.folderOf(run), runPaths.task('.'))).catch((error) => {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    });
  }
}
