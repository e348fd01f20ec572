package rocknest.interop;

import java.nio.ByteBuffer;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * {@code paced topic=T group=G size=BYTES rate=PER_SECOND count=N}: messages leave at fixed times, whatever the broker does, and a push consumer of the same
 * JVM takes them. The latency of a message is from the time it should have left to its listener.
 */
final class PacedLoad {
    private static final int NO_INDEX = -1;
    private static final int PROBE_INTERVAL_MS = 50;
    private static final int PROBES = 1_200;

    private final long runId = System.nanoTime();
    private final DefaultMQProducer producer;
    private final String topic;
    private final int size;
    private final int count;
    private final long periodNs;
    private final long[] latenciesNs;
    private final CountDownLatch probed = new CountDownLatch(1);
    private final CountDownLatch received;
    private final AtomicInteger errors = new AtomicInteger();
    private final AtomicReference<String> firstError = new AtomicReference<>();
    private volatile long startedAtNs;

    PacedLoad(DefaultMQProducer producer, Arguments line) {
        this.producer = producer;
        topic = line.text("topic");
        size = line.number("size");
        count = line.number("count");
        periodNs = TimeUnit.SECONDS.toNanos(1) / line.number("rate");
        latenciesNs = new long[count];
        received = new CountDownLatch(count);
    }

    void run(Arguments common, Arguments line) throws Exception {
        DefaultMQPushConsumer consumer = Clients.consumer(common, line, line.text("group"), 0);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) take(ByteBuffer.wrap(message.getBody()));
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        try {
            awaitConsumer();
            Report.event("begin").write();
            startedAtNs = System.nanoTime();
            for (int index = 0; index < count; index++) {
                long dueNs = startedAtNs + index * periodNs;
                for (long now = System.nanoTime(); now < dueNs; now = System.nanoTime()) LockSupport.parkNanos(dueNs - now);
                send(index);
            }
            if (!received.await(60, TimeUnit.SECONDS)) throw new IllegalStateException(received.getCount() + " messages did not arrive");
            Load.end(count, System.nanoTime() - startedAtNs, latenciesNs, errors.get(), firstError.get());
        } finally {
            consumer.shutdown();
        }
    }

    /** Messages of this run arrive: the queues are allocated, and their pulls wait. */
    private void awaitConsumer() throws Exception {
        for (int i = 0; i < PROBES; i++) {
            producer.send(new Message(topic, body(NO_INDEX)));
            if (probed.await(PROBE_INTERVAL_MS, TimeUnit.MILLISECONDS)) return;
        }
        throw new IllegalStateException("the consumer got nothing");
    }

    private byte[] body(int index) {
        return ByteBuffer.allocate(Math.max(size, 12)).putLong(runId).putInt(index).array();
    }

    private void take(ByteBuffer body) {
        if (body.getLong() != runId) return;
        int index = body.getInt();
        if (index == NO_INDEX) {
            probed.countDown();
            return;
        }
        latenciesNs[index] = System.nanoTime() - (startedAtNs + index * periodNs);
        received.countDown();
    }

    private void send(int index) throws Exception {
        producer.send(new Message(topic, body(index)), new SendCallback() {
            @Override
            public void onSuccess(SendResult result) {
            }

            @Override
            public void onException(Throwable error) {
                errors.incrementAndGet();
                firstError.compareAndSet(null, String.valueOf(error));
            }
        });
    }
}
