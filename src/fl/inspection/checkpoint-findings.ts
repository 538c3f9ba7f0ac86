import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, MilaError, messageOf } from '../../errors.ts';
import { isParameter } from '../aggregate/tensor-roles.ts';
import { inspectCheckpoint } from '../torch/inspect-checkpoint.ts';
import type { CheckpointFinding, CheckpointFindings, ModelLayout, ObservedRun } from './observed-run.ts';
import { roleOf } from './roles.ts';

interface LookOptions {
  /** Also read every byte: checksums of storages, SHA-256 of the file. */
  readonly deep: boolean;
}

/** Checkpoints looked at together: their parsing is this thread's work, only their reading overlaps. */
const LANES = 8;

/** Keeps one object for each distinct layout, so that a thousand checkpoints of one model cost one. */
class Layouts {
  readonly #known = new Map<string, ModelLayout>();

  shared(layout: ModelLayout): ModelLayout {
    const key = createHash('sha256')
      .update(JSON.stringify([...layout]))
      .digest('hex');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#known.set(key, layout);
    return layout;
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece);
  return hash.digest('hex');
}

const count = (shape: readonly number[]) => shape.reduce((product, extent) => product * extent, 1);

async function lookAt(path: string, options: LookOptions, layouts: Layouts): Promise<CheckpointFinding> {
  try {
    const { format, tensors } = await inspectCheckpoint(path, { readStorages: options.deep });
    return {
      problem: null,
      format,
      tensors: tensors.size,
      parameters: [...tensors]
        .filter(([name, { dtype }]) => isParameter(name, dtype))
        .reduce((sum, [, { shape }]) => sum + count(shape), 0),
      layout: layouts.shared(tensors),
      sha256: options.deep ? await sha256Of(path) : null,
    };
  } catch (error) {
    const code = error instanceof MilaError ? error.code : (errnoOf(error) ?? 'unreadable');
    const problem = { code, message: messageOf(error) };
    return { problem, format: null, tensors: 0, parameters: 0, layout: null, sha256: null };
  }
}

/**
 * Look into every checkpoint and aggregate of a run.
 *
 * Guarantees: nothing in them is executed; without `deep` only their indexes are read; what cannot be read is a
 * finding, never an error.
 */
export async function lookIntoCheckpoints(
  run: ObservedRun,
  options: LookOptions,
): Promise<CheckpointFindings> {
  const paths = run.entries
    .filter(({ kind, path }) => kind === 'file' && ['update', 'aggregate'].includes(roleOf(path).kind))
    .map(({ path }) => path);
  const layouts = new Layouts();
  const findings = new Map<string, CheckpointFinding>();
  for (let first = 0; first < paths.length; first += LANES) {
    const lane = paths.slice(first, first + LANES);
    const found = await Promise.all(lane.map((path) => lookAt(join(run.folder, path), options, layouts)));
    for (const [index, path] of lane.entries()) {
      const finding = found[index];
      if (finding !== undefined) findings.set(path, finding);
    }
  }
  return findings;
}
