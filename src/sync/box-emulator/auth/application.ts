import { generateKeyPair, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { Meta } from '../store/meta.ts';

/** Every scope that the emulated app can have, as Box's developer console names them on the wire. */
export const ALL_SCOPES = [
  'root_readonly',
  'root_readwrite',
  'manage_managed_users',
  'manage_app_users',
  'manage_groups',
  'manage_webhook',
  'manage_enterprise_properties',
  'manage_data_retention',
  'sign_requests.readwrite',
  'ai.readwrite',
] as const;

const grantSchema = z.strictObject({
  /** "app": only app users and the app's own groups; "enterprise": managed users, too. */
  access: z.enum(['app', 'enterprise']),
  scopes: z.array(z.enum([...ALL_SCOPES, 'gcm'])),
  /** The switch "Make API calls using the as-user header". */
  asUserHeader: z.boolean(),
  /** The switch "Generate user access tokens". */
  userTokens: z.boolean(),
  /** Whether the app uses client credentials, too, which an app made for JWT does not. */
  clientCredentials: z.boolean().optional(),
});

/** What an app asks for, or what an administrator has authorised. */
export type Grant = z.infer<typeof grantSchema>;

const applicationSchema = z.strictObject({
  clientId: z.string(),
  clientSecret: z.string(),
  publicKeyId: z.string(),
  publicKeyPem: z.string(),
  privateKeyPem: z.string(),
  passphrase: z.string(),
  keyRevoked: z.boolean(),
  /** False: the enterprise disables unpublished apps, and nobody has enabled this one. */
  enabled: z.boolean().default(true),
  enterpriseId: z.number(),
  adminUserId: z.number(),
  serviceAccountId: z.number(),
  configured: grantSchema,
  /** What the administrator saw when he last authorised the app; null while it is not authorised. */
  authorised: grantSchema.nullable(),
});

/** The one app of the emulated enterprise. */
export type Application = z.infer<typeof applicationSchema>;

/** What can be changed of the app from outside. */
export const applicationChangeSchema = z.strictObject({
  ...grantSchema.partial().shape,
  authorised: z.boolean().optional(),
  /** True: an administrator authorises the app as it is now configured. Default: stays as it was authorised before. */
  reauthorise: z.boolean().optional(),
  keyRevoked: z.boolean().optional(),
  enabled: z.boolean().optional(),
});

/** Remembers the app and lets tests and rehearsals change what the administrator would. */
export class ApplicationRegistry {
  readonly #meta: Meta;
  #application: Application;

  constructor(meta: Meta, application: Application) {
    this.#meta = meta;
    this.#application = application;
  }

  /** The stored app, if this store has one. */
  static load(meta: Meta): ApplicationRegistry | undefined {
    const stored = meta.get('application');
    return stored === undefined ? undefined : new ApplicationRegistry(meta, applicationSchema.parse(stored));
  }

  get current(): Application {
    return this.#application;
  }

  /** What is in force: a change of the configuration changes nothing before it is authorised again. */
  get grant(): Grant | null {
    return this.#application.authorised;
  }

  change(change: z.infer<typeof applicationChangeSchema>): Application {
    const { authorised, reauthorise, keyRevoked, enabled, ...grant } = change;
    const old = this.#application;
    const given = Object.fromEntries(Object.entries(grant).filter(([, value]) => value !== undefined));
    const configured: Grant = { ...old.configured, ...given };
    const authorise = reauthorise === true || (authorised === true && old.authorised === null);
    const inForce = authorise ? configured : old.authorised;
    this.#application = {
      ...old,
      configured,
      keyRevoked: keyRevoked ?? old.keyRevoked,
      enabled: enabled ?? old.enabled,
      authorised: authorised === false ? null : inForce,
    };
    this.#meta.set('application', this.#application);
    return this.#application;
  }

  /** Store an app for the first time. */
  static create(meta: Meta, application: Application): ApplicationRegistry {
    meta.set('application', application);
    return new ApplicationRegistry(meta, application);
  }
}

/** A fresh RSA key in the forms that Box's configuration file and the verifier need. */
export async function generateAppKey(): Promise<
  Pick<Application, 'publicKeyId' | 'publicKeyPem' | 'privateKeyPem' | 'passphrase'>
> {
  const passphrase = randomBytes(16).toString('hex');
  const pair = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase },
  });
  return {
    passphrase,
    publicKeyId: randomBytes(4).toString('hex'),
    publicKeyPem: pair.publicKey,
    privateKeyPem: pair.privateKey,
  };
}

/** Everything that an app has when it is first authorised here. */
export function fullGrant(): Grant {
  return { access: 'enterprise', scopes: [...ALL_SCOPES], asUserHeader: true, userTokens: true };
}
