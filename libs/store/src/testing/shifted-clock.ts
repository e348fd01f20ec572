import { SystemClock } from '../io/clock.js';

/** The clock of the machine, with another time of day: files age as fast as a test wants them to. */
export class ShiftedClock extends SystemClock {
  /** Added to the time of the machine. */
  shiftMs = 0;

  override nowMs(): number {
    return super.nowMs() + this.shiftMs;
  }

  /** Moves the time to the next full hour of the day that is `hour`, local time. */
  moveToHour(hour: number): void {
    const day = new Date(this.nowMs());
    day.setHours(hour, 0, 0, 0);
    if (day.getTime() < this.nowMs()) day.setDate(day.getDate() + 1);
    this.shiftMs += day.getTime() - this.nowMs();
  }
}
