import { z } from 'zod';

/** The form of a recording; a change of meaning changes it. */
export const RECORDING_FORMAT = 1;

const user = z.object({ id: z.string(), name: z.string() }).nullable();
const sha1 = z.string().regex(/^[0-9a-f]{40}$/);
const time = z.number();
const bytes = z.number().int().nonnegative();

const folderEntry = z.object({
  kind: z.literal('folder'),
  id: z.string(),
  parent_id: z.string().nullable(),
  name: z.string(),
  etag: z.string(),
});

/** Absent from recordings that were made before it was kept, and where nobody tells. */
const maker = { created_by: user.optional() };

const fileEntry = folderEntry.extend({
  kind: z.literal('file'),
  sha1,
  size_bytes: bytes,
  modified_at_ms: time,
  version: z.string(),
  created_by: user,
  modified_by: user,
  received_at_ms: time,
});

const remoteEntry = z.discriminatedUnion('kind', [folderEntry.extend(maker), fileEntry]);

const localEntry = z.object({
  kind: z.enum(['file', 'folder']),
  /** Below the mirrored folder, with `/` between names. */
  path: z.string(),
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
    root: z.array(z.string()),
    content_max_bytes: bytes,
  }),
  /** What the mount knew already when it began. */
  z.object({ ...base, kind: z.literal('known-remote'), root_id: z.string(), entries: z.array(remoteEntry) }),
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
    path: z.string(),
    to: z.string().nullable(),
    size_bytes: bytes.nullable(),
    fault: fault.nullable(),
  }),
  /** The mount saw that somebody else changed the disk. */
  z.object({
    ...base,
    kind: z.literal('seen'),
    put: z.array(localEntry),
    removed: z.array(z.string()),
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
