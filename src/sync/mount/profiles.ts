import { TEMPORARY_SUFFIX } from '../../atomic-file.ts';
import type { Attention } from '../engine/feed-pace.ts';
import { STATE_FOLDER } from '../local/mirror-root.ts';
import type { Disposition, Filter } from '../plan/op.ts';
import { CLAIM_FOLDERS, hasEverybodysUpdate } from './round-progress.ts';

/** Which part of the folder a participant needs on its disk. */
export type Profile =
  | { readonly kind: 'full' }
  /** What a server reads; of heartbeats their versions and times suffice. */
  | { readonly kind: 'server' }
  /** What one participant reads and writes; the others' files keep their names and versions only. */
  | { readonly kind: 'client'; readonly name: string };

/** Names that operating systems leave behind, and that would mislead readers of a run folder. */
const STRAY_NAMES: ReadonlySet<string> = new Set(['.DS_Store', 'desktop.ini', 'Thumbs.db']);

/** Folders of a run that hold one file for each participant. */
const PER_PARTICIPANT: ReadonlySet<string> = new Set([...CLAIM_FOLDERS, 'heartbeats']);

/** What is never mirrored: half-written files, the engine's own folder, strays. */
function isNeverMirrored(names: readonly string[]): boolean {
  const name = names.at(-1) ?? '';
  return name.endsWith(TEMPORARY_SUFFIX) || names[0] === STATE_FOLDER || STRAY_NAMES.has(name);
}

/** True for a file in a run folder that belongs to another participant. */
function isOthersFile(names: readonly string[], own: string): boolean {
  const [, folder = '', ...rest] = names;
  const file = (rest.at(-1) ?? '').toLowerCase();
  const name = own.toLowerCase();
  if (PER_PARTICIPANT.has(folder)) return !file.startsWith(`${name}_`);
  if (folder !== 'rounds' || !/\.(pt|meta\.json)$/.test(file)) return false;
  return file !== `${name}.pt` && file !== `${name}.meta.json` && file !== 'server.meta.json';
}

/**
 * The filter of a mount.
 *
 * Guarantees: pure; a path that is ignored is ignored on both sides, and never deleted for it.
 */
export function profileFilter(profile: Profile): Filter {
  return (names, kind): Disposition => {
    if (isNeverMirrored(names)) return 'ignore';
    if (profile.kind === 'client' && kind === 'file' && isOthersFile(names, profile.name))
      return 'online-only';
    // N heartbeats a minute cost a listing, not N downloads: who beat and when stands in the index.
    if (profile.kind === 'server' && kind === 'file' && names[1] === 'heartbeats') return 'online-only';
    return 'mirror';
  };
}

/** A server must hear each heartbeat well within its time-out, and everybody waits for it; a client has no such hurry. */
const SERVER_ATTENTION: Attention = { gapMinMs: 200, gapMaxMs: 54_000, followsBeats: true };
const CLIENT_ATTENTION: Attention = {
  gapMaxMs: 180_000,
  followsBeats: false,
  answerIsNear: hasEverybodysUpdate,
};

/** How rarely, at most, a profile's mount reads the event feed while only heartbeats pass by. */
export function attentionOf(profile: Profile): Attention {
  return profile.kind === 'client' ? CLIENT_ATTENTION : SERVER_ATTENTION;
}

/** What `--profile` takes. */
export const PROFILE_KINDS = ['server', 'client', 'full'] as const;
