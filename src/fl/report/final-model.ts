import type { Inspection } from '../inspection/inspection.ts';
import type { ObservedRun } from '../inspection/observed-run.ts';
import { runPaths } from '../round/run-folder.ts';
import { parseServerWord } from '../transport/side-file.ts';

/** The newest aggregate of a run that has ended: where it stands, and what its bytes are known by. */
export interface FinalModel {
  readonly path: string;
  readonly sizeBytes: number | null;
  /** As the server wrote it beside the model; null where no side file tells. */
  readonly statedSha256: string | null;
  /** As computed from the file; null unless every byte was read. */
  readonly computedSha256: string | null;
}

/** A path inside a run's folder, as the inspection spells the folder. */
const below = (folder: string, path: string) => `${folder.replace(/\/$/, '')}/${path}`;

/** The final model of a run; null while there is none. */
export function finalModelOf(inspection: Inspection, { entries }: ObservedRun): FinalModel | null {
  const final = inspection.rounds.find(({ isFinal }) => isFinal);
  if (final === undefined) return null;
  // Paths are made for the run folder's place in the shared one: here the run is the root.
  const side = runPaths.serverMeta('', final.round).slice(1);
  const text = entries.find(({ path }) => path === side)?.text ?? null;
  const stated = text === null ? null : parseServerWord(Buffer.from(text)).sha256;
  return {
    path: below(inspection.folder, runPaths.aggregate('', final.round).slice(1)),
    sizeBytes: final.startBytes,
    statedSha256: stated,
    computedSha256: final.startCheckpoint?.sha256 ?? null,
  };
}

/** What is known of a model's SHA-256, and from where. */
export function sha256Words({ statedSha256, computedSha256 }: FinalModel): string {
  if (computedSha256 === null)
    return statedSha256 === null
      ? 'not known: no side file tells it; inspect --deep computes it'
      : `${statedSha256}, as the server wrote; inspect --deep compares it with the file`;
  if (statedSha256 === null) return `${computedSha256}, computed from the file`;
  return statedSha256 === computedSha256
    ? `${computedSha256}, computed from the file, and the same as the server wrote`
    : `${computedSha256}, computed from the file; the server wrote another: ${statedSha256}`;
}
