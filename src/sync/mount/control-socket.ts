import { chmod, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { z } from 'zod';
import { errnoOf, messageOf, StateError } from '../../errors.ts';

/** What a mount can be asked by its own user. */
export const controlRequest = z.object({ command: z.enum(['status', 'pause', 'resume', 'sync', 'stop']) });

export type ControlRequest = z.infer<typeof controlRequest>;

/** Answers one request with something serialisable. */
export type ControlHandler = (request: ControlRequest) => unknown;

const controlAnswer = z.union([z.object({ result: z.unknown() }), z.object({ error: z.string() })]);

/** A message longer than this is no message of ours. */
const MESSAGE_MAX_BYTES = 1 << 20;
const ANSWER_TIMEOUT_MS = 10_000;

/** A listening control socket; `close` is idempotent. */
export interface ControlSocket {
  close(): Promise<void>;
}

/**
 * Listen for this user's commands.
 *
 * Guarantees: the socket is readable and writable by its owner only; one request and one answer a connection, each one
 * line of JSON; a malformed request gets an error and changes nothing.
 */
export async function openControlSocket(path: string, handle: ControlHandler): Promise<ControlSocket> {
  // The lock is held, so whatever stands here is a dead mount's.
  await rm(path, { force: true });
  const server = createServer((socket) => answer(socket, handle));
  await listen(server, path);
  await chmod(path, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
      }),
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function answer(socket: Socket, handle: ControlHandler): void {
  let received = '';
  socket.setEncoding('utf8');
  socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: string) => {
    received += chunk;
    if (received.length > MESSAGE_MAX_BYTES) socket.destroy();
    else if (received.includes('\n')) socket.end(`${JSON.stringify(answerTo(received, handle))}\n`);
  });
}

function answerTo(line: string, handle: ControlHandler): z.infer<typeof controlAnswer> {
  try {
    return { result: handle(controlRequest.parse(JSON.parse(line))) ?? null };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

/**
 * Ask a running mount something.
 *
 * Errors: StateError 'nothing-mounted' when nobody listens; 'control-refused' when the mount answers with an error.
 */
export async function askMount(path: string, request: ControlRequest): Promise<unknown> {
  const line = await exchange(path, `${JSON.stringify(request)}\n`).catch((error: unknown) => {
    throw new StateError({
      code: 'nothing-mounted',
      message: `no mount answers at ${path}`,
      hint: 'Start one with `mila-sync mount CONFIG`.',
      data: { path, errno: errnoOf(error) },
      cause: error,
    });
  });
  const reply = controlAnswer.parse(JSON.parse(line));
  if ('error' in reply) throw new StateError({ code: 'control-refused', message: reply.error });
  return reply.result;
}

function exchange(path: string, message: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = createConnection(path, () => socket.write(message));
    socket.setEncoding('utf8');
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new Error('no answer in time')));
    socket.on('data', (chunk: string) => {
      received += chunk;
    });
    socket.on('end', () => resolve(received));
    socket.on('error', reject);
  });
}
