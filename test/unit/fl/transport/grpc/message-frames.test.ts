import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MessageFrames } from '../../../../../src/fl/transport/grpc/message-frames.ts';

function framed(message: Uint8Array, flag = 0): Buffer {
  const head = Buffer.from([flag, 0, 0, 0, 0]);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

it('gives back the messages that were sent, however their bytes are cut into pieces', () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(messages, fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }), (sent, cuts) => {
      const frames = sent.map((message) => framed(message));
      const wire = Buffer.concat(frames);
      const decoder = new MessageFrames(300, () => {});
      const received: Buffer[] = [];
      for (let at = 0, turn = 0; at < wire.length; turn += 1) {
        const end = at + (cuts[turn % cuts.length] ?? 1);
        received.push(...decoder.write(wire.subarray(at, end)));
        at = end;
      }
      expect(received.map((each) => each.toString('hex'))).toEqual(
        frames.map((each) => each.toString('hex')),
      );
    }),
  );
});

it('refuses a message that is too long once its length is known, and goes on refusing', () => {
  const tooLong: number[] = [];
  const decoder = new MessageFrames(10, (sizeBytes) => void tooLong.push(sizeBytes));
  expect(decoder.write(framed(Buffer.alloc(10)))).toHaveLength(1);
  const head = framed(Buffer.alloc(11)).subarray(0, 5);
  expect(decoder.write(head.subarray(0, 4))).toEqual([]);
  expect(tooLong).toEqual([]);
  expect(() => decoder.write(head.subarray(4))).toThrow('Received message larger than max (11 vs 10)');
  expect(() => decoder.write(Buffer.alloc(11))).toThrow('larger than max');
  expect(tooLong).toContain(11);
});

it('refuses a compressed message with its first byte, before it takes room for it', () => {
  for (const flag of [1, 2, 255]) {
    let told = 0;
    const decoder = new MessageFrames(
      1_000,
      () => {},
      () => {
        told += 1;
      },
    );
    expect(decoder.write(framed(Buffer.alloc(10)))).toHaveLength(1);
    expect(() => decoder.write(Buffer.from([flag]))).toThrow('Compressed messages are not taken');
    expect(told).toBe(1);
  }
});
