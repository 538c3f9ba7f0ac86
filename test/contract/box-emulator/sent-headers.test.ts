import { describe, expect, it } from 'vitest';
import { digest, sha1 } from './rig.ts';
import { openSmallRig } from './small-rig.ts';

// boxsdk 3 writes "SHA=" where Box's own description writes "sha=", and Box takes it.

const { rig, token, top, fresh, send } = await openSmallRig();

describe('headers', () => {
  const bytes = Buffer.alloc(2000, 'x');

  it.each(['sha=', 'SHA=', 'Sha='])(
    'take a digest that is written %s, of parts and of the whole',
    async (prefix) => {
      const spelt = (of: Buffer) => digest(of).replace('sha=', prefix);
      const session = await send('POST', '/2.0/files/upload_sessions', {
        folder_id: top,
        file_name: fresh(),
        file_size: bytes.length,
      });
      const { upload_part, commit } = session.body.session_endpoints;
      const parts: unknown[] = [];
      for (const [from, to] of [
        [0, 1024],
        [1024, 2000],
      ] as const) {
        const part = bytes.subarray(from, to);
        const headers = { 'Content-Range': `Bytes ${from}-${to - 1}/2000`, Digest: spelt(part) };
        const answer = await rig.call('PUT', upload_part, { token, body: part, headers });
        expect(answer.status).toBe(200);
        parts.push(answer.body.part);
      }
      const done = await send(
        'POST',
        commit,
        { parts, attributes: null },
        { headers: { DIGEST: spelt(bytes) } },
      );
      expect(done).toMatchObject({ status: 201, body: { entries: [{ sha1: sha1(bytes) }] } });
    },
  );

  it('tell a digest of another kind from none', async () => {
    const session = await send('POST', '/2.0/files/upload_sessions', {
      folder_id: top,
      file_name: fresh(),
      file_size: bytes.length,
    });
    const put = (value: string) =>
      rig.call('PUT', session.body.session_endpoints.upload_part, {
        token,
        body: bytes.subarray(0, 1024),
        headers: { 'content-range': 'bytes 0-1023/2000', digest: value },
      });
    for (const [value, reason] of [
      ['md5=AAAA', 'invalid_parameter'],
      ['', 'missing_parameter'],
    ] as const) {
      const answer = await put(value);
      expect(answer.status).toBe(400);
      expect(answer.body.context_info.errors).toMatchObject([{ name: 'digest', reason }]);
    }
  });

  it('that are empty were not given', async () => {
    const headers = { 'if-match': '', 'content-md5': '', 'as-user': '' };
    const id = await rig.file(token, top, fresh());
    expect((await rig.version(token, id, 'two', headers)).status).toBe(200);
    expect((await rig.get(`/2.0/files/${id}`, token, { 'if-none-match': '' })).status).toBe(200);
    expect((await send('DELETE', `/2.0/files/${id}`, undefined, { headers })).status).toBe(204);
  });

  it('ask for a range in any case', async () => {
    const id = await rig.file(token, top, fresh(), '0123456789');
    const { headers } = await rig.get(`/2.0/files/${id}/content`, token);
    const answer = await rig.get(headers.get('location') ?? '', undefined, { Range: 'Bytes=2-4' });
    expect(answer).toMatchObject({ status: 206, text: '234' });
  });
});
