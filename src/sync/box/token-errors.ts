import { AuthError, type MilaError } from '../../errors.ts';
import type { Refusal } from './refusal.ts';

interface Row {
  /** What Box's description contains. */
  readonly tells: RegExp;
  readonly code: string;
  readonly says: string;
  readonly hint: string;
}

const NEW_FILE =
  'download a new configuration file (Developer Console > Configuration > Generate a Public/Private Keypair)';

/** Box's words on the token endpoint, and the administrator's step that mends each. */
const ROWS: readonly Row[] = [
  // Before those whose words it contains.
  {
    tells: /grant type is unauthorized|invalid grant_type|box_subject_type|grant credentials/i,
    code: 'grant-refused',
    says: 'the application is not of the kind "Server Authentication (with JWT)"',
    hint: 'Create the application as Custom App > Server Authentication (with JWT).',
  },
  {
    tells: /not authorized by the enterprise/i,
    code: 'app-not-authorised',
    says: 'the application is not authorised in this enterprise',
    hint: 'An administrator authorises it: Admin Console > Apps > Custom Apps Manager > Server Authentication Apps > View > Authorize.',
  },
  {
    tells: /client credentials|'?iss'? claim|client_id|client_secret/i,
    code: 'client-refused',
    says: "Box does not know the file's client id and secret",
    hint: `Was the secret reset, or the application deleted? If so, ${NEW_FILE}.`,
  },
  {
    tells: /'?exp'? claim|expiration date/i,
    code: 'clock-skew',
    says: "this machine's clock differs too much from Box's",
    hint: 'Set the clock (on Linux: sudo timedatectl set-ntp true).',
  },
  {
    tells: /'?jti'? claim/i,
    code: 'assertion-refused',
    says: 'Box takes the login for one that it has seen before',
    hint: 'Try again. If it comes back, something between this machine and Box repeats requests: a proxy that retries.',
  },
  {
    tells: /algorithm not allowed/i,
    code: 'algorithm-refused',
    says: 'Box does not take the signature of this key',
    hint: `Box wants an RSA key pair; ${NEW_FILE}.`,
  },
  {
    tells: /signature/i,
    code: 'key-mismatch',
    says: "the file's private key does not belong to its key id",
    hint: `The file was changed by hand; ${NEW_FILE}.`,
  },
  {
    tells: /kid/i,
    code: 'key-revoked',
    says: 'Box no longer knows the key pair of this file',
    hint: `The key pair was removed in the Developer Console; ${NEW_FILE}.`,
  },
  {
    tells: /'?sub'? claim/i,
    code: 'subject-refused',
    says: "Box does not know the enterprise or user that the file's ids name",
    hint: 'Check enterpriseID (and userID) in the configuration file, and that the app user was not deleted.',
  },
  {
    tells: /user token based on the enterprise|token based on the enterprise configuration/i,
    code: 'user-token-refused',
    says: 'the application may not act for users',
    hint: 'In the Developer Console choose App + Enterprise Access and tick "Generate user access tokens", then submit and authorise again.',
  },
];

/** Say why Box issued no token, and what mends it. */
export function tokenError(refusal: Refusal, path: string, cause: unknown): MilaError {
  const row = ROWS.find(({ tells }) => tells.test(refusal.message ?? ''));
  const quoted = [refusal.boxCode, refusal.message].filter((part) => part !== undefined).join(': ');
  return new AuthError({
    code: row?.code ?? 'login-refused',
    message: `Box issued no token for ${path}: ${row?.says ?? 'the login was refused'} (${quoted || refusal.status})`,
    hint: row?.hint ?? 'Run "mila-sync doctor" with your configuration file.',
    data: { status: refusal.status, boxCode: refusal.boxCode, requestId: refusal.requestId },
    cause,
  });
}
