import type { ActingWay } from '../enterprise.ts';
import type { Outcome, StepId } from '../finding.ts';
import { type Check, enterpriseOf, type Facts, failedBy, type Look } from '../look.ts';

async function refusalOf(look: Look, userId: string, way: ActingWay): Promise<unknown> {
  try {
    await enterpriseOf(look).desk(userId, way).me();
    return null;
  } catch (error) {
    return error;
  }
}

/** Try both ways once; a client will work through the first that goes. */
async function tryBoth(look: Look, userId: string): Promise<NonNullable<Facts['acting']>> {
  const acting = {
    'user-token': await refusalOf(look, userId, 'user-token'),
    'as-user': await refusalOf(look, userId, 'as-user'),
  };
  const way = (['user-token', 'as-user'] as const).find((each) => acting[each] === null);
  if (look.wanted.side === 'client') {
    if (way === undefined) delete look.facts.worker;
    else look.facts.worker = enterpriseOf(look).desk(userId, way);
  }
  return acting;
}

const MEANS: Readonly<Record<ActingWay, string>> = {
  'user-token':
    'The app may not log in for its users: the switch is off, or was set after the last authorisation.',
  'as-user':
    'The app may not act in the name of its users: the switch is off, or was set after the last authorisation.',
};

/** A refusal of one of two ways, either of which is enough. */
function refused(
  look: Look,
  way: ActingWay,
  { refusal, other }: { refusal: unknown; other: unknown },
): Outcome {
  const outcome = failedBy(refusal, look);
  // With a remedy of its own it is no refusal but an answer that did not come.
  if (outcome.status !== 'failed' || outcome.mend !== undefined) return outcome;
  const manages = other === null ? ' mila-sync uses the other way; other programs may want this one.' : '';
  return { ...outcome, means: MEANS[way] + manages, blocks: other !== null };
}

/** Either way of acting for a user is enough for mila-sync; without both, no client can work. */
function actingCheck(way: ActingWay, otherWay: ActingWay): Check {
  return async (look) => {
    const account = look.facts.participants?.[0]?.account;
    if (account === undefined) {
      return {
        status: 'cannot-tell',
        why: "This shows with the first participant's account, which is not there yet.",
      };
    }
    look.facts.acting ??= await tryBoth(look, account.id);
    const { [way]: refusal, [otherWay]: other } = look.facts.acting;
    return refusal === null
      ? { status: 'ok', found: `Tried with "${account.name}".` }
      : refused(look, way, { refusal, other });
  };
}

/** The two switches that let an app speak for the accounts that it keeps. */
export const ACTING_CHECKS = {
  'user-tokens': actingCheck('user-token', 'as-user'),
  'as-user': actingCheck('as-user', 'user-token'),
} as const satisfies Partial<Record<StepId, Check>>;
