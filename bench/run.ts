/**
 * Runs benchmarks: every file `bench/NAME.bench.ts`, or those that are named.
 * Run: npm run bench [-- NAME...] [--json] [--runs 5] [--quick] [-- words for the benchmark]
 */
import { fork } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { cpus, freemem, loadavg, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { Command, InvalidArgumentError } from 'commander';
import { type Figure, isMet, ratioOf } from './figure.ts';

interface Flags {
  readonly json?: boolean;
  readonly runs: number;
  readonly quick?: boolean;
  readonly list?: boolean;
}

const RUNS_DEFAULT = 5;
const ENDING = '.bench.ts';
const HERE = new URL('./', import.meta.url);

function knownNames(): readonly string[] {
  return readdirSync(HERE)
    .filter((file) => file.endsWith(ENDING))
    .map((file) => file.slice(0, -ENDING.length))
    .sort();
}

function runsOf(text: string): number {
  const runs = Number(text);
  if (!Number.isSafeInteger(runs) || runs < 1)
    throw new InvalidArgumentError('a whole number from 1 is expected');
  return runs;
}

/** Digits enough to compare by, and no more. */
function short(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

function goalText({ goal }: Figure): string {
  if (goal === undefined) return '';
  const limit = goal.atMost === undefined ? `>= ${goal.atLeast}` : `<= ${goal.atMost}`;
  return goal.of === 'ratio' ? `ratio ${limit}` : limit;
}

function tableOf(figures: readonly Figure[]): string {
  const table = new Table({
    head: ['figure', 'here', 'rival', 'ratio', 'goal', 'met'],
    style: { head: [], border: [] },
  });
  for (const figure of figures) {
    const { what, value, unit, rival } = figure;
    const [ratio, met] = [ratioOf(figure), isMet(figure)];
    table.push([
      what,
      `${short(value)} ${unit}`,
      rival === undefined ? '' : `${rival.name} ${short(rival.value)} ${unit}`,
      ratio === undefined ? '' : ratio.toFixed(2),
      goalText(figure),
      met === undefined ? '' : met ? 'yes' : 'NO',
    ]);
  }
  return table.toString();
}

/** Run one benchmark; what it prints goes to standard error, so that results stand alone. */
async function run(name: string, options: Omit<Flags, 'json'>, words: readonly string[]): Promise<Figure[]> {
  const file = new URL(`${name}${ENDING}`, HERE).href;
  const request = JSON.stringify({ file, runs: options.runs, quick: options.quick === true, words });
  const child = fork(fileURLToPath(new URL('run-one.ts', HERE)), [request], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  const figures: Figure[] = [];
  child.on('message', (figure) => figures.push(figure as Figure));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) {
    process.stderr.write(`bench/${name}${ENDING} ended with ${code}\n`);
    process.exitCode = 1;
  }
  return figures;
}

/** What the figures depend on. */
function machine() {
  const [first] = cpus();
  return {
    cores: cpus().length,
    model: first?.model ?? 'unknown',
    memory_gb: Math.round(totalmem() / 1e9),
    free_gb: Math.round(freemem() / 1e9),
    load: loadavg().map((each) => Number(each.toFixed(2))),
    node: process.version,
  };
}

async function bench(names: readonly string[], flags: Flags): Promise<void> {
  const known = knownNames();
  if (flags.list) return void process.stdout.write(`${known.join('\n')}\n`);
  const wanted = names.filter((name) => known.includes(name));
  const words = names.filter((name) => !known.includes(name));
  if (wanted.length === 0 && words.length > 0) {
    process.stderr.write(`no benchmark ${words[0]}; there are ${known.join(', ')}\n`);
    process.exitCode = 2;
    return;
  }
  const results = [];
  for (const name of wanted.length === 0 ? known : wanted) {
    process.stderr.write(`${name}, ${flags.runs} runs\n`);
    const before = machine();
    const figures = await run(name, flags, words);
    results.push({ name, machine: before, figures });
    if (!flags.json) process.stdout.write(`${name}\n${tableOf(figures)}\n`);
  }
  if (flags.json)
    process.stdout.write(
      `${JSON.stringify(
        results.map(({ figures, ...rest }) => ({
          ...rest,
          figures: figures.map((figure) => ({ ...figure, ratio: ratioOf(figure), met: isMet(figure) })),
        })),
      )}\n`,
    );
}

await new Command('bench')
  .description('measure, with the rival beside in the same run')
  .argument('[names...]', 'benchmarks (default: all), and words for them')
  .option('--json', 'one JSON document instead of tables')
  .option('--runs <n>', 'runs of each figure, of which the median counts', runsOf, RUNS_DEFAULT)
  .option('--quick', 'less data: a rough look')
  .option('--list', 'only name the benchmarks')
  .allowUnknownOption()
  .action(bench)
  .parseAsync();
