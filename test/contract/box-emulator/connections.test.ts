import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmulatorProcess, startProcess } from './emulator-process.ts';

const CONNECTIONS = 10_000;
/** What the emulator holds at most on one of its ports. */
const HELD = 8192;
/** Room for what a test run has open besides. */
const FILES_WANTED = CONNECTIONS + 1000;
const files = execFileSync('sh', ['-c', 'ulimit -n']).toString().trim();
const enough = files === 'unlimited' || Number(files) >= FILES_WANTED;

let folder: string;
let emulator: EmulatorProcess | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'emulator-connections-'));
  if (enough) emulator = await startProcess(folder);
}, 60_000);
afterAll(async () => {
  await emulator?.kill();
  await rm(folder, { recursive: true, force: true });
});

describe.skipIf(!enough)(`connections (skipped where fewer than ${FILES_WANTED} files may be open)`, () => {
  it('are held up to a bound; those above it are closed, and afterwards everything goes on', {
    timeout: 120_000,
  }, async () => {
    const url = new URL(emulator?.url ?? '');
    const sockets = new Set<Socket>();
    let opened = 0;
    let closed = 0;
    const open = () =>
      new Promise<void>((done) => {
        const socket = connect(Number(url.port), url.hostname, () => {
          opened += 1;
          done();
        });
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.on('close', () => {
          closed += 1;
          done();
        });
        // A request that never ends keeps its connection busy.
        socket.write('GET /2.0/users/me HTTP/1.1\r\nhost: x\r\n');
      });
    for (let done = 0; done < CONNECTIONS; done += 500) await Promise.all(Array.from({ length: 500 }, open));
    expect(opened).toBeGreaterThan(HELD);
    await expect.poll(() => closed, { timeout: 60_000 }).toBe(CONNECTIONS - HELD);
    for (const socket of sockets) socket.destroy();
    const alive = async () => (await fetch(`${url.origin}/_emulator/stats`).catch(() => undefined))?.status;
    await expect.poll(alive, { timeout: 60_000 }).toBe(200);
  });
});
