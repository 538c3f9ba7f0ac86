import assert from 'node:assert/strict';
import { Metadata } from '@grpc/grpc-js';
import { MessageFrames } from '../../src/fl/transport/grpc/message-frames.ts';
import { tokenAtStart } from '../../src/fl/transport/grpc/token-peek.ts';
import { UploadFrames } from '../../src/fl/transport/grpc/upload-frames.ts';
import { SERVICE } from '../../src/fl/transport/grpc/wire-definition.ts';
import { answerNoteOf, requestNoteOf } from '../../src/fl/transport/grpc/wire-notes.ts';
import type { Random } from '../../src/random.ts';
import { randomBelow } from '../../src/random.ts';

/** What the target goes by in a table of fuzz targets. */
export const name = 'grpc-frames';

/** The longest message of a case. Units: bytes. */
const MESSAGE_MAX_BYTES = 5_000;
const TOKEN_PATTERN = /^[\s\S]{0,127}$/;

function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => randomBelow(random, 256)));
}

/** Frames as a peer may send them: whole, cut, lying about their length, compressed, or noise. */
function hostileWire(random: Random): Buffer {
  const parts = Array.from({ length: 1 + randomBelow(random, 4) }, () => {
    const token = randomBytes(random, randomBelow(random, 140));
    const content = randomBytes(random, randomBelow(random, 400));
    const kind = randomBelow(random, 6);
    if (kind === 0) return content;
    const message =
      kind === 1
        ? content
        : Buffer.concat([Buffer.from([kind === 2 ? 0x12 : 0x0a, token.length]), token, content]);
    const head = Buffer.alloc(5);
    head[0] = kind === 3 ? 1 + randomBelow(random, 255) : 0;
    const announced = kind === 4 ? randomBelow(random, 2 ** 32) : message.length;
    head.writeUInt32BE(announced, 1);
    return Buffer.concat([head, message]);
  });
  const wire = Buffer.concat(parts);
  return random.next() < 0.3 ? wire.subarray(0, randomBelow(random, wire.length + 1)) : wire;
}

function* pieces(random: Random, wire: Buffer): Generator<Buffer> {
  for (let at = 0; at < wire.length; ) {
    const length = 1 + randomBelow(random, random.next() < 0.5 ? 4 : 600);
    yield wire.subarray(at, at + length);
    at += length;
  }
}

/** Every message that comes out is a plain one, as it went in, and not above the limit. */
function feed(random: Random, wire: Buffer): void {
  const frames = new MessageFrames(MESSAGE_MAX_BYTES, () => {});
  const out: Buffer[] = [];
  try {
    for (const piece of pieces(random, wire)) out.push(...frames.write(piece));
  } catch (error) {
    assert.match((error as Error).message, /larger than max|Compressed messages/);
  }
  const whole = Buffer.concat(out);
  assert.ok(whole.equals(wire.subarray(0, whole.length)));
  for (const message of out) {
    assert.equal(message[0], 0);
    assert.ok(message.length <= MESSAGE_MAX_BYTES + 5);
    assert.equal(message.readUInt32BE(1), message.length - 5);
  }
}

/** The token is told once at most, the same however the bytes are cut, and is the one that protobuf reads. */
function feedUpload(random: Random, wire: Buffer): void {
  const tokens: (string | undefined)[] = [];
  const frames = new MessageFrames(MESSAGE_MAX_BYTES, () => {});
  const upload = new UploadFrames({
    frames,
    onBytes: (bytes) => assert.ok(bytes > 0),
    onToken: (token) => void tokens.push(token),
  });
  const out: Buffer[] = [];
  try {
    for (const piece of pieces(random, wire)) out.push(...upload.write(piece));
  } catch (error) {
    assert.match((error as Error).message, /larger than max|Compressed messages|one message/);
  }
  assert.ok(out.length <= 1 && tokens.length <= 1);
  const [token] = tokens;
  if (tokens.length > 0) assert.equal(tokenAtStart(wire), token);
  if (token !== undefined) assert.match(token, TOKEN_PATTERN);
  const [message] = out;
  if (message === undefined || token === undefined) return;
  // A later field 1 would win in protobuf: what the slot was taken for is then not what is delivered, and the desk
  // judges the delivered one anew.
  decodes(message.subarray(5));
}

function decodes(message: Buffer): void {
  for (const codec of [SERVICE.SendCheckpoint, SERVICE.Heartbeat, SERVICE.Authenticate]) {
    try {
      codec.requestDeserialize(message);
    } catch (error) {
      assert.ok(error instanceof Error);
    }
  }
}

function randomNote(random: Random): unknown {
  const text = () => randomBytes(random, randomBelow(random, 3_000)).toString('latin1');
  const number = () => [0, 1, -1, 1.5, 1e308, 2 ** 60, 7][randomBelow(random, 7)];
  const any = () => [text(), number(), null, [], {}, true][randomBelow(random, 6)];
  const metrics = Object.fromEntries(Array.from({ length: randomBelow(random, 150) }, () => [text(), any()]));
  const update = { round: 1, samples: any(), sha256: 'a'.repeat(64), metrics, participant: any() };
  const all: [string, unknown][] = [
    ['have', any()],
    ['token', any()],
    ['update', random.next() < 0.7 ? update : any()],
    ['failure', { round: number(), message: any() }],
    ['run', random.next() < 0.7 ? 'run' : any()],
    ['round', number()],
    ['ended', any()],
    ['refused', { id: any(), sha256: any(), message: any() }],
  ];
  return Object.fromEntries(all.filter(() => random.next() < 0.5));
}

/** Notes are read or left alone, and what is read is bounded. */
function feedNote(random: Random): void {
  const metadata = new Metadata();
  const bytes =
    random.next() < 0.2 ? randomBytes(random, 200) : Buffer.from(JSON.stringify(randomNote(random)));
  metadata.set('mila-request-bin', bytes);
  metadata.set('mila-answer-bin', bytes);
  const request = requestNoteOf(metadata);
  const answer = answerNoteOf(metadata);
  assert.ok((request?.failure?.message.length ?? 0) <= 1_000);
  assert.ok((answer?.ended?.length ?? 0) <= 1_000 && (answer?.refused?.message.length ?? 0) <= 1_000);
  const metrics = Object.entries(request?.update?.metrics ?? {});
  assert.ok(metrics.length <= 100);
  for (const [key, value] of metrics) {
    assert.match(key, /^[\w ./:-]{1,64}$/);
    assert.ok(Number.isFinite(value));
  }
}

/** One case: frames, an upload, and a note from a hostile peer. Errors: AssertionError when a bound does not hold. */
export function run(random: Random): void {
  const wire = hostileWire(random);
  feed(random, wire);
  feedUpload(random, wire);
  decodes(wire);
  feedNote(random);
}
