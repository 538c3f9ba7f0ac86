import { z } from 'zod';

/** The form of a recording; a change of meaning changes it. */
export const RECORDING_FORMAT = 1;

/** Longer than any id of Box, name of a file or account, or path in a session folder. Units: characters. */
const [ID_MAX, NAME_MAX, PATH_MAX] = [256, 4096, 65_536];
/** The times that calendars with years of four digits hold. Units: milliseconds since 1970. */
const [TIME_MIN_MS, TIME_MAX_MS] = [-62_135_596_800_000, 253_402_300_799_999];
/** Deeper than this no session folder lies. */
const ROOT_DEPTH_MAX = 64;

const id = z.string().max(ID_MAX);
const name = z.string().max(NAME_MAX);
const path = z.string().max(PATH_MAX);
const user = z.object({ id, name }).nullable();
const sha1 = z.string().regex(/^[0-9a-f]{40}$/);
const time = z.number().min(TIME_MIN_MS).max(TIME_MAX_MS);
const bytes = z.number().int().nonnegative();

const folderEntry = z.object({
  kind: z.literal('folder'),
  id,
  parent_id: id.nullable(),
  name,
  etag: id,
});

/** Absent from recordings that were made before it was kept, and where nobody tells. */
const maker = { created_by: user.optional() };

const fileEntry = folderEntry.extend({
  kind: z.literal('file'),
  sha1,
  size_bytes: bytes,
  modified_at_ms: time,
  version: id,
  created_by: user,
  modified_by: user,
  received_at_ms: time,
});

const remoteEntry = z.discriminatedUnion('kind', [folderEntry.extend(maker), fileEntry]);

const localEntry = z.object({
  kind: z.enum(['file', 'folder']),
  /** Below the mirrored folder, with `/` between names. */
  path,
  sha1: sha1.nullable(),
  size_bytes: bytes.nullable(),
  modified_at_ms: time.nullable(),
});

/** What every line has: its number in this session, and the wall clock. */
const base = { n: z.number().int().nonnegative(), at_ms: time };

const fault = z.object({ class: z.string(), code: z.string().nullable() });

const calls = [
  'account',
  'findFolder',
  'get',
  'visibility',
  'list',
  'createFolder',
  'upload',
  'uploadVersion',
  'download',
  'relocate',
  'remove',
  'versions',
  'promote',
  'position',
  'changes',
] as const;

const recordingLine = z.discriminatedUnion('kind', [
  /** A mount began: everything up to the next such line is its session. */
  z.object({
    ...base,
    kind: z.literal('begin'),
    format: z.literal(RECORDING_FORMAT),
    /** The mirrored folder's path below the mount directory, as in Box. */
    root: z.array(name).max(ROOT_DEPTH_MAX),
    content_max_bytes: bytes,
  }),
  /** What the mount knew already when it began. */
  z.object({ ...base, kind: z.literal('known-remote'), root_id: id, entries: z.array(remoteEntry) }),
  z.object({ ...base, kind: z.literal('known-local'), entries: z.array(localEntry) }),
  /** A call that changes something at the other side is about to be made. */
  z.object({
    ...base,
    kind: z.literal('call-begin'),
    call: z.enum(calls),
    args: z.record(z.string(), z.unknown()),
  }),
  /** A call has ended: with an answer or with a fault. */
  z.object({
    ...base,
    kind: z.literal('call'),
    call: z.enum(calls),
    args: z.record(z.string(), z.unknown()),
    ms: z.number(),
    /** What the answer shows of entries; empty where it shows none. */
    entries: z.array(remoteEntry),
    /** True when the item that was asked for is not there. */
    gone: z.boolean(),
    /** What else the answer says. */
    answer: z.record(z.string(), z.unknown()),
    fault: fault.nullable(),
  }),
  /** The mount changed the disk. */
  z.object({
    ...base,
    kind: z.literal('disk'),
    effect: z.enum(['place', 'make-folder', 'move', 'remove', 'set-aside']),
    path,
    to: path.nullable(),
    size_bytes: bytes.nullable(),
    fault: fault.nullable(),
  }),
  /** The mount saw that somebody else changed the disk. */
  z.object({
    ...base,
    kind: z.literal('seen'),
    put: z.array(localEntry),
    removed: z.array(path),
  }),
  /** A content stands in the side folder, under its hash. */
  z.object({ ...base, kind: z.literal('content'), sha1, size_bytes: bytes }),
  z.object({ ...base, kind: z.literal('end'), reason: z.enum(['closed', 'limit']) }),
]);

/** One line of a recording. */
export type RecordingLine = z.infer<typeof recordingLine>;
export type RecordedCall = (typeof calls)[number];
export type RecordedRemoteEntry = z.infer<typeof remoteEntry>;
export type RecordedLocalEntry = z.infer<typeof localEntry>;
export type RecordedFault = z.infer<typeof fault>;

/** A line as its writer knows it: number and time are the recording's. */
export type NewLine = RecordingLine extends infer Line
  ? Line extends RecordingLine
    ? Omit<Line, 'n' | 'at_ms'>
    : never
  : never;

/** Read one line. Errors: ZodError or SyntaxError when it is none. */
export function parseLine(text: string): RecordingLine {
  return recordingLine.parse(JSON.parse(text));
}
