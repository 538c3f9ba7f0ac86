import { createPrivateKey } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { AuthError } from '../../../../src/errors.ts';
import { silentLogger } from '../../../../src/logger.ts';
import { DeveloperTokenGrant, JwtGrant } from '../../../../src/sync/box/grants.ts';
import { Secret } from '../../../../src/sync/box/secret.ts';
import { FakeClock } from './fake-clock.ts';
import { keyFile, PASSPHRASE, publicKey } from './key-file.ts';
import { json, type Reply, rawServer, testTransport } from './raw-server.ts';

const { boxAppSettings } = keyFile();
const configuration = {
  path: 'key.json',
  clientId: boxAppSettings.clientID,
  clientSecret: new Secret(boxAppSettings.clientSecret),
  publicKeyId: boxAppSettings.appAuth.publicKeyID,
  privateKey: createPrivateKey({ key: boxAppSettings.appAuth.privateKey, passphrase: PASSPHRASE }),
};
const issued = json(200, { access_token: 'T', expires_in: 4123, token_type: 'bearer', restricted_to: [] });
const refused = (error_description: string, error = 'invalid_grant', headers = {}) =>
  json(400, { error, error_description }, headers);

describe('JwtGrant', () => {
  let close: () => Promise<void> = async () => {};
  afterEach(() => close());
  const grantAt = async (...replies: Reply[]) => {
    const server = await rawServer(replies);
    close = server.close;
    const { transport, clock } = testTransport();
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (_: unknown, message: string) => warnings.push(message) };
    const deps = { transport, apiUrl: server.url, clock, logger };
    const grant = new JwtGrant(configuration, { type: 'enterprise', id: '424242' }, deps);
    const assertions = () =>
      server.received.map(({ body }) => new URLSearchParams(body.toString()).get('assertion') ?? '');
    return { grant, server, assertions, warnings };
  };

  it('sends a signed assertion as Box documents it', async () => {
    const { grant, server, assertions } = await grantAt(issued);
    expect(await grant.issue()).toEqual({ token: 'T', lifetimeMs: 4_123_000 });
    const fields = Object.fromEntries(new URLSearchParams(server.received[0]?.body.toString()));
    expect(server.received[0]?.path).toBe('/oauth2/token');
    expect(fields).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      client_id: configuration.clientId,
      client_secret: boxAppSettings.clientSecret,
    });
    const [assertion = ''] = assertions();
    expect(decodeProtectedHeader(assertion)).toMatchObject({ alg: 'RS256', kid: 'ab12cd34' });
    const { payload } = await jwtVerify(assertion, publicKey);
    expect(payload).toMatchObject({
      iss: configuration.clientId,
      sub: '424242',
      box_sub_type: 'enterprise',
      aud: 'https://api.box.com/oauth2/token',
    });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBeLessThanOrEqual(60);
    expect(payload.jti?.length).toBeGreaterThanOrEqual(16);
  });

  it('signs anew for every try', async () => {
    const { grant, assertions } = await grantAt(json(503, {}), json(429, {}, { 'retry-after': '0' }), issued);
    await grant.issue();
    expect(new Set(assertions()).size).toBeGreaterThanOrEqual(2);
    expect(assertions()).toHaveLength(3);
  });

  it("signs by Box's clock when the own one is wrong, and says so", async () => {
    const hourAgo = new Date(Date.now() - 3_600_000).toUTCString();
    const { grant, assertions, warnings } = await grantAt(
      refused(
        "Please check the 'exp' claim. The 'exp' value exceeds the maximum value of 60 seconds beyond the issue time.",
        'invalid_grant',
        { date: hourAgo },
      ),
      issued,
    );
    await grant.issue();
    const exps = await Promise.all(
      assertions().map(async (assertion) => {
        const { payload } = await jwtVerify(assertion, publicKey, { clockTolerance: 7200 });
        return payload.exp ?? 0;
      }),
    );
    expect((exps[0] ?? 0) - (exps[1] ?? 0)).toBeGreaterThan(3_590);
    expect(warnings.join()).toContain('clock');
  });

  describe('whose clock was wrong and is set right', () => {
    const HOURS_MS = 5 * 3_600_000;
    /** A Box that takes assertions of its own time only, and tells that time where it has a date to tell. */
    const boxAt = async (clock: FakeClock, boxMs: () => number, dated: () => boolean = () => true) => {
      const server = await rawServer([
        (request, response, raw) => {
          const form = new URLSearchParams(request.body.toString());
          const { exp = 0 } = decodeJwt(form.get('assertion') ?? '');
          const aheadMs = exp * 1000 - boxMs();
          const good = aheadMs > 0 && aheadMs <= 60_000;
          const headers = dated() ? { date: new Date(boxMs()).toUTCString() } : { date: '' };
          const refusal = refused("Please check the 'exp' claim.", 'invalid_grant', headers);
          (good ? issued : refusal)(request, response, raw);
        },
      ]);
      close = server.close;
      const { transport } = testTransport({ clock });
      const deps = { transport, apiUrl: server.url, clock, logger: silentLogger };
      return { grant: new JwtGrant(configuration, { type: 'enterprise', id: '424242' }, deps), server };
    };

    it('gets tokens again, and forgets the correction', async () => {
      const clock = new FakeClock();
      const aheadMs = HOURS_MS;
      let boxMs = clock.now() + aheadMs;
      const { grant, server } = await boxAt(clock, () => boxMs);
      await grant.issue();
      expect(server.received).toHaveLength(2);
      await clock.advance(aheadMs);
      expect(await grant.issue()).toMatchObject({ token: 'T' });
      expect(server.received).toHaveLength(4);
      await grant.issue();
      expect(server.received).toHaveLength(5);
      boxMs += 40 * 60_000;
      await grant.issue();
      expect(server.received).toHaveLength(7);
    });

    it('gets tokens again also where answers have no date any more', async () => {
      const clock = new FakeClock();
      const boxMs = clock.now() + HOURS_MS;
      let dated = true;
      const { grant } = await boxAt(
        clock,
        () => boxMs,
        () => dated,
      );
      await grant.issue();
      await clock.advance(HOURS_MS);
      dated = false;
      expect(await grant.issue()).toMatchObject({ token: 'T' });
    });

    it('is not sent again when its clock is not to blame', async () => {
      const { grant, server } = await grantAt(
        refused("Please check the 'exp' claim.", 'invalid_grant', { date: new Date().toUTCString() }),
      );
      await expect(grant.issue()).rejects.toMatchObject({ code: 'clock-skew' });
      expect(server.received).toHaveLength(1);
    });
  });

  it.each([
    ['app-not-authorised', 'unauthorized_client', 'This app is not authorized by the enterprise admin'],
    ['client-refused', 'invalid_client', 'The client credentials are invalid'],
    ['key-revoked', 'invalid_grant', '"kid" invalid, unable to lookup correct key'],
    ['subject-refused', 'invalid_grant', "Please check the 'sub' claim. The 'sub' specified is invalid."],
    [
      'key-mismatch',
      'invalid_grant',
      "Signature verification error. The public key identified by 'kid' must correspond to the private key used for signing.",
    ],
    [
      'user-token-refused',
      'invalid_request',
      'Cannot obtain user token based on the enterprise configuration for your app',
    ],
  ])('says %s and what mends it', async (code, error, description) => {
    const { grant, server } = await grantAt(refused(description, error));
    const failure = await grant.issue().catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(AuthError);
    expect(failure).toMatchObject({ code, hint: expect.any(String) });
    expect(server.received).toHaveLength(1);
  });
});

describe('DeveloperTokenGrant', () => {
  it('tells the end of a token that is refused, and tries it again later', async () => {
    const clock = new FakeClock();
    const grant = new DeveloperTokenGrant(new Secret('D'), 'key.json', clock);
    expect(await grant.issue()).toMatchObject({ token: 'D' });
    await expect(grant.issue()).rejects.toMatchObject({ code: 'developer-token-ended' });
    await clock.advance(60_000);
    expect(await grant.issue()).toMatchObject({ token: 'D' });
    await expect(grant.issue()).rejects.toMatchObject({ code: 'developer-token-ended' });
  });
});
