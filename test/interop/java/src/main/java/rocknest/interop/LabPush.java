package rocknest.interop;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.common.message.MessageExt;

/** The push consumers of the lab. What their listeners do is decided by {@link Behaviour}. */
final class LabPush {
    private static final int PERSIST_INTERVAL_MS = 200;
    private static final int POLL_NAME_SERVER_INTERVAL_MS = 1_000;
    private static final int SHUTDOWN_MS = 10_000;

    private static final class Member {
        final String name;
        final DefaultMQPushConsumer consumer;
        volatile Behaviour behaviour;

        Member(String name, DefaultMQPushConsumer consumer, Behaviour behaviour) {
            this.name = name;
            this.consumer = consumer;
            this.behaviour = behaviour;
        }
    }

    private final Arguments common;
    private final Map<String, Member> members = new ConcurrentHashMap<>();

    LabPush(Arguments common) {
        this.common = common;
    }

    Object answer(String operation, Arguments line) throws Exception {
        if (operation.equals("start")) return start(line);
        Member member = members.get(line.text("name"));
        if (member == null) throw new IllegalArgumentException("no push consumer " + line.text("name"));
        switch (operation) {
            case "behave": member.behaviour.release(); member.behaviour = new Behaviour(line.text("how")); return null;
            case "release": member.behaviour.release(); return null;
            case "assigned": return assigned(member, line.text("topic"));
            case "cached": return cached(member, line.text("topic"));
            case "suspend": member.consumer.suspend(); return null;
            case "resume": member.consumer.resume(); return null;
            // After the start: the thread that looks for messages past their time runs each so many minutes as it was told at the start.
            case "timeout": member.consumer.setConsumeTimeout(line.number("minutes")); return null;
            case "shutdown": members.remove(member.name).consumer.shutdown(); return null;
            default: throw new IllegalArgumentException("unknown operation " + operation);
        }
    }

    void close() {
        for (Member member : members.values()) {
            member.behaviour.release();
            member.consumer.shutdown();
        }
    }

    private Object start(Arguments line) throws Exception {
        DefaultMQPushConsumer consumer = Clients.consumer(common, line, line.text("group"), 0);
        consumer.setNamesrvAddr(line.text("namesrv", common.text("namesrv")));
        consumer.setInstanceName(line.text("instance", line.text("name") + "-" + System.nanoTime()));
        consumer.setClientIP(line.text("ip", consumer.getClientIP()));
        if (line.flag("broadcasting")) {
            consumer.setMessageModel(Enum.valueOf(consumer.getMessageModel().getDeclaringClass(), "BROADCASTING"));
        }
        consumer.setPersistConsumerOffsetInterval(PERSIST_INTERVAL_MS);
        consumer.setPollNameServerInterval(POLL_NAME_SERVER_INTERVAL_MS);
        consumer.setAwaitTerminationMillisWhenShutdown(SHUTDOWN_MS);
        consumer.setConsumeTimeout(line.number("timeout-minutes", 15));
        consumer.setConsumeMessageBatchMaxSize(line.number("batch", 1));
        consumer.setPullBatchSize(line.number("pull-batch", 32));
        consumer.setPullThresholdForQueue(line.number("threshold", 1_000));
        consumer.setConsumeThreadMin(line.number("threads", 20));
        consumer.setConsumeThreadMax(line.number("threads", 20));
        consumer.setMaxReconsumeTimes(line.number("max-reconsume", -1));
        consumer.setSuspendCurrentQueueTimeMillis(line.number("suspend-ms", 1_000));
        consumer.setAllocateMessageQueueStrategy(Strategies.named(line.text("strategy", "AVG"), line.text("topic")));
        Member member = new Member(line.text("name"), consumer, new Behaviour(line.text("how", "ok")));
        if (line.flag("orderly")) {
            consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
                boolean done = listen(member, messages) == messages.size();
                return done ? ConsumeOrderlyStatus.SUCCESS : ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;
            });
        } else {
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> concurrently(member, messages, context));
        }
        members.put(member.name, member);
        consumer.start();
        return consumer.getDefaultMQPushConsumerImpl().getmQClientFactory().getClientId();
    }

    private static ConsumeConcurrentlyStatus concurrently(Member member, List<MessageExt> messages, ConsumeConcurrentlyContext context) {
        int done = listen(member, messages);
        if (done == 0) return ConsumeConcurrentlyStatus.RECONSUME_LATER;
        context.setAckIndex(done - 1);
        return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
    }

    private static int listen(Member member, List<MessageExt> messages) {
        List<Object> told = Delivered.tell(messages);
        Report.event("begin").put("name", member.name).put("messages", told).write();
        int done = member.behaviour.handle(messages);
        Report.event("end").put("name", member.name).put("messages", told).put("done", done).write();
        return done;
    }

    /** {@code broker:queue id} of each queue of the topic. */
    private static Object assigned(Member member, String topic) {
        TreeSet<String> queues = new TreeSet<>();
        for (var queue : member.consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().keySet()) {
            if (queue.getTopic().equals(topic)) queues.add(queue.getBrokerName() + ":" + queue.getQueueId());
        }
        return new ArrayList<>(queues);
    }

    /** How many messages of each queue wait in the client, or are handled. */
    private static Object cached(Member member, String topic) {
        Map<Integer, Long> counts = new TreeMap<>();
        member.consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().forEach((queue, messages) -> {
            if (queue.getTopic().equals(topic)) counts.put(queue.getQueueId(), messages.getMsgCount().get());
        });
        return counts;
    }
}
