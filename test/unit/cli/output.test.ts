import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { actionText, findingText, summaryText } from '../../../src/cli/admin-text.ts';
import { statusText } from '../../../src/cli/commands/status.ts';
import { demoDocument, demoText } from '../../../src/cli/demo/demo-result.ts';
import { printDryRun } from '../../../src/cli/dry-run-text.ts';
import { summaryText as roundsText } from '../../../src/cli/federation-summary.ts';
import { describeEvent } from '../../../src/cli/federation-text.ts';
import {
  beginAnswer,
  failWith,
  linesOf,
  type Output,
  processOutput,
  relay,
} from '../../../src/cli/output.ts';
import { pinoLogger } from '../../../src/cli/pino-logger.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { sessionView } from '../../../src/cli/session-view.ts';
import { CorruptError } from '../../../src/errors.ts';
import type { FederationEvent } from '../../../src/fl/round/event.ts';
import type { BoxAnswer } from '../../../src/sync/admin/enterprise.ts';
import type { Finding } from '../../../src/sync/admin/finding.ts';
import type { DryRun } from '../../../src/sync/mount/dry-run.ts';
import type { MountStatus } from '../../../src/sync/mount/mount-status.ts';
import { faultsOf, HOSTILE } from '../../support/hostile-text.ts';

let printed = '';
beforeEach(() => {
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      printed += String(text);
      return true;
    });
  // Another file of the same process may have left a passing line.
  beginAnswer();
  printed = '';
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = 0;
});

it('a command line begins without a passing line of the one before', () => {
  const interactive = process.stderr.isTTY;
  Object.assign(process.stderr, { isTTY: true });
  try {
    processOutput().passing?.('in sync');
    beginAnswer();
    printed = '';
    processOutput().note('next');
    expect(printed).toBe('next\n');
  } finally {
    Object.assign(process.stderr, { isTTY: interactive });
  }
});

const H = HOSTILE;
const METRICS = { [H]: 1 };

/** One event of every kind, with foreign words wherever words are. */
const EVENTS: Readonly<Record<FederationEvent['event'], Record<string, unknown>>> = {
  'run-created': { run: H, folder: H },
  'run-resumed': { run: H, folder: H },
  'run-joined': { run: H, folder: H },
  registered: { participant: H, count: 1, minimum: 1, maximum: 2 },
  'registration-refused': { participant: H, reason: H, message: H },
  'registration-closed': { participants: [H, H] },
  'round-started': { round: 1, participants: [H] },
  'update-received': { round: 1, participant: H, samples: 1, metrics: METRICS, size_bytes: 1 },
  'update-refused': { round: 1, participant: H, reason: H, message: H },
  'update-late': { round: 1, participant: H, reason: H, message: H },
  'foreign-file': { participant: H, account: H, message: H },
  'participant-lost': { participant: H, round: 1 },
  'participant-left': { participant: H, round: 1 },
  'participant-back': { participant: H, round: 1 },
  waiting: { what: 'run', participants: [H], until: null, message: H },
  trouble: { message: H },
  aggregating: { round: 1, fraction: 0.5 },
  aggregated: {
    round: 1,
    weights: METRICS,
    refused: [{ participant: H, reason: H }],
    notes: [H],
    seconds: 1,
  },
  'identity-unknown': { message: H },
  'task-oddity': { message: H },
  admitted: { participant: H },
  training: { round: 1, fraction: 0.5, metrics: METRICS },
  trained: { round: 1, samples: 1, metrics: METRICS, seconds: 1 },
  'training-output': { round: 1, path: H },
  'training-failed': { round: 1, message: H, output: H },
  'training-abandoned': { round: 1, message: H, output: H },
  uploading: { round: 1, fraction: 0.5, size_bytes: 1 },
  uploaded: { round: 1, size_bytes: 1, sha256: H },
  evaluated: { round: 1, metrics: METRICS },
  ended: { reason: H, success: false, message: H, final_model: H },
};
const events = Object.entries(EVENTS).map(([event, rest]) => ({ event, ...rest }) as FederationEvent);

describe.each(events)('the event $event', (event) => {
  it('as a note, as a passing word, as a result and as JSON', () => {
    const output = processOutput();
    const words = describeEvent(event, 0);
    for (const tell of [output.note, output.result, output.redrawn]) tell(words);
    output.document(event);
    expect(faultsOf(printed)).toEqual([]);
    expect(printed).not.toBe('');
  });

  it('in a demo', () => {
    const shape = { sites: [H], rounds: 1, samples: 'digits' };
    sessionView(processOutput(), shape, false).event(H, { ...event });
    expect(faultsOf(printed)).toEqual([]);
  });
});

const answer: BoxAnswer = { call: H, status: 400, code: H, message: H, requestId: H };
const finding: Finding = {
  step: 'authorised',
  title: H,
  status: 'failed',
  blocks: true,
  text: H,
  because: null,
  answer,
  mend: [{ who: ['you'], what: H, link: H }],
  warnings: [H],
};
const style = { colour: false, width: 60 };
const status = {
  directory: H,
  root: H,
  pid: 1,
  state: 'offline',
  trouble: H,
  lastChangeAtMs: null,
  entries: { synced: 1, local: 1, remote: 1 },
  queue: { control: 0, bulk: 0 },
  bytes: { up: 0, down: 0 },
  throughput: { up: 0, down: 0 },
  apiCalls: { thisHour: 0, thisMonth: 0, sinceStart: 0, monthlyQuota: null, byEndpoint: { [H]: 1 } },
  transfers: [{ path: H, direction: 'up', sizeBytes: 1, doneBytes: 1 }],
  conflicts: 1,
  held: null,
  problems: [{ path: H, message: H }],
  waiting: [{ path: H, message: H, attempts: 1 }],
  notices: [H],
} as unknown as MountStatus;
const dryRun = {
  steps: [{ op: 'upload', path: H, sizeBytes: 1 }],
  problems: [{ path: H, message: H }],
  held: null,
  rootMissing: true,
} as unknown as DryRun;
const demo = {
  rounds: [{ round: 1, aggregate: 1, clients: { [H]: 1 } }],
  runFolder: H,
  finalModel: H,
  report: H,
  apiCalls: { total: 1, byUser: { [H]: 1 }, byEndpoint: { [H]: 1 } },
  seconds: 1,
};
const summary = {
  round: 1,
  seconds: 1,
  weights: METRICS,
  left_out: [{ participant: H, reason: H }],
  metrics: METRICS,
};
const error = new CorruptError({ code: 'any', message: H, hint: H });

/** Everything that is made of several lines, and every other way out of the program. */
const WAYS: readonly (readonly [what: string, print: (output: Output) => unknown])[] = [
  ['a finding of doctor', (output) => output.result(linesOf(findingText(finding, style)))],
  [
    'a skipped finding',
    (output) => output.result(linesOf(findingText({ ...finding, status: 'skipped' }, style))),
  ],
  ['the summary of doctor', (output) => output.result(linesOf(summaryText([finding], style)))],
  [
    'an action of setup',
    (output) =>
      output.result(
        linesOf(
          actionText({ part: 'group', state: 'by-hand', text: H, how: H, link: H, answer } as never, style),
        ),
      ),
  ],
  ['the status of a mount', (output) => output.result(linesOf(statusText(status)))],
  ['the status of a mount, watched', (output) => output.redrawn(linesOf(statusText(status)))],
  ['a dry run', (output) => printDryRun(dryRun, output)],
  ['a dry run as JSON', (output) => printDryRun(dryRun, { ...output, json: true })],
  ['the result of a demo', (output) => output.result(linesOf(demoText(demo as never, false)))],
  ['the result of a demo as JSON', (output) => output.document(demoDocument(demo as never))],
  ['the rounds of a run', (output) => output.note(linesOf(roundsText([summary as never], false)))],
  ['a warning', (output) => output.note(`warning: ${H}`)],
  ['a list of lines', (output) => output.result([H, `  ${H}`])],
  ['an error with a hint', () => failWith(error)],
  ['an error of the system', () => failWith(new Error(H))],
  ['the last words of a child', () => relay('err', H.replaceAll('\n', ' '))],
  ['a log on the terminal', () => pinoLogger('info').info({ [H]: H, error: H }, H)],
  [
    'a mistake on the command line',
    () =>
      createProgram('mila', H.replaceAll('\n', ' '), [])
        .parseAsync([`--${H.replaceAll('\n', ' ')}`], { from: 'user' })
        .catch(() => undefined),
  ],
];

describe.each(WAYS)('%s', (_, print) => {
  it('neither steers the terminal nor speaks for the program', async () => {
    await print(processOutput());
    expect(printed).not.toBe('');
    expect(faultsOf(printed)).toEqual([]);
  });
});

it('has one way out: nobody else writes to the standard streams', () => {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  expect(sources.length).toBeGreaterThan(100);
  const others = sources.filter((name) => {
    const text = readFileSync(join('src', name), 'utf8');
    return (
      // Whether a person watches, and how wide the screen is, anybody may ask.
      /(?<!#)process\.(stdout|stderr)(?!\.isTTY|\.columns)/.test(text) ||
      /\bconsole\.\w+\(/.test(text) ||
      /writeSync\(\s*[12]\b|\/dev\/(tty|stdout|stderr)/.test(text)
    );
  });
  expect(others).toEqual([join('cli', 'output.ts')]);
});
