package rocknest.interop;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.trace.TraceView;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** Message traces: {@code trace} sends and consumes one message with a trace, {@code trace-query} does what mqadmin's queryMsgTraceById does. */
final class Trace {
    static void run(Arguments arguments) throws Exception {
        String topic = arguments.text("topic");
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(arguments.text("group"), true, arguments.text("trace-topic"));
        consumer.setNamesrvAddr(arguments.text("namesrv"));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        CountDownLatch consumed = new CountDownLatch(1);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            consumed.countDown();
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        DefaultMQProducer producer = new DefaultMQProducer(arguments.text("producer-group"), true, arguments.text("trace-topic"));
        producer.setNamesrvAddr(arguments.text("namesrv"));
        producer.start();
        String msgId = producer.send(new Message(topic, "tag", "key", "traced".getBytes(StandardCharsets.UTF_8)), 30_000).getMsgId();
        consumed.await();
        // Both write what they have left.
        consumer.shutdown();
        producer.shutdown();
        Report.event("done").put("msgId", msgId).write();
    }

    static void query(Arguments arguments) throws Exception {
        DefaultMQAdminExt admin = Clients.admin(arguments);
        String msgId = arguments.text("id");
        for (MessageExt message : admin.queryMessage(arguments.text("trace-topic"), msgId, 64, 0, Long.MAX_VALUE).getMessageList()) {
            for (TraceView view : TraceView.decodeFromTraceTransData(msgId, message)) {
                Report.event("view").put("type", view.getMsgType()).put("group", view.getGroupName()).put("status", view.getStatus())
                    .put("keys", view.getKeys()).put("topic", view.getTopic()).put("tags", view.getTags()).write();
            }
        }
        admin.shutdown();
        Report.event("done").write();
    }

    private Trace() {
    }
}
