/** `offsets 100 to 250 (150 bytes)` */
export function formatRange(fromOffset: number, toOffset: number): string {
  return `offsets ${fromOffset} to ${toOffset} (${toOffset - fromOffset} bytes)`;
}
