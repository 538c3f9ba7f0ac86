/** What docs/configuration.md says around its tables; a table says what its keys say. */
export const PAGE_TEXTS: Readonly<Record<string, string>> = {
  introduction: `# Configuration files

<!-- Made by \`npm run docs\` from the descriptions in src/fl/config/. Changes made here are lost. -->

A server and each client have a configuration file of their own, in JSON or YAML. Every key of kMoL's Mila is read, and
the keys below beside them. Durations are in seconds. Relative paths start at the folder in which the program is started.

\`\`\`
mila config check server.json       # every fault of the file, and of the files that it names: exit 0 or 2
mila config show server.json        # what holds, defaults filled in; --json: the same as a configuration file
mila config schema server           # JSON Schema (draft 2020-12), for editors
\`\`\`

\`check\` looks at what this machine can tell: it reads the task, the start point, certificates and the key of Box as the
programs do at their start, runs nothing and asks nobody. A training program that is not here is a warning, because it
is needed where the client runs. Each program tells all faults of its file at once, contradictions among them. An
unknown key that is one slip of the pen away from a known one is a fault, for the run would be another without
it; any other is ignored, and said so. The schema allows unknown keys therefore; that a key is a slip, or one number
above another, only \`check\` can say.

**Two keys are called \`save_path\`.** \`box_configuration.save_path\` is the session's folder inside the shared folder in
Box, and the same for all participants. \`save_path\` at the top level is where a participant keeps its own results on its
own disk: \`data/logs/server/\` or \`data/logs/client/\` by default.`,
  box_configuration:
    "Which folder of Box the run lives in, and as whom a mount works. Both sides have this section; the shared folder and the session's folder are the same in all files of a run.",
  grpc_configuration:
    'How a server takes connections, and how a client reaches it ([grpc.md](grpc.md)). Both sides have this section. Its keys may also stand at the top level, as in older texts; where a key stands in both places, the one in the section counts.',
  notify:
    'Who is told of trouble, of lost participants and of the end ([tracking.md](tracking.md)). Exactly one of both keys stands in the section. An unknown key is a fault.',
  tracking:
    'A list of places ([tracking.md](tracking.md)). An entry is `{"type": "tensorboard"}` or `{"type": "mlflow", "uri": "..."}`; an unknown key of it is a fault.',
  executor_options:
    'For `kmol.run.Executor` and `mila.executors.Command` ([executors.md](executors.md)). The built-in trainer `mila_sync.executors.Mnist2NN` takes none. An unknown option is a fault.',
  aggregator_options:
    'By the short name of the rule ([aggregators.md](aggregators.md)). An unknown option is a fault. A module of your own takes what it likes.',
  key: `## The key from the environment

\`box_configuration_path\` names a file, a variable (\`env:NAME\`) or standard input (\`-\`). With a variable or standard input
the key never stands on the disk of a container:

\`\`\`
export BOX_CONFIG_JSON="$(cat box-key.json)"
docker run -e BOX_CONFIG_JSON IMAGE mila-sync mount server.json          # "box_configuration_path": "env:BOX_CONFIG_JSON"
docker run -i IMAGE mila server server.json --mount < box-key.json       # "box_configuration_path": "-"
\`\`\`

Standard input is read once, at the start: one JSON document, or all until the end. \`mila server --mount\` and
\`mila client --mount\` read it themselves and hand it to the mount that they start, through a pipe; so does
\`mila-sync mount --detach\`. A variable that names the key is taken out of the environment of \`mila server\` and
\`mila client\`: no training program inherits it. With \`--dir\`, or on a mount that runs already, neither is read. A
variable that is missing or empty is a fault of exit code 2 that names the variable. What the key holds stands in no
message, log, status or index ([security.md](security.md)).`,
};
