/**
 * Seconds until a popped message whose handling failed comes again, by how often it came before (RocketMQ:
 * `DefaultMQPushConsumerImpl.popDelayLevel`). The ladder of pulled messages has the same first steps.
 */
const POP_DELAY_SECONDS = [10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1_200, 1_800, 3_600, 7_200];

/**
 * ms until the next delivery.
 *
 * @param delayLevel of the listener's context: 0 takes the step of `reconsumeTimes`, others are the index into the ladder, as in RocketMQ.
 */
export function popDelayMs(reconsumeTimes: number, delayLevel: number): number {
  const step = delayLevel > 0 ? delayLevel : reconsumeTimes;
  return POP_DELAY_SECONDS[Math.min(Math.max(step, 0), POP_DELAY_SECONDS.length - 1)] * 1_000;
}
