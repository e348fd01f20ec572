package rocknest.interop;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageAccessor;
import org.apache.rocketmq.common.message.MessageQueue;

/** What a producer should not be asked to do, tried with the official one: {@code --topic}. The result names each use with its refusal, {@code null} where it is taken. */
final class WrongUses {
    private static final int MAX_BODY_BYTES = 4 * 1024 * 1024;

    private interface Use {
        void run() throws Exception;
    }

    private final Arguments arguments;
    private final String topic;
    private final Map<String, Object> verdicts = new LinkedHashMap<>();

    private WrongUses(Arguments arguments) {
        this.arguments = arguments;
        this.topic = arguments.text("topic");
    }

    static void run(Arguments arguments) throws Exception {
        WrongUses uses = new WrongUses(arguments);
        DefaultMQProducer producer = Clients.producer(arguments);
        producer.start();
        // The route is known before anything is tried.
        producer.send(uses.message());
        uses.batches(producer);
        uses.messages(producer);
        uses.names(producer);
        uses.others(producer);
        producer.shutdown();
        Report.event("done").put("verdicts", uses.verdicts).write();
    }

    private void use(String name, Use use) {
        try {
            use.run();
            verdicts.put(name, null);
        } catch (Throwable error) {
            verdicts.put(name, String.valueOf(error));
        }
    }

    private Message message() {
        return message(topic);
    }

    private static Message message(String topic) {
        return new Message(topic, "text".getBytes(StandardCharsets.UTF_8));
    }

    private Message with(String property, String value) {
        Message message = message();
        MessageAccessor.putProperty(message, property, value);
        return message;
    }

    private static List<Message> listOf(Message... messages) {
        return new ArrayList<>(List.of(messages));
    }

    private void batches(DefaultMQProducer producer) {
        use("batch with a delay level", () -> {
            Message late = message();
            late.setDelayTimeLevel(3);
            producer.send(listOf(message(), late));
        });
        use("batch of two topics", () -> producer.send(listOf(message(), message(topic + "-other"))));
        use("batch with and without waitStoreMsgOK", () -> {
            Message hasty = message();
            hasty.setWaitStoreMsgOK(false);
            producer.send(listOf(message(), hasty));
        });
        use("batch to a retry topic", () -> producer.send(listOf(message("%RETRY%GID_wrong"), message("%RETRY%GID_wrong"))));
        use("batch of no messages", () -> producer.send(listOf()));
    }

    private void messages(DefaultMQProducer producer) {
        for (String name : new String[] {"KEYS", "TAGS", "DELAY", "WAIT", "UNIQ_KEY", "REAL_TOPIC", "TRAN_MSG", "PGROUP", "TIMER_DELAY_MS"}) {
            use("reserved property " + name, () -> {
                Message message = message();
                message.putUserProperty(name, "x");
                producer.send(message);
            });
        }
        use("property without a value", () -> {
            Message message = message();
            message.putUserProperty("mine", "");
            producer.send(message);
        });
        use("property without a name", () -> {
            Message message = message();
            message.putUserProperty("", "x");
            producer.send(message);
        });
        use("empty body", () -> producer.send(new Message(topic, new byte[0])));
        use("no body", () -> producer.send(new Message(topic, null)));
        use("body above the limit", () -> producer.send(new Message(topic, new byte[MAX_BODY_BYTES + 1])));
        use("timer message in order", () -> producer.send(with("TIMER_DELAY_MS", "60000"), (queues, message, argument) -> queues.get(0), "order"));
    }

    private void names(DefaultMQProducer producer) {
        use("empty topic", () -> producer.send(message("")));
        use("topic with a blank", () -> producer.send(message("a b")));
        use("topic with other characters", () -> producer.send(message("a/b")));
        use("topic of 128 characters", () -> producer.send(message("t".repeat(128))));
        use("topic of the broker", () -> producer.send(message("SCHEDULE_TOPIC_XXXX")));
        use("topic of half messages", () -> producer.send(message("RMQ_SYS_TRANS_HALF_TOPIC")));
        use("group with a blank", () -> start("a b"));
        use("empty group", () -> start(""));
        use("group of 256 characters", () -> start("g".repeat(256)));
        use("default group", () -> start("DEFAULT_PRODUCER"));
    }

    private void start(String group) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer(group);
        producer.setNamesrvAddr(arguments.text("namesrv"));
        producer.setInstanceName("wrong-" + System.nanoTime());
        try {
            producer.start();
        } finally {
            producer.shutdown();
        }
    }

    private void others(DefaultMQProducer producer) {
        use("queue of another topic", () -> producer.send(message(), new MessageQueue(topic + "-other", "broker-a", 0)));
        use("send before the start", () -> new DefaultMQProducer("PID_not_started").send(message()));
        use("transaction without a listener", () -> {
            TransactionMQProducer transactions = new TransactionMQProducer("PID_no_listener");
            transactions.setNamesrvAddr(arguments.text("namesrv"));
            transactions.setInstanceName("wrong-" + System.nanoTime());
            try {
                transactions.start();
                transactions.sendMessageInTransaction(message(), null);
            } finally {
                transactions.shutdown();
            }
        });
        use("reply to what is no request", () -> MessageUtil.createReplyMessage(message(), new byte[] {1}));
    }
}
