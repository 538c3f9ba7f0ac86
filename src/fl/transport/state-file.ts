import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { z } from 'zod';
import { writeFileAtomically } from '../../atomic-file.ts';
import { CorruptError, errnoOf } from '../../errors.ts';

/** A participant's own memory of a run, on its own disk and never in the shared folder. */
export interface StateFile<State> {
  readonly path: string;
  /** Write it if it differs from what was written last. */
  save(state: State): Promise<void>;
}

/** Read a state file; undefined when there is none. Errors: CorruptError 'state-damaged'. */
export async function loadState<State>(path: string, schema: z.ZodType<State>): Promise<State | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new CorruptError({
      code: 'state-damaged',
      message: `${path} is not a state that this program wrote`,
      hint: 'Move the file away to start without it.',
      data: { path },
      cause,
    });
  }
}

export function createStateFile<State>(path: string): StateFile<State> {
  let written = '';
  return {
    path,
    async save(state) {
      const text = `${JSON.stringify(state, undefined, 1)}\n`;
      if (text === written) return;
      await mkdir(dirname(path), { recursive: true });
      await writeFileAtomically(path, text);
      written = text;
    },
  };
}
