import type { Clock } from '../../../clock.ts';
import { delay } from '../../../clock.ts';
import { CONTROL_FILE_MAX_BYTES, parseAnswer } from '../../round/protocol-texts.ts';
import { runPaths } from '../../round/run-folder.ts';
import type { Workdir } from '../workdir.ts';

/** How long the server's loop may take to answer a claim. Units: milliseconds. */
const ADMISSION_TIMEOUT_MS = 20_000;

interface AdmissionOptions {
  readonly workdir: Workdir;
  readonly run: string;
  readonly clock: Clock;
}

/**
 * Lay the empty claim into the folder and wait for what the server writes into it.
 *
 * Guarantees: undefined when the server came to no decision in time; a refused claim is taken back.
 */
export async function askForAdmission(
  { workdir, run, clock }: AdmissionOptions,
  name: string,
): Promise<'authenticated' | { readonly refusal: string } | undefined> {
  const path = runPaths.authentication(run, 'documented', name);
  let changed: () => void = () => {};
  const watch = await workdir.watch(() => changed());
  try {
    await workdir.write(path, '');
    const deadlineMs = clock.monotonic() + ADMISSION_TIMEOUT_MS;
    while (clock.monotonic() < deadlineMs) {
      const again = new AbortController();
      changed = () => again.abort();
      const text = (await workdir.read(path, CONTROL_FILE_MAX_BYTES))?.toString('utf8') ?? '';
      const answer = parseAnswer(text);
      if (answer === 'authenticated') return answer;
      if (answer === 'error') {
        // Taken back, so that a later try is judged anew.
        await workdir.remove(path);
        return { refusal: text.trim().replace(/^Error - /, '') };
      }
      await delay(clock, deadlineMs - clock.monotonic(), again.signal);
    }
    return undefined;
  } finally {
    await watch.close();
  }
}
