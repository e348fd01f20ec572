package rocknest.interop;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * The listener fails each message {@code --failures} times; then it must come again with reconsumeTimes counted up and nothing else
 * changed. {@code --delay-level} is asked for with each failure (0: the broker's own steps), {@code --max-reconsume} is the group's limit.
 */
final class Retry {
    private final String topic;
    private final String seed;
    private final int failures;
    private final int delayLevel;
    private final Map<Integer, AtomicInteger> deliveries = new ConcurrentHashMap<>();
    private final Map<Integer, Integer> byReconsumeTimes = new TreeMap<>();
    private final Map<Integer, String> ids = new HashMap<>();
    private int handled;
    private String firstDifference;

    private Retry(Arguments arguments) {
        topic = arguments.text("topic");
        seed = arguments.text("seed");
        failures = arguments.number("failures", 1);
        delayLevel = arguments.number("delay-level", 0);
    }

    static void run(Arguments arguments) throws Exception {
        Retry retry = new Retry(arguments);
        int count = arguments.number("count");
        DefaultMQPushConsumer consumer = Clients.consumer(arguments, arguments.text("group"), 0);
        consumer.setMaxReconsumeTimes(arguments.number("max-reconsume", -1));
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> retry.listen(messages.get(0), context));
        consumer.start();
        DefaultMQProducer producer = Clients.producer(arguments);
        producer.start();
        for (int i = 0; i < count; i++) producer.send(ExpectedMessage.create(retry.topic, retry.seed, i));
        retry.awaitHandled(arguments, count);
        consumer.shutdown();
        producer.shutdown();
        retry.report();
    }

    private synchronized ConsumeConcurrentlyStatus listen(MessageExt message, ConsumeConcurrentlyContext context) {
        int index = ExpectedMessage.indexOf(message, seed);
        int delivery = deliveries.computeIfAbsent(index, key -> new AtomicInteger()).incrementAndGet();
        byReconsumeTimes.merge(message.getReconsumeTimes(), 1, Integer::sum);
        String difference = ExpectedMessage.difference(message, topic, seed, index);
        if (difference == null && message.getReconsumeTimes() != delivery - 1) {
            difference = "delivery " + delivery + " has reconsumeTimes " + message.getReconsumeTimes();
        }
        String id = ids.putIfAbsent(index, message.getMsgId());
        if (difference == null && id != null && !id.equals(message.getMsgId())) difference = "msgId " + message.getMsgId() + " was " + id;
        if (difference != null && firstDifference == null) firstDifference = "message " + index + ": " + difference;
        if (delivery <= failures) {
            context.setDelayLevelWhenNextConsume(delayLevel);
            return ConsumeConcurrentlyStatus.RECONSUME_LATER;
        }
        handled++;
        notifyAll();
        return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
    }

    private synchronized void awaitHandled(Arguments arguments, int count) throws InterruptedException {
        long deadline = System.currentTimeMillis() + arguments.number("timeout-ms", 120_000);
        while (handled < count && System.currentTimeMillis() < deadline) wait(100);
    }

    private synchronized void report() {
        Report.event("done").put("handled", handled).put("byReconsumeTimes", byReconsumeTimes).put("difference", firstDifference).write();
    }
}
