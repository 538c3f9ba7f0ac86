import type { RemoteEntry } from '../tree/entry.ts';
import { foldName } from '../tree/name-rules.ts';

/** The folders that a mount would take for the one of this name: those written so, else those that differ in case only. */
export function namesakes(name: string, entries: readonly RemoteEntry[]): readonly RemoteEntry[] {
  const alike = entries.filter((entry) => entry.kind === 'folder' && foldName(entry.name) === foldName(name));
  const exact = alike.filter((entry) => entry.name === name);
  return exact.length > 0 ? exact : alike;
}
