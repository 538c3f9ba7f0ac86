import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AdminWorld, FOLDER } from '../../support/admin-world.ts';
import { eventually } from '../../support/eventually.ts';

let world: AdminWorld;

beforeAll(async () => {
  world = await AdminWorld.open();
  await world.followGuide(['site_a']);
});
afterAll(() => world.close());
afterEach(() => world.control('DELETE', '/faults'));

const names = async () => (await world.items()).map(({ name }) => name).sort();

describe('what doctor writes for a trial', () => {
  it('is gone afterwards, from the trash too', async () => {
    const before = await names();
    await world.doctor();
    expect(await names()).toEqual(before);
  });

  it('is gone when doctor is interrupted in the middle of it', async () => {
    const before = await names();
    await world.fault({ method: 'POST', path: '/2.0/files/content' }, { kind: 'stall' });
    const stop = new AbortController();
    const ended = world.doctor({}, { signal: stop.signal });
    const failure = expect(ended).rejects.toMatchObject({ name: 'AbortError' });
    await eventually(async () =>
      expect((await names()).some((name) => name.startsWith('mila-sync check'))).toBe(true),
    );
    stop.abort();
    await failure;
    expect(await names()).toEqual(before);
  });

  it('is gone when the answer to its making is lost', async () => {
    const before = await names();
    await world.fault({ method: 'POST', path: '/2.0/folders' }, { kind: 'drop_after' });
    await world.doctor();
    expect(await names()).toEqual(before);
  });

  it('is found and removed by the next check when the process was killed', async () => {
    const before = await names();
    const service = world.emulator.serviceAccountId;
    const old = 'mila-sync check 2026-01-02 03-04-05 abcdefgh';
    await world.createFolder(old, service);
    await world.api('POST', '/2.0/folders', { name: old, parent: { id: world.ids.folder } }, service);
    await world.doctor();
    expect(await names()).toEqual(before);
  });

  it('is never mistaken for what somebody else has put there, or for a check that still runs', async () => {
    const service = world.emulator.serviceAccountId;
    const now = new Date().toISOString().slice(0, 19).replace('T', ' ').replaceAll(':', '-');
    const running = `mila-sync check ${now} abcdefgh`;
    const used = 'mila-sync check 2026-01-02 03-04-05 hgfedcba';
    await world.createFolder(running, service);
    const usedId = await world.createFolder(used, service);
    await world.api('POST', '/2.0/folders', { name: 'results', parent: { id: usedId } }, service);
    await world.doctor();
    expect(await names()).toEqual(expect.arrayContaining([running, used, 'results', FOLDER]));
  });

  it('is nothing at all when only looking is wanted', async () => {
    await world.control('POST', '/stats/reset', {});
    const findings = await world.doctor({ mayWrite: false });
    const { calls } = (await world.control('GET', '/stats')) as {
      calls: { by_endpoint: Record<string, number> };
    };
    const writes = Object.keys(calls.by_endpoint).filter((call) => !/^(GET|OPTIONS) /.test(call));
    expect(writes).toEqual(['POST /oauth2/token']);
    expect(findings.filter(({ status }) => status === 'cannot-tell').map(({ step }) => step)).toEqual([
      'write-scope',
      'save-path',
      'api-calls',
    ]);
  });
});
