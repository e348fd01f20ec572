#!/usr/bin/env node
import { processIo } from './cli-io.js';
import { commands } from './commands.js';
import { runCli } from './run-cli.js';

process.exitCode = await runCli(commands, process.argv.slice(2), processIo());
