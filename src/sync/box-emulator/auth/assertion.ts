import { createPublicKey } from 'node:crypto';
import { compactVerify, decodeJwt, decodeProtectedHeader } from 'jose';
import { z } from 'zod';
import type { Box } from '../box.ts';
import { oauthError } from '../http/refusal.ts';
import { isExternal, type UserRow } from '../store/rows.ts';

const ALGORITHMS = ['RS256', 'RS384', 'RS512'];
const LIFETIME_MAX_S = 60;

const claimsSchema = z.object({
  iss: z.string(),
  sub: z.union([z.string(), z.number().transform(String)]),
  box_sub_type: z.string(),
  exp: z.number(),
  jti: z.string(),
});

const invalidGrant = (description: string) => oauthError('invalid_grant', description);

/** The part of an assertion that can be read without trusting it: for telling whose call it is. */
export function peekSubject(assertion: string): string | undefined {
  try {
    return decodeJwt(assertion).sub;
  } catch {
    return undefined;
  }
}

/**
 * Verify a JWT assertion and find the account that it asks a token for.
 *
 * Guarantees: a `kid` may be missing, as the official Node SDK sends none; `aud` is not compared with the emulator's
 * own address, as SDKs hard-code the production one.
 * Errors: Box's token errors, status 400.
 */
export async function verifyAssertion(box: Box, assertion: string): Promise<UserRow> {
  const claims = await verifiedClaims(box, assertion);
  const app = box.application.current;
  if (claims.iss !== app.clientId) throw invalidGrant("Please check the 'iss' claim.");
  checkExpiry(box, claims.exp);
  if (claims.jti.length < 16 || claims.jti.length > 128)
    throw invalidGrant("Please check the 'jti' claim. A unique 'jti' value is required.");
  const user = subjectOf(box, claims.box_sub_type, claims.sub);
  if (!box.store.tokens.spendAssertion(claims.jti, claims.exp * 1000, box.clock.now()))
    throw invalidGrant("Please check the 'jti' claim. A unique 'jti' value is required.");
  return user;
}

async function verifiedClaims(box: Box, assertion: string): Promise<z.infer<typeof claimsSchema>> {
  const app = box.application.current;
  let kid: unknown;
  let alg: unknown;
  let payload: unknown;
  try {
    ({ kid, alg } = decodeProtectedHeader(assertion));
    payload = decodeJwt(assertion);
  } catch {
    throw invalidGrant('Invalid JWT assertion');
  }
  if (typeof alg !== 'string' || !ALGORITHMS.includes(alg)) throw invalidGrant('Algorithm not allowed');
  if (app.keyRevoked || (kid !== undefined && kid !== app.publicKeyId))
    throw invalidGrant('"kid" invalid, unable to lookup correct key');
  try {
    await compactVerify(assertion, createPublicKey(app.publicKeyPem), { algorithms: ALGORITHMS });
  } catch {
    throw invalidGrant(
      "Signature verification error. The public key identified by 'kid' must correspond to the private key used for signing.",
    );
  }
  const parsed = claimsSchema.safeParse(payload);
  if (!parsed.success) {
    const name = String(parsed.error.issues[0]?.path[0] ?? 'iss');
    throw invalidGrant(`Please check the '${name}' claim.`);
  }
  return parsed.data;
}

function checkExpiry(box: Box, expS: number): void {
  const nowS = box.clock.now() / 1000;
  if (expS <= nowS)
    throw invalidGrant("Current date/time MUST be before the expiration date/time listed in the 'exp' claim");
  if (expS > nowS + LIFETIME_MAX_S + 1)
    throw invalidGrant(
      "Please check the 'exp' claim. The 'exp' value exceeds the maximum value of 60 seconds beyond the issue time.",
    );
}

function subjectOf(box: Box, type: string, sub: string): UserRow {
  const invalidSub = invalidGrant("Please check the 'sub' claim. The 'sub' specified is invalid.");
  const app = box.application.current;
  const grant = box.application.grant;
  if (grant === null)
    throw oauthError('unauthorized_client', 'This app is not authorized by the enterprise admin');
  if (type === 'enterprise') {
    const service = sub === String(app.enterpriseId) ? box.store.users.get(app.serviceAccountId) : undefined;
    if (service === undefined) throw invalidSub;
    return service;
  }
  if (type !== 'user' || !/^\d{1,15}$/.test(sub)) throw invalidSub;
  const user = box.store.users.get(Number(sub));
  if (user === undefined || isExternal(user)) throw invalidSub;
  if (!grant.userTokens || user.kind === 'service' || (grant.access === 'app' && user.kind === 'managed'))
    throw oauthError(
      'invalid_request',
      'Cannot obtain user token based on the enterprise configuration for your app',
    );
  return user;
}
