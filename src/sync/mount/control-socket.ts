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
/** How long a peer may take to read its answer while the mount ends. */
const PARTING_MS = 1_000;
/** For what the mount has to ask Box about. */
export const BOX_ANSWER_TIMEOUT_MS = 15 * 60_000;

const STOPPING = `${JSON.stringify({ error: 'the mount is stopping', code: 'mount-stopping' })}\n`;

/** A listening control socket; `close` is idempotent. */
export interface ControlSocket {
  close(): Promise<void>;
}

/**
 * Listen for this user's commands.
 *
 * Guarantees: the socket is readable and writable by its owner only; one request and one answer a connection, each one
 * line of JSON; a malformed request gets an error and changes nothing; closing waits for no peer. Never rejects: a
 * socket that cannot be made, or that fails later, is told to `onFailure`, and whoever asked for it goes on without.
 */
export async function openControlSocket(
  path: string,
  handle: ControlHandler,
  onFailure: (error: unknown) => void,
): Promise<ControlSocket> {
  const peers = new Set<Peer>();
  const server = createServer((socket) => {
    const peer = new Peer(socket, handle);
    peers.add(peer);
    socket.once('close', () => peers.delete(peer));
  });
  try {
    // The lock is held, so whatever stands here is a dead mount's.
    await rm(path, { force: true });
    await listen(server, path);
    await chmod(path, 0o600);
  } catch (error) {
    server.close();
    onFailure(error);
    return { close: async () => {} };
  }
  // Such as no file descriptor for a new connection: the listening itself goes on.
  server.on('error', onFailure);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const peer of peers) peer.part();
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

/** One connection to the control socket. */
class Peer {
  readonly #socket: Socket;
  #received = '';
  #stage: 'asking' | 'waiting' | 'answered' = 'asking';

  constructor(socket: Socket, handle: ControlHandler) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: string) => this.#take(chunk, handle));
  }

  /** The mount ends: nobody is waited for, and who waits for an answer is told. */
  part(): void {
    if (this.#stage === 'asking') this.#socket.destroy();
    else if (this.#stage === 'waiting') this.#reply(STOPPING);
    this.#socket.setTimeout(PARTING_MS, () => this.#socket.destroy());
  }

  #take(chunk: string, handle: ControlHandler): void {
    this.#received += chunk;
    if (this.#received.length > MESSAGE_MAX_BYTES) this.#socket.destroy();
    if (this.#stage !== 'asking' || !this.#received.includes('\n')) return;
    this.#stage = 'waiting';
    // From here on it is this side that takes its time.
    this.#socket.setTimeout(0);
    answerTo(this.#received, handle).then(
      (line) => this.#reply(line),
      () => this.#socket.destroy(),
    );
  }

  #reply(line: string): void {
    if (this.#stage === 'answered') return;
    this.#stage = 'answered';
    this.#socket.write(line);
    this.#socket.destroySoon();
  }
}

async function answerTo(line: string, handle: ControlHandler): Promise<string> {
  return lineOf(await replyTo(line, handle));
}

async function replyTo(line: string, handle: ControlHandler): Promise<z.infer<typeof controlAnswer>> {
  try {
    return { result: (await handle(controlRequest.parse(JSON.parse(line)))) ?? null };
  } catch (error) {
    if (!(error instanceof MilaError)) return { error: messageOf(error) };
    const { message, code, hint } = error;
    return { error: message, code, ...(hint === undefined ? {} : { hint }) };
  }
}

/**
 * Ask whoever listens at a control socket something.
 *
 * Errors: StateError 'no-answer' when nobody listens or answers; with the mount's own code when it answers with an
 * error.
 */
export async function askSocket(
  path: string,
  request: ControlRequest,
  timeoutMs = ANSWER_TIMEOUT_MS,
): Promise<unknown> {
  const reply = await exchange(path, lineOf(request), timeoutMs)
    .then((line) => controlAnswer.parse(JSON.parse(line)))
    .catch((error: unknown) => {
      throw new StateError({
        code: 'no-answer',
        message: `nobody answers at ${path}`,
        data: { path, errno: errnoOf(error) },
        cause: error,
      });
    });
  if ('error' in reply) {
    const { error: message, code = 'control-refused', hint } = reply;
    throw new StateError({ code, message, ...(hint === undefined ? {} : { hint }) });
  }
  return reply.result;
}

const lineOf = (value: unknown) => `${JSON.stringify(value)}\n`;

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
    socket.on('close', () => reject(new Error('the connection ended before the answer')));
  });
}
