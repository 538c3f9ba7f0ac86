import type { ServerDraft, ServerInput } from './server-draft.ts';
import type { ObservedForeign } from './server-observation.ts';
import { foreignFileEvent } from './server-ownership.ts';
import { roundOf } from './server-state.ts';

/** The most foreign files that one run remembers to have told of: names are made faster than they are read. */
const TOLD_MAX = 1_000;

/** Say once what somebody else wrote under a name of the server's. */
function report(draft: ServerDraft, file: ObservedForeign): void {
  const token = `foreign/${file.path}/${file.by.id}`;
  if (draft.reported.has(token) || draft.reported.size >= TOLD_MAX) return;
  draft.reported.add(token);
  draft.events.push(
    foreignFileEvent(
      file,
      file.remedy === null ? 'is ignored' : "is ignored, and the server's own is written in its place",
    ),
  );
}

/** Have a refusal written again, by having its update looked at again, once for each foreign version. */
function refuseAgain(draft: ServerDraft, key: string, { path, version }: ObservedForeign): void {
  const token = `again/${path}/${version}`;
  if (draft.updates.get(key)?.status !== 'refused' || draft.reported.has(token)) return;
  draft.reported.add(token);
  draft.updates.delete(key);
}

/**
 * Answer files under the server's names that others wrote: tell of each once, and have the server's own put in its place.
 *
 * Guarantees: nothing that such a file says is heeded.
 */
export function heedForeignFiles(draft: ServerDraft, input: ServerInput): void {
  const round = roundOf(draft.phase) ?? 1;
  const final = draft.phase.kind === 'finishing';
  for (const file of input.observation.foreign ?? []) {
    report(draft, file);
    const { remedy } = file;
    if (remedy === null || remedy.kind === 'answer') continue;
    if (remedy.kind === 'refusal') refuseAgain(draft, remedy.key, file);
    // A round that is not open yet is opened anyhow.
    else if (remedy.kind !== 'round' || draft.roundOpenedAtMs !== null)
      draft.actions.push({ kind: 'restore', file: remedy.kind, round, final });
  }
}
