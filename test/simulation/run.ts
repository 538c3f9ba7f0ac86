/**
 * Simulate many seeds: `npm run sim -- --seeds 1000 --from 1`. One seed with its whole trace: `npm run sim -- --seed 7`.
 * Each seed runs twice; both runs must come to the same. Ends with 1 when a seed fails, and prints how to replay it.
 */
import { parseArgs } from 'node:util';
import { simulate } from './simulation.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    seconds: { type: 'string' },
    once: { type: 'boolean', default: false },
  },
});

async function one(seed: number): Promise<void> {
  const outcome = await simulate(seed, true);
  console.log(outcome.trace.join('\n'));
  console.log(JSON.stringify({ ...outcome, trace: undefined }, null, 2));
  process.exitCode = outcome.faults.length > 0 ? 1 : 0;
}

async function many(): Promise<void> {
  const from = Number(values.from);
  const until = from + Number(values.seeds);
  const started = Date.now();
  const deadline = values.seconds === undefined ? Infinity : started + Number(values.seconds) * 1000;
  let [failed, conflicts, crashes, seed] = [0, 0, 0, from];
  for (; seed < until && Date.now() < deadline; seed += 1) {
    const outcome = await simulate(seed);
    conflicts += outcome.conflicts;
    crashes += outcome.crashes;
    const faults = [...outcome.faults];
    if (!values.once && (await simulate(seed)).digest !== outcome.digest)
      faults.push('two runs of this seed differ');
    if (faults.length === 0) continue;
    failed += 1;
    console.log(`seed ${seed}: ${faults[0]}\n  replay: npm run sim -- --seed ${seed}`);
    if (failed >= 20) break;
  }
  const seconds = ((Date.now() - started) / 1000).toFixed(0);
  console.log(
    `seeds ${from} to ${seed - 1}: ${failed} failed, ${crashes} crashes, ${conflicts} conflicts, ${seconds} s`,
  );
  process.exitCode = failed > 0 ? 1 : 0;
}

await (values.seed === undefined ? many() : one(Number(values.seed)));
