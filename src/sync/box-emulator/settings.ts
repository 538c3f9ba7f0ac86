import { z } from 'zod';
import type { SettingValues } from './setting-values.ts';

const MEBIBYTE = 1024 * 1024;
const GIBIBYTE = 1024 * MEBIBYTE;
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const delayMs = z.number().min(0).max(3_600_000);

/** What each setting may be, and its default. */
export const settingsSchema = z.strictObject({
  latencyMs: delayMs.default(0),
  bandwidthBytesPerSecond: count.default(0),
  eventDelayMs: delayMs.default(0),
  rateLimitPerMinute: count.default(1000),
  uploadRateLimitPerMinute: count.default(240),
  tokenLifetimeS: z.number().int().min(1).max(86_400).default(4123),
  clockOffsetMs: z.number().min(-1e12).max(1e12).default(0),
  timeZone: z.string().min(1).max(64).default('America/Los_Angeles'),
  downloadUrlLifetimeS: count.default(900),
  downloadReadyAfterMs: delayMs.default(0),
  fileSizeMaxBytes: count.default(50 * GIBIBYTE),
  userSpaceBytes: count.default(10 * GIBIBYTE),
  chunkedMinimumBytes: count.default(20_000_000),
  partSizeBytes: count.min(1).default(8 * MEBIBYTE),
  uploadSessionLifetimeS: count.default(7 * 86_400),
  commitProcessingAnswers: z.number().int().min(0).max(1000).default(0),
  commitRetryAfterS: count.default(1),
  partVisibleAfterMs: delayMs.default(0),
  folderOperationMs: delayMs.default(0),
  longPollHoldMs: delayMs.default(600_000),
  eventRetentionDays: z.number().min(0).max(3650).default(21),
  stalePosition: z.enum(['jump', 'error', 'empty']).default('jump'),
  eventSource: z.enum(['write', 'read']).default('write'),
  descendantEvents: z.boolean().default(false),
  streamPositionBase: z
    .string()
    .regex(/^\d{1,19}$/)
    .default('0'),
  endMarker: z.enum(['null', 'empty', 'absent']).default('null'),
  shortPageEntries: count.default(0),
  shortEventPageEntries: count.default(0),
  offsetMax: count.default(10_000),
  leadingSpaceInNames: z.enum(['allow', 'reject']).default('allow'),
  illegalFileNames: z.enum(['reject', 'sanitize']).default('reject'),
  nameFolding: z.enum(['nfc', 'none']).default('nfc'),
  deletePermanently: z.boolean().default(false),
  trashLifetimeDays: z.number().min(0).max(3650).default(30),
  floatSizeFromBytes: count.default(1e14),
  trashOrderAsObject: z.boolean().default(false),
  connectionClose: z.boolean().default(false),
  subtreeMaxEntries: count.min(1).default(1_000_000),
}) satisfies z.ZodType<SettingValues>;

const patchSchema = settingsSchema.partial();

/** The emulator's settings while it runs: read on every use, so that a change takes effect at once. */
export class Settings {
  #values: SettingValues;

  constructor(initial: Partial<SettingValues>) {
    this.#values = settingsSchema.parse(withoutUndefined(initial));
  }

  get values(): Readonly<SettingValues> {
    return this.#values;
  }

  /** Change some of them. Errors: a ZodError that names what is wrong; nothing is changed then. */
  change(patch: unknown): Readonly<SettingValues> {
    const given = z.record(z.string(), z.unknown()).parse(patch);
    const parsed = patchSchema.parse(given);
    // A partial schema still fills in defaults; only what was really sent may change.
    const chosen = Object.fromEntries(Object.entries(parsed).filter(([name]) => name in given));
    this.#values = { ...this.#values, ...chosen };
    return this.#values;
  }
}

function withoutUndefined(values: Partial<SettingValues>): Partial<SettingValues> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
