import { z } from 'zod';
import type { Workdir } from './workdir.ts';

/** The longest side file that is read. Units: bytes. */
export const SIDE_FILE_MAX_BYTES = 1_048_576;

const metrics = z.record(z.string(), z.number());

/** What stands beside a checkpoint; kMoL's own programs ignore it. */
export const UPDATE_META = z.object({
  round: z.number().int().positive(),
  participant: z.string().optional(),
  samples: z.number().int().nonnegative().nullable(),
  metrics: metrics.default({}),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  size_bytes: z.number().int().nonnegative().optional(),
  start_sha256: z.string().nullable().optional(),
  seconds: z.number().optional(),
});

export type UpdateMeta = z.infer<typeof UPDATE_META>;

/** What stands beside an aggregate. */
export interface ServerMeta {
  /** The round whose updates made it; 0 for a start model. */
  readonly made_in_round: number;
  /** The round that starts from it. */
  readonly round: number;
  readonly rounds_count: number;
  /** True when no round starts from it any more. */
  readonly final: boolean;
  readonly participants: readonly string[];
  readonly weights: Readonly<Record<string, number>>;
  readonly refused: readonly { readonly participant: string; readonly reason: string }[];
  readonly metrics: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly sha256: string | null;
}

/** A checkpoint's side file; null when there is none, a text when it is not one. */
export async function readUpdateMeta(workdir: Workdir, path: string): Promise<UpdateMeta | string | null> {
  const bytes = await workdir.read(path, SIDE_FILE_MAX_BYTES);
  if (bytes === undefined) return null;
  try {
    return UPDATE_META.parse(JSON.parse(bytes.toString('utf8')));
  } catch {
    return 'its side file is not JSON of the documented form';
  }
}

export async function writeSideFile(
  workdir: Workdir,
  path: string,
  content: UpdateMeta | ServerMeta,
): Promise<void> {
  await workdir.write(path, `${JSON.stringify(content, undefined, 1)}\n`);
}
