import { participantKey, runPaths } from '../../round/run-folder.ts';
import type { UpdateMeta } from '../side-file.ts';
import { writeSideFile } from '../side-file.ts';
import type { Workdir } from '../workdir.ts';

/** A checkpoint as it came over a connection. */
interface Upload {
  /** The participant's name, judged and admitted. */
  readonly name: string;
  readonly round: number;
  readonly content: Buffer;
  /** What stands beside a checkpoint in a shared folder; undefined from kMoL's clients. */
  readonly update: UpdateMeta | undefined;
}

/**
 * Put an upload where the server looks for it.
 *
 * Guarantees: the first usable one of a round stands, so that nothing changes under an aggregation; on the disk
 * when this returns.
 */
export async function storeUpload(
  { workdir, run }: { readonly workdir: Workdir; readonly run: string },
  upload: Upload,
): Promise<void> {
  const { name, round, content, update } = upload;
  const path = runPaths.update(run, round, name);
  const entries = await workdir.list(runPaths.round(run, round));
  const has = (file: string) => entries.some((entry) => entry.name === file);
  const key = participantKey(name);
  if (has(`${key}.pt`)) {
    if (!has(`${key}.refused.json`)) return;
    // It was about the content that goes now, and the next is judged anew, be it the same; left behind, it would let
    // a third one replace a usable second.
    await workdir.remove(runPaths.refused(run, round, name));
  }
  const metaPath = runPaths.updateMeta(run, round, name);
  // The side file first: whoever sees the checkpoint can read what it is.
  if (update === undefined) await workdir.remove(metaPath);
  else await writeSideFile(workdir, metaPath, { ...update, participant: name });
  await workdir.write(path, content);
}
