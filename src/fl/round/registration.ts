import { REGISTRATION_CLOSED_TEXT, refusalText } from './protocol-texts.ts';
import { nameProblem, participantKey } from './run-folder.ts';
import type { ServerDraft, ServerInput } from './server-draft.ts';
import { activeOf } from './server-draft.ts';
import type { ObservedAuthentication } from './server-observation.ts';

type Verdict =
  | { readonly kind: 'admit' }
  | { readonly kind: 'again' }
  | { readonly kind: 'refuse'; readonly reason: string; readonly text: string };

const refuse = (reason: string, text: string): Verdict => ({ kind: 'refuse', reason, text });

function judgeClaim(draft: ServerDraft, input: ServerInput, claim: ObservedAuthentication): Verdict {
  const problem = nameProblem(claim.name);
  if (problem !== undefined) return refuse('bad-name', refusalText(`${problem}.`));
  const key = participantKey(claim.name);
  const holder = draft.participants.get(key);
  const account = claim.createdBy;
  if (holder !== undefined) {
    const sameAccount = holder.account === null || account === null || holder.account.id === account.id;
    // A participant that claims its own name again was restarted; it keeps its place.
    if (holder.name === claim.name && sameAccount) return { kind: 'again' };
    return refuse('name-taken', refusalText(`The name ${claim.name} is taken.`));
  }
  const other = [...draft.participants.values()].find(
    (participant) => account !== null && participant.account?.id === account.id,
  );
  if (other !== undefined)
    return refuse('account-taken', refusalText(`This account takes part as ${other.name} already.`));
  const { members } = input.settings;
  if (members !== null && !members.has(key))
    return refuse(
      'not-counted',
      refusalText(`${claim.name} is not among the participants that the server's aggregator counts.`),
    );
  // The maximum is checked claim by claim, so that many at once cannot slip through together.
  const isFull = activeOf(draft).length >= input.settings.maximumClients;
  if (draft.phase.kind !== 'registering' || isFull)
    return refuse('registration-closed', REGISTRATION_CLOSED_TEXT);
  return { kind: 'admit' };
}

function register(draft: ServerDraft, input: ServerInput, claim: ObservedAuthentication): void {
  const { settings, instant } = input;
  const key = participantKey(claim.name);
  draft.participants.set(key, {
    name: claim.name,
    layout: claim.layout,
    account: claim.createdBy,
    status: 'active',
    lostInRound: null,
  });
  // Its time to live starts now, not when the server started.
  draft.presence.set(key, { version: '', seenAtMs: instant.monotonicMs });
  draft.deadlinesMs.push(instant.monotonicMs + settings.heartbeatTimeoutMs + 1);
  draft.lastRegistrationAtMs = instant.monotonicMs;
  draft.events.push({
    event: 'registered',
    participant: claim.name,
    count: activeOf(draft).length,
    minimum: settings.minimumClients,
    maximum: settings.maximumClients,
  });
}

function answerClaim(draft: ServerDraft, input: ServerInput, claim: ObservedAuthentication): void {
  const { layout, name } = claim;
  const refusalKey = `${layout}/${name}`;
  const verdict = judgeClaim(draft, input, claim);
  if (verdict.kind === 'refuse') {
    // Judged anew each time, said once: whose claim stands there now may be another's than before.
    if (draft.refusals.get(refusalKey)?.text !== verdict.text)
      draft.events.push({
        event: 'registration-refused',
        participant: name,
        reason: verdict.reason,
        message: verdict.text,
      });
    draft.refusals.set(refusalKey, { name, layout, text: verdict.text });
    draft.actions.push({ kind: 'answer', layout, name, account: null, refusal: verdict.text });
    return;
  }
  draft.refusals.delete(refusalKey);
  if (verdict.kind === 'admit') register(draft, input, claim);
  draft.actions.push({ kind: 'answer', layout, name, account: claim.createdBy, refusal: null });
}

/** A refused claim that is gone was taken back: the next one of that name is judged anew. */
function forgetRefusals(draft: ServerDraft, input: ServerInput): void {
  const standing = new Set(input.observation.authentications.map(({ layout, name }) => `${layout}/${name}`));
  for (const key of draft.refusals.keys()) if (!standing.has(key)) draft.refusals.delete(key);
}

/** Answer every claim that has no answer yet. */
export function answerClaims(draft: ServerDraft, input: ServerInput): void {
  forgetRefusals(draft, input);
  for (const claim of input.observation.authentications)
    if (claim.answer === 'none') answerClaim(draft, input, claim);
}

/** Close the registration once enough are there and nobody new has come for the configured time. */
export function closeRegistration(draft: ServerDraft, input: ServerInput): void {
  if (draft.phase.kind !== 'registering') return;
  const { settings, instant } = input;
  const active = activeOf(draft);
  if (active.length < settings.minimumClients) return;
  const closesAtMs = draft.lastRegistrationAtMs + settings.clientWaitTimeMs;
  if (active.length < settings.maximumClients && instant.monotonicMs < closesAtMs) {
    draft.deadlinesMs.push(closesAtMs);
    return;
  }
  draft.phase = { kind: 'collecting', round: 1 };
  draft.events.push({
    event: 'registration-closed',
    participants: active.map(([, participant]) => participant.name),
  });
}
