import type { Clock } from '../../clock.ts';
import { AuthError, ConfigError, RejectedError } from '../../errors.ts';
import type { RemoteId } from '../../ids.ts';
import type { Logger } from '../../logger.ts';
import type { RemoteUser } from '../tree/entry.ts';
import type { Access } from './access.ts';
import type { BoxBaseUrls, BoxConfiguration } from './box-configuration.ts';
import type { BoxIdentity } from './box-identity.ts';
import {
  ClientCredentialsGrant,
  DeveloperTokenGrant,
  type Grant,
  type GrantDeps,
  type GrantSubject,
  JwtGrant,
  NarrowedGrant,
} from './grants.ts';
import { BoxDirectory, cannotActError, refusesUserTokens } from './identity.ts';
import { NarrowedAccess } from './narrowed-access.ts';
import { type BoxSession, openSession } from './session.ts';
import { TokenKeeper } from './token-keeper.ts';
import type { Transport } from './transport.ts';

/** What every way of getting tokens needs. */
export interface GrantOptions {
  readonly configuration: BoxConfiguration;
  readonly baseUrls: BoxBaseUrls;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface LogInOptions extends GrantOptions {
  readonly identity: BoxIdentity;
}

export interface LoggedIn {
  /** For everything that the account may do. */
  readonly whole: BoxSession;
  readonly account: RemoteUser;
}

/**
 * Become the identity: the service account, or an app user that is found or created, and in its group.
 *
 * Errors: AuthError naming the administrator's step that mends it · TransientError.
 */
export async function logIn(options: LogInOptions): Promise<LoggedIn> {
  const { identity } = options;
  const service = keeperOf(options, grantFor(options, subjectOf(options.configuration)));
  const directory = new BoxDirectory(sessionOf(options, service), options.logger);
  if (identity.kind === 'service-account') {
    const account = await directory.me();
    service.identify(account.id);
    return loggedIn(options, service, account);
  }
  const account = identity.existingOnly
    ? await existingUser(directory, identity.name)
    : await directory.appUser(identity.name);
  if (identity.groupName !== undefined && !identity.existingOnly)
    await directory.join(account, identity.groupName);
  return loggedIn(options, await accessOf(options, service, account), account);
}

async function existingUser(directory: BoxDirectory, name: string): Promise<RemoteUser> {
  const found = await directory.findUser(name);
  if (found !== undefined) return found;
  throw new AuthError({
    code: 'user-missing',
    message: `The enterprise has no app user "${name}" yet`,
    hint: 'Its first mount creates it and adds it to the group.',
    data: { name },
  });
}

function loggedIn(options: LogInOptions, access: Access, account: RemoteUser): LoggedIn {
  return { whole: sessionOf(options, access), account };
}

/** The same account's session with tokens that open one folder only, as far as Box grants them. */
export function narrowedSession(whole: BoxSession, folderId: RemoteId, clock: Clock): BoxSession {
  const { access: wide, transport, baseUrls, logger } = whole;
  const grant = new NarrowedGrant(wide, folderId, { transport, apiUrl: baseUrls.api, clock, logger });
  const narrow = new TokenKeeper({ grant, clock, logger, user: wide.user });
  const access = new NarrowedAccess({ narrow, wide, clock, logger });
  return openSession({ transport, baseUrls, logger, access });
}

/** A user token where Box gives one; else the service account in the user's name. */
async function accessOf(options: LogInOptions, service: Access, account: RemoteUser): Promise<Access> {
  try {
    const own = keeperOf(options, grantFor(options, { type: 'user', id: account.id }), account.id);
    await own.token();
    return own;
  } catch (error) {
    if (!refusesUserTokens(error)) throw error;
  }
  options.logger.warn(
    { user: account.id },
    'no user tokens for this application; acting through the service account',
  );
  const asUser: Access = {
    token: (signal) => service.token(signal),
    refuse: (token) => service.refuse(token),
    headers: { 'as-user': account.id },
    user: account.id,
  };
  await new BoxDirectory(sessionOf(options, asUser), options.logger).me().catch((refused: unknown) => {
    throw refused instanceof RejectedError ? cannotActError(account, refused) : refused;
  });
  return asUser;
}

function depsOf({ transport, baseUrls, clock, logger }: GrantOptions): GrantDeps {
  return { transport, apiUrl: baseUrls.api, clock, logger };
}

function keeperOf({ clock, logger }: LogInOptions, grant: Grant, user?: string): TokenKeeper {
  return new TokenKeeper({ grant, clock, logger, user });
}

function sessionOf({ transport, baseUrls, logger }: LogInOptions, access: Access): BoxSession {
  return openSession({ transport, access, baseUrls, logger });
}

/** The way to tokens for a subject that the key file allows. */
export function grantFor(options: GrantOptions, subject: GrantSubject): Grant {
  const { configuration } = options;
  const { credentials, path, clientId, clientSecret } = configuration;
  const deps = depsOf(options);
  switch (credentials.kind) {
    case 'jwt': {
      const { publicKeyId, privateKey } = credentials;
      return new JwtGrant({ path, clientId, clientSecret, publicKeyId, privateKey }, subject, deps);
    }
    case 'client-credentials':
      return new ClientCredentialsGrant(configuration, subject, deps);
    case 'developer-token':
      if (subject.id === DEVELOPER.id) return new DeveloperTokenGrant(credentials.token, path, options.clock);
      throw new AuthError({
        code: 'user-token-refused',
        message: 'A developer token speaks for its developer only',
      });
  }
}

/** Whoever made the developer token; Box knows. */
const DEVELOPER: GrantSubject = { type: 'user', id: '' };

/** The enterprise's service account; a file without an enterprise is one user's. */
export function subjectOf({ credentials, enterpriseId, userId, path }: BoxConfiguration): GrantSubject {
  if (credentials.kind === 'developer-token') return DEVELOPER;
  if (enterpriseId !== undefined) return { type: 'enterprise', id: enterpriseId };
  if (userId !== undefined) return { type: 'user', id: userId };
  throw new ConfigError({
    code: 'configuration-malformed',
    message: `The Box configuration file ${path} names no enterprise`,
  });
}
