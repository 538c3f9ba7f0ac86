import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AuthError, CorruptError, MilaError, TransientError } from '../../../src/errors.ts';
import type { RemoteId } from '../../../src/ids.ts';
import type { RemoteStore } from '../../../src/sync/remote/remote-store.ts';
import { type EmulatedBox, emulatedBox } from './emulator-box.ts';
import { OPERATIONS, type OracleItem } from './operations.ts';

/** Every way in which a single call can go wrong. */
const PASSING_FAULTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'a fault before the effect': { kind: 'status', status: 500 },
  'a fault after the effect': {
    kind: 'status',
    status: 502,
    when: 'after',
    body: '<html>bad gateway</html>',
  },
  'unavailable after the effect': {
    kind: 'status',
    status: 503,
    when: 'after',
    headers: { 'retry-after': '0' },
    code: 'unavailable',
  },
  'the rate limit': {
    kind: 'status',
    status: 429,
    headers: { 'retry-after': '0' },
    code: 'rate_limit_exceeded',
  },
  'a refused token': { kind: 'status', status: 401, body: '', headers: { 'www-authenticate': 'Bearer' } },
  'a blocked folder': { kind: 'status', status: 409, code: 'operation_blocked_temporary' },
  'a connection lost before the effect': { kind: 'drop_before' },
  'a connection lost after the effect': { kind: 'drop_after' },
  'an answer that hangs half-way': { kind: 'truncate' },
  'an answer cut off half-way': { kind: 'truncate', chunked: true },
  'silence from the start': { kind: 'stall' },
  'silence after a few bytes': { kind: 'stall', at: 3 },
  'a slow answer': { kind: 'delay', ms: 60 },
};

/** No operation makes more calls than this under one fault. */
const CALLS_MAX = 30;

let box: EmulatedBox;
let store: RemoteStore;
let other: RemoteStore;
let folderId: RemoteId;
let runs = 0;

beforeAll(async () => {
  box = await emulatedBox({ chunkedMinimumBytes: 1_000, partSizeBytes: 65_536, longPollHoldMs: 5_000 });
  store = await box.openAs('tester1', {
    timeouts: { headersMs: 120, idleMs: 100 },
    retryPolicy: { attemptsMax: 5, baseMs: 2, capMs: 10, waitTotalMaxMs: 5_000 },
    chunkedFromBytes: 200_000,
  });
  other = await box.openAs('tester2');
  folderId = await box.shareFolder('Disturbed');
});
afterAll(() => box.close());
beforeEach(() => box.clearFaults());

async function oracle(): Promise<readonly OracleItem[]> {
  return (await box.tree())['entries'] as readonly OracleItem[];
}

async function remainingFaults(): Promise<number> {
  const response = await fetch(`${box.url}/_emulator/faults`);
  return ((await response.json()) as { entries: unknown[] }).entries.length;
}

const match = { user: 'tester1' };
const stage = () => {
  runs += 1;
  return { store, other, folderId, path: ['Disturbed'], name: `run ${runs}` };
};

/** Faults that look like the silence of a long poll in which nothing happens. */
const SILENT = /hangs|silence/;

describe.each(OPERATIONS)('$name', (operation) => {
  const faultsOf = <T>(faults: readonly (readonly [string, T])[]) =>
    faults.filter(([name]) => operation.waits !== true || !SILENT.test(name));

  it.each(faultsOf(Object.entries(PASSING_FAULTS)))(
    'ends right under %s at any of its calls',
    async (_name, action) => {
      for (let call = 0; ; call += 1) {
        expect(call).toBeLessThan(CALLS_MAX);
        const { run, judge } = await operation.prepare(stage());
        await box.fault(match, action, { after: call, times: 1 });
        await run();
        const struck = (await remainingFaults()) === 0;
        await box.clearFaults();
        judge(await oracle(), true);
        if (!struck) break;
      }
    },
  );

  // The rest of a content has no hash of its own: who goes on with a broken transfer compares the whole.
  const isTold = operation.name !== 'download from an offset';
  it.runIf(isTold)('ends right or with an error, once, when any answer is damaged', async () => {
    for (let call = 0; ; call += 1) {
      expect(call).toBeLessThan(CALLS_MAX);
      const { run, judge } = await operation.prepare(stage());
      // The first byte of an answer in JSON, so that the damage shows; content is told by its hash wherever it is hit.
      await box.fault(match, { kind: 'corrupt', at: 0 }, { after: call, times: 1 });
      const failure = await run().then(
        () => undefined,
        (error: unknown) => error,
      );
      const struck = (await remainingFaults()) === 0;
      await box.clearFaults();
      if (failure !== undefined) expect(failure).toBeInstanceOf(MilaError);
      judge(await oracle(), failure === undefined);
      if (!struck) break;
    }
  });

  it.each(
    faultsOf([
      ['faults without end', { kind: 'status', status: 500 }],
      ['lost answers without end', { kind: 'drop_after' }],
      ['silence without end', { kind: 'stall' }],
    ]),
  )('gives up in time under %s, and its effect happens at most once', async (_name, action) => {
    for (const after of [0, 1]) {
      const { run, judge } = await operation.prepare(stage());
      await box.fault(match, action, { after });
      const failure = await run().then(
        () => undefined,
        (error: unknown) => error,
      );
      await box.clearFaults();
      if (failure !== undefined) expect(failure).toBeInstanceOf(TransientError);
      judge(await oracle(), failure === undefined);
    }
  });
});

describe('logging in for the first time', () => {
  const QUICK = {
    timeouts: { headersMs: 300, idleMs: 250 },
    retryPolicy: { attemptsMax: 5, baseMs: 2, capMs: 10, waitTotalMaxMs: 5_000 },
  };
  const found = async (name: string) =>
    (await box.admin('GET', `/2.0/users?filter_term=${encodeURIComponent(name)}`)) as {
      entries: { id: string }[];
    };

  it.each(Object.entries(PASSING_FAULTS))(
    'makes one account in the group under %s at any of its calls',
    async (_name, action) => {
      for (let call = 0; ; call += 1) {
        expect(call).toBeLessThan(CALLS_MAX);
        runs += 1;
        const name = `newcomer ${runs}.`;
        await box.fault({}, action, { after: call, times: 1 });
        const outcome = await box.openAs(name, QUICK).catch((error: unknown) => error);
        const struck = (await remainingFaults()) === 0;
        await box.clearFaults();
        const { entries } = await found(name);
        if (outcome instanceof AuthError) {
          // A login that is refused is no passing fault.
          expect(action['status']).toBe(401);
          continue;
        }
        expect(entries).toHaveLength(1);
        const memberships = (await box.admin('GET', `/2.0/users/${entries[0]?.id}/memberships`)) as {
          entries: unknown[];
        };
        expect(memberships.entries).toHaveLength(1);
        expect(await (outcome as RemoteStore).list(folderId)).toBeDefined();
        if (!struck) break;
      }
    },
  );
});

describe('faults of their own kind', () => {
  it('ends in AuthError when every token is refused', async () => {
    await box.fault(match, { kind: 'status', status: 401, body: '' });
    await expect(store.list(folderId)).rejects.toBeInstanceOf(AuthError);
  });

  it.each(['download', 'download from an offset'])('never passes wrong bytes on: %s', async (name) => {
    const operation = OPERATIONS.find((each) => each.name === name);
    const { run } = (await operation?.prepare(stage())) ?? expect.fail();
    await box.fault({ ...match, path: '/2.0/files/*/content' }, { kind: 'corrupt', at: 150_000 });
    const failure = await run().then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(name === 'download' ? CorruptError : Error);
  });

  it('takes a repeated entry of a listing once', async () => {
    const { run } = (await OPERATIONS.find(({ name }) => name === 'list')?.prepare(stage())) ?? expect.fail();
    await box.fault(match, { kind: 'listing', effect: 'double' }, { times: 1 });
    await run();
  });
});
