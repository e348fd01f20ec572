package rocknest.interop;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;

/**
 * Sends messages {@code from .. from + count} of a seed. {@code --mode sync|async|oneway|batch|mixed}; mixed cuts the range into
 * four, one for each mode.
 */
final class Produce {
    private static final int ASYNC_IN_FLIGHT = 1024;
    private static final int BATCH_MESSAGES = 32;
    /** Oneway sends of a thread between two requests with an answer. */
    private static final int ONEWAY_IN_A_ROW = 200;

    private final DefaultMQProducer producer;
    private final String topic;
    private final String seed;
    private final int threads;
    private final AtomicInteger sent = new AtomicInteger();
    private final AtomicInteger failed = new AtomicInteger();
    private final AtomicReference<String> firstError = new AtomicReference<>();

    private Produce(DefaultMQProducer producer, Arguments arguments) {
        this.producer = producer;
        this.topic = arguments.text("topic");
        this.seed = arguments.text("seed");
        this.threads = arguments.number("threads", 4);
    }

    static void run(Arguments arguments) throws Exception {
        DefaultMQProducer producer = Clients.producer(arguments);
        producer.start();
        Produce produce = new Produce(producer, arguments);
        int from = arguments.number("from", 0);
        int count = arguments.number("count");
        String mode = arguments.text("mode");
        long startedAt = System.nanoTime();
        if (mode.equals("mixed")) {
            String[] modes = {"sync", "async", "oneway", "batch"};
            for (int i = 0; i < modes.length; i++) {
                int start = from + (int) ((long) count * i / modes.length);
                int end = from + (int) ((long) count * (i + 1) / modes.length);
                produce.send(modes[i], start, end);
            }
        } else {
            produce.send(mode, from, from + count);
        }
        Report.event("done").put("mode", mode).put("sent", produce.sent.get()).put("failed", produce.failed.get())
            .put("firstError", produce.firstError.get()).put("elapsedMs", (System.nanoTime() - startedAt) / 1_000_000).write();
        producer.shutdown();
    }

    private interface Range {
        void send(int start, int end) throws Exception;
    }

    private void send(String mode, int start, int end) throws Exception {
        long startedAt = System.nanoTime();
        switch (mode) {
            case "sync": inThreads(start, end, this::sync); break;
            case "async": async(start, end); break;
            case "oneway": inThreads(start, end, this::oneway); flush(); break;
            case "batch": inThreads(start, end, this::batch); break;
            default: throw new IllegalArgumentException("unknown mode " + mode);
        }
        Report.event("sent").put("mode", mode).put("count", end - start).put("elapsedMs", (System.nanoTime() - startedAt) / 1_000_000)
            .write();
    }

    private void inThreads(int start, int end, Range range) throws InterruptedException {
        List<Thread> running = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            int first = start + (int) ((long) (end - start) * i / threads);
            int last = start + (int) ((long) (end - start) * (i + 1) / threads);
            Thread thread = new Thread(() -> {
                try {
                    range.send(first, last);
                } catch (Throwable error) {
                    fail(error, 1);
                }
            }, "send-" + i);
            thread.start();
            running.add(thread);
        }
        for (Thread thread : running) thread.join();
    }

    private void sync(int start, int end) throws Exception {
        for (int i = start; i < end; i++) {
            try {
                succeed(producer.send(ExpectedMessage.create(topic, seed, i)), 1);
            } catch (Exception error) {
                fail(error, 1);
            }
        }
    }

    /**
     * Nothing slows a sender of oneway messages down: its heartbeat would queue up behind them, time out after 3 s on a busy machine, and
     * the client would close the connection with all that it holds. So a request with an answer goes between them now and then.
     */
    private void oneway(int start, int end) throws Exception {
        for (int i = start; i < end; i++) {
            if ((i - start) % ONEWAY_IN_A_ROW == ONEWAY_IN_A_ROW - 1) flush();
            try {
                producer.sendOneway(ExpectedMessage.create(topic, seed, i));
                sent.incrementAndGet();
            } catch (Exception error) {
                fail(error, 1);
            }
        }
    }

    /** A request with an answer on the same connection: what was written before it has left the client. */
    private void flush() throws Exception {
        producer.maxOffset(producer.fetchPublishMessageQueues(topic).get(0));
    }

    private void batch(int start, int end) throws Exception {
        for (int i = start; i < end; i += BATCH_MESSAGES) {
            int last = Math.min(end, i + BATCH_MESSAGES);
            List<Message> messages = new ArrayList<>();
            for (int j = i; j < last; j++) messages.add(ExpectedMessage.create(topic, seed, j));
            try {
                succeed(producer.send(messages), messages.size());
            } catch (Exception error) {
                fail(error, messages.size());
            }
        }
    }

    private void async(int start, int end) throws Exception {
        Semaphore inFlight = new Semaphore(ASYNC_IN_FLIGHT);
        CountDownLatch done = new CountDownLatch(end - start);
        for (int i = start; i < end; i++) {
            inFlight.acquire();
            producer.send(ExpectedMessage.create(topic, seed, i), new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    succeed(result, 1);
                    inFlight.release();
                    done.countDown();
                }

                @Override
                public void onException(Throwable error) {
                    fail(error, 1);
                    inFlight.release();
                    done.countDown();
                }
            });
        }
        done.await();
    }

    private void succeed(SendResult result, int messages) {
        if (result.getSendStatus() == SendStatus.SEND_OK) sent.addAndGet(messages);
        else fail(new IllegalStateException("status " + result.getSendStatus()), messages);
    }

    private void fail(Throwable error, int messages) {
        failed.addAndGet(messages);
        firstError.compareAndSet(null, String.valueOf(error));
    }
}
