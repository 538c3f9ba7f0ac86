import { createHash } from 'node:crypto';
import { Command } from 'commander';
import { CorruptError } from '../../errors.ts';
import { ITEM_BYTES } from '../../fl/tensor/tensor.ts';
import { Checkpoint } from '../../fl/torch/checkpoint-reader.ts';
import { pathText, type TensorLeaf } from '../../fl/torch/checkpoint-tree.ts';
import { largestDifference, statisticsOf, type TensorStatistics } from '../../fl/torch/tensor-statistics.ts';
import { printable } from '../../printable.ts';
import { textTable } from '../../text-table.ts';
import { linesOf, type Output, processOutput } from '../output.ts';

interface CommonFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly color: boolean;
  readonly verify: boolean;
}

interface VerifyFlags extends CommonFlags {
  readonly allowForeign?: boolean;
}

interface ShowFlags extends CommonFlags {
  readonly sha256?: boolean;
  readonly stats: boolean;
}

function outputOf(flags: CommonFlags): Output {
  return processOutput({ ...flags, noColour: !flags.color });
}

async function withCheckpoint<Result>(
  path: string,
  { verify }: CommonFlags,
  use: (checkpoint: Checkpoint) => Promise<Result>,
): Promise<Result> {
  const checkpoint = await Checkpoint.open(path, { checksum: verify ? 'error' : 'ignore' });
  try {
    const result = await use(checkpoint);
    checkpoint.source.assertUnchanged();
    return result;
  } finally {
    checkpoint.close();
  }
}

interface TensorRow {
  readonly path: readonly (string | number)[];
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
  readonly size_bytes: number;
  readonly sha256?: string;
  readonly statistics?: TensorStatistics;
}

async function rowOf(
  checkpoint: Checkpoint,
  { path, layout }: TensorLeaf,
  flags: ShowFlags,
): Promise<TensorRow> {
  const { dtype, shape, stride, count } = layout;
  const row = { path, dtype, shape, stride, size_bytes: count * ITEM_BYTES[dtype] };
  if (flags.sha256 !== true && !flags.stats) return row;
  const bytes = await checkpoint.readTensor(layout);
  return {
    ...row,
    ...(flags.sha256 === true ? { sha256: createHash('sha256').update(bytes).digest('hex') } : {}),
    ...(flags.stats ? { statistics: statisticsOf(dtype, bytes) } : {}),
  };
}

async function show(path: string, flags: ShowFlags): Promise<void> {
  const output = outputOf(flags);
  await withCheckpoint(path, flags, async (checkpoint) => {
    const { tensors, opaque } = checkpoint.tree();
    const foreign = checkpoint.foreignNames();
    const rows: TensorRow[] = [];
    for (const leaf of tensors) rows.push(await rowOf(checkpoint, leaf, flags));
    if (output.json) {
      output.document({ format: checkpoint.format, tensors: rows, opaque, foreign });
      return;
    }
    printTable(rows, flags, output);
    for (const { path: place, name } of opaque)
      output.note(`${pathText(place)}: ${name} (kept as a name, never run)`);
    if (foreign.length > 0) output.note(`it ${foreignWords(foreign)}`);
  });
}

function printTable(rows: readonly TensorRow[], flags: ShowFlags, output: Output): void {
  const table = textTable({
    head: [
      'tensor',
      'type',
      'shape',
      'bytes',
      ...(flags.stats ? ['min', 'max', 'mean', 'NaN', 'inf'] : []),
      ...(flags.sha256 === true ? ['sha256'] : []),
    ],
    rows: rows.map(({ path, dtype, shape, size_bytes: sizeBytes, statistics, sha256 }) => [
      pathText(path),
      dtype,
      `[${shape.join(', ')}]`,
      sizeBytes,
      ...(statistics === undefined ? [] : statisticsCells(statistics)),
      ...(sha256 === undefined ? [] : [sha256]),
    ]),
    colour: output.colour,
  });
  output.result(linesOf(table));
  const total = rows.reduce((sum, { size_bytes: sizeBytes }) => sum + sizeBytes, 0);
  output.note(`${rows.length} tensors, ${total} bytes`);
}

function statisticsCells({ min, max, mean, nans, infinities }: TensorStatistics): string[] {
  const short = (value: number | null) => (value === null ? '-' : String(Number(value.toPrecision(5))));
  return [short(min), short(max), short(mean), String(nans), String(infinities)];
}

/** How one tensor differs between two checkpoints. */
interface Difference {
  readonly path: readonly (string | number)[];
  readonly kind: 'only-in-first' | 'only-in-second' | 'type' | 'shape' | 'values';
  readonly detail: string;
  readonly largest?: number;
}

async function diff(first: string, second: string, flags: CommonFlags): Promise<void> {
  const output = outputOf(flags);
  await withCheckpoint(first, flags, (a) =>
    withCheckpoint(second, flags, async (b) => {
      const [left, right] = [leavesOf(a), leavesOf(b)];
      const differences: Difference[] = [];
      for (const [key, leaf] of left) {
        const other = right.get(key);
        const found = await compare({ checkpoint: a, leaf }, { checkpoint: b, leaf: other });
        if (found !== undefined) differences.push(found);
      }
      const added = [...right].filter(([key]) => !left.has(key)).map(([, { path }]) => path);
      for (const path of added) differences.push({ path, kind: 'only-in-second', detail: second });
      report(differences, left.size, output);
    }),
  );
}

function leavesOf(checkpoint: Checkpoint): Map<string, TensorLeaf> {
  return new Map(checkpoint.tree().tensors.map((leaf) => [JSON.stringify(leaf.path), leaf]));
}

interface Side {
  readonly checkpoint: Checkpoint;
  readonly leaf: TensorLeaf | undefined;
}

async function compare(a: Side & { readonly leaf: TensorLeaf }, b: Side): Promise<Difference | undefined> {
  const { path, layout } = a.leaf;
  if (b.leaf === undefined) return { path, kind: 'only-in-first', detail: a.checkpoint.path };
  const other = b.leaf.layout;
  if (layout.dtype !== other.dtype)
    return { path, kind: 'type', detail: `${layout.dtype} and ${other.dtype}` };
  if (layout.shape.join() !== other.shape.join())
    return { path, kind: 'shape', detail: `[${layout.shape.join(', ')}] and [${other.shape.join(', ')}]` };
  const left = await a.checkpoint.readTensor(layout);
  const right = await b.checkpoint.readTensor(other);
  if (Buffer.from(left.buffer, left.byteOffset, left.length).equals(right)) return undefined;
  const largest = largestDifference(layout.dtype, left, right);
  return { path, kind: 'values', detail: `differ by at most ${largest}`, largest };
}

function report(differences: readonly Difference[], count: number, output: Output): void {
  if (output.json) {
    output.document({ equal: differences.length === 0, tensors: count, differences });
    return;
  }
  for (const { path, kind, detail } of differences)
    output.result(`${pathText(path)}: ${kind.startsWith('only') ? 'only in' : `${kind}:`} ${detail}`);
  output.note(
    differences.length === 0 ? `equal: ${count} tensors` : `${differences.length} of ${count} tensors differ`,
  );
}

/** Most foreign names that one line tells. */
const FOREIGN_SHOWN_MAX = 20;

function foreignWords(names: readonly string[]): string {
  const shown = names.slice(0, FOREIGN_SHOWN_MAX).map(printable).join(', ');
  const more = names.length > FOREIGN_SHOWN_MAX ? `, and ${names.length - FOREIGN_SHOWN_MAX} more` : '';
  return `holds ${names.length} foreign ${names.length === 1 ? 'object' : 'objects'}: ${shown}${more}`;
}

/** Errors: CorruptError 'foreign-objects', unless they are allowed. */
function assertNothingForeign(path: string, foreign: readonly string[], { allowForeign }: VerifyFlags): void {
  if (foreign.length === 0 || allowForeign === true) return;
  throw new CorruptError({
    code: 'foreign-objects',
    message: `${path} ${foreignWords(foreign)}`,
    hint: `Python runs what they name when it loads the file; if you trust it: mila checkpoint verify --allow-foreign ${path}`,
    data: { path, foreign },
  });
}

async function verify(path: string, flags: VerifyFlags): Promise<void> {
  const output = outputOf(flags);
  const facts = await withCheckpoint(path, flags, async (checkpoint) => {
    const { tensors, opaque } = checkpoint.tree();
    for (const { layout } of tensors) {
      await checkpoint.place(layout);
      await checkpoint.verify(layout);
    }
    const foreign = checkpoint.foreignNames();
    assertNothingForeign(path, foreign, flags);
    return {
      format: checkpoint.format,
      tensors: tensors.length,
      opaque: opaque.length,
      foreign,
      model: modelProblem(checkpoint),
    };
  });
  if (output.json) output.document({ ok: true, ...facts });
  else {
    output.result(
      `${path}: ok, ${facts.format}, ${facts.tensors} tensors, ${checksumWords(facts.format, flags)}`,
    );
    if (facts.foreign.length > 0) output.note(`it ${foreignWords(facts.foreign)}`);
    if (facts.model !== null) output.note(`it cannot take part in a round: ${facts.model}`);
  }
}

function checksumWords(format: Checkpoint['format'], { verify }: CommonFlags): string {
  if (format === 'legacy') return 'in a format without checksums';
  return verify ? 'every checksum agrees' : 'checksums not compared';
}

/** Why the checkpoint is no update, as well-formed as it is. Foreign objects inside the model are an error. */
function modelProblem(checkpoint: Checkpoint): string | null {
  try {
    checkpoint.model();
    return null;
  } catch (error) {
    const isHarmless =
      error instanceof CorruptError && ['no-model', 'not-a-tensor', 'expanded'].includes(error.code);
    if (isHarmless) return error.message;
    throw error;
  }
}

function withCommon(command: Command): Command {
  return command
    .option('--no-verify', 'do not compare checksums')
    .option('--json', 'one JSON document')
    .option('--quiet', 'no notes')
    .option('--no-color', 'no colours');
}

/** `mila checkpoint show|diff|verify`: look into checkpoints without running anything in them. */
export function checkpointCommand(): Command {
  const command = new Command('checkpoint').description('look into checkpoints; nothing in them is ever run');
  command.addCommand(
    withCommon(new Command('show').description('names, types, shapes, bytes and statistics'))
      .argument('<file>')
      .option('--sha256', "hash of each tensor's contiguous little-endian bytes")
      .option('--no-stats', 'do not read the values')
      .addHelpText('after', '\nExample:\n  mila checkpoint show model.pt --json --sha256')
      .action((file: string, flags: ShowFlags) => show(file, flags)),
  );
  command.addCommand(
    withCommon(new Command('diff').description('what differs between two checkpoints'))
      .argument('<a>')
      .argument('<b>')
      .addHelpText('after', '\nExample:\n  mila checkpoint diff before.pt after.pt')
      .action((a: string, b: string, flags: CommonFlags) => diff(a, b, flags)),
  );
  command.addCommand(
    withCommon(
      new Command('verify').description(
        'read everything; exit 4 with the reason if malformed, or if it names objects that only foreign code can make',
      ),
    )
      .argument('<file>')
      .option('--allow-foreign', 'name foreign objects, and exit 0 all the same')
      .addHelpText('after', '\nExample:\n  mila checkpoint verify model.pt')
      .action((file: string, flags: VerifyFlags) => verify(file, flags)),
  );
  return command;
}
