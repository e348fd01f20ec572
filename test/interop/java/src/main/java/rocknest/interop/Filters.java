package rocknest.interop;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
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
 * Sends {@code --count} messages with the properties {@code n} (0, 1, ...) and {@code region} and a tag, and consumes them by each line of
 * {@code --filters} (type, expression, how many pass, the last one that does; between tabs): by pull, the first {@code --consumed} of them by push and lite pull too. Then tries to start a
 * consumer with {@code --wrong}.
 */
final class Filters {
    private static final long TIMEOUT_MS = 90_000;
    private static final int BATCH = 32;
    private static final String[] REGIONS = {"eu", "us", "asia"};
    private static final String[] TAGS = {"Aa", "BB", "C", null};

    private final Arguments arguments;
    private final String topic;
    /** One for all, so that the pull consumer knows the version of the broker, which a heartbeat of the others told. */
    private final String instanceName = "filters-" + System.nanoTime();

    private Filters(Arguments arguments) {
        this.arguments = arguments;
        this.topic = arguments.text("topic");
    }

    static void run(Arguments arguments) throws Exception {
        new Filters(arguments).run();
    }

    /** A line of --filters, and what came. */
    private static final class Filter {
        final MessageSelector selector;
        final int expect;
        final int last;
        final Set<Integer> pushed = new ConcurrentSkipListSet<>();
        final Set<Integer> litePulled = new ConcurrentSkipListSet<>();

        Filter(String line) {
            String[] parts = line.split("\t");
            selector = "tag".equals(parts[0]) ? MessageSelector.byTag(parts[1]) : MessageSelector.bySql(parts[1]);
            expect = Integer.parseInt(parts[2]);
            last = Integer.parseInt(parts[3]);
        }

        boolean isComplete() {
            return pushed.size() >= expect && pushed.contains(last) && litePulled.size() >= expect && litePulled.contains(last);
        }
    }

    private void run() throws Exception {
        List<Filter> filters = new ArrayList<>();
        for (String line : arguments.text("filters").split("\n")) filters.add(new Filter(line));
        send();
        List<DefaultMQPushConsumer> pushConsumers = new ArrayList<>();
        List<DefaultLitePullConsumer> litePullConsumers = new ArrayList<>();
        List<Filter> consumed = filters.subList(0, arguments.number("consumed"));
        for (Filter filter : consumed) {
            String group = "GID_" + topic + "_" + pushConsumers.size();
            pushConsumers.add(pushConsumer(group + "_push", filter));
            litePullConsumers.add(litePullConsumer(group + "_lite", filter));
        }
        long deadline = System.currentTimeMillis() + TIMEOUT_MS;
        while (!consumed.stream().allMatch(Filter::isComplete) && System.currentTimeMillis() < deadline) {
            for (int i = 0; i < consumed.size(); i++) {
                for (MessageExt message : litePullConsumers.get(i).poll(20)) consumed.get(i).litePulled.add(bodyOf(message));
            }
        }
        Report report = Report.event("done");
        List<Object> pulled = pull(filters);
        List<Object> pushed = new ArrayList<>();
        List<Object> litePulled = new ArrayList<>();
        for (Filter filter : consumed) {
            pushed.add(new ArrayList<>(filter.pushed));
            litePulled.add(new ArrayList<>(filter.litePulled));
        }
        report.put("push", pushed).put("litePull", litePulled).put("pull", pulled);
        refuse(report);
        for (DefaultMQPushConsumer consumer : pushConsumers) consumer.shutdown();
        for (DefaultLitePullConsumer consumer : litePullConsumers) consumer.shutdown();
        report.write();
    }

    private void send() throws Exception {
        DefaultMQProducer producer = Clients.producer(arguments);
        producer.start();
        for (int n = 0; n < arguments.number("count"); n++) {
            Message message = new Message(topic, Integer.toString(n).getBytes(StandardCharsets.UTF_8));
            message.putUserProperty("n", Integer.toString(n));
            if (n % 4 < 3) message.putUserProperty("region", REGIONS[n % 4]);
            if (TAGS[n % 4] != null) message.setTags(TAGS[n % 4]);
            producer.send(message);
        }
        producer.shutdown();
    }

    private DefaultMQPushConsumer pushConsumer(String group, Filter filter) throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
        consumer.setNamesrvAddr(arguments.text("namesrv"));
        consumer.setInstanceName(instanceName);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, filter.selector);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            messages.forEach(message -> filter.pushed.add(bodyOf(message)));
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        return consumer;
    }

    private DefaultLitePullConsumer litePullConsumer(String group, Filter filter) throws Exception {
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(group);
        consumer.setNamesrvAddr(arguments.text("namesrv"));
        consumer.setInstanceName(instanceName);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, filter.selector);
        consumer.start();
        return consumer;
    }

    /** Goes over every queue once for each filter, up to its end. */
    private List<Object> pull(List<Filter> filters) throws Exception {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer("GID_" + topic + "_pull");
        consumer.setNamesrvAddr(arguments.text("namesrv"));
        consumer.setInstanceName(instanceName);
        consumer.start();
        List<Object> pulled = new ArrayList<>();
        for (Filter filter : filters) {
            Set<Integer> bodies = new ConcurrentSkipListSet<>();
            for (MessageQueue queue : consumer.fetchSubscribeMessageQueues(topic)) {
                long end = consumer.maxOffset(queue);
                for (long offset = consumer.minOffset(queue); offset < end;) {
                    PullResult result = consumer.pull(queue, filter.selector, offset, BATCH);
                    if (result.getPullStatus() == PullStatus.FOUND) result.getMsgFoundList().forEach(message -> bodies.add(bodyOf(message)));
                    if (result.getNextBeginOffset() <= offset) throw new IllegalStateException("no progress at " + offset + ": " + result);
                    offset = result.getNextBeginOffset();
                }
            }
            pulled.add(new ArrayList<>(bodies));
        }
        consumer.shutdown();
        return pulled;
    }

    private void refuse(Report report) throws Exception {
        try {
            pushConsumer("GID_" + topic + "_refused", new Filter("sql\t" + arguments.text("wrong") + "\t0\t0"));
            report.put("refusedCode", 0);
        } catch (MQClientException error) {
            report.put("refusedCode", error.getResponseCode()).put("reason", error.getErrorMessage());
        }
    }

    private static int bodyOf(MessageExt message) {
        return Integer.parseInt(new String(message.getBody(), StandardCharsets.UTF_8));
    }
}
