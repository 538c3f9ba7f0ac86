import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/clock.ts';
import { takePart } from '../../../../src/fl/client.ts';
import type { ClientObservation } from '../../../../src/fl/round/client-state.ts';
import { beatPeriodMs } from '../../../../src/fl/transport/beat-period.ts';
import type { ClientSession, ClientTransport } from '../../../../src/fl/transport/client-transport.ts';
import { startHeartbeat } from '../../../../src/fl/transport/heartbeat.ts';
import { silentLogger } from '../../../../src/logger.ts';
import { numberExecutor } from '../../../support/federation.ts';
import { FakeClock } from '../../sync/box/fake-clock.ts';

describe('how often a client beats', () => {
  const over = (
    transport: 'box' | 'grpc',
    timeoutSeconds: number | null,
    configuredMs: number | null = null,
  ) => beatPeriodMs({ configuredMs, timeoutSeconds, isCounted: transport === 'box' }) / 1000;

  it('is what its configuration says, where it says anything', () => {
    expect(over('box', 300, 45_000)).toBe(45);
    expect(over('grpc', null, 86_400_000)).toBe(86_400);
  });

  it("is kMoL's own minute where the server tells nothing, as kMoL's does", () => {
    expect([over('box', null), over('grpc', null)]).toEqual([60, 60]);
  });

  it('is a third of what the server waits, but no rarer than a quarter of an hour over Box and a minute over gRPC', () => {
    expect([30, 300, 2_700, 100_000].map((timeout) => over('box', timeout))).toEqual([10, 100, 900, 900]);
    expect([30, 300].map((timeout) => over('grpc', timeout))).toEqual([10, 60]);
  });
});

/** Let time pass, with a turn for whatever became due in between. */
async function pass(clock: FakeClock, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    await turn();
    await clock.advance(1_000);
  }
  await turn();
}

it('no word of a server makes a client beat without a pause', () => {
  for (const timeoutSeconds of [1, 1e-9, 0, -5])
    for (const isCounted of [true, false])
      expect(beatPeriodMs({ configuredMs: null, timeoutSeconds, isCounted })).toBe(500);
});

describe('a heartbeat', () => {
  it('follows a period that changes, and one that is given beside it does not double it', async () => {
    const clock = new FakeClock();
    const beats: number[] = [];
    let periodMs = 60_000;
    const heartbeat = startHeartbeat({
      beat: async () => void beats.push(clock.monotonic() - begun),
      periodMs: async () => periodMs,
      clock,
      logger: silentLogger,
    });
    const begun = clock.monotonic();
    await pass(clock, 60);
    periodMs = 900_000;
    await pass(clock, 60);
    await pass(clock, 300);
    heartbeat.beatNow();
    await pass(clock, 1_000);
    expect(beats.map((ms) => ms / 1000)).toEqual([0, 60, 120, 420, 1_320]);
    await heartbeat.stop();
    heartbeat.beatNow();
    await pass(clock, 10_000);
    expect(beats).toHaveLength(5);
  });

  it('that fails is tried again after two seconds, also where its period cannot be learnt', async () => {
    const clock = new FakeClock();
    let tries = 0;
    const heartbeat = startHeartbeat({
      beat: async () => {},
      periodMs: async () => {
        tries += 1;
        throw new Error('the settings cannot be read');
      },
      clock,
      logger: silentLogger,
    });
    await pass(clock, 5);
    expect(tries).toBe(3);
    await heartbeat.stop();
  });
});

describe('a client that was marked as lost', () => {
  let results: string;
  beforeEach(() => {
    results = mkdtempSync(join(tmpdir(), 'mila-beats-'));
  });
  afterEach(() => rmSync(results, { recursive: true, force: true }));

  it('beats at once, however rare its beats are: each time that the mark comes, and only then', async () => {
    const leave = new AbortController();
    let hint: () => void = () => {};
    let lost = false;
    let looks = 0;
    let beats = 0;
    const observation = (): ClientObservation => ({
      layouts: ['documented'],
      claim: { layout: 'documented', answer: 'authenticated', text: 'Authenticated' },
      taskPresent: true,
      ended: null,
      lost,
      round: null,
      newerRun: null,
      training: null,
    });
    const session: Partial<ClientSession> = {
      folder: 'x',
      connected: () => true,
      trouble: () => null,
      observe: async () => {
        looks += 1;
        return observation();
      },
      beat: async () => {
        beats += 1;
      },
      beatPeriodMs: async () => 86_400_000,
      close: async () => {},
    };
    const transport: ClientTransport = {
      findRun: async () => ({ run: '2026-01-01_00-00' }),
      watch: async (onHint) => {
        hint = onHint;
        return { close: async () => {} };
      },
      join: () => session as ClientSession,
    };
    const part = takePart({
      name: 'a',
      settings: { trainingRetries: 0, rejoinWaitMs: 60_000, finalModelWaitMs: 0 },
      heartbeatFrequencyMs: null,
      modelOverwrites: {},
      savePath: results,
      run: null,
      transport,
      clock: systemClock(),
      logger: silentLogger,
      executor: numberExecutor(1),
      onEvent: () => {},
      signal: leave.signal,
    });
    /** One more look than there was. */
    const look = async () => {
      const before = looks;
      hint();
      await expect.poll(() => looks).toBeGreaterThan(before);
    };
    await expect.poll(() => beats).toBe(1);
    lost = true;
    await look();
    await expect.poll(() => beats).toBe(2);
    await look();
    lost = false;
    await look();
    lost = true;
    await look();
    await expect.poll(() => beats).toBe(3);
    leave.abort();
    await part;
    expect(beats).toBe(3);
  });
});
