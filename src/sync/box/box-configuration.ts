import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { AuthError, ConfigError, errnoOf, reasonOf } from '../../errors.ts';
import { issueWords } from '../../issue-words.ts';
import { type Logger, silentLogger } from '../../logger.ts';
import { quotedWord } from '../../shell-word.ts';
import { Secret } from './secret.ts';

/** Where Box's three services are. */
export interface BoxBaseUrls {
  readonly api: string;
  readonly upload: string;
  readonly oauth2: string;
}

/** Box itself. */
export const BOX_BASE_URLS: BoxBaseUrls = {
  api: 'https://api.box.com',
  upload: 'https://upload.box.com/api',
  oauth2: 'https://account.box.com/api/oauth2',
};

/** How an application proves who it is. */
export type BoxCredentials =
  /** The decrypted key prints as an opaque object. */
  | { readonly kind: 'jwt'; readonly publicKeyId: string; readonly privateKey: KeyObject }
  | { readonly kind: 'client-credentials' }
  /** A token for an hour, from the developer console: for trying things out. */
  | { readonly kind: 'developer-token'; readonly token: Secret };

/** An application's key file, read and unlocked. */
export interface BoxConfiguration {
  /** The file, or what holds the key instead, as messages name it. */
  readonly path: string;
  /** False for a key that came through a variable or a pipe. */
  readonly isFile: boolean;
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly credentials: BoxCredentials;
  /** Undefined in a file for one user only. */
  readonly enterpriseId: string | undefined;
  readonly userId: string | undefined;
  /** Set in the files that the emulator writes. */
  readonly baseUrls: BoxBaseUrls | undefined;
}

const text = z.string().min(1);
/** Box writes its ids as strings; hands that edit the file write numbers. */
const id = z.union([text, z.number().int().nonnegative().transform(String)]);
const url = z.string().regex(/^https?:\/\/[^\s]+$/, 'expected an http or https address');

const baseUrlsSchema = z.object({ api: url, upload: url, oauth2: url });

const applicationSchema = z.object({
  boxAppSettings: z.object({
    clientID: text,
    clientSecret: text,
    // Absent in the file of an application that logs in by client credentials.
    appAuth: z.object({ publicKeyID: text, privateKey: text, passphrase: z.string() }).optional(),
  }),
  enterpriseID: id.optional(),
  userID: id.optional(),
  baseUrls: baseUrlsSchema.optional(),
});

const developerSchema = z.object({ developerToken: text, baseUrls: baseUrlsSchema.optional() });

type ApplicationFile = z.infer<typeof applicationSchema>;
type AppAuth = NonNullable<ApplicationFile['boxAppSettings']['appAuth']>;

const DOWNLOAD_HINT =
  'Use the JSON file that the Developer Console downloads under Configuration > Add and Manage Public Keys > ' +
  'Generate a Public/Private Keypair.';

/** A key file is a few kilobytes; anything larger is another file. */
export const KEY_MAX_BYTES = 1024 * 1024;

async function readText(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > KEY_MAX_BYTES) throw new Error(`it is ${size} bytes large`);
    return await readFile(path, 'utf8');
  } catch (error) {
    const missing = errnoOf(error) === 'ENOENT';
    throw new ConfigError({
      code: missing ? 'configuration-missing' : 'configuration-unreadable',
      message: missing
        ? `The Box configuration file ${path} does not exist`
        : `The Box configuration file ${path} cannot be read: ${reasonOf(error)}`,
      hint: DOWNLOAD_HINT,
      data: { path },
      cause: error,
    });
  }
}

function malformed(path: string, key: string, problem: string): ConfigError {
  return new ConfigError({
    code: 'configuration-malformed',
    message: `The Box configuration file ${path} is not as Box downloads it: ${key}: ${problem}`,
    hint: DOWNLOAD_HINT,
    data: { path, key },
  });
}

function parseJson(path: string, content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    // The parser's own words may quote the file, and with it the key.
    throw malformed(path, 'the whole file', 'not valid JSON');
  }
}

function check<T>(path: string, schema: z.ZodType<T>, json: unknown): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const key = issue?.path.join('.') || 'the whole file';
  throw malformed(path, key, issue === undefined ? 'unexpected content' : issueWords(issue));
}

function unlock(path: string, appAuth: AppAuth): KeyObject {
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(appAuth.privateKey)) {
    throw malformed(path, 'boxAppSettings.appAuth.privateKey', 'not a PEM private key');
  }
  try {
    return createPrivateKey({ key: appAuth.privateKey, passphrase: appAuth.passphrase });
  } catch (error) {
    throw new AuthError({
      code: 'wrong-passphrase',
      message: `The private key in ${path} does not open with the passphrase beside it`,
      hint: `Download the file again, or generate a new key pair. ${DOWNLOAD_HINT}`,
      data: { path, errno: errnoOf(error) },
    });
  }
}

/** The command that keeps others on this machine from reading the key; undefined when they cannot. */
export async function commandAgainstReaders(path: string): Promise<string | undefined> {
  const { mode } = await stat(path);
  return (mode & 0o077) === 0 ? undefined : `chmod 600 ${quotedWord(path)}`;
}

async function warnOfReaders(path: string, logger: Logger): Promise<void> {
  const command = await commandAgainstReaders(path);
  if (command === undefined) return;
  logger.warn(
    { path, command },
    `others on this machine can read the Box key file; mend it with: ${command}`,
  );
}

/**
 * Read the JWT configuration file that Box's developer console downloads; also one without `appAuth` for an application
 * that logs in by client credentials, or `{"developerToken": "..."}`.
 *
 * Guarantees: no message quotes the key, the passphrase or the secret.
 * Errors: ConfigError 'configuration-missing' | 'configuration-unreadable' | 'configuration-malformed', naming file
 * and key; AuthError 'wrong-passphrase'.
 */
export async function readBoxConfiguration(
  path: string,
  logger: Logger = silentLogger,
): Promise<BoxConfiguration> {
  const configuration = { ...parseBoxConfiguration(path, await readText(path)), isFile: true };
  await warnOfReaders(path, logger);
  return configuration;
}

/**
 * As `readBoxConfiguration`, of a text that came another way; messages name it by `path`.
 *
 * Guarantees: no message quotes the text. Errors: as for a file, but 'configuration-missing' | 'configuration-unreadable'.
 */
export function parseBoxConfiguration(path: string, content: string): BoxConfiguration {
  const json = parseJson(path, content);
  const forDeveloper = typeof json === 'object' && json !== null && 'developerToken' in json;
  return forDeveloper
    ? ofDeveloper(path, check(path, developerSchema, json))
    : ofApplication(path, check(path, applicationSchema, json));
}

function ofDeveloper(path: string, file: z.infer<typeof developerSchema>): BoxConfiguration {
  return {
    path,
    isFile: false,
    clientId: '',
    clientSecret: new Secret(''),
    credentials: { kind: 'developer-token', token: new Secret(file.developerToken) },
    enterpriseId: undefined,
    userId: undefined,
    baseUrls: file.baseUrls,
  };
}

function ofApplication(path: string, file: ApplicationFile): BoxConfiguration {
  const { boxAppSettings, enterpriseID, userID, baseUrls } = file;
  const { appAuth } = boxAppSettings;
  if (enterpriseID === undefined && userID === undefined) throw malformed(path, 'enterpriseID', 'missing');
  return {
    path,
    isFile: false,
    clientId: boxAppSettings.clientID,
    clientSecret: new Secret(boxAppSettings.clientSecret),
    credentials:
      appAuth === undefined
        ? { kind: 'client-credentials' }
        : { kind: 'jwt', publicKeyId: appAuth.publicKeyID, privateKey: unlock(path, appAuth) },
    enterpriseId: enterpriseID,
    userId: userID,
    baseUrls,
  };
}
