import { Metadata } from '@grpc/grpc-js';
import { z } from 'zod';
import { UPDATE_META } from '../side-file.ts';

/**
 * What our own two sides tell each other beside the messages: one JSON document in a call's metadata, which kMoL's
 * programs neither send nor read.
 */
const REQUEST_KEY = 'mila-request-bin';
const ANSWER_KEY = 'mila-answer-bin';
/** Peers limit a call's headers to 8 kB or so. Units: bytes. */
const NOTE_MAX_BYTES = 6_000;

/** The longest text of a peer that is kept: of a failure, a refusal, an end. Units: characters. */
const TEXT_MAX = 1_000;
/** As above, of words that stand for something: an identifier, a digest. */
const WORD_MAX = 200;

/** What a peer says in its own words. Guarantees: longer ones are cut, because they are worth no more for it. */
const text = z.string().transform((value) => value.slice(0, TEXT_MAX));
const word = z.string().max(WORD_MAX);

/** As beside a checkpoint, but bounded: it comes from whoever connects. */
const UPDATE_NOTE = UPDATE_META.extend({
  participant: word.optional(),
  start_sha256: word.nullable().optional(),
});

const REQUEST_NOTE = z.object({
  /** The newest round whose model the client has; 0 for none. */
  have: z.number().int().nonnegative().optional(),
  /** A token from before, when it authenticates anew; the token itself ahead of an upload's bytes. */
  token: word.optional(),
  /** What stands beside a checkpoint in a shared folder. */
  update: UPDATE_NOTE.optional(),
  /** That a training failed. */
  failure: z.object({ round: z.number().int().positive(), message: text }).optional(),
});

const ANSWER_NOTE = z.object({
  run: z.string().regex(/^[\w-]{1,64}$/),
  /** The newest round that was opened; null before the first. */
  round: z.number().int().positive().nullable(),
  /** True when no round starts from this model any more. */
  final: z.boolean().default(false),
  /** Whether the client's own update for that round is there. */
  delivered: z.boolean().default(false),
  /** Why that update cannot be used; `id` tells refusals of the same bytes apart. */
  refused: z.object({ id: word, sha256: word, message: text }).nullable().default(null),
  lost: z.boolean().default(false),
  /** The end as server_ended.txt says it. */
  ended: text.nullable().default(null),
  /** What a client must keep to; told when it is admitted. */
  limits: z
    .object({
      /** How long a client may be silent. Units: seconds. */
      heartbeat_timeout: z.number().positive(),
      /** The longest message that the server takes. Units: bytes. */
      message_bytes: z.number().int().positive(),
    })
    .optional(),
});

export type RequestNote = z.infer<typeof REQUEST_NOTE>;
export type AnswerNote = z.infer<typeof ANSWER_NOTE>;

function withNote(key: string, note: unknown): Metadata {
  const metadata = new Metadata();
  metadata.set(key, Buffer.from(JSON.stringify(note)));
  return metadata;
}

function noteOf<Note>(
  metadata: Metadata | undefined,
  key: string,
  schema: z.ZodType<Note>,
): Note | undefined {
  const value = metadata?.get(key)[0];
  if (!Buffer.isBuffer(value)) return undefined;
  try {
    return schema.parse(JSON.parse(value.toString('utf8')));
  } catch {
    // Whoever sends something else under our key is a stranger, and strangers get along without notes.
    return undefined;
  }
}

/** Metadata of a call. Guarantees: fits into every peer's headers; what does not fit are an update's metrics. */
export function requestMetadata(note: RequestNote): Metadata {
  const tooLong = Buffer.byteLength(JSON.stringify(note)) > NOTE_MAX_BYTES;
  if (!tooLong) return withNote(REQUEST_KEY, note);
  const { update, failure, ...rest } = note;
  return withNote(REQUEST_KEY, {
    ...rest,
    ...(update === undefined ? {} : { update: { ...update, metrics: {} } }),
    ...(failure === undefined
      ? {}
      : { failure: { ...failure, message: failure.message.slice(0, TEXT_MAX) } }),
  });
}

export function requestNoteOf(metadata: Metadata): RequestNote | undefined {
  return noteOf<RequestNote>(metadata, REQUEST_KEY, REQUEST_NOTE);
}

/** Metadata of an answer. Guarantees: as `requestMetadata`; texts are cut. */
export function answerMetadata(note: AnswerNote): Metadata {
  const { refused, ended } = note;
  return withNote(ANSWER_KEY, {
    ...note,
    ended: ended === null ? null : ended.slice(0, TEXT_MAX),
    refused: refused === null ? null : { ...refused, message: refused.message.slice(0, TEXT_MAX) },
  });
}

export function answerNoteOf(metadata: Metadata | undefined): AnswerNote | undefined {
  return noteOf<AnswerNote>(metadata, ANSWER_KEY, ANSWER_NOTE);
}
