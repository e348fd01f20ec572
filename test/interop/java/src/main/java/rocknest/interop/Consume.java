package rocknest.interop;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;

/**
 * A push consumer group of {@code --members} in this process. Compares every message with what was sent, prints progress, and stops
 * when {@code --expect} different messages have arrived (0: never), when standard input is closed, or after {@code --timeout-ms}.
 */
final class Consume {
    private static final int PROGRESS_INTERVAL_MS = 200;

    static void run(Arguments arguments) throws Exception {
        String topic = arguments.text("topic");
        Ledger ledger = new Ledger(topic, arguments.text("seed"));
        int members = arguments.number("members", 1);
        List<DefaultMQPushConsumer> consumers = new ArrayList<>();
        List<AtomicInteger> counts = new ArrayList<>();
        for (int member = 0; member < members; member++) {
            AtomicInteger count = new AtomicInteger();
            DefaultMQPushConsumer consumer = Clients.consumer(arguments, arguments.text("group"), member);
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                messages.forEach(message -> ledger.add(message, context.getMessageQueue()));
                count.addAndGet(messages.size());
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
            consumer.start();
            consumers.add(consumer);
            counts.add(count);
        }
        Report.event("started").put("members", members).write();

        String end = awaitEnd(arguments, topic, ledger, consumers);
        for (DefaultMQPushConsumer consumer : consumers) consumer.shutdown();
        List<Integer> perMember = new ArrayList<>();
        counts.forEach(count -> perMember.add(count.get()));
        ledger.describe(Report.event("done").put("end", end).put("perMember", perMember)).write();
    }

    private static String awaitEnd(Arguments arguments, String topic, Ledger ledger, List<DefaultMQPushConsumer> consumers)
        throws InterruptedException {
        int expect = arguments.number("expect", 0);
        long deadline = System.currentTimeMillis() + arguments.number("timeout-ms", 120_000);
        CountDownLatch closed = Stdin.closed();
        String last = "";
        for (;;) {
            List<Integer> assigned = new ArrayList<>();
            for (DefaultMQPushConsumer consumer : consumers) assigned.add(queuesOf(consumer, topic));
            String now = ledger.distinct() + " " + assigned;
            if (!now.equals(last)) Report.event("progress").put("distinct", ledger.distinct()).put("assigned", assigned).write();
            last = now;
            if (expect > 0 && ledger.distinct() >= expect) return "complete";
            if (closed.await(PROGRESS_INTERVAL_MS, TimeUnit.MILLISECONDS)) return "stopped";
            if (System.currentTimeMillis() > deadline) return "timeout";
        }
    }

    private static int queuesOf(DefaultMQPushConsumer consumer, String topic) {
        int queues = 0;
        for (var queue : consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().keySet()) {
            if (queue.getTopic().equals(topic)) queues++;
        }
        return queues;
    }

    private Consume() {
    }
}
