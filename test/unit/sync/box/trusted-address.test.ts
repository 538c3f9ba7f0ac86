import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { remoteId } from '../../../../src/ids.ts';
import { ChunkedUploads } from '../../../../src/sync/box/chunked-uploads.ts';
import { BoxDownloads } from '../../../../src/sync/box/downloads.ts';
import { askForChannel } from '../../../../src/sync/box/realtime.ts';
import { trustedAddress } from '../../../../src/sync/box/trusted-address.ts';
import { json, type Reply, rawServer } from './raw-server.ts';
import { testSession } from './test-session.ts';

const BOX = {
  api: 'https://api.box.com',
  upload: 'https://upload.box.com/api',
  oauth2: 'https://api.box.com/oauth2',
};
const HERE = { api: 'http://127.0.0.1:1', upload: 'http://127.0.0.1:1/api', oauth2: 'http://127.0.0.1:1/o' };
const OWN = { api: 'http://box.lan:80', upload: 'https://upload.lan', oauth2: 'http://box.lan' };

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

describe('an address out of an answer', () => {
  it.each([
    [BOX, 'https://upload.box.com/api/2.0/files/upload_sessions/1'],
    [BOX, 'https://fupload-eu.app.box.com/x'],
    [BOX, 'https://dl.boxcloud.com/x?proof=1'],
    [BOX, 'https://2.realtime.services.box.net/subscribe'],
    [HERE, 'http://127.0.0.1:2/other-port'],
    [OWN, 'http://box.lan/x'],
    [OWN, 'https://upload.lan:8443/x'],
  ])('with %o may be asked at %s', (baseUrls, address) => {
    expect(trustedAddress(address, 'a test', baseUrls).href).toBe(address);
  });

  it.each([
    [BOX, 'http://upload.box.com/x'],
    [BOX, 'https://upload.box.com.evil.example/x'],
    [BOX, 'https://evilbox.com/x'],
    [BOX, 'https://box.com@evil.example/x'],
    [BOX, 'https://user:word@dl.boxcloud.com/x'],
    [BOX, 'https://services.box.net/x'],
    [BOX, 'http://127.0.0.1:2/x'],
    [BOX, 'https://localhost/x'],
    [BOX, 'file:///etc/passwd'],
    [BOX, 'no address'],
    [HERE, 'http://127.0.0.2:18999/steal'],
    [HERE, 'http://10.0.0.1/x'],
    [OWN, 'http://box.lan:8080/x'],
    [OWN, 'http://upload.lan/x'],
  ])('with %o is none of Box’s at %s', (baseUrls, address) => {
    expect(() => trustedAddress(address, 'a test', baseUrls)).toThrow(
      expect.objectContaining({ code: 'answer-malformed' }),
    );
  });
});

/** A Box that is asked first, and somebody else on another address of this machine who should not be. */
async function hostileBox(reply: (thief: string) => Reply) {
  const thief = await rawServer([json(200, { message: 'new_change' })]);
  const address = thief.url.replace('127.0.0.1', 'localhost');
  const box = await rawServer([reply(address)]);
  closers.push(thief.close, box.close);
  return { thief, box, ...testSession(box.url) };
}

const bytes = Buffer.from('content');
const source = {
  sizeBytes: bytes.length,
  sha1: '0'.repeat(40),
  modifiedAtMs: 0,
  open: () => Readable.from([bytes]),
  read: () => Readable.from([bytes]),
};
const target = { kind: 'new', parentId: remoteId('0'), name: 'a.bin' } as const;

it.each(['upload_part', 'commit', 'abort', 'list_parts'])(
  'sends neither token nor content to another host that a session names for %s',
  async (endpoint) => {
    const { session, thief, box } = await hostileBox((address) => (request, response, raw) => {
      const own = `http://${request.headers.host}/x`;
      const endpoints = {
        upload_part: own,
        commit: own,
        abort: own,
        list_parts: own,
        [endpoint]: `${address}/x`,
      };
      json(201, { id: '1', part_size: 7, total_parts: 1, session_endpoints: endpoints })(
        request,
        response,
        raw,
      );
    });
    const sending = new ChunkedUploads(session).send(target, source as never, {});
    await expect(sending).rejects.toMatchObject({ code: 'answer-malformed' });
    expect(thief.received).toEqual([]);
    expect(box.received).toHaveLength(1);
  },
);

it('goes on with no saved session whose addresses are somebody else’s', async () => {
  const { session, thief } = await hostileBox(() => json(500, {}));
  const endpoints = { uploadPart: thief.url, commit: thief.url, abort: thief.url, listParts: thief.url };
  const saved = JSON.stringify({
    id: '1',
    partSizeBytes: 7,
    totalParts: 1,
    endpoints: Object.fromEntries(
      Object.entries(endpoints).map(([key, url]) => [key, url.replace('127.0.0.1', 'localhost')]),
    ),
    sha1: source.sha1,
    sizeBytes: source.sizeBytes,
    target: 'new 0 a.bin',
  });
  const resumption = { load: () => saved, save: () => {}, clear: () => {} };
  await expect(
    new ChunkedUploads(session).send(target, source as never, { resumption }),
  ).rejects.toBeInstanceOf(Error);
  expect(thief.received).toEqual([]);
});

it('does not wait for changes at another host', async () => {
  const { session, thief } = await hostileBox((address) =>
    json(200, { entries: [{ type: 'realtime_server', url: `${address}/subscribe` }] }),
  );
  await expect(askForChannel(session, new AbortController().signal)).rejects.toMatchObject({
    code: 'answer-malformed',
  });
  expect(thief.received).toEqual([]);
});

it('follows no download to another host', async () => {
  const { session, thief } = await hostileBox((address) => json(302, '', { location: `${address}/content` }));
  const request = { id: remoteId('5'), versionId: '1', content: { sha1: source.sha1, sizeBytes: 7 } };
  await expect(new BoxDownloads(session).open(request as never, {})).rejects.toMatchObject({
    code: 'answer-malformed',
  });
  expect(thief.received).toEqual([]);
});
