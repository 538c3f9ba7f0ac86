import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { BoxClient, BoxJwtAuth, JwtConfig } from 'box-node-sdk';
import { BoxApiError, BoxSdkError } from 'box-node-sdk/box/errors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rig, sha1 } from './rig.ts';

let rig: Rig;
let client: BoxClient;
let top: string;
let count = 0;

/** The official SDK with its stock network client, as anybody would build it. */
function stockClient(auth: BoxJwtAuth): BoxClient {
  const { api, upload, oauth2 } = rig.running.configuration.baseUrls;
  return new BoxClient({ auth }).withCustomBaseUrls({ baseUrl: api, uploadUrl: upload, oauth2Url: oauth2 });
}

const jwt = () =>
  new BoxJwtAuth({ config: JwtConfig.fromConfigJsonString(JSON.stringify(rig.running.configuration)) });

beforeAll(async () => {
  rig = await Rig.open({ chunkedMinimumBytes: 100_000, partSizeBytes: 65_536 });
  client = stockClient(jwt());
  top = (await client.folders.createFolder({ name: 'top', parent: { id: '0' } })).id;
});
afterAll(() => rig.close());

const upload = async (name: string, content: string | Buffer, as = client) => {
  const made = await as.uploads.uploadFile({
    attributes: { name, parent: { id: top } },
    file: Readable.from([Buffer.from(content)]),
  });
  const file = made.entries?.[0];
  if (file === undefined) throw new Error('the upload answered no entry');
  return file;
};

const read = async (stream: Readable | undefined) => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

describe('the official Node SDK', () => {
  it('logs in with the configuration file, as the service account and as a user', async () => {
    expect((await client.users.getUserMe()).id).toBe(rig.running.serviceAccountId);
    const made = await client.users.createUser({ name: 'person', isPlatformAccessOnly: true });
    expect(made.login).toMatch(/^AppUser_\d+_\w+@boxdevedition\.com$/);
    const person = stockClient(jwt().withUserSubject(made.id));
    expect((await person.users.getUserMe()).name).toBe('person');
    expect((await client.withAsUserHeader(made.id).users.getUserMe()).id).toBe(made.id);
  });

  it('provisions a group, its members and its folder', async () => {
    const user = await client.users.createUser({ name: `member-${++count}`, isPlatformAccessOnly: true });
    const group = await client.groups.createGroup({ name: `group-${count}` });
    await client.memberships.createGroupMembership({ user: { id: user.id }, group: { id: group.id } });
    const folder = await client.folders.createFolder({ name: `shared-${count}`, parent: { id: top } });
    const shared = await client.userCollaborations.createCollaboration({
      item: { type: 'folder', id: folder.id },
      accessibleBy: { type: 'group', id: group.id },
      role: 'editor',
    });
    expect(shared.status).toBe('accepted');
    const found = await client.groups.getGroups({ filterTerm: `group-${count}` });
    expect(found.entries?.map((entry) => entry.id)).toEqual([group.id]);
    const members = await client.memberships.getGroupMemberships(group.id);
    expect(members.entries?.[0]?.user?.id).toBe(user.id);
    const { entries } = await client.listCollaborations.getFolderCollaborations(folder.id);
    expect(entries).toHaveLength(1);
    const root = await stockClient(jwt().withUserSubject(user.id)).folders.getFolderItems('0');
    expect(root.entries?.map((entry) => entry.id)).toEqual([folder.id]);
  });

  it('uploads, renames, moves, copies, versions, downloads, deletes and restores', async () => {
    const file = await upload(`file-${++count}`, 'one');
    expect(file.sha1).toBe(sha1('one'));
    const folder = await client.folders.createFolder({ name: `folder-${count}`, parent: { id: top } });
    const moved = await client.files.updateFileById(file.id, {
      requestBody: { name: 'moved', parent: { id: folder.id } },
    });
    expect([moved.name, moved.parent?.id, moved.etag]).toEqual(['moved', folder.id, '1']);
    await client.uploads.uploadFileVersion(file.id, {
      attributes: { name: 'moved' },
      file: Readable.from([Buffer.from('two')]),
    });
    expect((await read(await client.downloads.downloadFile(file.id))).toString()).toBe('two');
    const versions = await client.fileVersions.getFileVersions(file.id);
    expect(versions.entries?.map((entry) => entry.sha1)).toEqual([sha1('one')]);
    await client.fileVersions.promoteFileVersion(file.id, {
      requestBody: { id: versions.entries?.[0]?.id ?? '', type: 'file_version' },
    });
    expect((await read(await client.downloads.downloadFile(file.id))).toString()).toBe('one');
    const copy = await client.files.copyFile(file.id, { parent: { id: top }, name: `copy-${count}` });
    expect(copy.etag).toBe('0');
    await client.files.deleteFileById(file.id);
    expect((await client.trashedFiles.getTrashedFileById(file.id)).itemStatus).toBe('trashed');
    expect((await client.trashedFiles.restoreFileFromTrash(file.id)).itemStatus).toBe('active');
    const listing = await client.folders.getFolderItems(folder.id, {
      queryParams: { usemarker: true, fields: ['name', 'size', 'permissions', 'lock'] },
    });
    expect(listing.entries).toHaveLength(1);
    await client.folders.deleteFolderById(folder.id, { queryParams: { recursive: true } });
    expect((await client.trashedItems.getTrashedItems()).entries?.length).toBeGreaterThan(0);
  });

  it('uploads a big file in parts, and checks before it uploads', async () => {
    const bytes = Buffer.alloc(200_000, 'big');
    const name = `big-${++count}`;
    const big = await client.chunkedUploads.uploadBigFile(Readable.from([bytes]), name, bytes.length, top);
    expect([big.name, big.sha1]).toEqual([name, createHash('sha1').update(bytes).digest('hex')]);
    const checked = await client.uploads.preflightFileUploadCheck({
      name: `unused-${count}`,
      size: 5,
      parent: { id: top },
    });
    expect(checked.uploadUrl).toMatch(/^http/);
  });

  it('reads the stream of events, and wakes from the long poll', async () => {
    const start = await client.events.getEvents({ streamPosition: 'now' });
    const realtime = await client.events.getEventsWithLongPolling();
    expect(realtime.entries?.[0]).toMatchObject({ ttl: '10', maxRetries: '10', retryTimeout: 610 });
    const stream = await client.events.getEventStream();
    const seen: string[] = [];
    stream.on('data', (event: { eventType?: string }) => seen.push(String(event.eventType)));
    stream.on('error', () => undefined);
    await expect
      .poll(async () => (await rig.control('GET', '/stats')).body.open_long_polls, { timeout: 10_000 })
      .toBe(1);
    await upload(`event-${++count}`, 'x');
    await expect.poll(() => seen, { timeout: 10_000 }).toContain('ITEM_UPLOAD');
    stream.destroy();
    const { entries } = await client.events.getEvents({ streamPosition: String(start.nextStreamPosition) });
    expect(entries?.map((event) => event.eventType)).toEqual(['ITEM_UPLOAD']);
    // The SDK's stream cannot cancel its open poll; an event ends it.
    await upload(`last-${count}`, 'x');
  });

  it('narrows a token', async () => {
    const narrow = await client.auth.downscopeToken(
      ['item_download'],
      `https://api.box.com/2.0/folders/${top}`,
      undefined,
      client.networkSession,
    );
    expect(narrow.restrictedTo?.[0]).toMatchObject({ scope: 'item_download', object: { id: top } });
  });
});

describe('the official Node SDK’s known defects', () => {
  it('gives codes in quotes, and conflicts in the body', async () => {
    const name = `twice-${++count}`;
    const first = await upload(name, 'x');
    const error = await upload(name, 'y').then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(BoxApiError);
    const { responseInfo } = error as BoxApiError;
    expect(responseInfo.statusCode).toBe(409);
    expect(responseInfo.body).toMatchObject({
      code: 'item_name_in_use',
      context_info: { conflicts: { id: first.id } },
    });
    expect(String(responseInfo.code)).toContain('item_name_in_use');
  });

  it('loses the body of a refused deletion', async () => {
    const file = await upload(`kept-${++count}`, 'x');
    const error = (await client.files.deleteFileById(file.id, { headers: { ifMatch: '9' } }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )) as BoxApiError;
    expect(error.responseInfo.statusCode).toBe(412);
    expect(error.responseInfo.body).toBeUndefined();
  });

  it('turns 304 into an error, and a download that is not ready into nothing', async () => {
    const file = await upload(`same-${++count}`, 'x');
    await expect(client.files.getFileById(file.id, { headers: { ifNoneMatch: '0' } })).rejects.toThrow(
      BoxSdkError,
    );
    await rig.settings({ downloadReadyAfterMs: 60_000 });
    const early = await upload(`early-${count}`, 'x');
    expect(await client.downloads.downloadFile(early.id)).toBeUndefined();
    await rig.settings({ downloadReadyAfterMs: 0 });
  });

  it('fetches one token for each of its parallel first calls', async () => {
    await rig.control('POST', '/stats/reset');
    const fresh = stockClient(jwt());
    await Promise.all([1, 2, 3].map(() => fresh.users.getUserMe()));
    expect((await rig.control('GET', '/stats')).body.calls.by_endpoint['POST /oauth2/token']).toBe(3);
  });

  it('logs in again when its token has run out', async () => {
    const late = stockClient(jwt());
    await late.users.getUserMe();
    await rig.control('POST', '/tokens/expire');
    expect((await late.users.getUserMe()).id).toBe(rig.running.serviceAccountId);
  });

  it('repeats an upload after a 503 that took effect, and meets its own file', async () => {
    // A fresh token first, so that the fault meets the upload and not a refused token.
    await client.users.getUserMe();
    await rig.control('POST', '/faults', {
      match: { method: 'POST', path: '/2.0/files/content' },
      action: { kind: 'status', status: 503, when: 'after' },
      times: 1,
    });
    const name = `own-${++count}`;
    const error = (await upload(name, 'mine').then(
      () => undefined,
      (thrown: unknown) => thrown,
    )) as BoxApiError;
    expect(error.responseInfo.statusCode).toBe(409);
    expect(error.responseInfo.body).toMatchObject({
      context_info: { conflicts: { name, sha1: sha1('mine') } },
    });
  });
});
