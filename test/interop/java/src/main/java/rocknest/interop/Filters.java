package rocknest.interop;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * Consumers that filter. {@code --by push|lite-pull|pull|refused}, {@code --type sql|tag}, {@code --expression}; messages with the properties
 * {@code n} (0, 1, ...), {@code region} and a tag are sent by {@code --by send --count}.
 *
 * A consumer ends when {@code --expect} messages have come and {@code --last}, which is the newest message that passes, is among them.
 */
final class Filters {
    private static final long TIMEOUT_MS = 60_000;
    private static final int BATCH = 32;

    static void run(Arguments arguments) throws Exception {
        switch (arguments.text("by")) {
            case "send": send(arguments); break;
            case "push": push(arguments); break;
            case "lite-pull": litePull(arguments); break;
            case "pull": pull(arguments); break;
            case "refused": refused(arguments); break;
            default: throw new IllegalArgumentException(arguments.text("by"));
        }
    }

    private static void send(Arguments arguments) throws Exception {
        DefaultMQProducer producer = Clients.producer(arguments);
        producer.start();
        String[] regions = {"eu", "us", "asia"};
        String[] tags = {"Aa", "BB", "C", null};
        for (int n = arguments.number("start", 0); n < arguments.number("start", 0) + arguments.number("count"); n++) {
            Message message = new Message(arguments.text("topic"), Integer.toString(n).getBytes(StandardCharsets.UTF_8));
            message.putUserProperty("n", Integer.toString(n));
            if (n % 4 < 3) message.putUserProperty("region", regions[n % 4]);
            if (tags[n % 4] != null) message.setTags(tags[n % 4]);
            producer.send(message);
        }
        producer.shutdown();
        Report.event("done").write();
    }

    private static MessageSelector selector(Arguments arguments) {
        String expression = arguments.text("expression");
        return "tag".equals(arguments.text("type")) ? MessageSelector.byTag(expression) : MessageSelector.bySql(expression);
    }

    private static DefaultMQPushConsumer pushConsumer(Arguments arguments, Collection<Integer> bodies) throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(arguments.text("group"));
        consumer.setNamesrvAddr(arguments.text("namesrv"));
        consumer.setInstanceName("filter-" + System.nanoTime());
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(arguments.text("topic"), selector(arguments));
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            messages.forEach(message -> bodies.add(bodyOf(message)));
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        return consumer;
    }

    private static void push(Arguments arguments) throws Exception {
        Set<Integer> bodies = new ConcurrentSkipListSet<>();
        DefaultMQPushConsumer consumer = pushConsumer(arguments, bodies);
        consumer.start();
        Report.event("started").write();
        long deadline = System.currentTimeMillis() + TIMEOUT_MS;
        while (!isComplete(arguments, bodies) && System.currentTimeMillis() < deadline) Thread.sleep(20);
        consumer.shutdown();
        done(bodies);
    }

    private static void litePull(Arguments arguments) throws Exception {
        Set<Integer> bodies = new ConcurrentSkipListSet<>();
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(arguments.text("group"));
        consumer.setNamesrvAddr(arguments.text("namesrv"));
        consumer.setInstanceName("filter-" + System.nanoTime());
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(arguments.text("topic"), selector(arguments));
        consumer.start();
        long deadline = System.currentTimeMillis() + TIMEOUT_MS;
        while (!isComplete(arguments, bodies) && System.currentTimeMillis() < deadline) {
            consumer.poll(500).forEach(message -> bodies.add(bodyOf(message)));
        }
        consumer.shutdown();
        done(bodies);
    }

    /** Goes over every queue once, up to its end. */
    private static void pull(Arguments arguments) throws Exception {
        Set<Integer> bodies = new ConcurrentSkipListSet<>();
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(arguments.text("group"));
        consumer.setNamesrvAddr(arguments.text("namesrv"));
        consumer.setInstanceName("filter-" + System.nanoTime());
        consumer.start();
        for (MessageQueue queue : consumer.fetchSubscribeMessageQueues(arguments.text("topic"))) {
            long offset = consumer.minOffset(queue);
            for (;;) {
                PullResult result = consumer.pull(queue, selector(arguments), offset, BATCH);
                if (result.getPullStatus() == PullStatus.FOUND) result.getMsgFoundList().forEach(message -> bodies.add(bodyOf(message)));
                if (result.getPullStatus() == PullStatus.NO_NEW_MSG || result.getNextBeginOffset() >= consumer.maxOffset(queue)) break;
                offset = result.getNextBeginOffset();
            }
        }
        consumer.shutdown();
        done(bodies);
    }

    /** A push consumer that cannot start. */
    private static void refused(Arguments arguments) throws Exception {
        DefaultMQPushConsumer consumer = pushConsumer(arguments, new ArrayList<>());
        Report report = Report.event("done");
        try {
            consumer.start();
            report.put("started", true);
        } catch (MQClientException error) {
            report.put("started", false).put("code", error.getResponseCode()).put("reason", error.getErrorMessage());
        }
        consumer.shutdown();
        report.write();
    }

    private static boolean isComplete(Arguments arguments, Collection<Integer> bodies) {
        return bodies.size() >= arguments.number("expect") && bodies.contains(arguments.number("last"));
    }

    private static int bodyOf(MessageExt message) {
        return Integer.parseInt(new String(message.getBody(), StandardCharsets.UTF_8));
    }

    private static void done(Collection<Integer> bodies) {
        List<Integer> sorted = new ArrayList<>(bodies);
        sorted.sort(null);
        Report.event("done").put("bodies", sorted).write();
    }

    private Filters() {
    }
}
