import { parseAnswer } from '../round/protocol-texts.ts';
import { HEARTBEAT_FOLDER, nameProblem, participantKey } from '../round/run-folder.ts';
import type { Catalogue, RunFile } from './catalogue.ts';
import type { Admission, HeartbeatReport, ParticipantReport } from './inspection.ts';
import type { Irregularities } from './irregularity.ts';
import type { IndexFacts } from './observed-run.ts';

/** A participant as the control files show it, before the rounds are looked at. */
export type Member = Omit<ParticipantReport, 'delivered' | 'bytes' | 'spans' | 'absences'>;

interface Surroundings {
  readonly catalogue: Catalogue;
  readonly facts: IndexFacts | null;
  readonly irregularities: Irregularities;
  /** Up to when somebody who beats regularly would have been heard of. */
  readonly referenceMs: number;
}

interface Claim {
  readonly admission: Admission;
  readonly refusal: string | null;
  readonly file: RunFile;
}

const ADMISSIONS = {
  authenticated: 'admitted',
  error: 'refused',
  none: 'unanswered',
  other: 'unreadable',
} as const satisfies Record<string, Admission>;

function claimOf(file: RunFile, irregularities: Irregularities): Claim {
  if (file.text === null) {
    if (file.sizeBytes === 0) return { admission: 'unanswered', refusal: null, file };
    // A client's mount knows the others' answers by name only.
    return { admission: file.present ? 'unreadable' : 'unknown', refusal: null, file };
  }
  const admission = ADMISSIONS[parseAnswer(file.text)];
  const text = file.text.trim();
  if (admission === 'refused') irregularities.add('warning', 'refused', file.path, text);
  if (admission === 'unanswered')
    irregularities.add('warning', 'unanswered', file.path, 'the server never answered this claim');
  if (admission === 'unreadable')
    irregularities.add('error', 'malformed-answer', file.path, 'neither "Authenticated ..." nor "Error ..."');
  return { admission, refusal: admission === 'refused' ? text : null, file };
}

/** The claims of each name; a name claimed in both layouts keeps the better answer. */
function claims({ catalogue, irregularities }: Surroundings): Map<string, Claim> {
  const found = new Map<string, Claim>();
  const owners = new Map<string, string>();
  for (const { name, file } of catalogue.authentications) {
    const problem = nameProblem(name);
    if (problem !== undefined) irregularities.add('warning', 'bad-name', file.path, problem);
    const standing = found.get(name);
    if (standing !== undefined)
      irregularities.add('warning', 'claimed-twice', file.path, 'the name is claimed in both layouts');
    const account = file.stored?.createdBy?.id;
    const other = account === undefined ? undefined : owners.get(account);
    if (other !== undefined && other !== name)
      irregularities.add(
        'warning',
        'account-shared',
        file.path,
        `the account that claimed "${other}" claims this name too`,
      );
    if (account !== undefined) owners.set(account, name);
    const claim = claimOf(file, irregularities);
    if (standing === undefined || claim.admission === 'admitted') found.set(name, claim);
  }
  return found;
}

const HEARTBEAT_UPLOADS = /^upload/;

function carried(file: RunFile, facts: IndexFacts | null): HeartbeatReport['carried'] {
  const beats = (facts?.transfers ?? []).filter(
    ({ op, path, outcome }) => path === file.path && outcome === 'done' && HEARTBEAT_UPLOADS.test(op),
  );
  if (beats.length === 0) return null;
  const gaps = beats.map(({ atMs }, index) => atMs - (beats[index - 1]?.atMs ?? atMs));
  return { count: beats.length, longestGapMs: gaps.reduce((max, gap) => Math.max(max, gap), 0) };
}

function heartbeatOf(name: string, surroundings: Surroundings): HeartbeatReport | null {
  const { catalogue, facts, irregularities, referenceMs } = surroundings;
  const file = catalogue.heartbeats.get(name);
  if (file === undefined) return null;
  const said = file.text === null ? null : Number(file.text.trim() === '' ? Number.NaN : file.text);
  if (said !== null && !Number.isFinite(said))
    irregularities.add('warning', 'malformed-heartbeat', file.path, 'its content is no Unix time');
  const skewMs = said !== null && Number.isFinite(said) ? said * 1000 - file.atMs : null;
  const silentMs = Math.max(0, referenceMs - file.atMs);
  return { lastAtMs: file.atMs, silentMs, skewMs, carried: carried(file, facts) };
}

const LOST_ROUND = /round (\d{1,7})/;

function lostOf(name: string, { catalogue, irregularities }: Surroundings): Member['lost'] {
  const file = catalogue.lost.get(name);
  if (file === undefined) return null;
  const said = LOST_ROUND.exec(file.text ?? '')?.[1];
  if (said === undefined && file.present)
    irregularities.add('warning', 'malformed-loss', file.path, 'it does not say in which round');
  const where = said === undefined ? '' : ` in round ${said}`;
  irregularities.add('warning', 'participant-lost', file.path, `the server lost "${name}"${where}`);
  return { round: said === undefined ? null : Number(said), atMs: file.atMs };
}

function tellDisagreement(name: string, claim: Claim | undefined, surroundings: Surroundings): void {
  const { catalogue, irregularities } = surroundings;
  const heartbeat = catalogue.heartbeats.get(name);
  if (claim === undefined && heartbeat !== undefined)
    irregularities.add('warning', 'stranger', heartbeat.path, 'heartbeats of a name that nobody claimed');
  if (claim?.admission === 'admitted' && heartbeat === undefined && catalogue.folders.has(HEARTBEAT_FOLDER))
    irregularities.add('warning', 'never-beat', claim.file.path, 'admitted, and no heartbeat of it');
}

/** Names that nobody claimed by a control file, but that brought something to a round. */
function strangersIn({ rounds }: Catalogue, known: ReadonlySet<string>): readonly string[] {
  const keys = [...rounds.values()].flatMap(({ update, failed }) => [...update.keys(), ...failed.keys()]);
  return [...new Set(keys)].filter((key) => !known.has(key));
}

/** "site 2" comes before "site 10". */
const IN_ORDER = new Intl.Collator('en', { numeric: true, sensitivity: 'variant' });

/** Everybody of whom a run folder tells, by name. */
export function membersOf(surroundings: Surroundings): readonly Member[] {
  const { catalogue, irregularities } = surroundings;
  const claimed = claims(surroundings);
  const names = new Set([...claimed.keys(), ...catalogue.heartbeats.keys(), ...catalogue.lost.keys()]);
  const byKey = new Map<string, string>();
  for (const name of names) {
    const other = byKey.get(participantKey(name));
    if (other !== undefined)
      irregularities.add(
        'error',
        'name-collision',
        '',
        `"${other}" and "${name}" differ by case only: their updates take each other's place`,
      );
    byKey.set(participantKey(name), name);
  }
  for (const key of strangersIn(catalogue, new Set(byKey.keys()))) {
    irregularities.add(
      'warning',
      'unknown-participant',
      '',
      `updates of "${key}", a name that nobody claimed`,
    );
    names.add(key);
  }
  return [...names].sort(IN_ORDER.compare).map((name) => {
    const claim = claimed.get(name);
    tellDisagreement(name, claim, surroundings);
    return {
      name,
      key: participantKey(name),
      admission: claim?.admission ?? 'never-asked',
      refusal: claim?.refusal ?? null,
      answeredAtMs: claim?.file.atMs ?? null,
      account: claim?.file.stored?.createdBy ?? null,
      heartbeat: heartbeatOf(name, surroundings),
      lost: lostOf(name, surroundings),
    };
  });
}
