import { z } from 'zod';

const MEBIBYTE = 1024 * 1024;
const GIBIBYTE = 1024 * MEBIBYTE;
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const delayMs = z.number().min(0).max(3_600_000);

/** Every behaviour of the emulated Box that a test or a rehearsal may want different, with Box's own as the default. */
export const settingsSchema = z.strictObject({
  /** Wait before each answer. */
  latencyMs: delayMs.default(0),
  /** Speed of one transfer in either direction; 0 is unlimited. */
  bandwidthBytesPerSecond: count.default(0),
  /** How long an event takes to appear in the stream. */
  eventDelayMs: delayMs.default(0),
  /** API requests of one user in a minute; 0 is unlimited. */
  rateLimitPerMinute: count.default(1000),
  /** Uploads of one user in a minute; 0 is unlimited. */
  uploadRateLimitPerMinute: count.default(240),
  tokenLifetimeS: z.number().int().min(1).max(86_400).default(4123),
  /** How far Box's clock runs ahead of this machine's. */
  clockOffsetMs: z.number().min(-1e12).max(1e12).default(0),
  /** IANA name of the zone in which times are written; Box's default is Pacific. */
  timeZone: z.string().min(1).max(64).default('America/Los_Angeles'),
  /** How long a download URL works. */
  downloadUrlLifetimeS: count.default(900),
  /** After an upload, downloads answer 202 for this long. */
  downloadReadyAfterMs: delayMs.default(0),
  /** Largest size of one file. */
  fileSizeMaxBytes: count.default(50 * GIBIBYTE),
  /** Storage of a new app user or service account. */
  userSpaceBytes: count.default(10 * GIBIBYTE),
  chunkedMinimumBytes: count.default(20_000_000),
  /** Power of two, as Box chooses it. */
  partSizeBytes: count.min(1).default(8 * MEBIBYTE),
  uploadSessionLifetimeS: count.default(7 * 86_400),
  /** How many times a commit answers 202 before it succeeds. */
  commitProcessingAnswers: z.number().int().min(0).max(1000).default(0),
  commitRetryAfterS: count.default(1),
  /** A part becomes known to listing and commit only this long after its upload. */
  partVisibleAfterMs: delayMs.default(0),
  /** Folder operations hold their subtree and destination for this long. */
  folderOperationMs: delayMs.default(0),
  /** Longest time the long poll is held before it answers "reconnect". */
  longPollHoldMs: delayMs.default(600_000),
  eventRetentionDays: z.number().min(0).max(3650).default(21),
  /** What a stream position older than the retention gives. */
  stalePosition: z.enum(['jump', 'error', 'empty']).default('jump'),
  /** Whether an event's source shows the item as it was, or as it is when the event is read. */
  eventSource: z.enum(['write', 'read']).default('write'),
  /** Whether a recursive trash or restore tells of every descendant, too. */
  descendantEvents: z.boolean().default(false),
  /** How many digits a stream position is shifted up by, to make it exceed 2^53. */
  streamPositionBase: z
    .string()
    .regex(/^\d{1,19}$/)
    .default('0'),
  /**
   * How the last page of a marker listing says that it is the last.
   *
   * Source: all three have been seen; rclone 1.60, which works with Box, would read "empty" as one more page for ever.
   */
  endMarker: z.enum(['null', 'empty', 'absent']).default('null'),
  /** Pages of a listing hold at most this many entries, whatever was asked; 0 keeps to the request. */
  shortPageEntries: count.default(0),
  /** Pages of the event stream hold at most this many entries, whatever was asked; 0 keeps to the request. */
  shortEventPageEntries: count.default(0),
  offsetMax: count.default(10_000),
  leadingSpaceInNames: z.enum(['allow', 'reject']).default('allow'),
  /** Whether illegal characters in a file's name are refused or silently dropped. */
  illegalFileNames: z.enum(['reject', 'sanitize']).default('reject'),
  nameFolding: z.enum(['nfc', 'none']).default('nfc'),
  deletePermanently: z.boolean().default(false),
  trashLifetimeDays: z.number().min(0).max(3650).default(30),
  /** Folder sizes from this value on are written as floating-point numbers with an exponent. */
  floatSizeFromBytes: count.default(1e14),
  /** Trash listings give `order` as one object instead of a list. */
  trashOrderAsObject: z.boolean().default(false),
  /** Close the connection after each answer. */
  connectionClose: z.boolean().default(false),
  /** The largest subtree that one operation takes on, and the most entries of a root. */
  subtreeMaxEntries: count.min(1).default(1_000_000),
});

/** The values in force. */
export type SettingValues = z.infer<typeof settingsSchema>;

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
