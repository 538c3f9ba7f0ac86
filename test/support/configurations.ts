import fc from 'fast-check';

/** Keys that may be left out, each with a value that it takes. */
const optional = (values: Readonly<Record<string, fc.Arbitrary<unknown>>>) =>
  fc.record(values, { requiredKeys: [] });

const folder = fc.stringMatching(/^[a-z]{1,4}( [a-z]{1,3})?(\/[a-z.]{0,2}[a-z]{1,3})?$/);
const seconds = fc.constantFrom(0.5, 1, 60, 100, 3600, 31_536_000);
const word = fc.constantFrom('a', 'é ü', 'x"y', '\u001b[31m', '日本', 'true', '5');
const free = fc.dictionary(
  fc.constantFrom('epochs', 'model', '__proto__', 'a.b', ''),
  fc.jsonValue({ maxDepth: 2 }),
  {
    maxKeys: 3,
  },
);

const rates = optional({
  calls_per_minute: fc.integer({ min: 1, max: 999 }),
  uploads_per_minute: fc.constant(5),
});
const box = fc
  .tuple(
    fc.record({ shared_dir_name: folder, save_path: folder }),
    optional({
      box_configuration_path: fc.constantFrom('key.json', 'env:BOX_CONFIG_JSON', '-', './env:x'),
      group_name: word,
      account: fc.constantFrom('app_user', 'service_account'),
      server_account: fc.constantFrom('123', 'mila server'),
      mount_path: word,
      base_urls: optional({
        api: fc.constant('http://127.0.0.1:1'),
        upload: fc.constant('https://box.example.org'),
      }),
      least_privilege: fc.boolean(),
      monthly_api_quota: fc.integer({ min: 1, max: 1e6 }),
      rate_limits: rates,
      note: word,
    }),
  )
  .map(([needed, more]) => ({ ...needed, ...more }));

const grpcKeys = {
  target: fc.constantFrom('localhost:1', '0.0.0.0:8024'),
  options: fc.constantFrom([], [['grpc.x', 5]], [['grpc.y', 'z']]),
  ssl_cert: fc.constantFrom(null, 'a.crt'),
  transfer_timeout: seconds,
  transfer_rate_minimum: fc.constantFrom(0, 5),
  names: fc.constantFrom('certificate', 'any'),
  maximum_connections: fc.constantFrom(null, 7),
};
const grpc = fc.oneof(
  fc.constant(null),
  optional({ ...grpcKeys, use_secure_connection: fc.constant(false) }),
);
const secure = fc.constant({
  use_secure_connection: true,
  ssl_private_key: 'a.key',
  ssl_cert: 'a.crt',
  ssl_root_cert: 'root.crt',
});

const transport = (side: string) =>
  fc.oneof(
    fc.record({
      type: fc.constantFrom(`mila.services.${side}s.Box${side}`, 'BoxAny'),
      box_configuration: box,
    }),
    fc
      .tuple(
        fc.constantFrom('GRPCThing', 'my.Grpc'),
        optional({ grpc_configuration: fc.oneof(grpc, secure) }),
      )
      .map(([type, more]) => ({ type, ...more })),
    // As kMoL's guide has it.
    fc.tuple(fc.constant('x.GrpcServer'), optional(grpcKeys)).map(([type, more]) => ({ type, ...more })),
  );

const commandOptions = optional({
  command: fc.constantFrom(['python3', 'train.py', '{config}'], ['x']),
  working_directory: word,
  environment: fc.constantFrom({}, { CUDA_VISIBLE_DEVICES: '0' }),
  time_limit: seconds,
  stop_timeout: fc.constantFrom(1, 3600),
  result_file: fc.constantFrom('result.json', '{output}/r.json'),
});
const executor = fc.oneof(
  optional({ executor_options: fc.oneof(fc.constant(null), commandOptions) }),
  fc.record({
    executor_type: fc.constant('mila.executors.Command'),
    executor_options: commandOptions.map((given) => ({ command: ['a'], ...given })),
  }),
  fc.record({
    executor_type: fc.constant('mila_sync.executors.Mnist2NN'),
    executor_options: fc.constantFrom(null, {}),
  }),
);

const aggregator = fc.oneof(
  fc.constant({}),
  optional({ aggregator_options: fc.constantFrom(null, {}, { norm_limit: 2 }) }),
  fc.record({
    aggregator_type: fc.constantFrom('trimmed-mean', 'mila.aggregators.TrimmedMeanAggregator'),
    aggregator_options: fc.constantFrom(null, { fraction: 0.2 }, { buffers: ['x'] }),
  }),
  fc.constant({ aggregator_type: 'weighted', aggregator_options: { weights: { a: 1 }, compat: 'kmol' } }),
  fc.constant({ aggregator_type: 'rules/mine.mjs:First', aggregator_options: { any: [1] } }),
  fc.constant({
    aggregator_type: 'benchmarked',
    aggregator_options: { target_metric: 'loss' },
    executor_type: 'kmol.run.Executor',
  }),
);

/** Where numbers go, and who is told. */
const besides = {
  tracking: fc.constantFrom(
    [],
    [{ type: 'tensorboard' }, { type: 'mlflow', uri: 'http://127.0.0.1:5000/a' }],
    [{ type: 'tensorboard', directory: 'é ü' }],
  ),
  notify: fc.constantFrom(null, { command: ['tell', 'x'] }, { webhook: 'https://hooks.example.org/a?b=c' }),
};

const typed = (name: string, parts: readonly object[]) => {
  const { type, ...rest } = Object.assign({}, ...parts) as Record<string, unknown>;
  return { ...rest, [name]: type };
};

/** Servers' files that hold. */
export const serverDocuments = fc
  .tuple(
    transport('server'),
    aggregator,
    fc.record({ task_configuration_file: fc.constantFrom('task.json', 'a b') }),
    optional({
      config_type: fc.constantFrom(null, 'a.B'),
      save_path: word,
      start_point: fc.constantFrom(null, 'start.pt'),
      rounds_count: fc.integer({ min: 1, max: 9 }),
      maximum_clients: fc.integer({ min: 2, max: 9 }),
      client_wait_time: fc.constantFrom(0, 1.5),
      round_deadline: fc.constantFrom(null, 0.25, 7200),
      round_share: fc.constantFrom(0.5, 1),
      blacklist: fc.constantFrom([], ['10.0.0.0/8']),
      layout: fc.constantFrom('documented', 'kmol'),
      ...besides,
      rejoin: fc.boolean(),
      zzz_unlike_any: fc.jsonValue({ maxDepth: 1 }),
    }),
  )
  .map((parts) => typed('server_type', parts) as Record<string, unknown>);

/** Clients' files that hold. */
export const clientDocuments = fc
  .tuple(
    transport('client'),
    executor,
    fc.record({ name: fc.constantFrom('site_a', 'Zoë', '研究所 1', 'servers') }),
    optional({
      save_path: word,
      heartbeat_frequency: fc.constantFrom(0.5, 60),
      heartbeat_timeout: fc.constant(300),
      model_overwrites: fc.oneof(fc.constant(null), free),
      training_retries: fc.constantFrom(0, 100),
      ...besides,
      rejoin_wait: seconds,
      zzz_unlike_any: fc.jsonValue({ maxDepth: 1 }),
    }),
  )
  .map((parts) => typed('client_type', parts) as Record<string, unknown>);

const strange = fc.oneof(
  fc.constantFrom(null, 0, -1, 0.5, 1e300, '', 'x', 'kmol', 'BoxServer', 'a/../b', 'a@b', true, [], {}),
  fc.jsonValue({ maxDepth: 1 }),
);

/** The same files, each with one value put wrong, or one key taken out, at the top or in a section. */
export const damaged = (documents: fc.Arbitrary<Record<string, unknown>>) =>
  fc
    .tuple(documents, fc.nat(), fc.nat(), fc.oneof(fc.constant(undefined), strange))
    .map(([document, at, within, value]) => {
      const put = (record: Record<string, unknown>, key: string, given: unknown) =>
        Object.fromEntries(
          Object.entries(record).flatMap(([name, old]) =>
            name !== key ? [[name, old]] : given === undefined ? [] : [[name, given]],
          ),
        );
      const keys = Object.keys(document);
      const key = keys[at % keys.length] ?? '';
      const inner = document[key];
      const isSection = typeof inner === 'object' && inner !== null && !Array.isArray(inner);
      const names = isSection ? Object.keys(inner) : [];
      if (names.length === 0 || within % 3 === 0) return put(document, key, value);
      return put(
        document,
        key,
        put(inner as Record<string, unknown>, names[within % names.length] ?? '', value),
      );
    });
