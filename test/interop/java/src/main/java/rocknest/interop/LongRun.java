package rocknest.interop;

import java.time.Instant;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;

/**
 * A producer and a consumer group in this process, which send and receive until standard input is closed, whatever happens to the cluster meanwhile:
 * {@code --threads} threads send synchronously, one more asynchronously. Prints progress; ends when every acknowledged message has arrived.
 */
final class LongRun {
    private static final int PROGRESS_INTERVAL_MS = 100;
    private static final int ASYNC_IN_FLIGHT = 64;
    private static final int REPORTED_ERRORS = 5;
    /** A load, not a flood: a test shares its machine with others. */
    private static final int PAUSE_MS = 4;

    private final String topic;
    private final String seed;
    private final DefaultMQProducer producer;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicBoolean stopped = new AtomicBoolean();
    private final BitSet acknowledged = new BitSet();
    private final BitSet received = new BitSet();
    private final List<String> errors = new ArrayList<>();
    private int failed;
    private int foreign;

    private LongRun(Arguments arguments) {
        topic = arguments.text("topic");
        seed = arguments.text("seed");
        producer = Clients.producer(arguments);
    }

    static void run(Arguments arguments) throws Exception {
        new LongRun(arguments).execute(arguments);
    }

    private void execute(Arguments arguments) throws Exception {
        CountDownLatch closed = Stdin.closed();
        DefaultMQPushConsumer consumer = Clients.consumer(arguments, arguments.text("group"), 0);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            messages.forEach(message -> receive(ExpectedMessage.indexOf(message, seed)));
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        producer.start();
        List<Thread> senders = new ArrayList<>();
        for (int i = 0; i < arguments.number("threads", 2); i++) senders.add(new Thread(this::sendSync, "sync-" + i));
        senders.add(new Thread(this::sendAsync, "async"));
        senders.forEach(Thread::start);
        while (!closed.await(PROGRESS_INTERVAL_MS, TimeUnit.MILLISECONDS)) progress();
        stopped.set(true);
        for (Thread sender : senders) sender.join();
        long deadline = System.currentTimeMillis() + arguments.number("timeout-ms", 120_000);
        while (missing() > 0 && System.currentTimeMillis() < deadline) Thread.sleep(PROGRESS_INTERVAL_MS);
        consumer.shutdown();
        producer.shutdown();
        synchronized (this) {
            Report.event("done").put("acknowledged", acknowledged.cardinality()).put("received", received.cardinality())
                .put("missing", missing()).put("foreign", foreign).put("failed", failed).put("errors", errors).write();
        }
    }

    private synchronized void receive(int index) {
        if (index < 0) foreign++;
        else received.set(index);
    }

    private synchronized void finish(int index, SendResult result, Throwable error) {
        if (error == null && result.getSendStatus() == SendStatus.SEND_OK) {
            acknowledged.set(index);
            return;
        }
        failed++;
        if (errors.size() < REPORTED_ERRORS)
            errors.add(Instant.now() + " " + Thread.currentThread().getName() + ": " + (error == null ? "status " + result.getSendStatus() : String.valueOf(error)));
    }

    private synchronized int missing() {
        BitSet left = (BitSet) acknowledged.clone();
        left.andNot(received);
        return left.cardinality();
    }

    private synchronized void progress() {
        Report.event("progress").put("acknowledged", acknowledged.cardinality()).put("received", received.cardinality()).put("failed", failed)
            .put("errors", errors).write();
    }

    private void sendSync() {
        while (!stopped.get()) {
            int index = next.getAndIncrement();
            try {
                finish(index, producer.send(ExpectedMessage.create(topic, seed, index)), null);
                Thread.sleep(PAUSE_MS);
            } catch (Exception error) {
                finish(index, null, error);
            }
        }
    }

    private void sendAsync() {
        Semaphore inFlight = new Semaphore(ASYNC_IN_FLIGHT);
        while (!stopped.get()) {
            int index = next.getAndIncrement();
            try {
                inFlight.acquire();
                producer.send(ExpectedMessage.create(topic, seed, index), new SendCallback() {
                    @Override
                    public void onSuccess(SendResult result) {
                        finish(index, result, null);
                        inFlight.release();
                    }

                    @Override
                    public void onException(Throwable error) {
                        finish(index, null, error);
                        inFlight.release();
                    }
                });
                Thread.sleep(PAUSE_MS);
            } catch (Exception error) {
                finish(index, null, error);
                inFlight.release();
            }
        }
        inFlight.acquireUninterruptibly(ASYNC_IN_FLIGHT);
    }
}
