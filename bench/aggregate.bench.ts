/**
 * What aggregating costs, beside kMoL's own way in PyTorch where it is installed, in turns on the same files.
 * Run: npm run build && npx tsx bench/aggregate.bench.ts [--cases plain:50x8,...] [--runs 5] [--dir DIR] [--out DIR]
 * A case is RULE:MBxN, with "+adamw" for optimizer state beside the model, "+verify" for input checksums compared.
 * Inputs come from the page cache; PyTorch's import is not counted; --out on a memory disk leaves the disk out of it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const PYTHON = '/usr/bin/python3';
const DEFAULT_CASES = [
  'plain:1x20',
  'plain:50x8',
  'plain:50x8+adamw',
  'plain:50x20',
  'plain:360x8',
  'plain:360x20',
  'plain:360x8+verify',
  'median:50x20',
  'trimmed-mean:50x20',
  'multi-krum:50x20',
].join();
const TENSORS = 320;

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: DEFAULT_CASES },
    runs: { type: 'string', default: '5' },
    dir: { type: 'string', default: join(tmpdir(), 'mila-bench-aggregate') },
    out: { type: 'string', default: existsSync('/dev/shm') ? '/dev/shm' : tmpdir() },
    keep: { type: 'boolean', default: false },
  },
});

interface Measure {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly rssMb: number;
}

/** Checkpoints of 320 tensors, as PyTorch writes them. */
const GENERATE = `
import collections, os, sys, torch
folder, megabytes, count, adamw = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "1"
per = megabytes * 1000 * 1000 // 4 // ${TENSORS}
for client in range(count):
    path = f"{folder}/c{client:02}.pt"
    if os.path.exists(path): continue
    torch.manual_seed(client)
    model = collections.OrderedDict((f"layer{i}.weight", torch.randn(per)) for i in range(${TENSORS}))
    checkpoint = {"epoch": 1, "model": model}
    if adamw:
        state = {i: {"step": torch.tensor(1.0), "exp_avg": torch.randn_like(v), "exp_avg_sq": torch.randn_like(v)} for i, v in enumerate(model.values())}
        checkpoint["optimizer"] = {"state": state, "param_groups": [{"lr": 0.1}]}
    torch.save(checkpoint, path + ".tmp")
    os.rename(path + ".tmp", path)
`;

/** The plain mean as kMoL does it. */
const REFERENCE = `
import json, resource, sys, time, torch
paths, output = json.loads(sys.argv[1]), sys.argv[2]
before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
total = None
for path in paths:
    model = torch.load(path, map_location="cpu")["model"]
    if total is None: total = model
    else:
        for key, value in model.items(): total[key] += value
for key, value in total.items():
    total[key] = torch.div(value, len(paths)) if value.is_floating_point() else torch.floor_divide(value, len(paths))
torch.save({"model": total}, output)
seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
print(json.dumps({"seconds": seconds, "cpuSeconds": cpu, "rssMb": after.ru_maxrss / 1024}))
`;

function measured(command: string, args: readonly string[]): Measure {
  return JSON.parse(execFileSync(command, args, { encoding: 'utf8' })) as Measure;
}

function median(measures: readonly Measure[], key: keyof Measure): number {
  const sorted = measures.map((each) => each[key]).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function inputsOf(megabytes: number, count: number, adamw: boolean): string[] {
  const folder = join(values.dir, `${megabytes}${adamw ? '-adamw' : ''}`);
  mkdirSync(folder, { recursive: true });
  execFileSync(PYTHON, ['-c', GENERATE, folder, String(megabytes), String(count), adamw ? '1' : '0']);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.pt'))
    .sort()
    .slice(0, count)
    .map((name) => join(folder, name));
}

function runCase(name: string): void {
  const match = /^(?<type>[a-z-]+):(?<megabytes>\d+)x(?<count>\d+)(?<extra>(\+[a-z]+)*)$/u.exec(name)?.groups;
  if (match === undefined) throw new Error(`"${name}" is not RULE:MBxN`);
  const extra = (match['extra'] ?? '').split('+');
  const paths = inputsOf(Number(match['megabytes']), Number(match['count']), extra.includes('adamw'));
  const output = join(values.out, 'mila-bench.agg');
  const environment = { checksums: extra.includes('verify') ? 'verify' : 'trusted', threads: 2 };
  const type = match['type'] ?? 'plain';
  const request = JSON.stringify({ type, options: {}, paths, output, environment });
  const once = fileURLToPath(new URL('aggregate-once.mjs', import.meta.url));
  const ours: Measure[] = [];
  const theirs: Measure[] = [];
  for (let turn = 0; turn < Number(values.runs); turn += 1) {
    ours.push(measured(process.execPath, [once, request]));
    if (type === 'plain') theirs.push(measured(PYTHON, ['-c', REFERENCE, JSON.stringify(paths), output]));
  }
  const outputMb = statSync(output).size / 1e6;
  rmSync(output);
  const [own, reference] = [median(ours, 'seconds'), median(theirs, 'seconds')];
  const words = [
    name.padEnd(22),
    `${own.toFixed(3)} s`,
    `cpu ${median(ours, 'cpuSeconds').toFixed(3)} s`,
    `${median(ours, 'rssMb').toFixed(0)} MB`,
  ];
  if (theirs.length > 0)
    words.push(
      `| PyTorch ${reference.toFixed(3)} s`,
      `cpu ${median(theirs, 'cpuSeconds').toFixed(3)} s`,
      `${median(theirs, 'rssMb').toFixed(0)} MB`,
      `| ratio ${(own / reference).toFixed(2)}`,
      `cpu ratio ${(median(ours, 'cpuSeconds') / median(theirs, 'cpuSeconds')).toFixed(2)}`,
    );
  console.log([...words, `| output ${outputMb.toFixed(0)} MB`].join('  '));
}

if (!existsSync(PYTHON)) throw new Error(`${PYTHON} with PyTorch makes the inputs; it is not installed here`);
for (const name of values.cases.split(',')) runCase(name);
if (!values.keep) rmSync(values.dir, { recursive: true, force: true });
