import { formatRange } from './format-range.js';
import type { Finding, Findings } from './finding.js';
import type { DamagedRange, LogWalkResult } from './log-walk.js';
import type { LogRow, StoreSurvey } from './store-survey.js';

/** What names and sizes of the log's files tell. */
export function checkLogFiles(survey: StoreSurvey, findings: Findings): void {
  const { logFiles, segmentSizeBytes } = survey;
  for (const path of survey.foreignLogFiles) {
    findings.add({
      kind: 'FOREIGN_FILE',
      severity: 'notice',
      path,
      text: `${path} is no file of the commit log`,
      remedy: 'it is ignored; move it away',
    });
  }
  logFiles.forEach((file, index) => {
    if (file.start % segmentSizeBytes !== 0) {
      findings.add({
        kind: 'LOG_FILE_SIZE',
        severity: 'damage',
        path: file.path,
        text: `the name of ${file.path} is no multiple of the file size ${segmentSizeBytes}`,
        remedy: 'name the size with --segment-size if another one is right; else move the file away',
      });
      return;
    }
    if (file.sizeBytes !== segmentSizeBytes) {
      const isLast = index === logFiles.length - 1;
      findings.add({
        kind: 'LOG_FILE_SIZE',
        severity: isLast && file.sizeBytes < segmentSizeBytes ? 'notice' : 'damage',
        path: file.path,
        position: Math.min(file.sizeBytes, segmentSizeBytes),
        text: `${file.path} has ${file.sizeBytes} bytes instead of ${segmentSizeBytes}`,
        remedy:
          file.sizeBytes > segmentSizeBytes
            ? 'what is too much is no part of the log: rocknest store repair moves it away'
            : isLast
              ? 'the next start extends it with zeros'
              : 'put the file back from a backup, or rocknest store repair extends it with zeros',
      });
    }
  });
}

/** What walking over the records found. */
export function tellLogDamage(
  survey: StoreSurvey,
  row: LogRow,
  walk: LogWalkResult,
  mayBeTorn: boolean,
  findings: Findings,
): void {
  for (const range of walk.damaged) findings.add(damageFinding(row, survey, range));
  if (walk.nonZeroEnd <= walk.endOffset) return;
  const segment = row.at(walk.endOffset);
  findings.add({
    kind: 'LOG_TORN_TAIL',
    severity: mayBeTorn ? 'notice' : 'damage',
    path: segment?.path ?? survey.commitLogPath,
    position: walk.endOffset - (segment?.startOffset ?? 0),
    physicalOffset: walk.endOffset,
    endPhysicalOffset: walk.nonZeroEnd,
    text: `${walk.nonZeroEnd - walk.endOffset} bytes behind the last whole message, at offset ${walk.endOffset}, are no message (${walk.endReason})`,
    remedy: 'the next start cuts them off; rocknest store repair does it too and keeps a copy',
  });
}

function damageFinding(row: LogRow, survey: StoreSurvey, range: DamagedRange): Finding {
  const { fromOffset, toOffset, reason, fileMissing, isFiller } = range;
  const startOffset = fromOffset - (fromOffset % row.segmentSizeBytes);
  const common = {
    severity: 'damage' as const,
    path: row.at(fromOffset)?.path ?? `${survey.commitLogPath}/${String(startOffset).padStart(20, '0')}`,
    position: fromOffset - startOffset,
    physicalOffset: fromOffset,
    endPhysicalOffset: toOffset,
  };
  if (isFiller) {
    return {
      ...common,
      kind: 'LOG_FILLER_DAMAGED',
      text: `the filler at the end of the file is damaged (${reason}); no message is lost`,
      remedy: 'rocknest store repair writes it again',
    };
  }
  return {
    ...common,
    kind: fileMissing ? 'LOG_FILE_MISSING' : 'LOG_DAMAGED',
    text: fileMissing
      ? `the file is missing: the messages of ${formatRange(fromOffset, toOffset)} are gone`
      : `${formatRange(fromOffset, toOffset)} hold no whole messages (${reason})`,
    remedy:
      'put the file back from a backup or a replica; without one, rocknest store repair keeps a copy of what is there, and makes the log readable around it',
  };
}
