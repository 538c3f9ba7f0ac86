import { errnoOf } from '../../errors.ts';
import type { MirrorRoot } from '../local/mirror-root.ts';
import { statFacts } from '../local/stat-facts.ts';
import type { Filter } from '../plan/op.ts';
import { localNameProblem } from '../tree/name-rules.ts';
import type { ListedEntry } from './listing.ts';

/** Folders deeper than this are not walked. */
const DEPTH_MAX = 256;

/** What was seen on the disk beside what the index knows. */
interface Unlisted {
  /** Ignored, or not understood yet. */
  readonly entries: readonly ListedEntry[];
  /** Paths of folders whose names cannot be read, so that nobody knows what stands there. */
  readonly unreadable: ReadonlySet<string>;
}

/**
 * What stands in the mirrored folder and is not known to the index.
 *
 * Guarantees: reads names and stat facts only; never follows a symbolic link; an ignored folder is one line; a folder
 * that cannot be read never passes for an empty one.
 */
export async function unlistedEntries(
  root: MirrorRoot,
  listed: ReadonlySet<string>,
  filter: Filter,
): Promise<Unlisted> {
  const found: ListedEntry[] = [];
  const unreadable = new Set<string>();
  const waiting: (readonly string[])[] = [[]];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const names = await root.files.list(root.resolve(folder)).catch((error: unknown) => {
      if (!['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) unreadable.add(folder.join('/'));
      return [];
    });
    for (const name of names) {
      const entry = await look(root, [...folder, name], filter);
      if (entry === undefined) continue;
      const isOpen = entry.type === 'folder' && entry.state !== 'ignored';
      if (isOpen && folder.length < DEPTH_MAX) waiting.push([...folder, name]);
      if (!listed.has(entry.path)) found.push(entry);
    }
  }
  return { entries: found, unreadable };
}

async function look(
  root: MirrorRoot,
  names: readonly string[],
  filter: Filter,
): Promise<ListedEntry | undefined> {
  if (localNameProblem(names.at(-1) ?? '') !== undefined) return undefined;
  const facts = await statFacts(root.resolve(names));
  if (facts === undefined) return undefined;
  const type = facts.kind === 'folder' ? 'folder' : 'file';
  const ignored = facts.kind === 'other' || filter(names, type) === 'ignore';
  return {
    path: names.join('/'),
    id: null,
    type,
    sizeBytes: type === 'file' ? facts.sizeBytes : null,
    sha1: null,
    etag: null,
    version: null,
    modifiedAtMs: facts.modifiedAtMs,
    createdBy: null,
    state: ignored ? 'ignored' : 'waiting',
  };
}
