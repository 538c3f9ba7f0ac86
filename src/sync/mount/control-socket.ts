import { chmod, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { z } from 'zod';
import { errnoOf, MilaError, messageOf, StateError } from '../../errors.ts';

/** Paths in one request; a folder's path stands for all below it. */
const PATHS_MAX = 10_000;

/** What a mount can be asked by its own user. */
export const controlRequest = z.discriminatedUnion('command', [
  z.object({ command: z.enum(['status', 'pause', 'resume', 'sync', 'stop']) }),
  z.object({ command: z.literal('verify-remote') }),
  z.object({ command: z.enum(['get', 'evict', 'repair']), paths: z.array(z.string()).max(PATHS_MAX) }),
  z.object({ command: z.literal('history'), path: z.string() }),
  z.object({ command: z.literal('restore'), path: z.string(), version: z.string() }),
]);

export type ControlRequest = z.infer<typeof controlRequest>;

/** Answers one request with something serialisable, or a promise of it. */
export type ControlHandler = (request: ControlRequest) => unknown;

const controlAnswer = z.union([
  z.object({ error: z.string(), code: z.string().optional(), hint: z.string().optional() }),
  z.object({ result: z.unknown() }),
]);

/** A message longer than this is no message of ours. */
const MESSAGE_MAX_BYTES = 1 << 20;
const ANSWER_TIMEOUT_MS = 10_000;
/** For what the mount has to ask Box about. */
export const BOX_ANSWER_TIMEOUT_MS = 15 * 60_000;

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
    // The system makes the socket within this call, so that it never stands there for others.
    const umask = process.umask(0o177);
    try {
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    } finally {
      process.umask(umask);
    }
  });
}

function answer(socket: Socket, handle: ControlHandler): void {
  let received = '';
  socket.setEncoding('utf8');
  socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  let asked = false;
  socket.on('data', (chunk: string) => {
    received += chunk;
    if (received.length > MESSAGE_MAX_BYTES) socket.destroy();
    if (asked || !received.includes('\n')) return;
    asked = true;
    // From here on it is this side that takes its time.
    socket.setTimeout(0);
    void answerTo(received, handle).then((reply) => socket.end(`${JSON.stringify(reply)}\n`));
  });
}

async function answerTo(line: string, handle: ControlHandler): Promise<z.infer<typeof controlAnswer>> {
  try {
    return { result: (await handle(controlRequest.parse(JSON.parse(line)))) ?? null };
  } catch (error) {
    if (!(error instanceof MilaError)) return { error: messageOf(error) };
    const { message, code, hint } = error;
    return { error: message, code, ...(hint === undefined ? {} : { hint }) };
  }
}

/**
 * Ask a running mount something.
 *
 * Errors: StateError 'nothing-mounted' when nobody listens; with the mount's own code when it answers with an error.
 */
export async function askMount(
  path: string,
  request: ControlRequest,
  timeoutMs = ANSWER_TIMEOUT_MS,
): Promise<unknown> {
  const line = await exchange(path, `${JSON.stringify(request)}\n`, timeoutMs).catch((error: unknown) => {
    throw new StateError({
      code: 'nothing-mounted',
      message: `no mount answers at ${path}`,
      hint: 'Start one with `mila-sync mount CONFIG`.',
      data: { path, errno: errnoOf(error) },
      cause: error,
    });
  });
  const reply = controlAnswer.parse(JSON.parse(line));
  if ('error' in reply) {
    const { error: message, code = 'control-refused', hint } = reply;
    throw new StateError({ code, message, ...(hint === undefined ? {} : { hint }) });
  }
  return reply.result;
}

function exchange(path: string, message: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = createConnection(path, () => socket.write(message));
    socket.setEncoding('utf8');
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error('no answer in time')));
    socket.on('data', (chunk: string) => {
      received += chunk;
    });
    socket.on('end', () => resolve(received));
    socket.on('error', reject);
  });
}
