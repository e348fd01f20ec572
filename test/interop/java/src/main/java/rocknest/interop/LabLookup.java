package rocknest.interop;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageClientIDSetter;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Messages by key, by unique id and by place: one producer of the lab that sends them and looks them up. Texts come with %XX for what no line can hold, keys of a message separated by commas. */
final class LabLookup {
    private static final int SEND_TIMEOUT_MS = 30_000;

    private final Arguments common;
    private TransactionMQProducer producer;

    LabLookup(Arguments common) {
        this.common = common;
    }

    Object answer(String operation, Arguments line) throws Exception {
        try {
            switch (operation) {
                case "send": return send(line);
                case "transaction": return transaction(line);
                case "key":
                    return tell(producer().queryMessage(line.text("topic"), text(line, "key", null), line.number("max", 64),
                        instant(line, "begin", 0), instant(line, "end", Long.MAX_VALUE)).getMessageList());
                case "unique": return one(producer().getDefaultMQProducerImpl().queryMessageByUniqKey(line.text("topic"), line.text("id")));
                case "makeId": return MessageClientIDSetter.createUniqID();
                case "readId": return partsOf(line.text("id"));
                case "view": return one(producer().viewMessage(line.text("topic"), line.text("id")));
                default: throw new IllegalArgumentException("unknown operation " + operation);
            }
        } catch (MQClientException error) {
            return Map.of("code", error.getResponseCode(), "message", String.valueOf(error.getErrorMessage()));
        } catch (MQBrokerException error) {
            return Map.of("code", error.getResponseCode(), "message", String.valueOf(error.getErrorMessage()));
        }
    }

    /** What the official client reads out of a unique id. */
    private static Object partsOf(String id) {
        return Map.of(
            "time", MessageClientIDSetter.getNearlyTimeFromID(id).getTime(), "ip", MessageClientIDSetter.getIPStrFromID(id),
            "pid", MessageClientIDSetter.getPidFromID(id));
    }

    synchronized void close() {
        if (producer != null) producer.shutdown();
    }

    private static String text(Arguments line, String name, String fallback) {
        return URLDecoder.decode(fallback == null ? line.text(name) : line.text(name, fallback), StandardCharsets.UTF_8);
    }

    private static long instant(Arguments line, String name, long fallback) {
        return Long.parseLong(line.text(name, String.valueOf(fallback)));
    }

    private synchronized TransactionMQProducer producer() throws Exception {
        if (producer != null) return producer;
        producer = new TransactionMQProducer("PID_lookup");
        producer.setNamesrvAddr(common.text("namesrv"));
        producer.setInstanceName("lookup-" + System.nanoTime());
        producer.setSendMsgTimeout(SEND_TIMEOUT_MS);
        producer.setMqClientApiTimeout(SEND_TIMEOUT_MS);
        producer.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
                return LocalTransactionState.valueOf(String.valueOf(argument));
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                return LocalTransactionState.UNKNOW;
            }
        });
        producer.start();
        return producer;
    }

    private static Message message(Arguments line) {
        Message message = new Message(line.text("topic"), text(line, "body", null).getBytes(StandardCharsets.UTF_8));
        String keys = text(line, "keys", "");
        if (!keys.isEmpty()) message.setKeys(Arrays.asList(keys.split(",")));
        message.setTags(line.text("tags", "lookup"));
        int delayLevel = line.number("delay", 0);
        if (delayLevel > 0) message.setDelayTimeLevel(delayLevel);
        return message;
    }

    private Object send(Arguments line) throws Exception {
        Message message = message(line);
        SendResult result = line.text("queue", "").isEmpty()
            ? producer().send(message)
            : producer().send(message, new MessageQueue(line.text("topic"), line.text("broker", "broker-a"), line.number("queue")));
        return ids(result);
    }

    private Object transaction(Arguments line) throws Exception {
        return ids(producer().sendMessageInTransaction(message(line), line.text("fate")));
    }

    private static Object ids(SendResult result) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("msgId", result.getMsgId());
        fields.put("offsetMsgId", result.getOffsetMsgId());
        fields.put("queueId", result.getMessageQueue().getQueueId());
        fields.put("queueOffset", result.getQueueOffset());
        return fields;
    }

    private static List<Object> one(MessageExt message) {
        return tell(message == null ? List.of() : List.of(message));
    }

    private static List<Object> tell(List<MessageExt> messages) {
        List<Object> told = new ArrayList<>();
        for (MessageExt message : messages) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("body", new String(message.getBody(), StandardCharsets.UTF_8));
            fields.put("topic", message.getTopic());
            fields.put("keys", message.getKeys());
            fields.put("tags", message.getTags());
            fields.put("queueId", message.getQueueId());
            fields.put("queueOffset", message.getQueueOffset());
            fields.put("physicalOffset", message.getCommitLogOffset());
            fields.put("reconsumeTimes", message.getReconsumeTimes());
            fields.put("storeTimestamp", message.getStoreTimestamp());
            fields.put("msgId", message.getMsgId());
            told.add(fields);
        }
        return told;
    }
}
