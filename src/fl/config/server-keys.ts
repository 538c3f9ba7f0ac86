import { z } from 'zod';
import { BOX_SECTION } from './box-section.ts';
import { GRPC_SECTION } from './grpc-section.ts';
import { key } from './key.ts';
import { aggregatorName, className, heartbeatSeconds, options } from './key-values.ts';
import { ONLOOKER_KEYS } from './onlooker-keys.ts';

/** Names that older texts use for a server's key. */
export const SERVER_ALIASES: Readonly<Record<string, string>> = { servicer_type: 'server_manager_type' };

const RUN = {
  rounds_count: key(
    z.number().int().min(1).max(1_000_000).default(10),
    'The run has so many rounds of training.',
    { unit: 'rounds' },
  ),
  minimum_clients: key(
    z.number().int().min(1).max(10_000).default(2),
    'The run begins only when so many clients have registered.',
    { unit: 'clients' },
  ),
  maximum_clients: key(
    z.number().int().min(1).max(10_000).default(100),
    'The server lets at most so many clients take part.',
    { unit: 'clients' },
  ),
  client_wait_time: key(
    z
      .number()
      .min(0)
      .default(10)
      .transform((value) => value * 1000),
    'The run begins when minimum_clients have registered and no other client has come for so long.',
    { unit: 'seconds' },
  ),
  heartbeat_timeout: key(
    heartbeatSeconds,
    "A client whose heartbeat has not changed for so long counts as lost. Clients beat three times within it, over Box at most every 15 minutes, unless their own heartbeat_frequency says otherwise; kMoL's beat once a minute.",
    { unit: 'seconds', absent: '2700 over Box, 300 over gRPC', examples: [300] },
  ),
  heartbeat_frequency: key(
    heartbeatSeconds,
    'This is how often the clients write a heartbeat; the server only compares it with heartbeat_timeout.',
    { unit: 'seconds', absent: 'nothing is compared', examples: [60] },
  ),
  status_frequency: key(
    z
      .number()
      .min(10)
      .max(86_400)
      .default(900)
      .transform((value) => value * 1000),
    'The server shows that it runs whenever it has written nothing that everybody reads for so long: one small file in the run folder.',
    { unit: 'seconds' },
  ),
  rejoin: key(z.boolean().default(true), 'The server takes a client back that was lost and beats again.'),
  round_deadline: key(
    z
      .number()
      .positive()
      .nullable()
      .default(null)
      .transform((value) => (value === null ? null : value * 1000)),
    'After this time a round closes without the clients that are missing, if round_minimum updates are there; null means that it waits for them.',
    { unit: 'seconds', examples: [7200] },
  ),
  round_share: key(
    z.number().gt(0).max(1).default(1),
    'A round closes as soon as this share of the active clients has delivered; 1 means all of them.',
    { unit: 'share of the clients, above 0 and at most 1', examples: [0.8] },
  ),
  round_minimum: key(z.number().int().min(1).default(1), 'No round closes with fewer usable updates.', {
    unit: 'updates',
  }),
};

/** Every key of a server's configuration file, as people write it. */
export const SERVER_SCHEMA = z.object({
  server_type: key(
    className,
    'The last part of this class name chooses the transport: BoxServer works on a shared folder, GrpcServer takes connections.',
    { examples: ['mila.services.servers.BoxServer', 'mila.services.servers.GrpcServer'] },
  ),
  server_manager_type: key(
    className.optional(),
    "kMoL's server reads this class name; here it only has to belong to the same transport as server_type.",
    {
      absent: 'that of server_type',
      examples: ['mila.services.server_manager.BoxServicer', 'mila.services.server_manager.GrpcServicer'],
    },
  ),
  box_configuration: key(
    BOX_SECTION.nullable().default(null),
    'These keys say which folder of Box the run lives in; a BoxServer needs them.',
    { title: 'Box' },
  ),
  grpc_configuration: key(
    GRPC_SECTION.nullable().default(null),
    'These keys say how a GrpcServer takes connections; they may also stand at the top level.',
    { title: 'gRPC' },
  ),
  task_configuration_file: key(
    z.string().min(1),
    'This JSON file holds the task: what the training programs of all clients read.',
    { examples: ['task.json'] },
  ),
  config_type: key(
    className.nullable().default(null),
    "kMoL's server reads this class name; here it has no effect.",
  ),
  executor_type: key(
    className.nullable().default(null),
    'This executor evaluates updates for a benchmarked aggregator; other aggregators need none.',
    { examples: ['mila.executors.Command'] },
  ),
  executor_options: key(options, 'These options belong to the executor of executor_type.', {
    title: 'Options of the executor',
  }),
  aggregator_type: key(
    aggregatorName.default('mila.aggregators.PlainTorchAggregator'),
    'This rule makes the next model of the updates: a class name, a short name, or a module of your own as folder/file.mjs:export.',
    { examples: ['mila.aggregators.WeightedTorchAggregator', 'trimmed-mean', 'rules/mine.mjs:First'] },
  ),
  aggregator_options: key(options, 'These options belong to the rule of aggregator_type.', {
    title: 'Options of the aggregator',
    examples: [{ fraction: 0.1 }],
  }),
  save_path: key(
    z.string().min(1).default('data/logs/server/'),
    "The server keeps its own results and its state in this folder of its own disk; it is not box_configuration.save_path, which is the session's folder in Box.",
    { title: 'Own results on this disk' },
  ),
  start_point: key(
    z.string().min(1).nullable().default(null),
    'The first round starts from this checkpoint; with null every client begins with weights of its own.',
    { examples: ['start.pt'] },
  ),
  workers: key(
    z.number().int().min(1).default(2),
    'A GrpcServer reads so many uploads at a time, and never fewer than minimum_clients.',
    { unit: 'uploads' },
  ),
  ...RUN,
  blacklist: key(
    z.array(z.string()).default([]),
    'A GrpcServer takes no connection from these addresses and networks.',
    { examples: [['203.0.113.7', '10.1.0.0/16']] },
  ),
  whitelist: key(
    z.array(z.string()).default([]),
    'A GrpcServer takes connections from these addresses and networks only, if use_whitelist is true.',
    { examples: [['203.0.113.0/24']] },
  ),
  use_whitelist: key(z.boolean().default(false), 'The whitelist decides who may connect.'),
  ...ONLOOKER_KEYS,
  layout: key(
    z.enum(['documented', 'kmol']).default('documented'),
    "Authentication files are spelled like this: documented as kMoL's guide has it, kmol as kMoL's code does.",
  ),
});

/** A server's keys and values once judged. Units: durations in milliseconds. */
export type ServerValues = z.infer<typeof SERVER_SCHEMA>;
