package rocknest.interop;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * The load generator of the benchmark. Reads one load a line from standard input, so that the JVM stays warm between rounds:
 * {@code sync|async|batch|transaction topic=T size=BYTES inFlight=N count=N}, {@code catchup topic=T group=G count=N}, or {@link PacedLoad}'s. Prints {@code begin} and
 * {@code end} around each, with rate and latency. Ends with its input.
 */
final class Load {
    private static final int BATCH_MESSAGES = 32;
    private static final int BATCH_THREADS = 4;
    /** A catch-up is bound by the broker, not by the consumer's own flow control. */
    private static final int CATCH_UP_QUEUE_MESSAGES = 20_000;

    private final Arguments common;
    private final DefaultMQProducer producer;

    private Load(Arguments common) throws Exception {
        this.common = common;
        producer = Clients.producer(common);
        producer.start();
    }

    static void run(Arguments arguments) throws Exception {
        Load load = new Load(arguments);
        Report.event("ready").write();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String kind = line.trim().split("\\s+")[0];
            try {
                load.run(kind, new Arguments(line));
            } catch (Throwable error) {
                Report.error(error);
            }
        }
        load.producer.shutdown();
    }

    private void run(String kind, Arguments line) throws Exception {
        switch (kind) {
            case "sync": sync(line); break;
            case "async": async(line); break;
            case "batch": batch(line); break;
            case "transaction": transaction(line); break;
            case "catchup": catchUp(line); break;
            case "paced": new PacedLoad(producer, line).run(common, line); break;
            default: throw new IllegalArgumentException("unknown load " + kind);
        }
    }

    private static byte[] bodyOf(Arguments line) {
        byte[] body = new byte[line.number("size")];
        Arrays.fill(body, (byte) 'x');
        return body;
    }

    static void end(int count, long elapsedNs, long[] latenciesNs, int errors, String firstError) {
        long[] sorted = latenciesNs.clone();
        Arrays.sort(sorted);
        Report report = Report.event("end").put("count", count).put("errors", errors).put("firstError", firstError)
            .put("elapsedMs", elapsedNs / 1e6).put("perSecond", Math.round(count * 1e9 / elapsedNs));
        if (sorted.length > 0) {
            report.put("p50Ms", sorted[sorted.length / 2] / 1e6).put("p99Ms", sorted[(int) (sorted.length * 0.99)] / 1e6);
        }
        report.write();
    }

    private interface Body {
        void send(int index) throws Exception;
    }

    /** Each thread has one call in flight; {@code calls} calls in all. */
    private void inThreads(int threads, int calls, int messagesPerCall, Body body) throws InterruptedException {
        long[] latenciesNs = new long[calls];
        AtomicInteger next = new AtomicInteger();
        AtomicInteger errors = new AtomicInteger();
        AtomicReference<String> firstError = new AtomicReference<>();
        List<Thread> running = new ArrayList<>();
        Report.event("begin").write();
        long startedAt = System.nanoTime();
        for (int i = 0; i < threads; i++) {
            Thread thread = new Thread(() -> {
                for (int index = next.getAndIncrement(); index < calls; index = next.getAndIncrement()) {
                    long callAt = System.nanoTime();
                    try {
                        body.send(index);
                    } catch (Exception error) {
                        errors.incrementAndGet();
                        firstError.compareAndSet(null, String.valueOf(error));
                    }
                    latenciesNs[index] = System.nanoTime() - callAt;
                }
            });
            thread.start();
            running.add(thread);
        }
        for (Thread thread : running) thread.join();
        end(calls * messagesPerCall, System.nanoTime() - startedAt, latenciesNs, errors.get(), firstError.get());
    }

    private void sync(Arguments line) throws InterruptedException {
        byte[] body = bodyOf(line);
        String topic = line.text("topic");
        inThreads(line.number("inFlight"), line.number("count"), 1, index -> producer.send(new Message(topic, body)));
    }

    private void batch(Arguments line) throws InterruptedException {
        byte[] body = bodyOf(line);
        String topic = line.text("topic");
        inThreads(line.number("inFlight", BATCH_THREADS), line.number("count") / BATCH_MESSAGES, BATCH_MESSAGES, index -> {
            List<Message> messages = new ArrayList<>(BATCH_MESSAGES);
            for (int i = 0; i < BATCH_MESSAGES; i++) messages.add(new Message(topic, body));
            producer.send(messages);
        });
    }

    /** Half message, local part, end: each transaction commits. */
    private void transaction(Arguments line) throws Exception {
        byte[] body = bodyOf(line);
        String topic = line.text("topic");
        TransactionMQProducer transactions = new TransactionMQProducer("PID_load_transactions");
        transactions.setNamesrvAddr(common.text("namesrv"));
        transactions.setInstanceName("transactions-" + System.nanoTime());
        transactions.setSendMsgTimeout(30_000);
        transactions.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
                return LocalTransactionState.COMMIT_MESSAGE;
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                return LocalTransactionState.COMMIT_MESSAGE;
            }
        });
        transactions.start();
        inThreads(line.number("inFlight"), line.number("count"), 1,
            index -> transactions.sendMessageInTransaction(new Message(topic, body), null));
        transactions.shutdown();
    }

    private void async(Arguments line) throws Exception {
        byte[] body = bodyOf(line);
        String topic = line.text("topic");
        int count = line.number("count");
        Semaphore inFlight = new Semaphore(line.number("inFlight"));
        CountDownLatch done = new CountDownLatch(count);
        long[] latenciesNs = new long[count];
        AtomicInteger errors = new AtomicInteger();
        AtomicReference<String> firstError = new AtomicReference<>();
        Report.event("begin").write();
        long startedAt = System.nanoTime();
        for (int i = 0; i < count; i++) {
            int index = i;
            inFlight.acquire();
            long callAt = System.nanoTime();
            producer.send(new Message(topic, body), new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    finish();
                }

                @Override
                public void onException(Throwable error) {
                    errors.incrementAndGet();
                    firstError.compareAndSet(null, String.valueOf(error));
                    finish();
                }

                private void finish() {
                    latenciesNs[index] = System.nanoTime() - callAt;
                    inFlight.release();
                    done.countDown();
                }
            });
        }
        done.await();
        end(count, System.nanoTime() - startedAt, latenciesNs, errors.get(), firstError.get());
    }

    /** Reads a topic from its first message with a new group: the time from the first message to message number {@code count}. */
    private void catchUp(Arguments line) throws Exception {
        int count = line.number("count");
        AtomicInteger received = new AtomicInteger();
        AtomicReference<Long> firstAt = new AtomicReference<>();
        CountDownLatch done = new CountDownLatch(1);
        DefaultMQPushConsumer consumer = Clients.consumer(common, line, line.text("group"), 0);
        consumer.setConsumeMessageBatchMaxSize(BATCH_MESSAGES);
        consumer.setPullThresholdForQueue(CATCH_UP_QUEUE_MESSAGES);
        consumer.setConsumeConcurrentlyMaxSpan(CATCH_UP_QUEUE_MESSAGES);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            firstAt.compareAndSet(null, System.nanoTime());
            if (received.addAndGet(messages.size()) >= count) done.countDown();
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        Report.event("begin").write();
        consumer.start();
        done.await();
        long elapsedNs = System.nanoTime() - firstAt.get();
        end(received.get(), elapsedNs, new long[0], 0, null);
        consumer.shutdown();
    }
}
