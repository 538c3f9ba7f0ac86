import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Metadata } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeFileMessage } from '../../../../../src/fl/transport/grpc/file-message.ts';
import { SERVICE } from '../../../../../src/fl/transport/grpc/wire-definition.ts';
import {
  answerMetadata,
  answerNoteOf,
  requestMetadata,
  requestNoteOf,
} from '../../../../../src/fl/transport/grpc/wire-notes.ts';

interface Fixture {
  readonly type: string;
  readonly fields: Readonly<Record<string, string | { readonly hex: string }>>;
  readonly bytes: string;
}

const root = new URL('../../../../../', import.meta.url);
const fixtures = JSON.parse(
  await readFile(new URL('fixtures/grpc/messages.json', root), 'utf8'),
) as readonly Fixture[];

const { Authenticate, Heartbeat, RequestModel, SendCheckpoint } = SERVICE;
const CODECS: Readonly<Record<string, [(value: never) => Buffer, (bytes: Buffer) => unknown]>> = {
  Client: [Authenticate.requestSerialize, Authenticate.requestDeserialize],
  Token: [Heartbeat.requestSerialize, Heartbeat.requestDeserialize],
  Empty: [Heartbeat.responseSerialize, Heartbeat.responseDeserialize],
  Model: [RequestModel.responseSerialize, RequestModel.responseDeserialize],
  Checkpoint: [SendCheckpoint.requestSerialize, SendCheckpoint.requestDeserialize],
};

const contentOf = (field: Fixture['fields'][string]) =>
  typeof field === 'string' ? field : Buffer.from(field.hex, 'hex');

async function withFile<Result>(
  content: Uint8Array,
  use: (path: string) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(join(tmpdir(), 'mila-wire-'));
  try {
    const path = join(directory, 'content');
    await writeFile(path, content);
    return await use(path);
  } finally {
    await rm(directory, { recursive: true });
  }
}

it.each(fixtures.map((each) => [`${each.type} ${JSON.stringify(each.fields).slice(0, 60)}`, each] as const))(
  'reads and writes %s as protobuf does',
  async (_, { type, fields, bytes }) => {
    const [encode, decode] = CODECS[type]!;
    const value = Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, contentOf(field)]));
    const golden = Buffer.from(bytes, 'hex');
    expect(decode(golden)).toMatchObject(value);
    expect(decode(encode(value as never))).toMatchObject(value);
    const content = value['latest_checkpoint'] ?? value['content'];
    const first = value['json_configuration'] ?? value['token'];
    if (type === 'Model' || type === 'Checkpoint')
      await withFile(Buffer.from(content ?? ''), async (path) => {
        expect((await encodeFileMessage({ first: Buffer.from(first!), path })).toString('hex')).toBe(bytes);
      });
    else expect(encode(value as never).toString('hex')).toBe(bytes);
  },
);

it('is the service that docs/mila.proto describes', () => {
  const documented = loadSync(new URL('docs/mila.proto', root).pathname, { keepCase: true })['mila.Mila'];
  expect(Object.keys(documented!).sort()).toEqual(Object.keys(SERVICE).sort());
  for (const [name, method] of Object.entries(SERVICE)) {
    const other = (documented as unknown as typeof SERVICE)[name as keyof typeof SERVICE];
    const { path, requestStream, responseStream } = method as typeof SERVICE.Close;
    expect(other).toMatchObject({ path, requestStream, responseStream });
  }
});

it('encodes a file of any size between any other field as protobuf does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ maxLength: 300 }), fc.uint8Array({ maxLength: 70_000 }), (token, content) =>
      withFile(content, async (path) => {
        const encoded = await encodeFileMessage({ first: Buffer.from(token), path });
        const decoded = SendCheckpoint.requestDeserialize(encoded);
        expect(decoded.token).toBe(Buffer.from(token).toString());
        expect(decoded.content.equals(content)).toBe(true);
      }),
    ),
    { numRuns: 40 },
  );
});

const answer = { run: '2026-01-31_09-15-00', round: 2, final: false, delivered: true, lost: false };

it('carries what both sides add in metadata, and reads none where somebody else put something', () => {
  const note = { ...answer, refused: { id: 'ab 1', sha256: 'ab', message: 'NaN' }, ended: null };
  expect(answerNoteOf(answerMetadata(note))).toEqual(note);
  expect(requestNoteOf(requestMetadata({ have: 3 }))).toEqual({ have: 3 });
  expect(answerNoteOf(undefined)).toBeUndefined();
  const strange = new Metadata();
  strange.set('mila-request-bin', Buffer.from('{"have": -1}'));
  strange.set('mila-answer-bin', Buffer.from('no JSON'));
  expect([requestNoteOf(strange), answerNoteOf(strange)]).toEqual([undefined, undefined]);
  const outward = answerMetadata({ ...note, run: '../../etc' });
  expect(answerNoteOf(outward)).toBeUndefined();
});

it('fits into the headers of every peer, however many metrics and whatever texts there are', () => {
  const metrics = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`metric_${index}`, index]));
  const update = { round: 1, samples: 5, metrics, sha256: 'a'.repeat(64) };
  const size = (metadata: Metadata, key: string) => metadata.get(key)[0]!.length;
  const sent = requestMetadata({ update });
  expect(requestNoteOf(sent)?.update).toMatchObject({ round: 1, samples: 5, metrics: {} });
  const failure = { round: 1, message: 'x'.repeat(100_000) };
  expect(size(requestMetadata({ failure }), 'mila-request-bin')).toBeLessThan(6_000);
  const long = {
    ...answer,
    refused: { id: 'ab 1', sha256: 'ab', message: 'y'.repeat(9_999) },
    ended: 'z'.repeat(9_999),
  };
  expect(size(answerMetadata(long), 'mila-answer-bin')).toBeLessThan(6_000);
});

it('bounds what peers say in their own words', () => {
  const noted = (key: string, note: object) => {
    const metadata = new Metadata();
    metadata.set(key, Buffer.from(JSON.stringify(note)));
    return metadata;
  };
  const request = (note: object) => requestNoteOf(noted('mila-request-bin', note));
  const failure = { round: 1, message: 'x'.repeat(50_000) };
  expect(request({ failure })?.failure?.message).toHaveLength(1_000);
  expect(request({ token: 'x'.repeat(201) })).toBeUndefined();
  const update = { round: 1, samples: 5, sha256: 'a'.repeat(64) };
  const metrics = { '\u001b[31mred': 1, loss: 0.5, ['y'.repeat(65)]: 2, text: 'z' };
  expect(request({ update: { ...update, metrics } })?.update?.metrics).toEqual({ loss: 0.5 });
  expect(request({ update: { ...update, participant: 'p'.repeat(201) } })).toBeUndefined();
  const told = answerNoteOf(
    noted('mila-answer-bin', {
      ...answer,
      refused: { id: 'ab', sha256: 'ab', message: 'r'.repeat(50_000) },
      ended: 'e'.repeat(50_000),
    }),
  );
  expect([told?.refused?.message.length, told?.ended?.length]).toEqual([1_000, 1_000]);
});
