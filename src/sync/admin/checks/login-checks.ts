import { AuthError, ConfigError, MilaError, TransientError } from '../../../errors.ts';
import type { Outcome, StepId } from '../finding.ts';
import { type Check, enterpriseOf, failedBy, type LoginResult, type Look } from '../look.ts';

/** Box takes a login whose end lies up to 60 seconds ahead, and ours ends after 30. Units: milliseconds. */
const OFFSET_MAX_MS = 30_000;

async function keyFile(look: Look): Promise<Outcome> {
  const { facts } = look;
  try {
    facts.enterprise = await look.open();
  } catch (error) {
    if (!(error instanceof MilaError)) throw error;
    facts.openError = error;
    if (error instanceof ConfigError) return { status: 'failed', means: error.message };
    return { status: 'ok', found: 'The file is as Box downloads it.' };
  }
  const { path, kind, closeToOthers } = facts.enterprise.key;
  const warnings = [
    ...(closeToOthers === null
      ? []
      : [`Others on this machine can read the key file. Close it: ${closeToOthers}`]),
    ...(kind === 'developer-token'
      ? [
          'A developer token ends after an hour and speaks for its developer only: good for a try, not for a run.',
        ]
      : []),
  ];
  return { status: 'ok', found: path, warnings };
}

async function passphrase({ facts }: Look): Promise<Outcome> {
  if (facts.openError !== undefined) return { status: 'failed', means: facts.openError.message };
  const keyed = facts.enterprise?.key.kind === 'jwt';
  return { status: 'ok', found: keyed ? 'The private key opens.' : 'This file holds no private key.' };
}

async function reach(look: Look): Promise<Outcome> {
  try {
    await enterpriseOf(look).clockOffsetMs();
    return { status: 'ok', found: 'Box answers.' };
  } catch (error) {
    if (!(error instanceof MilaError)) throw error;
    const answer = enterpriseOf(look).answerBehind(error);
    const hint = error.hint === undefined ? '' : ` ${error.hint}`;
    return { status: 'failed', means: `${error.message}.${hint}`, answer };
  }
}

async function clock(look: Look): Promise<Outcome> {
  const offsetMs = await enterpriseOf(look).clockOffsetMs();
  const seconds = Math.abs(offsetMs) / 1000;
  if (seconds < 2) return { status: 'ok', found: 'They agree.' };
  const relation = `This machine's clock is ${seconds} s ${offsetMs > 0 ? 'behind' : 'ahead of'} Box's`;
  if (Math.abs(offsetMs) < OFFSET_MAX_MS) return { status: 'ok', found: `${relation}, which Box allows.` };
  return {
    status: 'failed',
    blocks: false,
    means:
      `${relation}. Box refuses logins that are dated wrongly; mila-sync corrects for it, other programs with this ` +
      'key file cannot log in, and the times in run folders are wrong.',
  };
}

/** Which step a refused login speaks of. */
const STEP_OF_CODE: Readonly<Record<string, StepId>> = {
  'client-refused': 'app',
  'grant-refused': 'app-kind',
  'key-revoked': 'key-pair',
  'key-mismatch': 'key-pair',
  'algorithm-refused': 'key-pair',
  'subject-refused': 'enterprise-id',
  'app-not-authorised': 'authorised',
};

const MEANS: Readonly<Record<string, string>> = {
  'client-refused': 'Box does not know the client id and secret of the key file.',
  'grant-refused': 'The app is not of the kind that logs in with a key pair.',
  'key-revoked':
    'Box does not know the key of this file (any more): it was removed in the Developer Console, or belongs to another app.',
  'key-mismatch':
    'The private key does not belong to the key id beside it: the key file was changed by hand.',
  'algorithm-refused': 'Box does not take signatures of this kind of key: it must be an RSA key.',
  'subject-refused':
    'Box does not know the enterprise that the key file names, or it is not the one of this app.',
  'app-not-authorised':
    "The app waits for an administrator's authorisation, or the authorisation was taken back.",
  'clock-skew':
    "Box takes the login for one dated wrongly, although this machine's clock agrees with Box's: something between " +
    'holds requests back for half a minute or more.',
  'assertion-refused':
    'Box has seen this login before: something between this machine and Box sends requests twice.',
  'user-token-refused':
    'The key file names a user (userID), and the app may not log in for users. Remove userID from the file, so that ' +
    'the app logs in as itself.',
};

async function tryLogin(look: Look): Promise<LoginResult> {
  try {
    await enterpriseOf(look).logIn();
    return { ok: true };
  } catch (error) {
    if (!(error instanceof AuthError) && !(error instanceof TransientError)) throw error;
    return { ok: false, step: STEP_OF_CODE[error.code] ?? 'login', error };
  }
}

/** One attempt serves all steps that a login can fail at. */
function loginCheck(step: StepId, found: string): Check {
  return async (look) => {
    look.facts.login ??= await tryLogin(look);
    const { login } = look.facts;
    if (login.ok) return { status: 'ok', found };
    if (login.step !== step) return { status: 'skipped', because: login.step };
    const means = login.error instanceof AuthError ? MEANS[login.error.code] : undefined;
    const outcome = failedBy(login.error, look);
    return outcome.status === 'failed' && means !== undefined ? { ...outcome, means } : outcome;
  };
}

async function enabled(look: Look): Promise<Outcome> {
  try {
    look.facts.service = await enterpriseOf(look).service.me();
    look.facts.worker = enterpriseOf(look).service;
    return { status: 'ok', found: `It works as "${look.facts.service.name}".` };
  } catch (error) {
    const answer = enterpriseOf(look).answerBehind(error);
    if (answer?.status !== 401) return failedBy(error, look);
    const means =
      answer.code === 'unauthorized'
        ? 'The app is authorised and gets its login, but the enterprise keeps apps like it switched off.'
        : 'Box gives the app a login and then does not accept it: the app was disabled, or its account deactivated.';
    return { status: 'failed', means, answer };
  }
}

/** From the key file to the first answer for the app. */
export const LOGIN_CHECKS = {
  'key-file': keyFile,
  passphrase,
  reach,
  clock,
  app: loginCheck('app', 'Client id and secret are known.'),
  'app-kind': loginCheck('app-kind', 'It is a server app.'),
  'key-pair': loginCheck('key-pair', 'The key is known and was not removed.'),
  'enterprise-id': loginCheck('enterprise-id', 'They agree.'),
  authorised: loginCheck('authorised', 'It is authorised.'),
  login: loginCheck('login', 'Box gave a login.'),
  enabled,
} as const satisfies Partial<Record<StepId, Check>>;
