import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { askSocket, openControlSocket } from '../../../../src/sync/mount/control-socket.ts';

let folder: string;
let path: string;
let failures: unknown[];
const onFailure = (error: unknown) => void failures.push(error);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mila-socket-'));
  path = join(folder, 'control.sock');
  failures = [];
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const connected = (): Promise<Socket> =>
  new Promise((resolve) => {
    const socket: Socket = createConnection(path, () => resolve(socket));
  });

it('answers, and closes although a peer is connected and says nothing', async () => {
  const socket = await openControlSocket(path, () => 'fine', onFailure);
  expect(await askSocket(path, { command: 'status' })).toBe('fine');
  const idle = await connected();
  const gone = new Promise((resolve) => idle.once('close', resolve));
  await socket.close();
  await gone;
  expect(failures).toEqual([]);
}, 5_000);

it('tells who still waits for an answer that the mount is stopping', async () => {
  let isAsked = () => {};
  const asked = new Promise<void>((resolve) => {
    isAsked = resolve;
  });
  const handle = () => {
    isAsked();
    return new Promise(() => {});
  };
  const socket = await openControlSocket(path, handle, onFailure);
  const answer = askSocket(path, { command: 'verify-remote' });
  answer.catch(() => {});
  await asked;
  await socket.close();
  await expect(answer).rejects.toMatchObject({ code: 'mount-stopping' });
}, 5_000);

it('answers what cannot be said in JSON by ending the connection, not the mount', async () => {
  const socket = await openControlSocket(path, () => 1n, onFailure);
  await expect(askSocket(path, { command: 'status' })).rejects.toMatchObject({ code: 'no-answer' });
  await socket.close();
});

it('that cannot be made is told, and is no reason to fail', async () => {
  const tooLong = join(folder, 'x'.repeat(200), 'control.sock');
  const socket = await openControlSocket(tooLong, () => 'fine', onFailure);
  expect(failures).toHaveLength(1);
  await socket.close();
});
