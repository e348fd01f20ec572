package rocknest.interop;

import java.util.Map;
import java.util.TreeMap;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;

/** Delayed messages of the official producer, and their recall. By reflection: clients of 4.x have the levels alone. */
final class LabDelay {
    private final Arguments common;
    private DefaultMQProducer producer;

    LabDelay(Arguments common) {
        this.common = common;
    }

    Object answer(String operation, Arguments line) throws Exception {
        start();
        switch (operation) {
            case "send": return send(line);
            case "recall": return DefaultMQProducer.class.getMethod("recallMessage", String.class, String.class)
                .invoke(producer, line.text("topic"), line.text("handle"));
            default: throw new IllegalArgumentException("unknown operation " + operation);
        }
    }

    synchronized void close() {
        if (producer != null) producer.shutdown();
    }

    private synchronized void start() throws Exception {
        if (producer != null) return;
        DefaultMQProducer started = Clients.producer(common);
        started.start();
        producer = started;
    }

    /** {@code how} is the name of a setter of {@code Message}, {@code value} what it gets. */
    private Object send(Arguments line) throws Exception {
        Message message = new Message(line.text("topic"), line.text("body").getBytes("UTF-8"));
        long value = Long.parseLong(line.text("value", "0"));
        String how = line.text("how");
        if (how.equals("setDelayTimeLevel")) message.setDelayTimeLevel((int) value);
        else Message.class.getMethod(how, long.class).invoke(message, value);
        SendResult result = producer.send(message);
        Map<String, Object> told = new TreeMap<>();
        told.put("msgId", result.getMsgId());
        told.put("status", result.getSendStatus().name());
        Object handle = how.equals("setDelayTimeLevel") ? null : SendResult.class.getMethod("getRecallHandle").invoke(result);
        told.put("recallHandle", handle == null ? "" : handle.toString());
        return told;
    }
}
