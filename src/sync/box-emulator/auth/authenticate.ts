import type { Box } from '../box.ts';
import { header, idOf, type RequestContext } from '../http/context.ts';
import { forbidden, insufficientScope, Refusal, unauthorized } from '../http/refusal.ts';
import type { Actor } from './actor.ts';

/**
 * Who sends this request.
 *
 * Errors: 401 with an empty body for a missing, unknown or expired token; 403 for an as-user header that is not allowed.
 */
export function authenticate(box: Box, context: RequestContext): Actor {
  const authorization = header(context, 'authorization');
  const match = authorization === undefined ? null : /^Bearer +(\S+)$/i.exec(authorization);
  if (match === null) throw unauthorized(authorization === undefined ? 'missing' : 'invalid_token');
  const token = box.store.tokens.get(match[1] ?? '');
  const user = token === undefined ? undefined : box.store.users.get(token.userId);
  if (token === undefined || user === undefined) throw unauthorized('invalid_token');
  if (token.expiresAt <= box.clock.now()) throw unauthorized('expired_token');
  if (user.status === 'inactive')
    throw new Refusal(401, null, {
      'www-authenticate': 'Bearer realm="Service", error="account_deactivated"',
    });
  requireEnabled(box);
  const scopes = new Set(token.authority.scopes);
  const own: Actor = { user, token, scopes, asUser: false };
  const asUser = header(context, 'as-user');
  return asUser === undefined || asUser === String(user.id) ? own : actAs(box, own, asUser);
}

/** An app that is authorised but not enabled gets tokens, and no call is let through. Source: support.box.com 360044193313. */
function requireEnabled(box: Box): void {
  if (box.application.current.enabled) return;
  throw new Refusal(401, {
    code: 'unauthorized',
    message: 'Unauthorized - Cannot authorize with this service',
  });
}

/** Source: developer.box.com guides jwt/as-user; support.box.com 41849010753427. */
function actAs(box: Box, own: Actor, asUser: string): Actor {
  const grant = box.application.grant;
  const mayImpersonate =
    grant?.asUserHeader === true &&
    own.token.authority.restrictions === null &&
    (own.user.kind === 'service' || own.user.role !== 'user');
  const target = box.store.users.get(idOf(asUser));
  if (!mayImpersonate || target === undefined) throw forbidden();
  if (target.kind === 'service' || target.role !== 'user') throw forbidden();
  if (target.kind === 'managed' && grant?.access === 'app') throw forbidden();
  return { ...own, user: target, asUser: true };
}

/** Errors: 403 `insufficient_scope` unless the token has one of the scopes. */
export function requireScope(actor: Actor, ...scopes: readonly string[]): void {
  if (actor.token.authority.restrictions === null && scopes.some((scope) => actor.scopes.has(scope))) return;
  throw insufficientScope();
}

/** Errors: 403 unless the actor administers the enterprise: its administrators, and the app's service account. */
export function requireAdmin(actor: Actor, ...scopes: readonly string[]): void {
  requireScope(actor, ...scopes);
  if (actor.user.kind !== 'service' && actor.user.role === 'user') throw forbidden();
}
