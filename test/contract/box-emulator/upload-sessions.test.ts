import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, digest, Rig, sha1 } from './rig.ts';

const PART = 64 * 1024;
const SIZE = PART * 3 + 1000;

let rig: Rig;
let token: string;
let top: string;
let count = 0;

beforeAll(async () => {
  rig = await Rig.open({ partSizeBytes: PART, chunkedMinimumBytes: PART });
  token = await rig.service();
  top = await rig.folder(token, '0', 'top');
});
afterAll(() => rig.close());

const start = async (size = SIZE, name = `big-${++count}`) =>
  (
    await rig.call('POST', '/api/2.0/files/upload_sessions', {
      token,
      json: { folder_id: top, file_size: size, file_name: name },
    })
  ).body;

function part(
  url: string,
  bytes: Buffer,
  index: number,
  change: Record<string, string> = {},
): Promise<Answer> {
  const from = index * PART;
  const piece = bytes.subarray(from, Math.min(from + PART, bytes.byteLength));
  return rig.call('PUT', url, {
    token,
    body: piece,
    headers: {
      'content-type': 'application/octet-stream',
      'content-range': `bytes ${from}-${from + piece.byteLength - 1}/${bytes.byteLength}`,
      digest: digest(piece),
      ...change,
    },
  });
}

const listed = async (url: string) => (await rig.get(url, token)).body;

const commit = (
  url: string,
  parts: unknown,
  bytes: Buffer,
  extra: Record<string, unknown> = {},
  headers = {},
) =>
  rig.call('POST', url, { token, json: { parts, ...extra }, headers: { digest: digest(bytes), ...headers } });

async function uploaded(bytes: Buffer) {
  const session = await start(bytes.byteLength);
  for (const index of [2, 0, 3, 1]) await part(session.session_endpoints.upload_part, bytes, index);
  return session;
}

describe('chunked uploads', () => {
  it('take parts in parallel and out of order, and make one file of them', async () => {
    const bytes = randomBytes(SIZE);
    const session = await start();
    expect(session).toMatchObject({
      type: 'upload_session',
      part_size: PART,
      total_parts: 4,
      num_parts_processed: 0,
    });
    expect(new URL(session.session_endpoints.upload_part).origin).not.toBe(rig.url);
    const answers = await Promise.all(
      [3, 1, 0, 2].map((index) => part(session.session_endpoints.upload_part, bytes, index)),
    );
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200]);
    expect(answers[0]?.body.part).toMatchObject({
      offset: 3 * PART,
      size: 1000,
      part_id: expect.stringMatching(/^[0-9A-F]{8}$/),
    });
    const parts = await listed(session.session_endpoints.list_parts);
    expect(parts).toMatchObject({ total_count: 4 });
    const made = await commit(session.session_endpoints.commit, parts.entries, bytes, {
      attributes: { content_modified_at: '2020-02-02T00:00:00Z' },
    });
    expect(made).toMatchObject({ status: 201, body: { entries: [{ sha1: sha1(bytes), size: SIZE }] } });
    const file = made.body.entries[0];
    expect(Date.parse(file.content_modified_at)).toBe(Date.parse('2020-02-02T00:00:00Z'));
    expect((await rig.download(token, file.id)).equals(bytes)).toBe(true);
    expect((await rig.get(session.session_endpoints.status, token)).status).toBe(404);
  });

  it('take a part that comes without its length, as the official SDK sends it', async () => {
    const bytes = randomBytes(SIZE);
    const session = await start();
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(bytes.subarray(0, 100));
        controller.enqueue(bytes.subarray(100, PART));
        controller.close();
      },
    });
    const answer = await rig.call('PUT', session.session_endpoints.upload_part, {
      token,
      body,
      headers: { 'content-range': `bytes 0-${PART - 1}/${SIZE}`, digest: digest(bytes.subarray(0, PART)) },
    });
    expect(answer).toMatchObject({
      status: 200,
      body: { part: { offset: 0, size: PART, sha1: sha1(bytes.subarray(0, PART)) } },
    });
  });

  it('never change a part: its repetition is refused with 416 and hurts nothing', async () => {
    const bytes = randomBytes(SIZE);
    const session = await start();
    const url = session.session_endpoints.upload_part;
    await part(url, bytes, 0);
    const again = await part(url, bytes, 0);
    expect(again).toMatchObject({ status: 416, body: { code: 'range_overlaps_existing_part' } });
    for (const index of [1, 2, 3]) await part(url, bytes, index);
    const parts = await listed(session.session_endpoints.list_parts);
    expect((await commit(session.session_endpoints.commit, parts.entries, bytes)).status).toBe(201);
  });

  it('refuse a part whose digest, range or length is wrong', async () => {
    const bytes = randomBytes(SIZE);
    const url = (await start()).session_endpoints.upload_part;
    expect((await part(url, bytes, 0, { digest: digest(Buffer.from('x')) })).status).toBe(412);
    for (const range of [
      `bytes 1-${PART}/${SIZE}`,
      `bytes 0-${PART - 2}/${SIZE}`,
      `bytes 0-${PART - 1}/${SIZE + 1}`,
    ])
      expect((await part(url, bytes, 0, { 'content-range': range })).status).toBe(416);
    expect((await part(url, bytes, 0, { 'content-range': 'nonsense' })).status).toBe(400);
    const last = SIZE - 3 * PART;
    const short = await rig.call('PUT', url, {
      token,
      body: bytes.subarray(0, last - 1),
      headers: {
        'content-range': `bytes ${3 * PART}-${SIZE - 1}/${SIZE}`,
        digest: digest(bytes.subarray(0, last - 1)),
      },
    });
    expect(short.status).toBe(400);
    expect((await part(url, bytes, 0)).status).toBe(200);
  });

  it('answer 202 while parts are processed, and parts_mismatch when committed too early', async () => {
    const bytes = randomBytes(SIZE);
    const session = await uploaded(bytes);
    const { entries } = await listed(session.session_endpoints.list_parts);
    const url = session.session_endpoints.commit;
    expect((await commit(url, entries.slice(0, 3), bytes)).body.code).toBe('parts_mismatch');
    const withoutSha1 = entries.map(({ sha1: _left, ...rest }: { sha1: string }) => rest);
    expect((await commit(url, withoutSha1, bytes)).body.code).toBe('parts_mismatch');
    await rig.settings({ commitProcessingAnswers: 2, commitRetryAfterS: 3 });
    const answers = [];
    for (let attempt = 0; attempt < 3; attempt += 1) answers.push(await commit(url, entries, bytes));
    await rig.settings({ commitProcessingAnswers: 0 });
    expect(answers.map((answer) => answer.status)).toEqual([202, 202, 201]);
    expect(answers[0]?.headers.get('retry-after')).toBe('3');
    expect(answers[0]?.text).toBe('');
  });

  it('lag behind with the listing of parts where that is set', async () => {
    const session = await uploaded(randomBytes(SIZE));
    await rig.settings({ partVisibleAfterMs: 60_000 });
    expect(await listed(session.session_endpoints.list_parts)).toMatchObject({ total_count: 0 });
    await rig.settings({ partVisibleAfterMs: 0 });
    expect(await listed(session.session_endpoints.list_parts)).toMatchObject({ total_count: 4 });
  });

  it('make a version under If-Match, and refuse it when the file has moved on', async () => {
    const bytes = randomBytes(SIZE);
    const id = await rig.file(token, top, `versioned-${++count}`);
    const session = (
      await rig.call('POST', `/api/2.0/files/${id}/upload_sessions`, { token, json: { file_size: SIZE } })
    ).body;
    for (const index of [0, 1, 2, 3]) await part(session.session_endpoints.upload_part, bytes, index);
    const { entries } = await listed(session.session_endpoints.list_parts);
    const url = session.session_endpoints.commit;
    expect((await commit(url, entries, bytes, {}, { 'if-match': '9' })).status).toBe(412);
    const made = await commit(url, entries, bytes, {}, { 'if-match': '0' });
    expect(made.body.entries[0]).toMatchObject({ id, etag: '1', sha1: sha1(bytes) });
  });

  it('belong to one user, expire, and can be given up', async () => {
    const other = await rig.appUser('other');
    const session = await start();
    const url = session.session_endpoints.status;
    expect((await rig.get(url, other.token)).status).toBe(403);
    await rig.settings({ clockOffsetMs: 8 * 86_400_000, tokenLifetimeS: 86_400 });
    const late = await rig.service();
    expect((await rig.get(url, late)).body.code).toBe('session_expired');
    await rig.settings({ clockOffsetMs: 0, tokenLifetimeS: 4123 });
    expect((await rig.call('DELETE', url, { token })).status).toBe(204);
    expect((await rig.get(url, token)).status).toBe(404);
  });

  it('find the name taken at the start and at the end', async () => {
    const bytes = randomBytes(SIZE);
    const name = `taken-${++count}`;
    const first = await start(SIZE, name);
    for (const index of [0, 1, 2, 3]) await part(first.session_endpoints.upload_part, bytes, index);
    await rig.file(token, top, name);
    expect((await start(SIZE, name)).code).toBe('item_name_in_use');
    const { entries } = await listed(first.session_endpoints.list_parts);
    const refused = await commit(first.session_endpoints.commit, entries, bytes);
    expect(refused).toMatchObject({ status: 409, body: { context_info: { conflicts: { name } } } });
  });
});
