import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LogFields, type Logger, silentLogger } from '../../../src/logger.ts';
import { Rig } from './rig.ts';

let rig: Rig;
let token: string;
const warned: (LogFields & { readonly message: string })[] = [];
const logger: Logger = {
  ...silentLogger,
  warn: (fields, message) => {
    warned.push({ ...fields, message });
  },
};

beforeAll(async () => {
  rig = await Rig.open({ logger });
  token = await rig.service();
});
afterAll(() => rig.close());

describe('what is not emulated', () => {
  it.each([
    ['GET', '/2.0/search?query=x'],
    ['POST', '/2.0/webhooks'],
    ['GET', '/2.0/files/1/comments'],
    ['GET', '/2.0/shared_items'],
    ['GET', '/1.0/folders/0'],
    ['GET', '/'],
  ])('answers %s %s as a path that Box does not know, and is logged', async (method, path) => {
    const answer = await rig.call(method, path, { token });
    expect(answer).toMatchObject({
      status: 404,
      body: { type: 'error', status: 404, code: 'not_found', message: 'Not Found' },
    });
    const line = { message: 'not emulated', method, path: path.replace(/\?.*/, '') };
    expect(warned.at(-1)).toEqual(line);
  });

  it('asks for a token before it says so', async () => {
    expect((await rig.get('/2.0/search')).status).toBe(401);
  });

  it('hides nothing that is emulated: a known path logs no line', async () => {
    const before = warned.length;
    expect((await rig.get('/2.0/users/me', token)).status).toBe(200);
    expect(warned).toHaveLength(before);
  });
});

describe('an as-user header', () => {
  it('does no harm where it means nothing: at the token, at the content and at the long poll', async () => {
    const { id } = await rig.appUser('passenger');
    const headers = { 'as-user': id };
    const { clientID, clientSecret } = rig.running.configuration.boxAppSettings;
    const body = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      client_id: clientID,
      client_secret: clientSecret,
      assertion: await rig.assertion(),
    }).toString();
    const issued = await rig.call('POST', '/oauth2/token', { body, headers });
    const me = await rig.get('/2.0/users/me', issued.body.access_token);
    expect(me.body.id).toBe(rig.running.serviceAccountId);
    const file = await rig.file(token, '0', 'luggage', 'content');
    const { headers: found } = await rig.get(`/2.0/files/${file}/content`, token);
    expect((await rig.get(found.get('location') ?? '', undefined, headers)).text).toBe('content');
    await rig.settings({ longPollHoldMs: 10 });
    const { url } = (await rig.call('OPTIONS', '/2.0/events', { token })).body.entries[0];
    expect((await rig.get(url, token, headers)).body.message).toBe('reconnect');
  });
});
