package rocknest.interop;

import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** The pull consumers of the lab: {@code DefaultMQPullConsumer}, one call an operation. */
final class LabPull {
    private static final int PERSIST_INTERVAL_MS = 200;

    private final Arguments common;
    private final Map<String, DefaultMQPullConsumer> members = new ConcurrentHashMap<>();

    LabPull(Arguments common) {
        this.common = common;
    }

    Object answer(String operation, Arguments line) throws Exception {
        if (operation.equals("start")) return start(line);
        DefaultMQPullConsumer consumer = members.get(line.text("name"));
        if (consumer == null) throw new IllegalArgumentException("no pull consumer " + line.text("name"));
        if (operation.equals("shutdown")) {
            members.remove(line.text("name")).shutdown();
            return null;
        }
        if (operation.equals("queues")) return ids(consumer, line.text("topic"));
        MessageQueue queue = new MessageQueue(line.text("topic"), line.text("broker", "broker-a"), line.number("queue"));
        switch (operation) {
            case "pull": return tell(consumer.pull(queue, line.text("expression", "*"), line.number("offset"), line.number("max", 32)));
            case "pullBlock": return tell(consumer.pullBlockIfNotFound(queue, line.text("expression", "*"), line.number("offset"), line.number("max", 32)));
            case "update": consumer.updateConsumeOffset(queue, line.number("offset")); return null;
            case "persist": consumer.persist(queue); return null;
            case "stored": return consumer.fetchConsumeOffset(queue, true);
            case "max": return consumer.maxOffset(queue);
            case "min": return consumer.minOffset(queue);
            case "search": return consumer.searchOffset(queue, Long.parseLong(line.text("timestamp")));
            case "sendBack": return sendBack(consumer, queue, line);
            default: throw new IllegalArgumentException("unknown operation " + operation);
        }
    }

    void close() {
        members.values().forEach(DefaultMQPullConsumer::shutdown);
    }

    private Object start(Arguments line) throws Exception {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(line.text("group"));
        consumer.setNamesrvAddr(common.text("namesrv"));
        consumer.setInstanceName(line.text("name") + "-" + System.nanoTime());
        Clients.putIntoNamespace(consumer, line);
        consumer.setPersistConsumerOffsetInterval(PERSIST_INTERVAL_MS);
        consumer.start();
        members.put(line.text("name"), consumer);
        return null;
    }

    private static Object ids(DefaultMQPullConsumer consumer, String topic) throws Exception {
        TreeSet<Integer> ids = new TreeSet<>();
        for (MessageQueue queue : consumer.fetchSubscribeMessageQueues(topic)) ids.add(queue.getQueueId());
        return ids;
    }

    private static Object tell(PullResult result) {
        List<MessageExt> found = result.getMsgFoundList() == null ? List.of() : result.getMsgFoundList();
        return Map.of(
            "status", result.getPullStatus(), "next", result.getNextBeginOffset(), "min", result.getMinOffset(), "max", result.getMaxOffset(),
            "messages", Delivered.tell(found));
    }

    private static Object sendBack(DefaultMQPullConsumer consumer, MessageQueue queue, Arguments line) throws Exception {
        PullResult result = consumer.pull(queue, "*", line.number("offset"), 1);
        consumer.sendMessageBack(result.getMsgFoundList().get(0), line.number("delay-level"), queue.getBrokerName());
        return null;
    }
}
