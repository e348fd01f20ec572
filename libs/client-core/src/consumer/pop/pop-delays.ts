/** Seconds of the delay levels 1 to 18, as brokers have them by default (`messageDelayLevel`). */
const DELAY_LEVEL_SECONDS = [1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1_200, 1_800, 3_600, 7_200];
/** The level of the first redelivery; each further one takes the next. */
const FIRST_RETRY_LEVEL = 3;

/**
 * ms until a popped message whose handling failed comes again: 10 s, 30 s, 1 min, ... 2 h, by how often it came before (RocketMQ:
 * `DefaultMQPushConsumerImpl.popDelayLevel`).
 *
 * @param delayLevel of the listener's context: 0 takes the step of `reconsumeTimes`, 1 to 18 are the delay levels, as with pulled messages. (The Java
 * client takes the number for a step of its ladder here, so that 3 is 2 minutes and not 10 s.)
 */
export function popDelayMs(reconsumeTimes: number, delayLevel: number): number {
  const level = delayLevel > 0 ? delayLevel : FIRST_RETRY_LEVEL + Math.max(0, reconsumeTimes);
  return DELAY_LEVEL_SECONDS[Math.min(level, DELAY_LEVEL_SECONDS.length) - 1] * 1_000;
}
