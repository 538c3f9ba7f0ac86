import type { Side } from '../tree/entry.ts';
import type { HeldDeletions, Op } from './op.ts';
import type { PlanInput } from './plan-input.ts';

/** So few deletions are what people do every day, and are never held without a limit of theirs. */
const ALWAYS_ALLOWED = 2;
const SIDES: readonly Side[] = ['local', 'remote'];

/** How many entries each side loses by a plan. */
type Losses = Readonly<Record<Side, number>>;

function lossesOf(input: PlanInput, ops: readonly Op[]): Losses {
  const losses = { local: 0, remote: 0 };
  for (const op of ops) {
    if (op.kind === 'remove-local') losses.local += 1;
    if (op.kind === 'remove-remote') losses.remote += input.remote.subtree(op.remote.id).length;
  }
  return losses;
}

/** How much more is lost than may be; undefined when it is not. `waitingFolders`: those on the disk that go once they are empty. */
function overdrawn(
  input: PlanInput,
  losses: Losses,
  waitingFolders: number,
): { readonly count: number; readonly limit: number } | undefined {
  const recent = input.recentDeletions ?? { local: 0, remote: 0 };
  if (input.deletionsMax !== undefined) {
    const count = losses.local + losses.remote;
    const limit = input.deletionsMax - recent.local - recent.remote;
    return count > limit ? { count, limit: input.deletionsMax } : undefined;
  }
  for (const side of SIDES) {
    if (losses[side] === 0) continue;
    // What a mass deletion took away already still counts as what it is measured by; the root is no entry.
    const held = input[side].size - 1 + recent[side];
    const limit = Math.max(ALWAYS_ALLOWED, Math.floor(held / 2));
    // What goes by and by is judged with its first piece.
    const follows = side === 'local' ? waitingFolders : 0;
    if (losses[side] + follows + recent[side] > limit) return { count: losses.local + losses.remote, limit };
  }
  return undefined;
}

/** True when nothing that was agreed stands on a side any more. */
function isEmptied(input: PlanInput, side: Side): boolean {
  let agreed = 0;
  for (const synced of input.synced.values()) {
    // Content that is kept in Box only was never on the disk.
    if (synced.parentId === null || synced.localId === null) continue;
    const stands = side === 'local' ? input.local.has(synced.localId) : input.remote.has(synced.remoteId);
    if (stands) return false;
    agreed += 1;
  }
  return agreed > ALWAYS_ALLOWED;
}

/**
 * Take the deletions out of a plan that deletes too much to be meant.
 *
 * Guarantees: without a limit that a person gave, no side loses more than half of what it holds, however small the tree,
 * unless these are two entries at most. All other ops go on, but for a side that lost everything: then nothing does.
 * Held deletions are planned again, and held again, until a person raises the limit or the entries come back.
 */
export function holdDeletions(
  input: PlanInput,
  ops: readonly Op[],
  waitingFolders: number,
): { ops: readonly Op[]; held: HeldDeletions | null } {
  const over = overdrawn(input, lossesOf(input, ops), waitingFolders);
  if (over === undefined) return { ops, held: null };
  const isDeletion = (op: Op) => op.kind === 'remove-local' || op.kind === 'remove-remote';
  const isJudged = input.deletionsMax === undefined;
  const emptied = isJudged ? (SIDES.find((side) => isEmptied(input, side)) ?? null) : null;
  return {
    ops: emptied === null ? ops.filter((op) => !isDeletion(op)) : [],
    held: { ...over, emptied, ops: ops.filter(isDeletion) },
  };
}
