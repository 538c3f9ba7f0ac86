import { type KeyObject, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import { AuthError, TransientError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import type { Access } from './access.ts';
import type { BoxConfiguration } from './box-configuration.ts';
import { type Refusal, refusalOf } from './refusal.ts';
import type { Secret } from './secret.ts';
import { tokenError } from './token-errors.ts';
import type { Transport } from './transport.ts';

/** A token as Box issued it. */
export interface IssuedToken {
  readonly token: string;
  /** Units: milliseconds from now. */
  readonly lifetimeMs: number;
}

/** A way to get tokens. Errors: AuthError naming the step that mends it · TransientError. */
export interface Grant {
  issue(): Promise<IssuedToken>;
}

/** In whose name a token speaks. */
export interface GrantSubject {
  readonly type: 'enterprise' | 'user';
  readonly id: string;
}

/** An application that signs with a key of its own. */
export interface SigningApplication {
  readonly path: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly publicKeyId: string;
  readonly privateKey: KeyObject;
}

export interface GrantDeps {
  readonly transport: Transport;
  readonly apiUrl: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

const tokenSchema = z.object({
  access_token: z.string().min(1),
  expires_in: z.number().positive().default(3600),
});

/** Box checks this address whatever the host that is asked. Source: Box, "JWT without SDKs". */
const AUDIENCE = 'https://api.box.com/oauth2/token';
/** Box accepts at most 60 seconds; half of it leaves room for clocks that differ. */
const ASSERTION_LIFETIME_S = 30;
/** A difference below this is the network's, not the clock's. */
const SKEW_MIN_MS = 2_000;
const NETWORK_ATTEMPTS_MAX = 5;
/** Box gives developer tokens for an hour. */
const DEVELOPER_TOKEN_LIFETIME_MS = 3_600_000;
/** So soon after it was handed out, a developer token that is asked for again was refused. */
const DEVELOPER_TOKEN_REST_MS = 60_000;
/** What mirroring a folder needs. Source: Box, "Scopes". */
const FOLDER_SCOPES = 'base_explorer item_preview item_download item_upload item_rename item_delete';

/** Ask the token endpoint once. Errors: the refusal as it came, for the grant to read. */
export async function requestToken(
  deps: GrantDeps,
  fields: Readonly<Record<string, string>>,
): Promise<IssuedToken> {
  const answer = await deps.transport.call({
    method: 'POST',
    url: new URL(`${deps.apiUrl}/oauth2/token`),
    body: {
      kind: 'bytes',
      contentType: 'application/x-www-form-urlencoded',
      bytes: Buffer.from(new URLSearchParams(fields).toString()),
    },
    expect: 'json',
    // An assertion works once, so the same request must not be sent twice; the grants repeat with a new one.
    writes: true,
    meter: 'api',
  });
  const parsed = tokenSchema.safeParse(answer.json);
  if (!parsed.success) {
    throw new TransientError({
      code: 'answer-malformed',
      message: 'The token endpoint answered without a token',
    });
  }
  return { token: parsed.data.access_token, lifetimeMs: parsed.data.expires_in * 1000 };
}

/** Ask until an answer comes: an unanswered request for a token costs nothing to repeat. */
export async function requestTokenPatiently(
  deps: GrantDeps,
  fields: () => Promise<Readonly<Record<string, string>>>,
): Promise<IssuedToken> {
  const backoff = deps.transport.backoff();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await requestToken(deps, await fields());
    } catch (error) {
      if (attempt >= NETWORK_ATTEMPTS_MAX) throw error;
      await deps.transport.pause(error, { backoff, writes: false });
    }
  }
}

/** What Box refused, said as the administrator's step that mends it; anything else as it is. */
function explained(error: unknown, path: string): unknown {
  const refusal = refusalOf(error);
  if (refusal === undefined || refusal.status >= 500 || refusal.status === 429) return error;
  return tokenError(refusal, path, error);
}

/** Tokens for a signed assertion: how a server application logs in. */
export class JwtGrant implements Grant {
  readonly #application: SigningApplication;
  readonly #subject: GrantSubject;
  readonly #deps: GrantDeps;
  #skewMs = 0;

  constructor(application: SigningApplication, subject: GrantSubject, deps: GrantDeps) {
    this.#application = application;
    this.#subject = subject;
    this.#deps = deps;
  }

  async issue(): Promise<IssuedToken> {
    const { path } = this.#application;
    try {
      return await this.#request();
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === undefined || !this.#learnSkew(refusal)) throw explained(error, path);
    }
    return this.#request().catch((error: unknown) => {
      throw explained(error, path);
    });
  }

  #request(): Promise<IssuedToken> {
    const { clientId, clientSecret } = this.#application;
    return requestTokenPatiently(this.#deps, async () => ({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      client_id: clientId,
      client_secret: clientSecret.reveal(),
      assertion: await this.#assertion(),
    }));
  }

  #assertion(): Promise<string> {
    const nowS = Math.floor((this.#deps.clock.now() + this.#skewMs) / 1000);
    return new SignJWT({ box_sub_type: this.#subject.type })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: this.#application.publicKeyId })
      .setIssuer(this.#application.clientId)
      .setSubject(this.#subject.id)
      .setAudience(AUDIENCE)
      .setJti(randomUUID())
      .setIssuedAt(nowS)
      .setExpirationTime(nowS + ASSERTION_LIFETIME_S)
      .sign(this.#application.privateKey);
  }

  /**
   * Compare Box's clock with ours when it complains of a time. What was learnt before counts as little as ours: a clock
   * may have been set right meanwhile. Returns whether another try makes sense.
   */
  #learnSkew(refusal: Refusal): boolean {
    const complaint = refusal.message ?? '';
    if (!/\b(exp|jti|iat|nbf)\b|date\/time/i.test(complaint)) return false;
    const measuredMs = Date.parse(refusal.date ?? '') - this.#deps.clock.now();
    // Without a date nothing can be measured, and a correction that leads to complaints is not to be kept.
    const skewMs = Math.abs(measuredMs) >= SKEW_MIN_MS ? measuredMs : 0;
    if (Math.abs(skewMs - this.#skewMs) < SKEW_MIN_MS) return /\bjti\b/i.test(complaint);
    this.#skewMs = skewMs;
    if (skewMs === 0) this.#deps.logger.info({}, "signing by this machine's clock again");
    else {
      this.#deps.logger.warn(
        { skewSeconds: Math.round(skewMs / 1000) },
        "this machine's clock differs from Box's; signing by Box's clock from now on, please set the clock right",
      );
    }
    return true;
  }
}

/** Tokens for the application's id and secret alone. */
export class ClientCredentialsGrant implements Grant {
  readonly #configuration: BoxConfiguration;
  readonly #subject: GrantSubject;
  readonly #deps: GrantDeps;

  constructor(configuration: BoxConfiguration, subject: GrantSubject, deps: GrantDeps) {
    this.#configuration = configuration;
    this.#subject = subject;
    this.#deps = deps;
  }

  issue(): Promise<IssuedToken> {
    const { clientId, clientSecret, path } = this.#configuration;
    return requestTokenPatiently(this.#deps, async () => ({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret.reveal(),
      box_subject_type: this.#subject.type,
      box_subject_id: this.#subject.id,
    })).catch((error: unknown) => {
      throw explained(error, path);
    });
  }
}

/** An hour's token that the developer console gave. */
export class DeveloperTokenGrant implements Grant {
  readonly #token: Secret;
  readonly #path: string;
  readonly #clock: Clock;
  #givenAtMs = Number.NEGATIVE_INFINITY;

  constructor(token: Secret, path: string, clock: Clock) {
    this.#token = token;
    this.#path = path;
    this.#clock = clock;
  }

  async issue(): Promise<IssuedToken> {
    const nowMs = this.#clock.monotonic();
    // Asked for again at once, it was refused, and nothing here can renew it. Later it is tried again: one bad answer
    // is no proof that it has ended.
    if (nowMs - this.#givenAtMs < DEVELOPER_TOKEN_REST_MS) {
      throw new AuthError({
        code: 'developer-token-ended',
        message: `The developer token in ${this.#path} is not valid any more`,
        hint: 'Generate another in the Developer Console, or use a JWT configuration file, which renews itself.',
      });
    }
    this.#givenAtMs = nowMs;
    return { token: this.#token.reveal(), lifetimeMs: DEVELOPER_TOKEN_LIFETIME_MS };
  }
}

/** Tokens narrowed to one folder, from another identity's. Source: Box, "Downscope a token". */
export class NarrowedGrant implements Grant {
  readonly #parent: Access;
  readonly #folderId: string;
  readonly #deps: GrantDeps;

  constructor(parent: Access, folderId: string, deps: GrantDeps) {
    this.#parent = parent;
    this.#folderId = folderId;
    this.#deps = deps;
  }

  issue(): Promise<IssuedToken> {
    return requestTokenPatiently(this.#deps, async () => ({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: await this.#parent.token(),
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      scope: FOLDER_SCOPES,
      resource: `https://api.box.com/2.0/folders/${this.#folderId}`,
    }));
  }
}
