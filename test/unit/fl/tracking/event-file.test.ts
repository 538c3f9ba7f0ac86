import { describe, expect, it } from 'vitest';
import { crc32c, maskedCrc32c } from '../../../../src/fl/tracking/crc32c.ts';
import { fileHeader, isOwnEventFile, summaryRecord } from '../../../../src/fl/tracking/event-file.ts';
import { Points } from '../../../../src/fl/tracking/point.ts';

describe('CRC-32C', () => {
  // RFC 3720, appendix B.4.
  it.each([
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(0xff), 0x62a8ab43],
    [Uint8Array.from({ length: 32 }, (_, index) => index), 0x46dd794e],
    [Buffer.from('123456789'), 0xe3069283],
  ])('gives the published value', (bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  it('is masked as a record carries it', () => {
    const crc = crc32c(Buffer.from('foo'));
    const masked = maskedCrc32c(Buffer.from('foo'));
    const turned = (masked - 0xa282ead8) >>> 0;
    expect(((turned >>> 17) | (turned << 15)) >>> 0).toBe(crc);
  });
});

describe('an event file', () => {
  const atMs = Date.UTC(2026, 0, 31, 9, 15);
  const point = (tag: string) => ({ tag, step: 300, value: 0.5, atMs });

  it('has records of length, checksum, data and checksum', () => {
    const bytes = Buffer.concat([fileHeader(atMs), summaryRecord(300, atMs, [point('a/b')])]);
    let at = 0;
    let records = 0;
    while (at < bytes.length) {
      const length = Number(bytes.readBigUInt64LE(at));
      expect(bytes.readUInt32LE(at + 8)).toBe(maskedCrc32c(bytes.subarray(at, at + 8)));
      const data = bytes.subarray(at + 12, at + 12 + length);
      expect(bytes.readUInt32LE(at + 12 + length)).toBe(maskedCrc32c(data));
      at += 16 + length;
      records += 1;
    }
    expect([records, at]).toEqual([2, bytes.length]);
  });

  it('is known as our own by its first record, and nobody else’s is', () => {
    const own = Buffer.concat([fileHeader(atMs), summaryRecord(1, atMs, [point('x')])]);
    expect(isOwnEventFile(own)).toBe(true);
    expect(isOwnEventFile(own.subarray(0, 20))).toBe(false);
    expect(
      isOwnEventFile(Buffer.from(own.toString('latin1').replace('mila-sync', 'tensorflo'), 'latin1')),
    ).toBe(false);
    expect(isOwnEventFile(Buffer.alloc(100))).toBe(false);
  });
});

describe('points', () => {
  const measured = (round: number, participant: string, metrics: Record<string, number>) => ({
    round,
    participant,
    metrics,
    atMs: 5,
  });
  const tagsOf = (points: Points, participant: string) =>
    points.of(measured(1, participant, { loss: 1 })).map(({ tag }) => tag);

  it('have the metric first, then whose it is, and nobody’s curve is the aggregate’s', () => {
    const points = new Points('me');
    expect(tagsOf(points, 'site_a')).toEqual(['loss/site_a']);
    expect(tagsOf(points, 'server')).toEqual(['loss/aggregate']);
    expect(tagsOf(points, 'self')).toEqual(['loss/me']);
    expect(tagsOf(points, 'Aggregate')).toEqual(['loss/participant Aggregate']);
  });

  it('are told once where a resumed run tells the same again, and twice where a round was trained again', () => {
    const points = new Points('me');
    const told = [0.5, 0.5, 0.25].flatMap((loss) => points.of(measured(3, 'site_a', { loss })));
    expect(told.map(({ value }) => value)).toEqual([0.5, 0.25]);
  });

  it('leave out what is no number or bears no name of a metric', () => {
    const points = new Points('me');
    expect(points.of(measured(1, 'a', { 'x\n': 1, loss: Number.NaN, 'a,b': 2, top: 1 }))).toHaveLength(1);
  });
});
