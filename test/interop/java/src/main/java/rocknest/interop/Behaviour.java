package rocknest.interop;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * What a listener of the lab does, by words that a comma parts: {@code ok}, {@code fail}, {@code fail-below:N} (while reconsumeTimes is less),
 * {@code ack:N} (of messages that come the first time only the first N are done), {@code hold} (waits for {@link #release}), {@code hold-first} (only
 * with messages that come the first time), {@code hold-queue:N} and {@code slow:MS}.
 */
final class Behaviour {
    private final String[] words;
    private final CountDownLatch released = new CountDownLatch(1);

    Behaviour(String how) {
        words = how.split(",");
    }

    void release() {
        released.countDown();
    }

    /** @return how many of the messages, from the first on, are done. */
    int handle(List<MessageExt> messages) {
        MessageExt first = messages.get(0);
        int done = messages.size();
        try {
            for (String word : words) {
                String[] parts = word.split(":");
                int number = parts.length > 1 ? Integer.parseInt(parts[1]) : 0;
                switch (parts[0]) {
                    case "ok": break;
                    case "fail": done = 0; break;
                    case "fail-below": if (first.getReconsumeTimes() < number) done = 0; break;
                    case "ack": if (first.getReconsumeTimes() == 0) done = Math.min(done, number); break;
                    case "hold": released.await(); break;
                    case "hold-first": if (first.getReconsumeTimes() == 0) released.await(); break;
                    case "hold-queue": if (first.getQueueId() == number) released.await(); break;
                    case "slow": Thread.sleep(number); break;
                    default: throw new IllegalArgumentException("unknown behaviour " + word);
                }
            }
        } catch (InterruptedException error) {
            // The client interrupts its handlers when it is shut down and waited long enough.
            return 0;
        }
        return done;
    }
}
