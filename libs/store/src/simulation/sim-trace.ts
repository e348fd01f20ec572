/** Lines of what happens, kept only when somebody wants to read them. */
export class SimTrace {
  readonly lines: string[] = [];

  constructor(readonly isOn: boolean) {}

  add(nowMs: number, line: () => string): void {
    if (this.isOn) this.lines.push(`${nowMs.toFixed(2).padStart(10)} ms  ${line()}`);
  }
}
