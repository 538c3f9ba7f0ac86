import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { largeRun, writeCheckpointOf } from '../support/grpc-large-run.ts';

/** Gigabytes of disk and memory, and minutes: only where they are asked for. */
const isWanted = process.env['MILA_TEST_LARGE'] !== undefined;
const MESSAGE_MAX_BYTES = 2_147_483_647;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mila-grpc-large-'));
});
afterEach(() => rm(root, { recursive: true, force: true, maxRetries: 5 }));

const limit = (bytes: number) =>
  [
    ['grpc.max_send_message_length', bytes],
    ['grpc.max_receive_message_length', bytes],
  ] as const;

describe.runIf(isWanted)('between two processes', () => {
  it.each([
    ['1 GB', 1_000_000_000],
    ['1 GiB', 2 ** 30],
  ])('a checkpoint of %s is sent, and its aggregate fetched', { timeout: 600_000 }, async (_, sizeBytes) => {
    const checkpoint = join(root, 'checkpoint.pt');
    expect(await writeCheckpointOf(checkpoint, sizeBytes)).toBeGreaterThanOrEqual(sizeBytes);
    const both = limit(MESSAGE_MAX_BYTES);
    const { server, client } = await largeRun({ root, checkpoint, options: { server: both, client: both } });
    console.log(
      `${sizeBytes} bytes: server ${(server.peakBytes / 1e9).toFixed(2)} GB, client ${(client.peakBytes / 1e9).toFixed(2)} GB`,
    );
    expect([server.exitCode, client.exitCode], server.stderr + client.stderr).toEqual([0, 0]);
    // Once while it comes, twice while it goes; and what the programs need besides.
    const boundBytes = 2 * sizeBytes + 400_000_000;
    expect(server.peakBytes).toBeLessThan(boundBytes);
    expect(client.peakBytes).toBeLessThan(boundBytes);
    const [run = ''] = await readdir(join(root, 'server', 'runs'));
    const final = join(root, 'site', run, 'site', 'rounds', 'round_2', 'server.agg');
    expect((await stat(final)).size).toBeGreaterThanOrEqual(sizeBytes);
  });

  it('a checkpoint that no message holds is refused by its sender, who names the limit', {
    timeout: 600_000,
  }, async () => {
    const checkpoint = join(root, 'checkpoint.pt');
    const size = await writeCheckpointOf(checkpoint, MESSAGE_MAX_BYTES);
    const both = limit(4_000_000_000);
    const { client } = await largeRun({ root, checkpoint, options: { server: both, client: both } });
    expect(client.exitCode).not.toBe(0);
    expect(client.stderr).toContain(
      `the checkpoint has ${size} bytes, more than one message holds: ${MESSAGE_MAX_BYTES}`,
    );
    expect(client.peakBytes).toBeLessThan(500_000_000);
  });
});
