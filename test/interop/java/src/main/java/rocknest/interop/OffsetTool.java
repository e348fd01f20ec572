package rocknest.interop;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/**
 * The official admin tool's operations on offsets and members, and a consumer for them, one operation a line on standard input:
 * {@code <operation> name=value ...}. Each is answered with one {@code answer} event. Ends with its input.
 */
final class OffsetTool {
    private static final int PERSIST_INTERVAL_MS = 200;

    private final Arguments common;
    private final DefaultMQAdminExt admin;
    private DefaultMQPushConsumer consumer;
    private final AtomicInteger deliveries = new AtomicInteger();
    /** Queue id to the lowest offset that came. */
    private final Map<Integer, Long> lowest = new ConcurrentSkipListMap<>();

    private OffsetTool(Arguments common) throws Exception {
        this.common = common;
        admin = Clients.admin(common);
    }

    static void run(Arguments arguments) throws Exception {
        OffsetTool tool = new OffsetTool(arguments);
        Report.event("ready").write();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String operation = line.trim().split("\\s+")[0];
            Report report = Report.event("answer").put("operation", operation);
            try {
                report.put("ok", true).put("value", tool.answer(operation, new Arguments(line)));
            } catch (Throwable error) {
                report.put("ok", false).put("error", String.valueOf(error));
            }
            report.write();
        }
        tool.stop();
        tool.admin.shutdown();
        Report.event("done").write();
    }

    private Object answer(String operation, Arguments line) throws Exception {
        switch (operation) {
            case "consume": return consume(line);
            case "deliveries": return Map.of("count", deliveries.get(), "lowest", new TreeMap<>(lowest));
            case "forget": deliveries.set(0); lowest.clear(); return null;
            case "stop": return stop();
            case "reset": return sum(admin.resetOffsetByTimestamp(line.text("topic"), line.text("group"), Long.parseLong(line.text("timestamp")), true));
            case "resetNew": admin.resetOffsetNew(line.text("group"), line.text("topic"), Long.parseLong(line.text("timestamp"))); return null;
            case "resetOld": return admin.resetOffsetByTimestampOld(line.text("group"), line.text("topic"), Long.parseLong(line.text("timestamp")), true).size();
            case "resetQueue": return resetQueue(line);
            case "lag": return admin.examineConsumeStats(line.text("group"), line.text("topic")).computeTotalDiff();
            case "status": return status(line);
            case "runningInfo": return runningInfo(line);
            case "consumeDirectly": return directly(line, false);
            case "directRemark": return directly(line, true);
            case "clone": admin.cloneGroupOffset(line.text("group"), line.text("to"), line.text("topic"), true); return null;
            case "timeSpans": return admin.queryConsumeTimeSpan(line.text("topic"), line.text("group")).size();
            case "brokerStats": return admin.fetchConsumeStatsInBroker(line.text("broker"), false, 5000).getTotalDiff() >= 0;
            case "subscription": return subscription(line);
            case "getConfig": return admin.getBrokerConfig(line.text("broker")).getProperty(line.text("key"));
            case "setConfig": return setConfig(line);
            case "minOffset": return admin.minOffset(new MessageQueue(line.text("topic"), "broker-a", 0));
            case "deleteExpired": return admin.deleteExpiredCommitLogByAddr(line.text("broker"));
            default: throw new IllegalArgumentException("unknown operation " + operation);
        }
    }

    private Object consume(Arguments line) throws Exception {
        deliveries.set(0);
        lowest.clear();
        consumer = Clients.consumer(common, line, line.text("group"), 0);
        consumer.setPersistConsumerOffsetInterval(PERSIST_INTERVAL_MS);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) lowest.merge(message.getQueueId(), message.getQueueOffset(), Math::min);
            deliveries.addAndGet(messages.size());
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        return consumer.getDefaultMQPushConsumerImpl().getmQClientFactory().getClientId();
    }

    private Object stop() {
        if (consumer != null) consumer.shutdown();
        consumer = null;
        return null;
    }

    private static long sum(Map<MessageQueue, Long> offsets) {
        return offsets.values().stream().mapToLong(Long::longValue).sum();
    }

    /** 5.x only. */
    private Object resetQueue(Arguments line) throws Exception {
        DefaultMQAdminExt.class.getMethod("resetOffsetByQueueId", String.class, String.class, String.class, int.class, long.class)
            .invoke(admin, line.text("broker"), line.text("group"), line.text("topic"), line.number("queue"), Long.parseLong(line.text("offset")));
        return null;
    }

    /** 5.x only. */
    private Object subscription(Arguments line) throws Exception {
        Object data = DefaultMQAdminExt.class.getMethod("querySubscription", String.class, String.class)
            .invoke(admin, line.text("group"), line.text("topic"));
        return String.valueOf(data.getClass().getMethod("getSubString").invoke(data));
    }

    private Object status(Arguments line) throws Exception {
        Map<String, Long> sums = new TreeMap<>();
        admin.getConsumeStatus(line.text("topic"), line.text("group"), line.text("clientId", ""))
            .forEach((member, offsets) -> sums.put(member, sum(offsets)));
        return sums;
    }

    private Object runningInfo(Arguments line) throws Exception {
        var info = admin.getConsumerRunningInfo(line.text("group"), line.text("clientId"), true);
        long queues = info.getMqTable().keySet().stream().filter(queue -> queue.getTopic().equals(line.text("topic"))).count();
        // What `mqadmin consumerStatus` prints: it must not stumble over what the member said.
        return queues + " " + (info.formatString().length() > 0) + " " + info.getProperties().getProperty("PROP_CONSUME_TYPE");
    }

    private Object directly(Arguments line, boolean withRemark) throws Exception {
        var result = admin.consumeMessageDirectly(line.text("group"), line.text("clientId"), line.text("topic"), line.text("msgId"));
        return result.getConsumeResult() + (withRemark ? " " + result.getRemark() : "");
    }

    private Object setConfig(Arguments line) throws Exception {
        Properties properties = new Properties();
        properties.setProperty(line.text("key"), line.text("value"));
        admin.updateBrokerConfig(line.text("broker"), properties);
        return null;
    }
}
