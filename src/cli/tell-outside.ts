import { spawn } from 'node:child_process';
import { ConfigError, errnoOf, reasonOf, TransientError } from '../errors.ts';
import type { NotifySection } from '../fl/config/notify-section.ts';
import type { Deliver } from '../fl/notify/notifier.ts';
import type { HttpSend } from '../fl/tracking/http-send.ts';
import { jsonLine } from '../printable.ts';

/** A program may take so long. Units: milliseconds. */
const COMMAND_MAX_MS = 30_000;

/** End a program and what it started. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // Gone already; macOS says EPERM of a group that only waits to be reaped.
    if (!['ESRCH', 'EPERM'].includes(errnoOf(error) ?? '')) throw error;
  }
}

/**
 * Tell by a program: the document stands on its standard input, one line.
 *
 * Guarantees: no shell is between; past the time limit, or on abort, nothing of it is left.
 * Errors: ConfigError 'notify-command' when it cannot be started; TransientError 'notify-command' when it fails.
 */
export function commandDelivery(command: readonly string[], timeLimitMs = COMMAND_MAX_MS): Deliver {
  const [program = '', ...args] = command;
  const failed = (how: string) =>
    new TransientError({ code: 'notify-command', message: `${program} ${how}` });
  return (document, signal) =>
    new Promise((resolve, reject) => {
      // A group of its own, so that all of it can be ended; what it prints is nobody's.
      const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
      let why: string | undefined;
      const end = (words: string) => {
        why = words;
        killGroup(child.pid);
      };
      const onAbort = () => end('had not ended when this program did');
      const timer = setTimeout(() => end(`did not end within ${timeLimitMs / 1000} s`), timeLimitMs);
      const finish = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
      };
      child.once('error', (cause) => {
        finish();
        const message = `${program} cannot be started: ${reasonOf(cause)}`;
        reject(new ConfigError({ code: 'notify-command', message, cause }));
      });
      child.once('exit', (code, by) => {
        finish();
        if (why === undefined && code === 0) resolve();
        else reject(failed(why ?? `ended with ${by ?? `exit code ${code}`}`));
      });
      // Whoever does not read it knows enough.
      child.stdin.on('error', () => {});
      child.stdin.end(`${jsonLine(document)}\n`);
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
}

/** Tell by a request. Errors: TransientError, with the host and never the rest of the address. */
export function webhookDelivery(address: string, send: HttpSend): Deliver {
  const url = new URL(address);
  return async (document, signal) => {
    const headers = { 'content-type': 'application/json' };
    const { status } = await send({ method: 'POST', url, headers, body: jsonLine(document), signal });
    if (status >= 200 && status < 300) return;
    throw new TransientError({
      code: 'notify-webhook',
      message: `${url.host} answers with status ${status}`,
    });
  };
}

/** How a configuration wants somebody told. */
export function deliveryOf({ command, webhook }: NotifySection, send: HttpSend): Deliver {
  return command === undefined ? webhookDelivery(webhook ?? '', send) : commandDelivery(command);
}
