import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { AuthError } from '../../../src/errors.ts';
import type { RemoteId } from '../../../src/ids.ts';
import { type Logger, silentLogger } from '../../../src/logger.ts';
import { seededRandom } from '../../../src/random.ts';
import { openBoxStore } from '../../../src/sync/box/box-store.ts';
import type { RemoteCall } from '../../../src/sync/remote/remote-store.ts';
import { type EmulatedBox, emulatedBox } from './emulator-box.ts';
import { bytesOf, sourceOf } from './source.ts';

let box: EmulatedBox;
let folderId: RemoteId;
let elsewhereId: RemoteId;

beforeAll(async () => {
  box = await emulatedBox();
  folderId = await box.shareFolder('Shared');
  elsewhereId = await box.shareFolder('Elsewhere');
});
afterAll(() => box.close());

const app = (change: unknown) =>
  fetch(`${box.url}/_emulator/app`, { method: 'POST', body: JSON.stringify(change) });

function listeningLogger() {
  const warnings: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    warn: (_fields, message) => warnings.push(message),
    child: () => logger,
  };
  return { logger, warnings };
}

describe('logging in', () => {
  afterEach(() => app({ authorised: true, reauthorise: true, userTokens: true, asUserHeader: true }));

  it('finds the app user again, and adds it to its group once', async () => {
    const first = await box.openAs('site A');
    const again = await box.openAs('site A');
    expect(await again.account()).toEqual(await first.account());
    const { entries } = (await box.admin('GET', '/2.0/users?filter_term=site%20A')) as {
      entries: readonly unknown[];
    };
    expect(entries).toHaveLength(1);
    expect(await again.list(folderId)).toEqual([]);
  });

  it('does not take a user whose name only begins alike', async () => {
    const longer = await (await box.openAs('site BB')).account();
    expect((await (await box.openAs('site B')).account()).id).not.toBe(longer.id);
  });

  it('says what to do when the group is missing', async () => {
    const work = box.openAs('site C', {
      identity: { kind: 'app-user', name: 'site C', groupName: 'Nobody made this' },
    });
    await expect(work).rejects.toMatchObject({
      code: 'group-missing',
      message: expect.stringContaining('Nobody made this'),
      hint: expect.stringContaining('Admin Console'),
    });
    await expect(work).rejects.toBeInstanceOf(AuthError);
  });

  it('says what to do when the app is not authorised', async () => {
    await app({ authorised: false });
    const work = box.openAs('site A');
    await expect(work).rejects.toBeInstanceOf(AuthError);
    await expect(work).rejects.toMatchObject({ code: 'app-not-authorised', hint: expect.any(String) });
  });

  it('says what to do when the scopes do not suffice', async () => {
    await app({ scopes: ['root_readwrite'], reauthorise: true });
    const work = box.openAs('site D');
    await expect(work).rejects.toMatchObject({ code: 'scope-missing', hint: expect.any(String) });
    await app({ scopes: ['root_readwrite', 'manage_managed_users', 'manage_app_users', 'manage_groups'] });
  });

  it('acts through the service account where Box gives no user tokens', async () => {
    await app({ userTokens: false, reauthorise: true });
    const { logger, warnings } = listeningLogger();
    const store = await box.openAs('site A', { logger });
    const file = await store.upload({ parentId: folderId, name: 'as user', source: sourceOf('x') });
    expect(file.createdBy?.name).toBe('site A');
    expect(warnings.join()).toContain('service account');
    await store.remove(file);
  });

  it('says what to do when it may not act for users at all', async () => {
    await app({ userTokens: false, asUserHeader: false, reauthorise: true });
    await expect(box.openAs('site A')).rejects.toMatchObject({
      code: 'user-token-refused',
      hint: expect.stringContaining('Generate user access tokens'),
    });
  });

  it('works as the service account itself', async () => {
    const store = await openBoxStore({
      configuration: box.configuration,
      identity: { kind: 'service-account' },
      clock: systemClock(),
      random: seededRandom(1),
      logger: silentLogger,
    });
    expect((await store.account()).id).toMatch(/^\d+$/);
    await store.close();
    await store.close();
  });

  it('asks for one token however many calls come first', async () => {
    const store = await box.openAs('site A');
    await fetch(`${box.url}/_emulator/tokens/expire`, { method: 'POST' });
    await box.resetStats();
    await Promise.all(Array.from({ length: 5 }, () => store.list(folderId)));
    expect((await box.stats()).calls.by_endpoint['POST /oauth2/token']).toBe(1);
  });

  it('corrects a clock that is an hour off', async () => {
    await box.settings({ clockOffsetMs: 3_600_000 });
    const { logger, warnings } = listeningLogger();
    const store = await box.openAs('site A', { logger });
    expect(await store.list(folderId)).toEqual([]);
    expect(warnings.join()).toContain('clock');
    await box.settings({ clockOffsetMs: 0 });
  });
});

describe('a token narrowed to the folder', () => {
  it('does everything that mirroring needs, and opens nothing else', async () => {
    const { logger, warnings } = listeningLogger();
    const store = await box.openAs('site N', { leastPrivilege: true, logger });
    expect(await store.findFolder(['Elsewhere'])).toMatchObject({ id: elsewhereId });
    store.confine?.(folderId);
    const inner = await store.createFolder(folderId, 'narrow');
    const file = await store.upload({ parentId: inner.id, name: 'f', source: sourceOf('one') });
    const second = await store.uploadVersion({ ...file, source: sourceOf('two') });
    expect((await bytesOf(await store.download(second))).toString()).toBe('two');
    const renamed = await store.relocate({ ...second, parentId: inner.id, name: 'g' });
    expect(await store.list(inner.id)).toEqual([renamed]);
    const position = await store.position();
    await store.remove(renamed);
    expect((await store.changes(position)).hints).not.toEqual([]);
    await expect(store.list(elsewhereId)).rejects.toMatchObject({ code: 'scope-missing' });
    expect(warnings).toEqual([]);
  });

  it('goes on with the full token, and says so, where Box gives no narrow one', async () => {
    const { logger, warnings } = listeningLogger();
    const store = await box.openAs('site W', { leastPrivilege: true, logger });
    await box.fault(
      { method: 'POST', path: '/oauth2/token' },
      { kind: 'status', status: 400, body: '{"error":"invalid_grant","error_description":"no"}' },
    );
    store.confine?.(folderId);
    expect(await store.list(folderId)).toBeDefined();
    await box.clearFaults();
    expect(warnings).toEqual(['Box gives no token narrowed to the folder; going on with the full one']);
  });

  it('uses the full token for a kind of call that Box refuses to a narrow one, and says so', async () => {
    const { logger, warnings } = listeningLogger();
    const store = await box.openAs('site V', { leastPrivilege: true, logger });
    store.confine?.(folderId);
    await box.fault(
      { method: 'POST', path: '/2.0/folders' },
      { kind: 'status', status: 403, code: 'insufficient_scope' },
      { times: 1 },
    );
    const made = await store.createFolder(folderId, 'made all the same');
    expect(warnings).toEqual(['Box refuses this call to a narrowed token; using the full one for it']);
    await store.remove(made);
  });

  it('changes nothing for a store that was not asked to', async () => {
    const store = await box.openAs('site N');
    store.confine?.(folderId);
    expect(await store.list(elsewhereId)).toEqual([]);
  });
});

describe('the ledger', () => {
  it('holds every call that Box counts, by endpoint', async () => {
    const calls: RemoteCall[] = [];
    await box.openAs('site L');
    await box.resetStats();
    const store = await box.openAs('site L', { ledger: (call) => calls.push(call) });
    const file = await store.upload({ parentId: folderId, name: 'ledger', source: sourceOf('x') });
    await bytesOf(await store.download(file));
    await store.list(folderId);
    const counted: Record<string, number> = {};
    for (const { endpoint } of calls) counted[endpoint] = (counted[endpoint] ?? 0) + 1;
    expect(counted).toEqual((await box.stats()).calls.by_endpoint);
    const account = await store.account();
    const own = calls.filter(({ user }) => user === account.id).map(({ endpoint }) => endpoint);
    expect(own).toContain('POST /2.0/files/content');
    // Logging in is the application's own doing, and counts with its account.
    expect(own.some((endpoint) => endpoint.includes('/users') || endpoint.includes('/groups'))).toBe(false);
  });
});
