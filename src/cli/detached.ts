import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { EXIT } from './exit-codes.ts';
import { listenForInterrupt } from './interrupt.ts';
import { type Output, relay } from './output.ts';
import { EXIT_WITH_PARENT } from './parent-watch.ts';

/** Tells a mount that its parent waits for its `ready` over a channel of their own. */
const DETACHED = 'MILA_SYNC_DETACHED';

const readySchema = z.object({
  event: z.literal('ready'),
  dir: z.string(),
  root: z.string(),
  pid: z.number(),
});
type Ready = z.infer<typeof readySchema>;

const waitingSchema = z.object({ event: z.literal('waiting'), words: z.string() });

/** Whether this mount was started in the background: until it is ready its words are read by its parent, later by nobody. */
export const isDetached = () => process.env[DETACHED] === '1';

/** The channel to a parent process. */
type Channel = Pick<NodeJS.Process, 'send' | 'connected' | 'disconnect'>;

/**
 * Tell a parent that waits for it that this mount is ready, and part with it. Does nothing for other parents.
 *
 * Guarantees: never throws: a parent that is gone by now needs no word.
 */
export function tellParent(ready: Ready, channel: Channel = process): void {
  if (!isDetached() || channel.send === undefined || !channel.connected) return;
  const part = () => {
    if (channel.connected) channel.disconnect();
  };
  try {
    channel.send(ready, part);
  } catch {
    // The channel closed between the look and the word.
  }
}

/**
 * Tell a parent that waits for this mount what holds it up. Does nothing for other parents.
 *
 * Guarantees: never throws.
 */
export function tellParentOfWait(words: string, channel: Channel = process): void {
  if (!isDetached() || channel.send === undefined || !channel.connected) return;
  try {
    channel.send({ event: 'waiting', words }, () => {});
  } catch {
    // The channel closed between the look and the word.
  }
}

/**
 * Start this same command again in the background, and return once it is ready.
 *
 * `input` is what it reads from its standard input instead of this process, which has read it.
 * Guarantees: what holds it up or goes wrong until then is told here, with the exit code that the mount itself would have had.
 */
export async function startDetached(output: Output, input?: string): Promise<void> {
  const args = process.argv.slice(1).filter((arg) => arg !== '--detach');
  const folder = await mkdtemp(join(tmpdir(), 'mila-sync-detach-'));
  const words = join(folder, 'stderr');
  const sink = await open(words, 'w', 0o600);
  const interrupt = listenForInterrupt();
  try {
    const child = spawn(process.execPath, args, {
      detached: true,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'ignore', sink.fd, 'ipc'],
      env: { ...process.env, [DETACHED]: '1', [EXIT_WITH_PARENT]: '0' },
    });
    // A child that ended before it read this closed the pipe, which is told by its end.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
    interrupt.signal.addEventListener('abort', () => void child.kill('SIGTERM'), { once: true });
    const outcome = await readyOrExit(child, (words) => output.note(words));
    if (typeof outcome === 'number') {
      const said = await readFile(words, 'utf8');
      if (output.json) output.document(endedDocument(said));
      relay('err', said);
      process.exitCode = interrupt.interrupted() ? EXIT.interrupted : outcome;
      return;
    }
    child.unref();
    if (output.json) output.document(outcome);
    else output.result(`ready ${outcome.root}`);
    output.note(`process ${outcome.pid}; stop it with: mila-sync unmount ${outcome.dir}`);
  } finally {
    interrupt.dispose();
    await sink.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the mount said last, as every command tells an error to a program. */
function endedDocument(said: string): unknown {
  const lines = said.trim().split('\n');
  const first = lines.findLastIndex((line) => line.startsWith('error: '));
  const message = lines[first]?.slice('error: '.length) ?? 'the mount ended before it was ready';
  return {
    error: { code: 'mount-ended', message, hint: first === -1 ? null : (lines[first + 1]?.trim() ?? null) },
  };
}

function readyOrExit(child: ChildProcess, onWait: (words: string) => void): Promise<Ready | number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? EXIT.fault));
    child.on('message', (message) => {
      const ready = readySchema.safeParse(message);
      if (ready.success) resolve(ready.data);
      const waiting = waitingSchema.safeParse(message);
      if (waiting.success) onWait(waiting.data.words);
    });
  });
}
