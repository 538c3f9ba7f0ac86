import { type BigIntStats, lstatSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { errnoOf } from '../../errors.ts';
import type { LocalFile } from '../tree/entry.ts';

/** What the disk tells of a path without reading it. */
export interface StatFacts {
  readonly kind: 'file' | 'folder' | 'other';
  /** `device:inode:birth`: an inode number alone is given again soon after a deletion, often to the next file made. */
  readonly inode: string;
  /** How many names the entry has. */
  readonly links: number;
  readonly sizeBytes: number;
  /** Units: milliseconds since 1970, fractional. */
  readonly modifiedAtMs: number;
  readonly changedAtMs: number;
}

const NANOSECONDS_PER_MS = 1e6;

/** Reduce a stat result to what identity and change detection need. */
export function factsOf(stats: BigIntStats): StatFacts {
  return {
    kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other',
    inode: `${stats.dev}:${stats.ino}:${stats.birthtimeNs}`,
    links: Number(stats.nlink),
    sizeBytes: Number(stats.size),
    modifiedAtMs: Number(stats.mtimeNs) / NANOSECONDS_PER_MS,
    changedAtMs: Number(stats.ctimeNs) / NANOSECONDS_PER_MS,
  };
}

/** Look at a path, never through a symbolic link; undefined when nothing is there. */
export async function statFacts(path: string): Promise<StatFacts | undefined> {
  try {
    return factsOf(await lstat(path, { bigint: true }));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** As `statFacts`, at once: for a look that must come right before an effect. */
export function statFactsNow(path: string): StatFacts | undefined {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? undefined : factsOf(stats);
}

/** The device that an entry's `device:inode:birth` names. */
export function deviceOf(inode: string): string {
  return inode.slice(0, inode.indexOf(':'));
}

/**
 * True when two identities differ in nothing but the number of the device, which a disk gets anew with each mount; an
 * unknown birth is no proof.
 */
export function isSameWhereverMounted(a: string, b: string): boolean {
  const rest = (inode: string) => inode.slice(inode.indexOf(':'));
  return rest(a) === rest(b) && !rest(a).endsWith(':0');
}

/** True when nothing tells that a file changed since the facts were taken. */
export function sameFacts(a: StatFacts, b: StatFacts): boolean {
  return (
    a.kind === b.kind &&
    a.inode === b.inode &&
    a.sizeBytes === b.sizeBytes &&
    a.modifiedAtMs === b.modifiedAtMs &&
    a.changedAtMs === b.changedAtMs
  );
}

/** True when nobody touched a file but the rename, which changes its change time only. */
export function isSameFile(a: StatFacts, b: StatFacts): boolean {
  return a.inode === b.inode && a.sizeBytes === b.sizeBytes && a.modifiedAtMs === b.modifiedAtMs;
}

/** True when two identities name one entry; a birth that one of them does not know says nothing. */
function isSameInode(a: string, b: string): boolean {
  if (a === b) return true;
  if (!a.endsWith(':0') && !b.endsWith(':0')) return false;
  const withoutBirth = (inode: string) => inode.slice(0, inode.lastIndexOf(':'));
  return withoutBirth(a) === withoutBirth(b);
}

/** True when a file on the disk still is what the local tree says. */
export function isUnchanged(facts: StatFacts, entry: LocalFile): boolean {
  return (
    facts.kind === 'file' &&
    isSameInode(facts.inode, entry.inode) &&
    facts.sizeBytes === entry.content.sizeBytes &&
    facts.modifiedAtMs === entry.content.modifiedAtMs &&
    facts.changedAtMs === entry.changedAtMs
  );
}

/**
 * True for a file whose last write was over before its name was given: a rename changes the inode, not the content.
 * Every write sets both times to the same instant, so a file that is being written does not look like it. How much lies
 * between them says nothing more: a fast disk has synced ten megabytes within a millisecond.
 */
export function wasRenamedHere({ changedAtMs, modifiedAtMs }: StatFacts): boolean {
  return changedAtMs > modifiedAtMs;
}
