package rocknest.interop;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.RequestTimeoutException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Both sides of request and reply. A reply is the request's text behind {@code java:}. */
final class Requests {
    private static final int ASKED_AT_ONCE = 8;

    /**
     * {@code --topic --count [--prefix P] [--tags A,B]}: asks, with the tags in turn, and reports which replies came, {@code null} for those that did not,
     * and how many were errors of Nest handlers.
     */
    static void ask(Arguments arguments) throws Exception {
        String topic = arguments.text("topic");
        int count = arguments.number("count");
        int timeoutMs = arguments.number("timeout-ms", 20_000);
        DefaultMQProducer producer = Clients.producer(arguments);
        producer.start();
        String prefix = arguments.text("prefix", "request") + " ";
        String[] tags = arguments.text("tags", "").split(",");
        AtomicInteger timeouts = new AtomicInteger();
        AtomicInteger errors = new AtomicInteger();
        List<String> replies = new ArrayList<>();
        ExecutorService threads = Executors.newFixedThreadPool(ASKED_AT_ONCE);
        List<Future<String>> asked = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Message message = new Message(topic, tags[i % tags.length], (prefix + i).getBytes(StandardCharsets.UTF_8));
            asked.add(threads.submit(() -> {
                try {
                    Message reply = producer.request(message, timeoutMs);
                    if (reply.getUserProperty("rocknestReplyError") != null) errors.incrementAndGet();
                    return new String(reply.getBody(), StandardCharsets.UTF_8);
                } catch (RequestTimeoutException late) {
                    timeouts.incrementAndGet();
                    return null;
                }
            }));
            // It makes the producer known to the broker; a request beside it could be answered before the broker knows where its replies go.
            if (i == 0) asked.get(0).get();
        }
        for (Future<String> reply : asked) replies.add(reply.get());
        Report.event("done").put("replies", replies).put("timeouts", timeouts.get()).put("errors", errors.get()).write();
        threads.shutdown();
        producer.shutdown();
    }

    /** {@code --topic --group}: answers until its input ends. */
    static void reply(Arguments arguments) throws Exception {
        DefaultMQProducer producer = Clients.producer(arguments);
        producer.start();
        AtomicInteger sent = new AtomicInteger();
        AtomicInteger underWay = new AtomicInteger();
        DefaultMQPushConsumer consumer = Clients.consumer(arguments, arguments.text("group"), 0);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) {
                underWay.incrementAndGet();
                try {
                    String body = "java:" + new String(message.getBody(), StandardCharsets.UTF_8);
                    producer.send(MessageUtil.createReplyMessage(message, body.getBytes(StandardCharsets.UTF_8)), 3_000);
                    sent.incrementAndGet();
                } catch (Exception error) {
                    Report.error(error);
                } finally {
                    underWay.decrementAndGet();
                }
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        Report.event("ready").write();
        Stdin.closed().await();
        // Brokers push a reply before they answer its sender: who asked may be ready before that.
        while (underWay.get() > 0) Thread.sleep(10);
        consumer.shutdown();
        producer.shutdown();
        Report.event("done").put("sent", sent.get()).write();
    }

    private Requests() {
    }
}
