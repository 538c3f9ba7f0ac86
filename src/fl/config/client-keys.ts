import { z } from 'zod';
import { BOX_SECTION } from './box-section.ts';
import { GRPC_SECTION } from './grpc-section.ts';
import { key } from './key.ts';
import { className, heartbeatSeconds, options, seconds } from './key-values.ts';
import { ONLOOKER_KEYS } from './onlooker-keys.ts';

/** Names that older texts use for a client's key: none. */
export const CLIENT_ALIASES: Readonly<Record<string, string>> = {};

/** Letters that no name has, as a class of a pattern that every checker of JSON Schema reads; the program refuses more. */
const NO_NAME = '\\x00-\\x1f!-,./:-@\\[-\\^\\x60{-\\x9f';
const NAME_PATTERN = `^(?![Ss][Ee][Rr][Vv][Ee][Rr]$)(?![Nn][Oo]_[Ss][Tt][Aa][Rr][Tt][Ii][Nn][Gg]_[Mm][Oo][Dd][Ee][Ll]$)[^ \\-${NO_NAME}](?:[^${NO_NAME}]{0,62}[^ ${NO_NAME}])?$`;

/** Every key of a client's configuration file, as people write it. */
export const CLIENT_SCHEMA = z.object({
  name: key(
    z.string(),
    'The client takes part under this name: 1 to 64 letters, digits, "_", "-" or inner spaces.',
    { examples: ['site_a'], pattern: NAME_PATTERN },
  ),
  client_type: key(
    className,
    'The last part of this class name chooses the transport: BoxClient works on a shared folder, GrpcClient connects to its server.',
    { examples: ['mila.services.clients.BoxClient', 'mila.services.clients.GrpcClient'] },
  ),
  box_configuration: key(
    BOX_SECTION.nullable().default(null),
    'These keys say which folder of Box the run lives in; a BoxClient needs them.',
    { title: 'Box' },
  ),
  grpc_configuration: key(
    GRPC_SECTION.nullable().default(null),
    'These keys say how a GrpcClient reaches its server; they may also stand at the top level.',
    { title: 'gRPC' },
  ),
  save_path: key(
    z.string().min(1).default('data/logs/client/'),
    "The client keeps its own results and its state in this folder of its own disk; it is not box_configuration.save_path, which is the session's folder in Box.",
    { title: 'Own results on this disk' },
  ),
  heartbeat_frequency: key(
    heartbeatSeconds,
    'The client writes a heartbeat this often; it must be well below heartbeat_timeout of the server.',
    {
      unit: 'seconds',
      absent:
        "a third of the server's heartbeat_timeout, at most 900 over Box and 60 over gRPC; 60 with kMoL's server",
      examples: [60],
    },
  ),
  heartbeat_timeout: key(
    heartbeatSeconds,
    'This is heartbeat_timeout of the server; the client only compares heartbeat_frequency with it.',
    { unit: 'seconds', absent: 'what the server tells', examples: [300] },
  ),
  retry_timeout: key(seconds(1), 'A GrpcClient waits so long before it asks for the next model again.', {
    unit: 'seconds',
  }),
  model_overwrites: key(
    options,
    'These keys replace those of the task for the training at this site, each as a whole.',
    { title: 'Overwrites of the task', examples: [{ output_path: 'data/logs/site_a', epochs: 5 }] },
  ),
  config_type: key(
    className.default('kmol.core.config.Config'),
    "kMoL's client reads this class name; here it has no effect. kmol.config.Config is an older name of the same.",
  ),
  executor_type: key(
    className.default('kmol.run.Executor'),
    'This executor trains: kMoL, any program (mila.executors.Command) or the built-in trainer (mila_sync.executors.Mnist2NN). run.Executor is an older name of kmol.run.Executor.',
    { examples: ['kmol.run.Executor', 'mila.executors.Command', 'mila_sync.executors.Mnist2NN'] },
  ),
  executor_options: key(options, 'These options belong to the executor of executor_type.', {
    title: 'Options of the executor',
    examples: [{ command: ['python3', 'train.py', '{config}'] }],
  }),
  training_retries: key(
    z.number().int().min(0).max(100).default(0),
    'The client tries a training that failed or was refused so often again.',
    { unit: 'times' },
  ),
  upload: key(
    z.enum(['model', 'whole']).default('model'),
    'What of a checkpoint goes to the others: its model, or the file as it is, with the optimizer. Only an aggregator of your own reads more than the model.',
  ),
  ...ONLOOKER_KEYS,
  rejoin_wait: key(seconds(600), 'A client that was cut off waits so long to be taken back.', {
    unit: 'seconds',
  }),
  final_model_wait: key(seconds(600), 'The client waits so long for the final model after the end.', {
    unit: 'seconds',
  }),
});

/** A client's keys and values once judged. Units: durations in milliseconds. */
export type ClientValues = z.infer<typeof CLIENT_SCHEMA>;
