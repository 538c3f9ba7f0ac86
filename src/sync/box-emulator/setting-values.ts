/** Every behaviour of the emulated Box that a test or a rehearsal may want different, with Box's own as the default. */
export interface SettingValues {
  /** Wait before each answer. Default 0. */
  readonly latencyMs: number;
  /** Speed of one transfer in either direction; 0 is unlimited. Default 0. */
  readonly bandwidthBytesPerSecond: number;
  /** How long an event takes to appear in the stream. Default 0. */
  readonly eventDelayMs: number;
  /** API requests of one user in a minute; 0 is unlimited. Default 1000. */
  readonly rateLimitPerMinute: number;
  /** Uploads of one user in a minute; 0 is unlimited. Default 240. */
  readonly uploadRateLimitPerMinute: number;
  /** How long an access token lives. Default 4123. */
  readonly tokenLifetimeS: number;
  /** How far Box's clock runs ahead of this machine's. Default 0. */
  readonly clockOffsetMs: number;
  /** IANA name of the zone in which times are written; default 'America/Los_Angeles', as Box's. */
  readonly timeZone: string;
  /** How long a download URL works. Default 900. */
  readonly downloadUrlLifetimeS: number;
  /** After an upload, downloads answer 202 for this long. Default 0. */
  readonly downloadReadyAfterMs: number;
  /** Largest size of one file. Default 50 GiB. */
  readonly fileSizeMaxBytes: number;
  /** Storage of a new app user or service account. Default 10 GiB. */
  readonly userSpaceBytes: number;
  /** Smaller content is refused in parts. Default 20000000. */
  readonly chunkedMinimumBytes: number;
  /** Power of two, as Box chooses it. Default 8 MiB. */
  readonly partSizeBytes: number;
  /** How long an upload in parts may take. Default 604800. */
  readonly uploadSessionLifetimeS: number;
  /** How many times a commit answers 202 before it succeeds. Default 0. */
  readonly commitProcessingAnswers: number;
  /** What such an answer says in Retry-After. Default 1. */
  readonly commitRetryAfterS: number;
  /** A part becomes known to listing and commit only this long after its upload. Default 0. */
  readonly partVisibleAfterMs: number;
  /** Folder operations hold their subtree and destination for this long. Default 0. */
  readonly folderOperationMs: number;
  /** Longest time the long poll is held before it answers "reconnect". Default 600000. */
  readonly longPollHoldMs: number;
  /** How long an event stays in the stream. Default 21. */
  readonly eventRetentionDays: number;
  /** What a stream position older than the retention gives. Default 'jump'. */
  readonly stalePosition: 'jump' | 'error' | 'empty';
  /** Whether an event's source shows the item as it was, or as it is when the event is read. Default 'write'. */
  readonly eventSource: 'write' | 'read';
  /** Whether a recursive trash or restore tells of every descendant, too. Default false. */
  readonly descendantEvents: boolean;
  /** How many digits a stream position is shifted up by, to make it exceed 2^53. Default '0'. */
  readonly streamPositionBase: string;
  /**
   * How the last page of a marker listing says that it is the last.
   *
   * Source: all three have been seen; rclone 1.60, which works with Box, would read "empty" as one more page for ever.
   * Default 'null'.
   */
  readonly endMarker: 'null' | 'empty' | 'absent';
  /** Pages of a listing hold at most this many entries, whatever was asked; 0 keeps to the request. Default 0. */
  readonly shortPageEntries: number;
  /** Pages of the event stream hold at most this many entries, whatever was asked; 0 keeps to the request. Default 0. */
  readonly shortEventPageEntries: number;
  /** Listings by offset go up to this one. Default 10000. */
  readonly offsetMax: number;
  /** Whether a name may begin with a space. Default 'allow'. */
  readonly leadingSpaceInNames: 'allow' | 'reject';
  /** Whether illegal characters in a file's name are refused or silently dropped. Default 'reject'. */
  readonly illegalFileNames: 'reject' | 'sanitize';
  /** Whether names that differ in their Unicode form only are the same. Default 'nfc'. */
  readonly nameFolding: 'nfc' | 'none';
  /** Whether what is deleted skips the trash. Default false. */
  readonly deletePermanently: boolean;
  /** How long the trash keeps an item. Default 30. */
  readonly trashLifetimeDays: number;
  /** Folder sizes from this value on are written as floating-point numbers with an exponent. Default 1e14. */
  readonly floatSizeFromBytes: number;
  /** Trash listings give `order` as one object instead of a list. Default false. */
  readonly trashOrderAsObject: boolean;
  /** Close the connection after each answer. Default false. */
  readonly connectionClose: boolean;
  /** The largest subtree that one operation takes on, and the most entries of a root. Default 1000000. */
  readonly subtreeMaxEntries: number;
}
