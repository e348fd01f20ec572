package rocknest.interop;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.CountDownLatch;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * W3C's trace context in user properties, where OpenTelemetry's agent for Java puts it: {@code trace-context-send} sends one message with it,
 * {@code trace-context-receive} tells the one that comes.
 */
final class TraceContexts {
    static void send(Arguments arguments) throws Exception {
        DefaultMQProducer producer = Clients.producer(arguments);
        producer.start();
        Message message = new Message(arguments.text("topic"), "of Java".getBytes(StandardCharsets.UTF_8));
        message.putUserProperty("traceparent", arguments.text("traceparent"));
        message.putUserProperty("tracestate", arguments.text("tracestate"));
        String msgId = producer.send(message, 30_000).getMsgId();
        producer.shutdown();
        Report.event("done").put("msgId", msgId).write();
    }

    static void receive(Arguments arguments) throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(arguments.text("group"));
        consumer.setNamesrvAddr(arguments.text("namesrv"));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(arguments.text("topic"), "*");
        CountDownLatch consumed = new CountDownLatch(1);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                Report.event("message").put("traceparent", message.getUserProperty("traceparent"))
                    .put("msgId", message.getMsgId()).write();
            }
            consumed.countDown();
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        consumed.await();
        consumer.shutdown();
        Report.event("done").write();
    }

    private TraceContexts() {
    }
}
