import type { RemoteId } from '../../ids.ts';
import type { Trees } from '../index/version-index.ts';
import { hashFile } from '../local/hasher.ts';
import type { MirrorRoot } from '../local/mirror-root.ts';
import { isUnchanged } from '../local/stat-facts.ts';
import type { RemoteStore } from '../remote/remote-store.ts';
import type { LocalFile, RemoteEntry } from '../tree/entry.ts';
import type { Tree } from '../tree/tree.ts';

/** What does not fit together, as far as a comparison tells. */
export type Discrepancy =
  /** Nobody wrote the file, yet its bytes are others than were agreed. */
  | 'damaged-on-disk'
  /** Changed since the mount last looked: it will be taken up. */
  | 'changed-on-disk'
  | 'missing-on-disk'
  | 'unreadable'
  /** Disk and Box are not in agreement by the index's own account. */
  | 'not-agreed'
  | 'differs-in-box'
  | 'missing-in-box'
  | 'unknown-in-box';

export interface Finding {
  readonly path: string;
  readonly problem: Discrepancy;
}

/** What was compared, and what did not fit. */
export interface Verification {
  readonly files: number;
  readonly bytes: number;
  readonly findings: readonly Finding[];
}

/**
 * Compare the disk with the index by hash, and the index's three trees with each other.
 *
 * Guarantees: reads only; every byte of every mirrored file is read once.
 */
export async function verifyDisk(
  root: MirrorRoot,
  { remote, local, synced }: Trees,
  signal?: AbortSignal,
): Promise<Verification> {
  const findings: Finding[] = [];
  let files = 0;
  let bytes = 0;
  for (const node of local.values()) {
    const path = local.pathOf(node.id);
    if (node.kind !== 'file' || path === undefined) continue;
    signal?.throwIfAborted();
    files += 1;
    bytes += node.content.sizeBytes;
    const agreed = synced.byLocal(node.id);
    const there = agreed === undefined ? undefined : remote.get(agreed.remoteId);
    const problem =
      (await verifyFile(root, path, node)) ??
      (there?.kind === 'file' && there.content.sha1 === node.content.sha1 ? undefined : 'not-agreed');
    if (problem !== undefined) findings.push({ path: path.join('/'), problem });
  }
  return { files, bytes, findings: findings.sort(byPath) };
}

async function verifyFile(
  root: MirrorRoot,
  names: readonly string[],
  file: LocalFile,
): Promise<Discrepancy | undefined> {
  const path = root.resolve(names);
  if ((await root.files.facts(path)) === undefined) return 'missing-on-disk';
  const hashed = await hashFile(root.files, path).catch(() => 'unreadable' as const);
  if (hashed === 'unreadable') return hashed;
  if (hashed === undefined || !isUnchanged(hashed.facts, file)) return 'changed-on-disk';
  return hashed.sha1 === file.content.sha1 ? undefined : 'damaged-on-disk';
}

/**
 * List the whole folder in Box afresh and compare it with what the index knows of it.
 *
 * Guarantees: reads only. Errors: as the port raises them.
 */
export async function verifyBox(
  store: RemoteStore,
  known: Tree<RemoteId, RemoteEntry>,
  isWanted: (path: readonly string[], kind: 'file' | 'folder') => boolean,
): Promise<Verification> {
  const listed = await listAll(store, known, isWanted);
  const findings: Finding[] = [];
  for (const { path, entry } of listed.values()) {
    const problem = compare(known.get(entry.id), entry);
    if (problem !== undefined) findings.push({ path: path.join('/'), problem });
  }
  for (const node of known.values()) {
    const path = known.pathOf(node.id) ?? [];
    if (path.length === 0 || listed.has(node.id) || !isWanted(path, node.kind)) continue;
    findings.push({ path: path.join('/'), problem: 'missing-in-box' });
  }
  const sizes = [...listed.values()].flatMap(({ entry }) =>
    entry.kind === 'file' ? [entry.content.sizeBytes] : [],
  );
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  return { files: sizes.length, bytes, findings: findings.sort(byPath) };
}

interface Listed {
  readonly path: readonly string[];
  readonly entry: RemoteEntry;
}

/** Everything below the mirrored folder as Box lists it now. */
async function listAll(
  store: RemoteStore,
  known: Tree<RemoteId, RemoteEntry>,
  isWanted: (path: readonly string[], kind: 'file' | 'folder') => boolean,
): Promise<Map<RemoteId, Listed>> {
  const listed = new Map<RemoteId, Listed>();
  const root = [...known.values()].find((node) => node.parentId === null);
  const waiting = root === undefined ? [] : [{ id: root.id, path: [] as readonly string[] }];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    for (const entry of (await store.list(folder.id)) ?? []) {
      const path = [...folder.path, entry.name];
      if (!isWanted(path, entry.kind)) continue;
      listed.set(entry.id, { path, entry });
      if (entry.kind === 'folder') waiting.push({ id: entry.id, path });
    }
  }
  return listed;
}

function compare(known: RemoteEntry | undefined, found: RemoteEntry): Discrepancy | undefined {
  if (known === undefined) return 'unknown-in-box';
  const samePlace = known.parentId === found.parentId && known.name === found.name;
  const sameContent =
    known.kind === 'folder'
      ? found.kind === 'folder'
      : found.kind === 'file' && known.content.sha1 === found.content.sha1;
  return samePlace && sameContent ? undefined : 'differs-in-box';
}

const byPath = (a: Finding, b: Finding) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
