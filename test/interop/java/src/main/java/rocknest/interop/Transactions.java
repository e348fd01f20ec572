package rocknest.interop;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * Sends {@code --count} messages of each fate in transactions, consumes what comes of them, and tells of each check. The body {@code fate-number}
 * says what becomes of a message: its first word at once, the others at its checks, the last one at each further check
 * ({@code unknown_unknown_commit-3}; {@code throw} stands for an exception). With {@code --send false} it only answers checks.
 */
final class Transactions implements TransactionListener {
    private final Map<String, AtomicInteger> checks = new ConcurrentHashMap<>();
    private final Map<String, String> ids = new ConcurrentHashMap<>();
    private final Map<String, AtomicInteger> consumed = new ConcurrentHashMap<>();
    private final List<String> differences = new ArrayList<>();
    private final String topic;

    private Transactions(String topic) {
        this.topic = topic;
    }

    static void run(Arguments arguments) throws Exception {
        String topic = arguments.text("topic");
        Transactions transactions = new Transactions(topic);
        DefaultMQPushConsumer consumer = Clients.consumer(arguments, arguments.text("group") + "_consumers", 0);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            for (MessageExt message : messages) transactions.consume(message);
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        TransactionMQProducer producer = new TransactionMQProducer(arguments.text("group"));
        producer.setNamesrvAddr(arguments.text("namesrv"));
        producer.setInstanceName("transactions-" + System.nanoTime());
        producer.setSendMsgTimeout(30_000);
        producer.setTransactionListener(transactions);
        // One client for both: since 5.0 a producer that never sent knows no broker, and no broker knows it.
        consumer.setInstanceName(producer.getInstanceName());
        producer.start();
        consumer.start();
        Map<String, Integer> states = new TreeMap<>();
        if (!"false".equals(arguments.text("send", "true"))) {
            for (String fate : arguments.text("fates").split(",")) {
                for (int i = 0; i < arguments.number("count"); i++) {
                    Message message = new Message(topic, "paid", "key-" + i, (fate + "-" + i).getBytes(StandardCharsets.UTF_8));
                    message.putUserProperty("number", String.valueOf(i));
                    states.merge(producer.sendMessageInTransaction(message, "argument").getLocalTransactionState().name(), 1, Integer::sum);
                }
            }
        }
        Report.event("sent").put("states", states).write();
        Stdin.closed().await();
        producer.shutdown();
        consumer.shutdown();
        Report.event("done").put("checks", transactions.checks).put("consumed", transactions.consumed).put("differences", transactions.differences()).write();
    }

    @Override
    public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
        String text = new String(message.getBody(), StandardCharsets.UTF_8);
        ids.put(text, message.getTransactionId());
        if (!"argument".equals(argument)) differ(text + " got the argument " + argument);
        return stateOf(text, 0);
    }

    @Override
    public LocalTransactionState checkLocalTransaction(MessageExt message) {
        String text = new String(message.getBody(), StandardCharsets.UTF_8);
        int check = checks.computeIfAbsent(text, key -> new AtomicInteger()).incrementAndGet();
        same(text, "topic at the check", topic, message.getTopic());
        same(text, "id at the check", ids.getOrDefault(text, message.getTransactionId()), message.getTransactionId());
        same(text, "tags at the check", "paid", message.getTags());
        Report.event("check").put("text", text).put("check", check).write();
        return stateOf(text, check);
    }

    private void consume(MessageExt message) {
        String text = new String(message.getBody(), StandardCharsets.UTF_8);
        consumed.computeIfAbsent(text, key -> new AtomicInteger()).incrementAndGet();
        same(text, "tags", "paid", message.getTags());
        same(text, "number", text.substring(text.lastIndexOf('-') + 1), message.getUserProperty("number"));
        same(text, "id", ids.getOrDefault(text, message.getMsgId()), message.getMsgId());
        same(text, "transaction", message.getMsgId(), message.getTransactionId());
        Report.event("consumed").put("text", text).write();
    }

    private static LocalTransactionState stateOf(String text, int time) {
        String[] words = text.substring(0, text.lastIndexOf('-')).split("_");
        switch (words[Math.min(time, words.length - 1)]) {
            case "commit": return LocalTransactionState.COMMIT_MESSAGE;
            case "rollback": return LocalTransactionState.ROLLBACK_MESSAGE;
            case "throw": throw new IllegalStateException("as planned");
            default: return LocalTransactionState.UNKNOW;
        }
    }

    private void same(String text, String what, String expected, String found) {
        if (expected == null ? found != null : !expected.equals(found)) differ(text + ": " + what + " is " + found + " instead of " + expected);
    }

    private synchronized void differ(String difference) {
        differences.add(difference);
    }

    private synchronized List<String> differences() {
        return new ArrayList<>(differences);
    }
}
