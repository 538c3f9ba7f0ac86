import type { Readable } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { ParticipantConfiguration } from '../fl/config.ts';
import type { Logger } from '../logger.ts';
import type { Random } from '../random.ts';
import type { Enterprise } from '../sync/admin/enterprise.ts';
import { BOX_BASE_URLS, type BoxBaseUrls } from '../sync/box/box-configuration.ts';
import type { BoxIdentity } from '../sync/box/box-identity.ts';
import { openBoxStore } from '../sync/box/box-store.ts';
import { openEnterprise } from '../sync/box/enterprise.ts';
import { type ApiBudget, BOX_RATE_LIMITS, type Paced, type RateLimits } from '../sync/box/pacer.ts';
import type { RemoteCallLedger, RemoteStore } from '../sync/remote/remote-store.ts';
import { takeBoxKey } from './box-key.ts';
import { boxSectionOf } from './mount-layout.ts';

interface Surroundings {
  /** True: connecting must not create anything in Box. */
  readonly lookOnly?: boolean | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** A variable that holds the key is taken out of it. */
  readonly environment: NodeJS.ProcessEnv;
  /** Where a key may come from. Default: this process's standard input. */
  readonly input?: Readable;
  /** An average of calls that the user wants kept. */
  readonly apiBudget?: ApiBudget | undefined;
  /** Told what Box's limits hold back. */
  readonly onPaced?: (paced: Paced) => void;
}

/** Short, because the engine tries again by itself, and a person at the start wants to know soon. */
const MOUNT_RETRY_POLICY = { attemptsMax: 4, baseMs: 400, capMs: 4000, waitTotalMaxMs: 10_000 } as const;

/** Opens the store when it is needed, with the ledger that counts its calls. */
export type StoreOpener = (ledger: RemoteCallLedger) => Promise<RemoteStore>;

/** Box's limits, or those that the enterprise agreed on with Box. */
function rateLimitsOf(configuration: ParticipantConfiguration): RateLimits {
  const named = boxSectionOf(configuration).rate_limits;
  return {
    callsPerMinute: named?.calls_per_minute ?? BOX_RATE_LIMITS.callsPerMinute,
    uploadsPerMinute: named?.uploads_per_minute ?? BOX_RATE_LIMITS.uploadsPerMinute,
  };
}

/** A server works as the application's own account, a client as the app user of its name unless the app is its own. */
function identityOf(configuration: ParticipantConfiguration, lookOnly: boolean): BoxIdentity {
  const { account, group_name: group } = boxSectionOf(configuration);
  if (configuration.role === 'server' || account === 'service_account') return { kind: 'service-account' };
  const who = { kind: 'app-user' as const, name: configuration.name, existingOnly: lookOnly };
  return { ...who, ...(group === undefined ? {} : { groupName: group }) };
}

/** Addresses named by the configuration or the environment win over those of the key file. */
function baseUrlsOf(
  configuration: ParticipantConfiguration,
  environment: Surroundings['environment'],
): BoxBaseUrls | undefined {
  const named = boxSectionOf(configuration).base_urls;
  const base = environment['BOX_API_BASE_URL']?.replace(/\/+$/, '');
  if (named === undefined && !base) return undefined;
  const fallback = base
    ? { api: base, upload: `${base}/upload/api`, oauth2: `${base}/api/oauth2` }
    : BOX_BASE_URLS;
  return {
    api: named?.api ?? fallback.api,
    upload: named?.upload ?? fallback.upload,
    oauth2: named?.oauth2 ?? fallback.oauth2,
  };
}

/**
 * Prepare to look at Box as an administrator would, with the key that a configuration names.
 *
 * Errors: as `takeBoxKey`. What is returned reads the key: ConfigError, AuthError 'wrong-passphrase'.
 */
export async function enterpriseConnection(
  configuration: ParticipantConfiguration,
  surroundings: Surroundings & { readonly signal: AbortSignal },
): Promise<() => Promise<Enterprise>> {
  const { logger, environment } = surroundings;
  const key = await takeBoxKey(configuration, surroundings);
  const baseUrls = baseUrlsOf(configuration, environment);
  return async () =>
    openEnterprise({
      ...surroundings,
      configuration: await key.read(logger),
      retryPolicy: MOUNT_RETRY_POLICY,
      ...(baseUrls === undefined ? {} : { baseUrls }),
    });
}

/**
 * Prepare the connection that a configuration describes.
 *
 * Guarantees: the key is read and its passphrase tried at once, so that what is wrong with it is told before
 * anything is touched. Errors: ConfigError, AuthError 'wrong-passphrase'.
 */
export async function boxConnection(
  configuration: ParticipantConfiguration,
  surroundings: Surroundings,
): Promise<StoreOpener> {
  const { clock, random, logger, environment, apiBudget, onPaced } = surroundings;
  const keys = await (await takeBoxKey(configuration, surroundings)).read(logger);
  const baseUrls = baseUrlsOf(configuration, environment);
  const identity = identityOf(configuration, surroundings.lookOnly ?? false);
  const leastPrivilege = boxSectionOf(configuration).least_privilege;
  const limits = rateLimitsOf(configuration);
  return (ledger) =>
    openBoxStore({
      configuration: keys,
      identity,
      clock,
      random,
      logger,
      ledger,
      environment,
      retryPolicy: MOUNT_RETRY_POLICY,
      leastPrivilege,
      limits,
      ...(apiBudget === undefined ? {} : { apiBudget }),
      ...(onPaced === undefined ? {} : { onPaced }),
      ...(baseUrls === undefined ? {} : { baseUrls }),
    });
}
