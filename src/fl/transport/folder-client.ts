import type { Clock } from '../../clock.ts';
import type { TrainedUpdate } from '../round/client-state.ts';
import { unixSecondsText } from '../round/protocol-texts.ts';
import { runPaths } from '../round/run-folder.ts';
import { createClientObserver, findNewestRun } from './client-observer.ts';
import type { ClientSession, ClientTransport } from './client-transport.ts';
import { publishFile } from './publish.ts';
import { writeSideFile } from './side-file.ts';
import type { Workdir } from './workdir.ts';

/** The longest task configuration that is read. Units: bytes. */
const TASK_MAX_BYTES = 16_777_216;

interface FolderClientOptions {
  readonly workdir: Workdir;
  readonly name: string;
  readonly clock: Clock;
}

async function namedRun(workdir: Workdir, run: string) {
  const names = (await workdir.list(run)).map(({ name }) => name);
  return names.includes('cfg.json') ? { name: run, ended: false } : undefined;
}

function joinFolder({ workdir, name, clock }: FolderClientOptions, run: string): ClientSession {
  const observer = createClientObserver(workdir, run, name);
  return {
    folder: workdir.absolutePath(run),
    observe: (look) => observer.observe(look),
    claim: (layout) => workdir.write(runPaths.authentication(run, layout, name), ''),
    beat: () => workdir.write(runPaths.heartbeat(run, name), unixSecondsText(clock.now())),
    readTask: () => workdir.read(runPaths.task(run), TASK_MAX_BYTES),
    aggregatePath: (round) => workdir.absolutePath(runPaths.aggregate(run, round)),
    publish: (update) => publish(workdir, run, name, update),
    reportFailure: (round, message) =>
      workdir.write(
        runPaths.failed(run, round, name),
        `${JSON.stringify({ round, participant: name, message }, undefined, 1)}\n`,
      ),
    close: async () => {},
  };
}

async function publish(workdir: Workdir, run: string, name: string, update: TrainedUpdate): Promise<void> {
  const { round, sha256, sizeBytes, samples, metrics, startSha256, seconds, checkpointPath } = update;
  // The side file first: whoever sees the checkpoint can read what it is.
  await writeSideFile(workdir, runPaths.updateMeta(run, round, name), {
    round,
    participant: name,
    samples,
    metrics,
    sha256,
    size_bytes: sizeBytes,
    start_sha256: startSha256,
    seconds,
  });
  await publishFile(workdir, runPaths.update(run, round, name), checkpointPath);
}

/** Take part over a shared folder: the run's files are all that client and server have in common. */
export function folderClientTransport(options: FolderClientOptions): ClientTransport {
  const { workdir } = options;
  return {
    async findRun({ run, wasPartOf }) {
      const found = run === null ? await findNewestRun(workdir) : await namedRun(workdir, run);
      if (found === undefined)
        return { awaited: `waiting for ${run === null ? 'a run' : `run ${run}`} in ${workdir.description}` };
      if (!found.ended || (await wasPartOf(found.name))) return { run: found.name };
      return { awaited: `run ${found.name} has ended; waiting for a new one` };
    },
    watch: (onHint) => workdir.watch(onHint),
    join: (run) => joinFolder(options, run),
  };
}
