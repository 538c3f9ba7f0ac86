import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exitCodeOf } from '../../../src/cli/exit-codes.ts';
import { systemClock } from '../../../src/clock.ts';
import { AuthError } from '../../../src/errors.ts';
import type { RemoteId } from '../../../src/ids.ts';
import { silentLogger } from '../../../src/logger.ts';
import { findRemoteRoot } from '../../../src/sync/mount/remote-root.ts';
import type { RemoteStore } from '../../../src/sync/remote/remote-store.ts';
import { type EmulatedBox, emulatedBox } from './emulator-box.ts';

let box: EmulatedBox;
let shared: RemoteId;
let store: RemoteStore;

beforeEach(async () => {
  box = await emulatedBox();
  shared = await box.shareFolder('shared');
  store = await box.openAs('site_a');
});
afterEach(() => box.close());

const rootOf = (path: readonly string[], create = true) =>
  findRemoteRoot({
    store,
    path,
    create,
    clock: systemClock(),
    logger: silentLogger,
    signal: AbortSignal.timeout(10_000),
  });

/** Somebody of the enterprise who shares a folder of his own with the participant. */
async function shareAsWell(name: string, owner = 'Partner'): Promise<string> {
  const user = await box.admin('POST', '/2.0/users', { name: owner, login: `${owner}@partner.example` });
  const issued = await fetch(`${box.url}/_emulator/users/${user['id']}/token`, { method: 'POST' });
  const { access_token } = (await issued.json()) as { access_token: string };
  const post = async (path: string, body: unknown) => {
    const headers = { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' };
    const answer = await fetch(`${box.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    expect(answer.status).toBe(201);
    return (await answer.json()) as { id: string };
  };
  const made = await post('/2.0/folders', { name, parent: { id: '0' } });
  await post('/2.0/collaborations', {
    item: { type: 'folder', id: made.id },
    accessible_by: { type: 'user', id: (await store.account()).id },
    role: 'editor',
  });
  return made.id;
}

describe('two folders of the shared name', () => {
  it('are told by their ids and owners, and neither is taken', async () => {
    const other = await shareAsWell('shared');
    const failure = await rootOf(['shared', 'run']).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(AuthError);
    expect(exitCodeOf(failure)).toBe(3);
    expect(failure).toMatchObject({
      code: 'folder-ambiguous',
      message: expect.stringContaining(`folder ${shared}, owned by "Administrator" (admin@emulator.example)`),
      hint: expect.stringContaining('rename the others'),
    });
    expect((failure as AuthError).message).toContain(
      `folder ${other}, owned by "Partner" (Partner@partner.example)`,
    );
    expect(await store.list(shared)).toEqual([]);
  });

  it('are seen where one is the own and the other is shared', async () => {
    const own = await store.createFolder((await store.findFolder([]))?.id ?? shared, 'shared');
    await expect(rootOf(['shared'])).rejects.toMatchObject({
      code: 'folder-ambiguous',
      data: { candidates: [{ owner: expect.anything() }, { owner: expect.stringContaining('"site_a"') }] },
    });
    await store.relocate({ ...own, parentId: own.parentId ?? own.id, name: 'own' });
    expect(await rootOf(['shared'])).toMatchObject({ id: shared });
  });

  it('end the waiting of a client for its session folder, too', async () => {
    await store.createFolder(shared, 'run');
    await shareAsWell('shared');
    await expect(rootOf(['shared', 'run'], false)).rejects.toMatchObject({ code: 'folder-ambiguous' });
  });

  it('are told apart by the case of their letters where one is written as asked for', async () => {
    const other = await shareAsWell('Shared');
    expect(await rootOf(['shared'])).toMatchObject({ id: shared });
    expect(await rootOf(['Shared'])).toMatchObject({ id: other });
    await expect(rootOf(['SHARED'])).rejects.toMatchObject({ code: 'folder-ambiguous' });
  });

  it('are refused though their owners cannot be asked', async () => {
    await shareAsWell('shared');
    await box.fault(
      { method: 'GET', path: '/2.0/folders/*' },
      { kind: 'status', status: 404, code: 'not_found' },
    );
    await expect(rootOf(['shared'])).rejects.toMatchObject({
      message: expect.stringContaining('somebody whom Box does not name'),
    });
    await box.clearFaults();
  });

  it('do not come from a listing that shows one folder twice', async () => {
    await box.fault({ method: 'GET', path: '/2.0/folders/*/items' }, { kind: 'listing', effect: 'double' });
    expect(await rootOf(['shared'])).toMatchObject({ id: shared });
    await box.clearFaults();
  });
});
