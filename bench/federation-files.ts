import { join } from 'node:path';

/** A training program: waits as long as a training takes, then leaves a copy of a checkpoint, whole. */
export const TRAINER = `
import { copyFileSync, renameSync } from 'node:fs';
const [model, output, ms] = process.argv.slice(2);
await new Promise((resolve) => setTimeout(resolve, Number(ms)));
copyFileSync(model, output + '/model.tmp');
renameSync(output + '/model.tmp', output + '/model.pt');
`;

interface ServerWish {
  /** Where `task.json` stands. */
  readonly folder: string;
  readonly rounds: number;
  /** So many take part: the run begins with the last of them. */
  readonly clients: number;
}

/** What a benchmark's server has in its configuration beside where its folder in Box is. */
export const serverKeys = ({ folder, rounds, clients }: ServerWish) => ({
  server_type: 'mila.services.servers.BoxServer',
  task_configuration_file: join(folder, 'task.json'),
  rounds_count: rounds,
  minimum_clients: clients,
  maximum_clients: clients,
  client_wait_time: 0,
});
