import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { federationVoice } from '../../../src/cli/federation-options.ts';
import { MountTeller } from '../../../src/cli/mount-teller.ts';
import { beginAnswer, failWith, processOutput } from '../../../src/cli/output.ts';
import { systemClock } from '../../../src/clock.ts';
import { RoundError } from '../../../src/errors.ts';
import type { FederationEvent } from '../../../src/fl/round/event.ts';
import { silentLogger } from '../../../src/logger.ts';
import type { EngineState } from '../../../src/sync/engine/status.ts';
import type { MountStatus } from '../../../src/sync/mount/mount-status.ts';
import { AT_REST } from '../../support/mount-at-rest.ts';
import { TerminalScreen } from '../../support/terminal-screen.ts';

const MINUTE = 60;
const HOUR = 3600;
const BEGIN_MS = Date.UTC(2026, 10, 28, 13, 5, 9);

let screen = new TerminalScreen();
let folder = '';
const terminal = { isTTY: process.stderr.isTTY, columns: process.stderr.columns };
const zone = process.env['TZ'];
beforeEach(() => {
  process.env['TZ'] = 'UTC';
  folder = mkdtempSync(join(tmpdir(), 'mila-terminal-'));
  screen = new TerminalScreen();
  beginAnswer();
  vi.useFakeTimers({ now: BEGIN_MS });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    screen.write(String(text));
    return true;
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  Object.assign(process.stderr, terminal);
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
  process.exitCode = 0;
  rmSync(folder, { recursive: true, force: true });
});

/** Seconds to let pass, or something that happens. */
type Beat<Happening> = number | Happening;

const iso = (seconds: number) => new Date(BEGIN_MS + seconds * 1000).toISOString();
const RUN = '2026-11-28_13-05-09';

const waiting = (message: string, more: Partial<Extract<FederationEvent, { event: 'waiting' }>> = {}) =>
  ({ event: 'waiting', what: 'aggregate', participants: [], until: null, message, ...more }) as const;

const delivered = (round: number) => waiting(`waiting for the aggregate of round ${round}`);
const uploaded = (round: number): FederationEvent => ({
  event: 'uploaded',
  round,
  size_bytes: 12_400_000,
  sha256: '',
});
const trained = (round: number, seconds: number): FederationEvent => ({
  event: 'trained',
  round,
  samples: 1200,
  metrics: { loss: 0.4 / round },
  seconds,
});
const joined: readonly Beat<FederationEvent>[] = [
  { event: 'run-joined', run: RUN, folder: '/srv/shared' },
  1,
  { event: 'admitted', participant: 'site_a' },
  4,
  { event: 'round-started', round: 1 },
  {
    event: 'training-output',
    round: 1,
    path: '/data/logs/client/2026-11-28_13-05-09/site_a/round_1/training.round_1.log',
  },
  { event: 'training', round: 1, fraction: null },
];

/** What a client or a server goes through, as its own machine tells it. */
const FEDERATION: Readonly<Record<string, readonly Beat<FederationEvent>[]>> = {
  'quiet-run': [
    ...joined,
    5 * MINUTE,
    { event: 'training', round: 1, fraction: 0.25, metrics: { loss: 0.52 }, line: 'epoch 5 of 20' },
    15 * MINUTE,
    trained(1, 20 * MINUTE),
    uploaded(1),
    delivered(1),
    4 * MINUTE,
    { event: 'round-started', round: 2 },
    { event: 'training', round: 2, fraction: null },
    2 * MINUTE,
    { event: 'training', round: 2, fraction: null, line: 'epoch 2 of 20, loss 0.31' },
    65,
  ],
  'dead-server': [
    ...joined,
    trained(1, 12),
    uploaded(1),
    {
      ...delivered(1),
      participants: ['site_b', 'site_c'],
      server: { heard_at: iso(-2), due_at: iso(15 * MINUTE), overdue: false },
    },
    17 * MINUTE + 10,
    {
      ...delivered(1),
      participants: ['site_b', 'site_c'],
      server: { heard_at: iso(-2), due_at: iso(15 * MINUTE), overdue: true },
    },
    35 * MINUTE,
  ],
  'failed-training': [
    ...joined,
    HOUR,
    {
      event: 'training-failed',
      round: 1,
      message:
        'python3 ended with exit code 1; its last words:\nTraceback (most recent call last):\nRuntimeError: CUDA out of memory',
      output: '/data/logs/client/2026-11-28_13-05-09/site_a/round_1/training.round_1.log',
    },
    {
      event: 'ended',
      reason: 'failed',
      success: false,
      message: 'training failed in round 1: python3 ended with exit code 1',
      final_model: null,
    },
  ],
  'dead-client': [
    { event: 'run-created', run: RUN, folder: '/srv/shared' },
    { event: 'round-started', round: 1, rounds: 3, participants: ['site_a', 'site_b', 'site_c'] },
    waiting(
      'round 1: 0 of 3 delivered; waiting for site_a, site_b, site_c; who is silent for 300 s counts as lost',
      {
        what: 'updates',
        participants: ['site_a', 'site_b', 'site_c'],
      },
    ),
    40 * MINUTE,
    {
      event: 'update-received',
      round: 1,
      participant: 'site_a',
      samples: 1200,
      metrics: { loss: 0.4 },
      size_bytes: 12_400_000,
    },
    waiting('round 1: 1 of 3 delivered; waiting for site_b, site_c', {
      what: 'updates',
      participants: ['site_b', 'site_c'],
    }),
    3 * MINUTE,
    { event: 'participant-lost', participant: 'site_b', round: 1 },
    waiting('round 1: 1 of 2 delivered; waiting for site_c', {
      what: 'updates',
      participants: ['site_c'],
    }),
    11 * HOUR,
  ],
  'outage-of-box': [
    ...joined,
    trained(1, 12),
    uploaded(1),
    delivered(1),
    5 * MINUTE,
    waiting('the mount at /srv/mount is offline; going on when that is over, nobody is cut off for it', {
      what: 'connection',
    }),
    25 * MINUTE,
    delivered(1),
    30,
  ],
};

function play(beats: readonly Beat<FederationEvent>[]): void {
  const voice = federationVoice({}, folder, 'client.log');
  for (const beat of beats)
    if (typeof beat === 'number') vi.advanceTimersByTime(beat * 1000);
    else {
      voice.tell(beat);
      if (beat.event === 'ended' && !beat.success)
        failWith(new RoundError({ code: beat.reason, message: beat.message }));
    }
  voice.close();
}

interface MountChange extends Partial<MountStatus> {
  readonly paced?: { readonly calls: string; readonly perMinute: number; readonly waitMs: number };
}

const MOUNT: Readonly<Record<string, readonly Beat<MountChange>[]>> = {
  'mount-outage': [
    { state: 'in-sync' },
    10 * MINUTE,
    { state: 'offline', trouble: 'no answer from api.box.com within 30 s' },
    42 * MINUTE,
    { state: 'syncing', trouble: null },
    3,
    { state: 'in-sync' },
    20,
  ],
  'mount-throttled': [
    { state: 'syncing', queue: { control: 0, bulk: 285 } },
    { paced: { calls: 'uploads', perMinute: 228, waitMs: 2_000 } },
    4,
    { queue: { control: 0, bulk: 120 }, paced: { calls: 'uploads', perMinute: 228, waitMs: 2_000 } },
    3,
  ],
  'mount-full-disk': [
    { state: 'in-sync' },
    MINUTE,
    { state: 'full' },
    9 * MINUTE,
    {
      state: 'in-sync',
      transfers: [
        {
          path: 'rounds/round_4/server.agg',
          direction: 'down',
          sizeBytes: 1_200_000_000,
          doneBytes: 480_000_000,
        },
      ],
      throughput: { up: 0, down: 9_000_000 },
    },
    4,
  ],
};

function playMount(beats: readonly Beat<MountChange>[]): void {
  let status = AT_REST;
  let state: EngineState | undefined;
  const teller = new MountTeller({
    output: processOutput({ timed: true }),
    clock: systemClock(),
    logger: silentLogger,
  });
  teller.watch(() => status);
  for (const beat of beats) {
    if (typeof beat === 'number') {
      vi.advanceTimersByTime(beat * 1000);
      continue;
    }
    const { paced, ...change } = beat;
    status = { ...status, ...change };
    if (paced !== undefined) teller.onPaced(paced as never);
    if (change.state !== undefined && change.state !== state) teller.onState(change.state);
    state = change.state ?? state;
  }
  teller.close();
}

const STORIES: readonly (readonly [string, () => void])[] = [
  ...Object.entries(FEDERATION).map(([name, beats]) => [name, () => play(beats)] as const),
  ...Object.entries(MOUNT).map(([name, beats]) => [name, () => playMount(beats)] as const),
];

describe.each([80, 120])('a terminal of %i columns', (columns) => {
  it.each(STORIES)('tells the story: %s', async (name, tell) => {
    Object.assign(process.stderr, { isTTY: true, columns });
    tell();
    vi.useRealTimers();
    const widest = Math.max(...screen.text.split('\n').map((line) => [...line].length));
    // A path is never broken.
    if (!screen.text.includes('training.round_1.log')) expect(widest).toBeLessThanOrEqual(columns);
    await expect(screen.text).toMatchFileSnapshot(`../../../fixtures/terminals/${name}-${columns}.txt`);
  });
});
