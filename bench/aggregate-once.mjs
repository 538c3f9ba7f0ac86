// One aggregation by the built program, in a process of its own so that its memory can be told.
// Prints a JSON line: seconds and CPU seconds of the aggregation, peak memory of the process in MB.
import { createAggregator } from '../dist/fl/aggregate/create-aggregator.js';

const { type, options, paths, output, environment } = JSON.parse(process.argv[2] ?? '{}');
const logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, child: () => logger };
const inputs = paths.map((path, index) => ({
  participant: `p${String(index).padStart(3, '0')}`,
  path,
  samples: null,
}));
const cpu = process.cpuUsage();
const started = performance.now();
const aggregator = await createAggregator(type, options, { logger, environment });
const { refused } = await aggregator.aggregate(inputs, output);
if (refused.length > 0) throw new Error(JSON.stringify(refused));
const seconds = (performance.now() - started) / 1000;
const { user, system } = process.cpuUsage(cpu);
const rssMb = process.resourceUsage().maxRSS / 1024;
console.log(JSON.stringify({ seconds, cpuSeconds: (user + system) / 1e6, rssMb }));
