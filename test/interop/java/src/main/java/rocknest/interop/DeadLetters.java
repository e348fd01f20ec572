package rocknest.interop;

import java.nio.charset.StandardCharsets;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Sends the texts of {@code --bodies} (by semicolons) to {@code --send-to}, and tells of each dead letter of {@code --topic} with its properties. */
final class DeadLetters {
    static void run(Arguments arguments) throws Exception {
        DefaultMQProducer producer = Clients.producer(arguments);
        producer.start();
        for (String body : arguments.text("bodies").split(";")) {
            producer.send(new Message(arguments.text("send-to"), "java", body, body.getBytes(StandardCharsets.UTF_8)));
        }
        producer.shutdown();
        DefaultMQPushConsumer consumer = Clients.consumer(arguments, arguments.text("group"), 0);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                Report.event("dead").put("body", new String(message.getBody(), StandardCharsets.UTF_8))
                    .put("keys", message.getKeys()).put("properties", message.getProperties()).write();
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        Report.event("started").write();
        Stdin.closed().await();
        consumer.shutdown();
        Report.event("done").write();
    }

    private DeadLetters() {
    }
}
