package rocknest.interop;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageQueue;

/** The lite pull consumers of the lab: {@code DefaultLitePullConsumer}, one call an operation. {@code queues} are ids that a comma parts. */
final class LabLitePull {
    private static final int AUTO_COMMIT_INTERVAL_MS = 1_000;

    private final Arguments common;
    private final Map<String, DefaultLitePullConsumer> members = new ConcurrentHashMap<>();

    LabLitePull(Arguments common) {
        this.common = common;
    }

    Object answer(String operation, Arguments line) throws Exception {
        if (operation.equals("start")) return start(line);
        DefaultLitePullConsumer consumer = members.get(line.text("name"));
        if (consumer == null) throw new IllegalArgumentException("no lite pull consumer " + line.text("name"));
        switch (operation) {
            case "assign": consumer.assign(queues(consumer, line)); return null;
            case "assignment": return ids(consumer.assignment());
            case "poll": return Delivered.tell(consumer.poll(line.number("wait-ms", 1_000)));
            case "seek": for (MessageQueue queue : queues(consumer, line)) consumer.seek(queue, line.number("offset")); return null;
            case "seekToBegin": for (MessageQueue queue : queues(consumer, line)) consumer.seekToBegin(queue); return null;
            case "seekToEnd": for (MessageQueue queue : queues(consumer, line)) consumer.seekToEnd(queue); return null;
            case "pause": consumer.pause(queues(consumer, line)); return null;
            case "resume": consumer.resume(queues(consumer, line)); return null;
            case "commit": consumer.commit(queues(consumer, line), true); return null;
            case "committed": return offsets(consumer, line, consumer::committed);
            case "offsetForTimestamp": return offsets(consumer, line, queue -> consumer.offsetForTimestamp(queue, Long.parseLong(line.text("timestamp"))));
            case "shutdown": members.remove(line.text("name")).shutdown(); return null;
            default: throw new IllegalArgumentException("unknown operation " + operation);
        }
    }

    void close() {
        members.values().forEach(DefaultLitePullConsumer::shutdown);
    }

    private interface OffsetOf {
        Long of(MessageQueue queue) throws Exception;
    }

    private static List<Long> offsets(DefaultLitePullConsumer consumer, Arguments line, OffsetOf offset) throws Exception {
        List<Long> offsets = new ArrayList<>();
        for (MessageQueue queue : new TreeSet<>(queues(consumer, line))) offsets.add(offset.of(queue));
        return offsets;
    }

    private Object start(Arguments line) throws Exception {
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(line.text("group"));
        consumer.setNamesrvAddr(common.text("namesrv"));
        consumer.setInstanceName(line.text("name") + "-" + System.nanoTime());
        Clients.putIntoNamespace(consumer, line);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setAutoCommit(line.flag("auto-commit"));
        consumer.setAutoCommitIntervalMillis(AUTO_COMMIT_INTERVAL_MS);
        if (line.flag("subscribe")) consumer.subscribe(line.text("topic"), line.text("expression", "*"));
        consumer.start();
        members.put(line.text("name"), consumer);
        return null;
    }

    private static Set<MessageQueue> queues(DefaultLitePullConsumer consumer, Arguments line) throws Exception {
        Set<String> wanted = Set.of(line.text("queues").split(","));
        Set<MessageQueue> queues = new HashSet<>();
        for (MessageQueue queue : consumer.fetchMessageQueues(line.text("topic"))) {
            if (wanted.contains(String.valueOf(queue.getQueueId()))) queues.add(queue);
        }
        return queues;
    }

    private static Object ids(Set<MessageQueue> queues) {
        TreeSet<Integer> ids = new TreeSet<>();
        for (MessageQueue queue : queues) ids.add(queue.getQueueId());
        return ids;
    }
}
