import { resolve } from 'node:path';
import { Command } from 'commander';
import { systemClock } from '../../clock.ts';
import { CorruptError, StateError } from '../../errors.ts';
import { printable } from '../../printable.ts';
import { systemRandom } from '../../random.ts';
import { VersionIndex } from '../../sync/index/version-index.ts';
import { LocalDisk } from '../../sync/local/disk.ts';
import { MirrorRoot, type MountLayout } from '../../sync/local/mirror-root.ts';
import { askMount } from '../../sync/mount/ask-mount.ts';
import { BOX_ANSWER_TIMEOUT_MS } from '../../sync/mount/control-socket.ts';
import { acquireLock } from '../../sync/mount/lock.ts';
import { indexPath, lockPath } from '../../sync/mount/mount.ts';
import { setIndexAside } from '../../sync/mount/open-index.ts';
import { putDamagedAside, replicaAtRest } from '../../sync/mount/repair.ts';
import {
  type Discrepancy,
  type Finding,
  type Verification,
  verifyDisk,
} from '../../sync/mount/verification.ts';
import { statusOf } from '../mount-listing.ts';
import { placeOf, withIndex } from '../mount-place.ts';
import { type Output, processOutput } from '../output.ts';
import { type Paint, readableBytes, resultPaint } from '../paint.ts';

interface VerifyFlags {
  readonly remote?: boolean;
  readonly repair?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly color: boolean;
}

/** What a discrepancy means, as a person reads it. */
const WORDS: Readonly<Record<Discrepancy, string>> = {
  'damaged-on-disk': 'its bytes changed although nobody wrote it',
  'changed-on-disk': 'changed since the mount last looked',
  'missing-on-disk': 'gone since the mount last looked',
  unreadable: "can't be read",
  'not-agreed': 'not the same here and in Box yet',
  'differs-in-box': 'Box holds it otherwise than was last seen',
  'missing-in-box': 'gone from Box since it was last seen',
  'unknown-in-box': 'new in Box since it was last looked at',
};
/** What a running mount takes up by itself. */
const ON_ITS_WAY: ReadonlySet<Discrepancy> = new Set(['changed-on-disk', 'missing-on-disk', 'not-agreed']);

interface Report {
  readonly disk: Verification;
  readonly box: Verification | null;
  readonly repaired: readonly string[];
}

/** Compare a mount's index with the disk and, where asked for, with Box. Errors: CorruptError 'index-damaged'. */
async function compare(layout: MountLayout, flags: VerifyFlags): Promise<Report> {
  const disk = await withIndex(layout, async (index) => {
    const faults = index.integrityFaults();
    if (faults.length > 0) throw damaged(layout, faults[0] ?? '');
    return verifyDisk(
      new MirrorRoot(layout),
      index.transaction(() => index.loadTrees()),
    );
  });
  const box = flags.remote
    ? ((await askMount(layout, { command: 'verify-remote' }, BOX_ANSWER_TIMEOUT_MS)) as Verification)
    : null;
  return { disk, box, repaired: flags.repair ? await repair(layout, disk, box) : [] };
}

function damaged(layout: MountLayout, fault: string): CorruptError {
  return new CorruptError({
    code: 'index-damaged',
    message: `the index of ${layout.directory} is damaged: ${fault}`,
    hint: 'Stop the mount and run `mila-sync verify --repair`: the index is rebuilt, and no file is lost.',
  });
}

async function repair(
  layout: MountLayout,
  disk: Verification,
  box: Verification | null,
): Promise<readonly string[]> {
  const paths = disk.findings.filter(({ problem }) => problem === 'damaged-on-disk').map(({ path }) => path);
  if ((await statusOf(layout)) !== undefined) {
    // The mount looks at all of Box again with this, which mends what it did not know of Box.
    if (paths.length === 0 && (box?.findings.length ?? 0) > 0) await askMount(layout, { command: 'sync' });
    if (paths.length === 0) return [];
    const request = { command: 'repair' as const, paths };
    return (await askMount(layout, request, BOX_ANSWER_TIMEOUT_MS)) as readonly string[];
  }
  const lock = await acquireLock(lockPath(layout));
  const index = VersionIndex.open(indexPath(layout));
  try {
    const replica = replicaAtRest(index);
    if (replica === undefined) return [];
    const parts = { replica, disk: new LocalDisk(new MirrorRoot(layout)) };
    return await putDamagedAside({ ...parts, clock: systemClock(), random: systemRandom() }, paths);
  } finally {
    index.close();
    await lock.release();
  }
}

/** An index that cannot be read is moved away, so that the next mount builds a new one. */
async function rebuild(directory: string, output: Output): Promise<void> {
  const layout = { directory, rootPath: [] };
  const lock = await acquireLock(lockPath(layout));
  try {
    const kept = await setIndexAside(indexPath(layout));
    if (output.json) output.document({ index: 'set-aside', kept_as: kept });
    else
      output.note(`the damaged index is kept as ${kept}; the next mount rebuilds it from Box and the disk`);
  } finally {
    await lock.release();
  }
}

function print({ disk, box, repaired }: Report, output: Output, paint: Paint): void {
  const findings: readonly Finding[] = [...disk.findings, ...(box?.findings ?? [])];
  if (output.json) {
    output.document({
      files: disk.files,
      bytes: disk.bytes,
      files_in_box: box?.files ?? null,
      findings,
      repaired,
    });
    return;
  }
  for (const { path, problem } of findings) {
    const colour = ON_ITS_WAY.has(problem) ? 'yellow' : 'red';
    const mended = repaired.includes(path)
      ? paint('green', " (put aside; Box's content comes in its place)")
      : '';
    output.result([paint(colour, printable(path)), `  ${WORDS[problem]}${mended}`]);
  }
  const inBox = box === null ? '' : ` and ${box.files} in Box`;
  output.note(
    `${disk.files} files (${readableBytes(disk.bytes)}) on the disk${inBox} compared, ${findings.length} findings`,
  );
}

async function reportOn(dir: string | undefined, flags: VerifyFlags): Promise<Report> {
  const { layout } = await placeOf(undefined, dir);
  return compare(layout, flags);
}

async function verify(dir: string | undefined, flags: VerifyFlags): Promise<void> {
  const output = processOutput(flags);
  const report = await reportOn(dir, flags).catch((error: unknown) => {
    const isDamaged = error instanceof CorruptError && error.code === 'index-damaged';
    if (isDamaged && flags.repair && dir !== undefined) return undefined;
    throw error;
  });
  if (report === undefined) return rebuild(resolve(dir ?? '.'), output);
  print(report, output, resultPaint(flags));
  const open = [...report.disk.findings, ...(report.box?.findings ?? [])].filter(
    ({ path, problem }) => !ON_ITS_WAY.has(problem) && !report.repaired.includes(path),
  );
  if (open.length === 0 || (flags.repair && report.box !== null)) return;
  throw new StateError({
    code: 'does-not-fit',
    message: `${open.length} of the findings do not mend themselves`,
    hint: "Run `mila-sync verify --repair`; damaged files are put aside, and Box's content takes their place.",
  });
}

/** `mila-sync verify [DIR]`. */
export function verifyCommand(): Command {
  return new Command('verify')
    .description('compare the disk with the index by hash and, with --remote, the index with Box')
    .argument('[dir]', 'the mount directory (default: the current one, else the only running one)')
    .option('--remote', "list all of Box's side too; the mount must run")
    .option(
      '--repair',
      "put damaged files aside so that Box's content comes in their place; rebuild a damaged index",
    )
    .option('--json', 'files, bytes, files_in_box, findings, repaired')
    .option('--quiet', 'no notes')
    .option('--no-color', 'no colours')
    .addHelpText('after', '\nExample:\n  mila-sync verify --remote data/box/server')
    .action(verify);
}
