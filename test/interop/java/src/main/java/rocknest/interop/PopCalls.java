package rocknest.interop;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.AckCallback;
import org.apache.rocketmq.client.consumer.AckResult;
import org.apache.rocketmq.client.consumer.PopCallback;
import org.apache.rocketmq.client.consumer.PopResult;
import org.apache.rocketmq.client.impl.MQClientAPIImpl;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.common.message.MessageRequestMode;
import org.apache.rocketmq.remoting.protocol.admin.ConsumeStats;
import org.apache.rocketmq.remoting.protocol.admin.OffsetWrapper;
import org.apache.rocketmq.remoting.protocol.header.AckMessageRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.ChangeInvisibleTimeRequestHeader;
import org.apache.rocketmq.remoting.protocol.header.ExtraInfoUtil;
import org.apache.rocketmq.remoting.protocol.header.PopMessageRequestHeader;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/**
 * Pops, acknowledges and renews through the calls of the official client, step by step, and reports what each was answered, with times taken out: the same
 * steps against two brokers must be answered alike. Only with clients of 5.x.
 */
public final class PopCalls {
    private static final long TIMEOUT_MS = 20_000;
    private static final int INVISIBLE_MS = 60_000;

    private final List<String> steps = new ArrayList<>();
    private final MQClientAPIImpl api;
    private final String address;
    private final String brokerName;
    private final String topic;
    private final String group;

    private PopCalls(Arguments arguments, DefaultMQAdminExt admin) throws Exception {
        api = admin.getDefaultMQAdminExtImpl().getMqClientInstance().getMQClientAPIImpl();
        address = arguments.text("broker");
        brokerName = admin.examineBrokerClusterInfo().getBrokerAddrTable().keySet().iterator().next();
        topic = arguments.text("topic");
        group = arguments.text("group");
    }

    public static void run(String[] argv) throws Exception {
        Arguments arguments = new Arguments(argv, 1);
        DefaultMQAdminExt admin = Clients.admin(arguments);
        PopCalls calls = new PopCalls(arguments, admin);
        admin.setMessageRequestMode(calls.address, calls.topic, calls.group, MessageRequestMode.POP, arguments.number("share", -1), TIMEOUT_MS);
        DefaultMQProducer producer = Clients.producer(arguments);
        producer.start();
        calls.walk(admin, producer);
        producer.shutdown();
        admin.shutdown();
        Report.event("done").put("steps", calls.steps).write();
    }

    private void walk(DefaultMQAdminExt admin, DefaultMQProducer producer) throws Exception {
        send(producer, "a", "b", "a", "b", "a", "b");

        List<MessageExt> first = pop("three", 3, INVISIBLE_MS, "*", false);
        List<MessageExt> tagged = pop("tagged", 3, INVISIBLE_MS, "b", false);
        stats(admin);
        pop("nothing", 3, INVISIBLE_MS, "*", false);
        step("ack", ack(first.get(0), first.get(0).getQueueOffset()));
        step("ack twice", ack(first.get(0), first.get(0).getQueueOffset()));
        step("ack of an offset that is not there", ack(first.get(0), 1_000));
        step("batch ack", batchAck(first.get(1), tagged));
        AckResult renewed = renew(first.get(2), 1_000);
        step("renew", renewed.getStatus() + " " + handle(renewed.getExtraInfo()));
        List<MessageExt> again = popUntilFound("again", 1_500);
        List<MessageExt> third = popUntilFound("and again", INVISIBLE_MS);
        step("first pop time is kept", again.get(0).getProperty(MessageConst.PROPERTY_FIRST_POP_TIME)
            .equals(third.get(0).getProperty(MessageConst.PROPERTY_FIRST_POP_TIME)));
        step("ack of the retry topic", ack(third.get(0), third.get(0).getQueueOffset()));
        pop("nothing any more", 3, INVISIBLE_MS, "*", false);

        send(producer, "a", "a", "a");
        List<MessageExt> ordered = pop("in order", 2, INVISIBLE_MS, "*", true);
        pop("blocked", 2, INVISIBLE_MS, "*", true);
        step("ack in order", ack(ordered.get(0), ordered.get(0).getQueueOffset()));
        pop("still blocked", 2, INVISIBLE_MS, "*", true);
        step("renew in order", renew(ordered.get(1), 1_000).getStatus());
        List<MessageExt> orderedAgain = popOrderedUntilFound("in order again");
        step("ack in order of what was popped again", ack(ordered.get(1), ordered.get(1).getQueueOffset()));
        for (MessageExt message : orderedAgain) step("ack in order", ack(message, message.getQueueOffset()));
        step("ack in order twice", ack(orderedAgain.get(0), orderedAgain.get(0).getQueueOffset()));
        pop("in order, nothing any more", 2, INVISIBLE_MS, "*", true);
        stats(admin);
        pop("more than 32", 33, INVISIBLE_MS, "*", false);
    }

    private void send(DefaultMQProducer producer, String... tags) throws Exception {
        MessageQueue queue = new MessageQueue(topic, brokerName, 0);
        for (String tag : tags) producer.send(new Message(topic, tag, ("body " + tag).getBytes()), queue);
    }

    private void step(String name, Object answer) {
        steps.add(name + ": " + answer);
    }

    private List<MessageExt> popUntilFound(String name, int invisibleMs) throws Exception {
        long deadline = System.currentTimeMillis() + TIMEOUT_MS;
        for (;;) {
            PopResult result = call(3, invisibleMs, "*", false, 1_000);
            if (!found(result).isEmpty() || System.currentTimeMillis() > deadline) return told(name, result);
        }
    }

    private List<MessageExt> popOrderedUntilFound(String name) throws Exception {
        long deadline = System.currentTimeMillis() + TIMEOUT_MS;
        for (;;) {
            PopResult result = call(2, INVISIBLE_MS, "*", true, 1_000);
            if (!found(result).isEmpty() || System.currentTimeMillis() > deadline) return told(name, result);
        }
    }

    private List<MessageExt> pop(String name, int count, int invisibleMs, String tags, boolean order) throws Exception {
        try {
            return told(name, call(count, invisibleMs, tags, order, 500));
        } catch (Exception error) {
            Throwable cause = error.getCause() == null ? error : error.getCause();
            step(name, String.valueOf(cause.getMessage()).replaceAll("(?s)(CODE: \\d+).*", "$1"));
            return Collections.emptyList();
        }
    }

    private PopResult call(int count, int invisibleMs, String tags, boolean order, long pollMs) throws Exception {
        PopMessageRequestHeader header = new PopMessageRequestHeader();
        header.setConsumerGroup(group);
        header.setTopic(topic);
        header.setQueueId(0);
        header.setMaxMsgNums(count);
        header.setInvisibleTime(invisibleMs);
        header.setInitMode(0);
        header.setExpType("TAG");
        header.setExp(tags);
        header.setOrder(order);
        header.setPollTime(pollMs);
        header.setBornTime(System.currentTimeMillis());
        CompletableFuture<PopResult> future = new CompletableFuture<>();
        api.popMessageAsync(brokerName, address, header, TIMEOUT_MS, new PopCallback() {
            @Override
            public void onSuccess(PopResult result) {
                future.complete(result);
            }

            @Override
            public void onException(Throwable error) {
                future.completeExceptionally(error);
            }
        });
        return future.get(TIMEOUT_MS, TimeUnit.MILLISECONDS);
    }

    private static List<MessageExt> found(PopResult result) {
        return result.getMsgFoundList() == null ? Collections.emptyList() : result.getMsgFoundList();
    }

    private List<MessageExt> told(String name, PopResult result) {
        List<MessageExt> found = found(result);
        StringBuilder messages = new StringBuilder();
        for (MessageExt message : found) {
            messages.append(" [").append(message.getTopic().equals(topic) ? "topic" : message.getTopic())
                .append(' ').append(message.getQueueId()).append('@').append(message.getQueueOffset())
                .append(' ').append(message.getTags()).append(" reconsumed ").append(message.getReconsumeTimes())
                .append(" handle ").append(handle(message.getProperty(MessageConst.PROPERTY_POP_CK)))
                .append(message.getProperty(MessageConst.PROPERTY_FIRST_POP_TIME) == null ? "" : " first popped").append(']');
        }
        step(name, result.getPopStatus() + " rest " + result.getRestNum() + " for " + result.getInvisibleTime() + messages);
        return found;
    }

    /** The handle without what differs from run to run: pop time and, of pops that are not in order, the revive queue. */
    private static String handle(String extraInfo) {
        if (extraInfo == null) return "none";
        String[] parts = extraInfo.split(" ");
        if (parts.length < 7) return "malformed " + extraInfo;
        parts[1] = "T";
        if (parts[2].length() > 5) parts[2] = "I";
        if (!"999".equals(parts[3])) parts[3] = "R";
        parts[5] = "B";
        return String.join(" ", parts);
    }

    private String ack(MessageExt message, long offset) throws Exception {
        String extraInfo = message.getProperty(MessageConst.PROPERTY_POP_CK);
        String[] parts = ExtraInfoUtil.split(extraInfo);
        AckMessageRequestHeader header = new AckMessageRequestHeader();
        header.setTopic(ExtraInfoUtil.getRealTopic(parts, topic, group));
        header.setConsumerGroup(group);
        header.setQueueId(ExtraInfoUtil.getQueueId(parts));
        header.setOffset(offset);
        header.setExtraInfo(extraInfo);
        Waiting waiting = new Waiting();
        api.ackMessageAsync(address, TIMEOUT_MS, waiting, header);
        return waiting.status();
    }

    private String batchAck(MessageExt first, List<MessageExt> others) throws Exception {
        List<String> handles = new ArrayList<>();
        handles.add(first.getProperty(MessageConst.PROPERTY_POP_CK));
        for (MessageExt message : others) handles.add(message.getProperty(MessageConst.PROPERTY_POP_CK));
        Waiting waiting = new Waiting();
        api.batchAckMessageAsync(address, TIMEOUT_MS, waiting, topic, group, handles);
        return waiting.status();
    }

    private AckResult renew(MessageExt message, long invisibleMs) throws Exception {
        String extraInfo = message.getProperty(MessageConst.PROPERTY_POP_CK);
        String[] parts = ExtraInfoUtil.split(extraInfo);
        ChangeInvisibleTimeRequestHeader header = new ChangeInvisibleTimeRequestHeader();
        header.setTopic(ExtraInfoUtil.getRealTopic(parts, topic, group));
        header.setConsumerGroup(group);
        header.setQueueId(ExtraInfoUtil.getQueueId(parts));
        header.setOffset(message.getQueueOffset());
        header.setExtraInfo(extraInfo);
        header.setInvisibleTime(invisibleMs);
        Waiting waiting = new Waiting();
        api.changeInvisibleTimeAsync(brokerName, address, header, TIMEOUT_MS, waiting);
        return waiting.future.get(TIMEOUT_MS, TimeUnit.MILLISECONDS);
    }

    private void stats(DefaultMQAdminExt admin) throws Exception {
        ConsumeStats stats = admin.examineConsumeStats(group, topic);
        StringBuilder text = new StringBuilder();
        for (OffsetWrapper offsets : stats.getOffsetTable().values()) {
            text.append(offsets.getConsumerOffset()).append(" of ").append(offsets.getBrokerOffset()).append(' ');
        }
        step("consume stats", text.toString().trim());
    }

    private static final class Waiting implements AckCallback {
        final CompletableFuture<AckResult> future = new CompletableFuture<>();

        @Override
        public void onSuccess(AckResult result) {
            future.complete(result);
        }

        @Override
        public void onException(Throwable error) {
            future.completeExceptionally(error);
        }

        String status() throws Exception {
            return String.valueOf(future.get(TIMEOUT_MS, TimeUnit.MILLISECONDS).getStatus());
        }
    }
}
