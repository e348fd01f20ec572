package rocknest.interop;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.selector.SelectMessageQueueByHash;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** What a 5.x producer can do besides sending: compression of three kinds, batches made by itself, selectors. The body of a message follows from its property {@code kind}. */
final class Sending {
    static final int BODY_CHARACTERS = 20_000;

    /** test/interop/sending.spec.ts computes the same. */
    static byte[] bodyOf(String kind) {
        if (!kind.startsWith("compressed-")) return kind.getBytes(StandardCharsets.UTF_8);
        StringBuilder text = new StringBuilder();
        for (int i = 0; text.length() < BODY_CHARACTERS; i++) text.append(kind).append(' ').append(i % 97).append(';');
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static Message message(String topic, String kind) {
        Message message = new Message(topic, bodyOf(kind));
        message.putUserProperty("kind", kind);
        return message;
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static void compressWith(DefaultMQProducer producer, String type) throws Exception {
        Class<? extends Enum> types = (Class<? extends Enum>) Class.forName("org.apache.rocketmq.common.compression.CompressionType");
        DefaultMQProducer.class.getMethod("setCompressType", types).invoke(producer, Enum.valueOf(types, type));
    }

    /** {@code --topic --gathered N --keys a,b,c}: sends in every way, and reports the queue of each key. */
    static void send(Arguments arguments) throws Exception {
        String topic = arguments.text("topic");
        for (String type : new String[] {"ZLIB", "LZ4", "ZSTD"}) {
            DefaultMQProducer producer = Clients.producer(arguments);
            compressWith(producer, type);
            producer.start();
            producer.send(message(topic, "compressed-" + type));
            producer.shutdown();
        }
        DefaultMQProducer producer = Clients.producer(arguments);
        producer.start();
        Map<String, Integer> queues = new LinkedHashMap<>();
        for (String key : arguments.text("keys").split(",")) {
            Message message = message(topic, "key-" + key);
            queues.put(key, producer.send(message, new SelectMessageQueueByHash(), key).getMessageQueue().getQueueId());
        }
        producer.shutdown();
        Report.event("done").put("queues", queues).put("gathered", gather(arguments, topic)).write();
    }

    private static int gather(Arguments arguments, String topic) throws Exception {
        int count = arguments.number("gathered");
        DefaultMQProducer producer = Clients.producer(arguments);
        DefaultMQProducer.class.getMethod("setAutoBatch", boolean.class).invoke(producer, true);
        producer.start();
        AtomicInteger sent = new AtomicInteger();
        CountDownLatch done = new CountDownLatch(count);
        for (int i = 0; i < count; i++) {
            producer.send(message(topic, "gathered-" + i), new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    sent.incrementAndGet();
                    done.countDown();
                }

                @Override
                public void onException(Throwable error) {
                    Report.event("failure").put("message", String.valueOf(error)).write();
                    done.countDown();
                }
            });
        }
        done.await(30, TimeUnit.SECONDS);
        producer.shutdown();
        return sent.get();
    }

    /** {@code --topic --group --expect N}: consumes so many messages and reports kinds, queues and what differs. */
    static void receive(Arguments arguments) throws Exception {
        int expected = arguments.number("expect");
        Map<String, Integer> queues = Collections.synchronizedMap(new LinkedHashMap<>());
        List<String> different = Collections.synchronizedList(new ArrayList<>());
        DefaultMQPushConsumer consumer = Clients.consumer(arguments, arguments.text("group"), 0);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                String kind = message.getUserProperty("kind");
                if (!java.util.Arrays.equals(bodyOf(kind), message.getBody())) different.add(kind);
                queues.put(kind, message.getQueueId());
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (queues.size() < expected && System.nanoTime() < deadline) Thread.sleep(20);
        consumer.shutdown();
        Report.event("done").put("queues", queues).put("different", different).write();
    }

    private Sending() {
    }
}
