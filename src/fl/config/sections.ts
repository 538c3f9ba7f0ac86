import { z } from 'zod';
import { didYouMean } from '../../nearest-name.ts';

/** A number of seconds in a file, milliseconds inside. */
export const seconds = (fallback: number) =>
  z
    .number()
    .positive()
    .max(31_536_000)
    .default(fallback)
    .transform((value) => value * 1000);

/** The other side's half of the heartbeat, for files that describe both. */
export const heartbeatSeconds = z
  .number()
  .positive()
  .transform((value) => value * 1000)
  .optional();

/** A client that beats more slowly than the server waits would be lost between two beats. Units: milliseconds. */
export function heartbeatFaults(frequencyMs: number, timeoutMs: number): readonly string[] {
  if (frequencyMs < timeoutMs) return [];
  return [
    `heartbeat_frequency ${frequencyMs / 1000} s is not below heartbeat_timeout ${timeoutMs / 1000} s: every client would count as lost between two heartbeats`,
  ];
}

/** Names of modules as kMoL writes them: the last two parts say which it is, whatever stands before. */
export const className = z
  .string()
  .regex(/^[A-Za-z_][\w.]*$/, 'a dotted name such as mila.services.clients.BoxClient');

/** As `className`, a short name such as trimmed-mean, or a module of the user's own as folder/file.mjs:export. */
export const aggregatorName = z
  .string()
  .regex(
    /^([A-Za-z_$][\w.$-]*|.+\.[cm]?js:[A-Za-z_$][\w$]*)$/,
    'a dotted name such as mila.aggregators.PlainTorchAggregator, a short one such as median, or folder/file.mjs:export',
  );

/** Where Box's own addresses are replaced, for an emulator. */
const BASE_URLS = z.object({
  api: z.url().optional(),
  upload: z.url().optional(),
  oauth2: z.url().optional(),
});

const RATE_LIMITS = z
  .object({ calls_per_minute: z.int().positive(), uploads_per_minute: z.int().positive() })
  .partial();

/** A folder inside the shared one: no way out of it, no empty parts. */
const innerPath = z
  .string()
  .min(1)
  .transform((value) => value.replace(/^\/+|\/+$/g, ''))
  .refine(
    (value) => value !== '' && value.split('/').every((part) => part !== '' && part !== '.' && part !== '..'),
    'a path of folder names separated by /',
  );

export const BOX_SECTION = z.object({
  /** The key file that Box made for the application. */
  box_configuration_path: z.string().min(1).optional(),
  shared_dir_name: innerPath,
  save_path: innerPath,
  group_name: z.string().min(1).optional(),
  /** Whose account a client works in: one that the app keeps for it, or the app's own. */
  account: z.enum(['app_user', 'service_account']).default('app_user'),
  /** The account that a client takes for its server's, by its id or its name; without it, the one that made the run. */
  server_account: z
    .string()
    .min(1)
    .refine(
      (value) => !value.includes('@'),
      'the id or the name of the account, not its login: `mila-sync ls --json` tells both of who made a file',
    )
    .optional(),
  /** Where the shared folder is mirrored on this machine. */
  mount_path: z.string().min(1).optional(),
  base_urls: BASE_URLS.optional(),
  /** Work with tokens that open the mirrored folder only. */
  least_privilege: z.boolean().default(false),
  /** Calls a month that the enterprise's plan allows, of which the status tells the share. */
  monthly_api_quota: z.int().positive().optional(),
  /** What Box allows each account in a minute, where that is not Box's own rule. */
  rate_limits: RATE_LIMITS.optional(),
});

export const GRPC_SECTION = z.object({
  target: z.string().min(1).default('localhost:8024'),
  options: z.array(z.tuple([z.string(), z.union([z.string(), z.number()])])).default([]),
  use_secure_connection: z.boolean().default(false),
  ssl_private_key: z.string().nullable().default(null),
  ssl_cert: z.string().nullable().default(null),
  ssl_root_cert: z.string().nullable().default(null),
  /** How long one model or checkpoint may be under way. */
  transfer_timeout: seconds(3_600),
  /** The least that one must move over `transfer_rate_window`, on average, in bytes per second; 0 for no least. */
  transfer_rate_minimum: z.number().int().min(0).max(1_000_000_000).default(64_000),
  transfer_rate_window: seconds(60),
  /** Who decides what a client with a certificate may be called. */
  names: z.enum(['certificate', 'any']).default('certificate'),
  /** How many connections a server takes; null for as many as its clients can need. */
  maximum_connections: z.number().int().min(1).max(1_000_000).nullable().default(null),
  maximum_connections_per_address: z.number().int().min(1).max(1_000_000).nullable().default(null),
  /** How long a connection may take to its first call. */
  connection_timeout: seconds(20),
});

/** What only shows when the keys of a gRPC section are seen together; one line per fault. */
export function grpcFaults(section: GrpcSection | null): readonly string[] {
  if (section === null || !section.use_secure_connection) return [];
  const needed = ['ssl_private_key', 'ssl_cert', 'ssl_root_cert'] as const;
  return needed
    .filter((key) => section[key] === null)
    .map((key) => `grpc_configuration.${key} is missing: use_secure_connection needs it`);
}

/** The gRPC section of a file that leaves it out. */
export function defaultGrpcSection(): GrpcSection {
  return GRPC_SECTION.parse({});
}

export type BoxSection = z.infer<typeof BOX_SECTION>;
export type GrpcSection = z.infer<typeof GRPC_SECTION>;
export type TransportKind = 'box' | 'grpc';

/** Which transport a class name of kMoL's stands for; undefined for one that nobody knows. */
export function transportOf(typeName: string): TransportKind | undefined {
  const last = typeName.split('.').at(-1)?.toLowerCase() ?? '';
  if (last.startsWith('box')) return 'box';
  return last.startsWith('grpc') ? 'grpc' : undefined;
}

/** A class name that nobody knows, with the known ones. */
export function unknownType(key: string, typeName: string, known: readonly string[]): string {
  return `${key} is "${typeName}": known are ${known.join(' and ')}${didYouMean(typeName, known)}`;
}

export const BASE_URL_KEYS: readonly string[] = Object.keys(BASE_URLS.shape);
export const RATE_LIMIT_KEYS: readonly string[] = Object.keys(RATE_LIMITS.shape);
export const BOX_KEYS: readonly string[] = Object.keys(BOX_SECTION.shape);
export const GRPC_KEYS: readonly string[] = Object.keys(GRPC_SECTION.shape);
