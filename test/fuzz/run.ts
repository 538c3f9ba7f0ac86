import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';
import { FUZZ_TARGETS } from './targets.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string' },
    target: { type: 'string' },
  },
});

const chosen = FUZZ_TARGETS.filter(({ name }) => values.target === undefined || name === values.target);
if (chosen.length === 0) {
  console.error(`no target ${values.target}; there are ${FUZZ_TARGETS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
// A seed means one input, to look at a fault again; without one, each run sees others.
const single = values.seed !== undefined;
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
for (const target of chosen) {
  const durationMs = (Number(values.seconds) * 1000) / chosen.length;
  console.log(`${target.name}: from seed ${seed}`);
  try {
    const report = await fuzz(target, { seed, durationMs, ...(single ? { inputsMax: 1 } : {}) });
    const [slowest, grown] = [Math.round(report.slowestMs), Math.round(report.grownMegabytes)];
    console.log(`  ${report.inputs} inputs held; the slowest took ${slowest} ms, memory grew by ${grown} MB`);
  } catch (error) {
    console.error(`  ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
