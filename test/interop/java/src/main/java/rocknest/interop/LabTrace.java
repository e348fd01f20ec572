package rocknest.interop;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.trace.TraceBean;
import org.apache.rocketmq.client.trace.TraceContext;
import org.apache.rocketmq.client.trace.TraceDataEncoder;
import org.apache.rocketmq.client.trace.TraceView;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** Message traces: {@code write} does what can be traced, {@code read} what mqadmin's queryMsgTraceById does, and decodes every field. */
final class LabTrace {
    private static final int RECALL_AFTER_MS = 600_000;

    private final Arguments common;
    private final List<Runnable> open = Collections.synchronizedList(new ArrayList<>());
    private DefaultMQAdminExt admin;

    LabTrace(Arguments common) {
        this.common = common;
    }

    Object answer(String operation, Arguments line) throws Exception {
        switch (operation) {
            case "write": return write(line);
            case "read": return read(line.text("trace-topic"), line.text("id"));
            default: throw new IllegalArgumentException("unknown operation " + operation);
        }
    }

    synchronized void close() {
        open.forEach(Runnable::run);
        if (admin != null) admin.shutdown();
    }

    /** The id of each message, by what became of it. With {@code trace-topic} records go there, otherwise where the client puts them by itself. */
    private Object write(Arguments line) throws Exception {
        String topic = line.text("topic");
        String traceTopic = line.text("trace-topic", null);
        CountDownLatch consumed = new CountDownLatch(2);
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(line.text("group"), true, traceTopic);
        consumer.setNamesrvAddr(common.text("namesrv"));
        consumer.setInstanceName("trace-" + System.nanoTime());
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            consumed.countDown();
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        TransactionMQProducer producer = new TransactionMQProducer(null, line.text("producer-group"), null, true, traceTopic);
        producer.setNamesrvAddr(common.text("namesrv"));
        producer.setInstanceName(consumer.getInstanceName());
        producer.setSendMsgTimeout(30_000);
        producer.setTransactionListener(new ByBody());
        consumer.start();
        producer.start();
        // Not when it has sent: records that a client still sends when it is shut down may be lost.
        open.add(consumer::shutdown);
        open.add(producer::shutdown);
        Map<String, String> ids = new TreeMap<>();
        ids.put("sent", producer.send(message(topic, "sent")).getMsgId());
        for (String fate : List.of("commit", "rollback")) {
            ids.put(fate, producer.sendMessageInTransaction(message(topic, fate), null).getMsgId());
        }
        // By reflection: clients of 4.x recall nothing.
        String otherTopic = line.text("recall-from", "");
        if (!otherTopic.isEmpty()) ids.put("recall", recall(producer, message(topic, "recall"), otherTopic));
        consumed.await();
        return ids;
    }

    private static Message message(String topic, String body) {
        return new Message(topic, "tag", "key", body.getBytes(StandardCharsets.UTF_8));
    }

    /** Once as it should be, and once from a topic that the message is not in. */
    private static String recall(DefaultMQProducer producer, Message message, String otherTopic) throws Exception {
        Message.class.getMethod("setDelayTimeMs", long.class).invoke(message, (long) RECALL_AFTER_MS);
        SendResult result = producer.send(message);
        Object handle = SendResult.class.getMethod("getRecallHandle").invoke(result);
        Method method = DefaultMQProducer.class.getMethod("recallMessage", String.class, String.class);
        method.invoke(producer, message.getTopic(), handle);
        try {
            method.invoke(producer, otherTopic, handle);
            throw new IllegalStateException("a recall from a topic that the message is not in was taken");
        } catch (InvocationTargetException refused) {
            return result.getMsgId();
        }
    }

    /** What the tool shows of the message, each with the fields that it has read and shows nowhere. */
    private Object read(String traceTopic, String msgId) throws Exception {
        List<Object> told = new ArrayList<>();
        for (MessageExt message : admin().queryMessage(traceTopic, msgId, 64, 0, Long.MAX_VALUE).getMessageList()) {
            List<TraceContext> contexts = TraceDataEncoder.decoderFromTraceDataString(new String(message.getBody(), StandardCharsets.UTF_8));
            contexts.removeIf(context -> !context.getTraceBeans().get(0).getMsgId().equals(msgId));
            List<TraceView> views = TraceView.decodeFromTraceTransData(msgId, message);
            for (int i = 0; i < views.size(); i++) told.add(fields(views.get(i), contexts.get(i)));
        }
        return told;
    }

    private static Object fields(TraceView view, TraceContext context) {
        TraceBean bean = context.getTraceBeans().get(0);
        Map<String, Object> fields = new TreeMap<>();
        fields.put("type", view.getMsgType());
        fields.put("group", String.valueOf(view.getGroupName()));
        fields.put("status", view.getStatus());
        fields.put("keys", String.valueOf(view.getKeys()));
        fields.put("topic", String.valueOf(view.getTopic()));
        fields.put("tags", String.valueOf(view.getTags()));
        fields.put("kind", String.valueOf(bean.getMsgType()));
        fields.put("transactionId", String.valueOf(bean.getTransactionId()));
        fields.put("state", String.valueOf(bean.getTransactionState()));
        return fields;
    }

    private synchronized DefaultMQAdminExt admin() throws Exception {
        if (admin == null) admin = Clients.admin(common);
        return admin;
    }

    private static final class ByBody implements TransactionListener {
        @Override
        public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
            boolean commits = new String(message.getBody(), StandardCharsets.UTF_8).equals("commit");
            return commits ? LocalTransactionState.COMMIT_MESSAGE : LocalTransactionState.ROLLBACK_MESSAGE;
        }

        @Override
        public LocalTransactionState checkLocalTransaction(MessageExt message) {
            return LocalTransactionState.UNKNOW;
        }
    }
}
