import type { Account } from '../enterprise.ts';
import type { Outcome, StepId } from '../finding.ts';
import { type Check, enterpriseOf, isForbidden, type Look } from '../look.ts';

const MEBIBYTE = 1024 * 1024;
/** Below this nothing useful can be uploaded. */
const ROOM_MIN_BYTES = MEBIBYTE;
/** From here on somebody should know. Units: share of the whole storage. */
const ROOM_WARN_SHARE = 0.1;

function readable(bytes: number): string {
  const power = Math.min(4, Math.floor(Math.log(Math.max(bytes, 1)) / Math.log(1024)));
  return power === 0
    ? `${bytes} B`
    : `${(bytes / 1024 ** power).toFixed(1)} ${['', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`;
}

async function uploadSize({ facts, wanted }: Look): Promise<Outcome> {
  const largest = facts.service?.uploadMaxBytes ?? null;
  if (largest === null)
    return { status: 'cannot-tell', why: 'Box does not tell the largest file of this plan.' };
  if (largest >= wanted.largestFileBytes) return { status: 'ok', found: `Files up to ${readable(largest)}.` };
  return {
    status: 'failed',
    means: `Box takes files up to ${readable(largest)}, and the model that the run starts from has ${readable(wanted.largestFileBytes)}.`,
  };
}

async function ownerOf(look: Look): Promise<Account | undefined> {
  const { facts } = look;
  const id = facts.folder?.owner?.id;
  if (id === undefined) return undefined;
  if (id === facts.service?.id) return enterpriseOf(look).service.me();
  try {
    return await enterpriseOf(look).account(id);
  } catch (error) {
    if (isForbidden(error, look)) return undefined;
    throw error;
  }
}

async function storage(look: Look): Promise<Outcome> {
  const owner = await ownerOf(look);
  if (owner === undefined) {
    return { status: 'cannot-tell', why: "Box does not tell this app about the owner's storage." };
  }
  const { name, spaceBytes, spaceUsedBytes } = owner;
  if (spaceBytes === null) return { status: 'ok', found: `"${name}" has no limit.` };
  const freeBytes = spaceBytes - (spaceUsedBytes ?? 0);
  const found = `"${name}" has ${readable(Math.max(0, freeBytes))} of ${readable(spaceBytes)} left.`;
  if (freeBytes < Math.max(ROOM_MIN_BYTES, look.wanted.largestFileBytes))
    return { status: 'failed', means: found };
  const warnings =
    freeBytes < spaceBytes * ROOM_WARN_SHARE
      ? ['That is little: every round stores one model for each participant, and one more.']
      : [];
  return { status: 'ok', found, warnings };
}

const apiCalls: Check = async () => ({
  status: 'cannot-tell',
  why:
    'Box shows this to administrators only: Admin Console > Insights > Platform Insights (or Reports > Platform ' +
    'Activity). "mila-sync status" counts the calls of a mount.',
});

async function keyReach(look: Look): Promise<Outcome> {
  const { facts, wanted } = look;
  if (wanted.side === 'own-app-client') return ownKey(look);
  const acts = Object.values(facts.acting ?? {}).some((refusal) => refusal === null);
  const powers = [
    acts ? 'act as every participant, and read and change what they wrote' : '',
    facts.seesPeople === undefined ? '' : 'manage users and groups',
  ].filter((power) => power !== '');
  if (powers.length === 0) return { status: 'ok', found: 'It acts for its own account only.' };
  const advice =
    wanted.side === 'client'
      ? 'Everybody with a copy of this key file can do so.'
      : 'Keep it with the server; with a copy of it, a participant can do the same.';
  return {
    status: 'ok',
    found: 'It is the key of the whole federation.',
    warnings: [
      `Whoever holds this key file can ${powers.join(', and ')}. ${advice} An app for each participant avoids that: ` +
        'see docs/security.md.',
    ],
  };
}

/** A participant's own app needs nothing but files. */
async function ownKey(look: Look): Promise<Outcome> {
  try {
    await enterpriseOf(look).seesPeople();
  } catch (error) {
    if (!isForbidden(error, look)) throw error;
    return { status: 'ok', found: 'It acts for its own account only.' };
  }
  return {
    status: 'ok',
    found: "It is a participant's own key.",
    warnings: [
      'The app may manage users, which a participant does not need: untick it, and authorise the app again.',
    ],
  };
}

/** What the plan allows, and what the key does. */
export const LIMIT_CHECKS = {
  storage,
  'upload-size': uploadSize,
  'api-calls': apiCalls,
  'key-reach': keyReach,
} as const satisfies Partial<Record<StepId, Check>>;
