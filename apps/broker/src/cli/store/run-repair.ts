import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  describeStep,
  planRepair,
  repairStore,
  verifyStore,
  type RepairReport,
  type RepairStep,
  type VerifyReport,
} from '@rocknest/store';
import { UsageError } from '../cli-errors.js';
import type { CliIo } from '../cli-io.js';
import { checkInterrupted } from '../cli-io.js';
import type { CommandInput, FlagValues } from '../command.js';
import { ExitCode } from '../exit-codes.js';
import { ProgressLine } from '../progress-line.js';
import { delayLevels, findingLines, VERIFY_STEPS } from './run-verify.js';
import type { repairFlags } from './repair-command.js';
import { surveyOptions } from './store-flags.js';

type Flags = FlagValues<typeof repairFlags>;

const REPAIRING = { LOG: 'repairing the commit log', CONSUME_QUEUES: 'making consume queues again' } as const;
/** More findings are not needed: queues with too many to list are made again as a whole. */
const MAX_FINDINGS = 100_000;
const MAX_SHOWN = 50;

/** `rocknest store repair DIR` */
export async function runRepair(
  { operands: [rootPath], flags }: CommandInput<typeof repairFlags>,
  io: CliIo,
): Promise<ExitCode> {
  const keepFolder = flags.keep === undefined ? undefined : resolve(flags.keep);
  if (keepFolder !== undefined && existsSync(keepFolder) && readdirSync(keepFolder).length > 0)
    throw new UsageError(`--keep ${keepFolder}: the folder is not empty`, ['store', 'repair']);
  const before = await check(rootPath, flags, io);
  const steps = planRepair(before, { rebuildQueues: flags['rebuild-queues'], rebuildIndex: flags['rebuild-index'] });
  if (!flags.apply || steps.length === 0) {
    await io.out(
      flags.json ? json({ findings: before.findings, plan: planOf(steps) }) : planText(before, steps, false),
    );
    return before.damageCount > 0 ? ExitCode.DAMAGE : ExitCode.OK;
  }
  if (!flags.json) await io.out(planText(before, steps, true));
  const done = await apply(before, steps, keepFolder, flags, io);
  const after = await check(rootPath, flags, io);
  await io.out(
    flags.json
      ? json({
          findings: before.findings,
          plan: planOf(steps),
          done,
          after: { findings: after.findings, damageCount: after.damageCount },
        })
      : doneText(done, after),
  );
  return after.damageCount > 0 ? ExitCode.DAMAGE : ExitCode.OK;
}

async function check(rootPath: string, flags: Flags, io: CliIo): Promise<VerifyReport> {
  const progress = new ProgressLine(io);
  try {
    return await verifyStore({
      ...surveyOptions(rootPath, flags),
      delayLevelsMs: delayLevels(flags['delay-levels'], 'repair'),
      maxFindings: MAX_FINDINGS,
      onProgress: ({ step, doneBytes, totalBytes }) => {
        checkInterrupted(io);
        progress.update({ what: VERIFY_STEPS[step], doneBytes, totalBytes });
      },
    });
  } finally {
    progress.clear();
  }
}

async function apply(
  before: VerifyReport,
  steps: readonly RepairStep[],
  keepFolder: string | undefined,
  flags: Flags,
  io: CliIo,
): Promise<RepairReport> {
  const progress = new ProgressLine(io);
  try {
    return await repairStore(before, steps, {
      keepFolder,
      delayLevelsMs: delayLevels(flags['delay-levels'], 'repair'),
      onProgress: ({ step, doneBytes, totalBytes }) => {
        progress.update({ what: REPAIRING[step], doneBytes, totalBytes });
      },
    });
  } finally {
    progress.clear();
  }
}

function planText(before: VerifyReport, steps: readonly RepairStep[], isApplied: boolean): string {
  const { findings, damageCount, survey } = before;
  const lines = findings.slice(0, MAX_SHOWN).flatMap(findingLines);
  if (findings.length > MAX_SHOWN) lines.push(`... and ${findings.length - MAX_SHOWN} more: rocknest store verify`, '');
  if (steps.length === 0) {
    lines.push(
      damageCount === 0 ? 'nothing to repair' : 'there is nothing that repair can do about it: see the hints above',
    );
    return `${lines.join('\n')}\n`;
  }
  lines.push('What is to be done:', ...steps.slice(0, MAX_SHOWN).map((step) => `  - ${describeStep(step)}`));
  if (steps.length > MAX_SHOWN) lines.push(`  ... and ${steps.length - MAX_SHOWN} more steps of these kinds`);
  lines.push('');
  if (!isApplied)
    lines.push(
      `Nothing was changed. rocknest store repair ${survey.rootPath} --apply does it, and keeps what it takes away.`,
    );
  return `${lines.join('\n')}\n`;
}

function doneText(done: RepairReport, after: VerifyReport): string {
  const lines = [
    'done: ' +
      [
        `${done.placeholders} lost messages marked`,
        `${done.queuesRebuilt} consume queues made again`,
        `what was taken away is in ${done.keepFolder}`,
      ].join(', '),
    '',
    ...after.findings.slice(0, MAX_SHOWN).flatMap(findingLines),
    after.damageCount === 0 ? 'checked again: no damage left' : `checked again: ${after.damageCount} damages left`,
  ];
  return `${lines.join('\n')}\n`;
}

function planOf(steps: readonly RepairStep[]): (RepairStep & { text: string })[] {
  return steps.map((step) => ({ ...step, text: describeStep(step) }));
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
