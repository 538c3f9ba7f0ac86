/** The import laws of ARCHITECTURE.md, one rule each. */
const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });
module.exports = {
  forbidden: [
    rule('no-circles', 'A circle means a missing noun.', {}, { circular: true }),
    rule(
      'roots-stand-alone',
      'Root files import no room.',
      { path: '^src/[^/]+\\.ts$' },
      { path: '^src/(sync|fl|cli|library)/' },
    ),
    rule(
      'never-upward',
      'sync and fl do not know the command line.',
      { path: '^src/(sync|fl)/' },
      { path: '^src/(cli|library)/' },
    ),
    rule(
      'library-and-programs-apart',
      'Two ways in, side by side.',
      { path: '^src/(cli|library)/' },
      { path: '^src/(?!$1/)(cli|library)/' },
    ),
    rule(
      'fl-not-sync',
      'The federation meets the sync engine in files only.',
      { path: '^src/fl/' },
      { path: '^src/sync/' },
    ),
    rule(
      'sync-not-fl',
      'The sync engine knows nothing of learning.',
      { path: '^src/sync/' },
      { path: '^src/fl/' },
    ),
    rule(
      'tree-is-pure',
      'tree: values in, values out.',
      { path: '^src/sync/tree/' },
      { pathNot: '^src/(sync/tree/|errors\\.ts|invariant\\.ts|ids\\.ts)' },
    ),
    rule(
      'plan-is-pure',
      'plan has no clock, disk or network.',
      { path: '^src/sync/plan/' },
      { pathNot: '^src/(sync/(plan|tree)/|errors\\.ts|invariant\\.ts|ids\\.ts)' },
    ),
    rule(
      'remote-is-a-port',
      'The port is free of any wire format.',
      { path: '^src/sync/remote/' },
      { path: '^src/sync/(box|engine|index|local|mount|admin)/|node_modules' },
    ),
    rule(
      'emulator-alone',
      'The emulator shares no code with its siblings.',
      { path: '^src/sync/box-emulator/' },
      { path: '^src/(sync/(?!box-emulator/)|fl/|cli/)' },
    ),
    rule(
      'emulator-over-http',
      'Nobody but the composition root imports the emulator.',
      { path: '^src/(?!cli/|library/|sync/box-emulator/)' },
      { path: '^src/sync/box-emulator/' },
    ),
    rule(
      'box-sdk-in-box',
      'SDK types never leave the adapter.',
      { path: '^src/(?!sync/box/)' },
      { path: 'node_modules/box-node-sdk' },
    ),
    rule(
      'box-only-from-roots',
      'The engine knows the port, not the adapter.',
      { path: '^src/sync/(tree|plan|index|local|remote|engine)/' },
      { path: '^src/sync/(box|admin|mount)/' },
    ),
    rule(
      'engine-above-plan',
      'plan and tree do not know the engine.',
      { path: '^src/sync/(index|local|remote|plan|tree)/' },
      { path: '^src/sync/engine/' },
    ),
    rule(
      'chokidar-in-local',
      'The only watcher.',
      { path: '^src/(?!sync/local/)' },
      { path: 'node_modules/chokidar' },
    ),
    rule(
      'queue-in-engine',
      'The only queue.',
      { path: '^src/(?!sync/engine/)' },
      { path: 'node_modules/p-queue' },
    ),
    rule(
      'sql-in-index',
      'The only SQL outside the emulator.',
      { path: '^src/(?!sync/(index|box-emulator)/)' },
      { path: 'node_modules/better-sqlite3' },
    ),
    rule(
      'fl-pure',
      'tensor and round: values in, values out.',
      { path: '^src/fl/(tensor|round)/' },
      { dependencyTypes: ['core'] },
    ),
    rule(
      'grpc-in-its-room',
      'The federation knows its ports, not gRPC.',
      { path: '^src/(?!cli/|fl/grpc-server\\.ts|fl/transport/grpc/)' },
      { path: 'node_modules/(@grpc|grpc-health-check)' },
    ),
    rule(
      'pino-in-cli',
      'Only the command line builds a logger.',
      { path: '^src/(?!cli/)' },
      { path: 'node_modules/pino' },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
