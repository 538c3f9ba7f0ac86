import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/clock.ts';
import { Bandwidth } from '../../../../src/sync/mount/bandwidth.ts';

const MIB = 1 << 20;

async function digest(stream: Readable): Promise<string> {
  const hash = createHash('sha1');
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

describe('a limited rate', () => {
  it('lets all bytes through unchanged, at no more than the rate over all streams together', async () => {
    const clock = systemClock();
    const line = new Bandwidth(clock, 2 * MIB);
    const content = [randomBytes(MIB), randomBytes(MIB)];
    const startedMs = clock.monotonic();
    const digests = await Promise.all(content.map((bytes) => digest(line.slow(Readable.from([bytes])))));
    const seconds = (clock.monotonic() - startedMs) / 1000;
    expect(digests).toEqual(content.map((bytes) => createHash('sha1').update(bytes).digest('hex')));
    // Two MiB at two MiB a second, less the quarter of a second that may go at once.
    expect(seconds).toBeGreaterThan(0.7);
  });

  it('lets a small file pass at once while a large one is under way', async () => {
    const clock = systemClock();
    const line = new Bandwidth(clock, 64 * 1024);
    const large = line.slow(Readable.from([randomBytes(MIB)]));
    large.on('error', () => undefined);
    large.resume();
    const startedMs = clock.monotonic();
    expect(await text(line.slow(Readable.from([Buffer.from('beat')])))).toBe('beat');
    expect(clock.monotonic() - startedMs).toBeLessThan(1000);
    // Sixteen seconds' worth is left: ending the stream ends the wait for it.
    large.destroy();
  });

  it('hands a broken source’s error on', async () => {
    const line = new Bandwidth(systemClock(), MIB);
    const broken = new Readable({ read() {} });
    const slowed = line.slow(broken);
    broken.destroy(new Error('the disk is gone'));
    await expect(text(slowed)).rejects.toThrow('the disk is gone');
  });
});
