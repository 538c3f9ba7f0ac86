#!/usr/bin/env node
import { aggregateCommand } from './commands/aggregate.ts';
import { certificatesCommand } from './commands/certificates.ts';
import { checkpointCommand } from './commands/checkpoint.ts';
import { clientCommand } from './commands/client.ts';
import { demoCommand } from './commands/demo.ts';
import { serverCommand } from './commands/server.ts';
import { createProgram, runProgram } from './program.ts';

await runProgram(
  createProgram('mila', 'federated learning on files: the server, the clients and their tools', [
    serverCommand(),
    clientCommand(),
    aggregateCommand(),
    checkpointCommand(),
    certificatesCommand(),
    demoCommand(),
  ]),
);
