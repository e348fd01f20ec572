package rocknest.interop;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;

/** Producers of the lab that send to brokers in trouble: what was stored where, and what failed with what. */
final class LabSend {
    private static final int SEND_TIMEOUT_MS = 30_000;
    private static final long ASYNC_LIMIT_SECONDS = 120;

    private final Arguments common;
    private final Map<String, DefaultMQProducer> producers = new ConcurrentHashMap<>();

    LabSend(Arguments common) {
        this.common = common;
    }

    Object answer(String operation, Arguments line) throws Exception {
        if (operation.equals("start")) return start(line);
        DefaultMQProducer producer = producers.get(line.text("name"));
        if (producer == null) throw new IllegalArgumentException("no producer " + line.text("name"));
        switch (operation) {
            case "many": return many(producer, line);
            case "async": return async(producer, line);
            default: throw new IllegalArgumentException("unknown operation " + operation);
        }
    }

    void close() {
        for (DefaultMQProducer producer : producers.values()) producer.shutdown();
    }

    private Object start(Arguments line) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer(line.text("group", "PID_lab"));
        producer.setNamesrvAddr(common.text("namesrv"));
        producer.setInstanceName(line.text("name") + "-" + System.nanoTime());
        Clients.putIntoNamespace(producer, line);
        producer.setSendMsgTimeout(line.number("timeout-ms", SEND_TIMEOUT_MS));
        // Routes and other short calls: the client's 3 s are over on a busy machine. Who is to give up early gives up early there too.
        producer.setMqClientApiTimeout(line.number("timeout-ms", SEND_TIMEOUT_MS));
        producer.setRetryTimesWhenSendFailed(line.number("retries", 2));
        producer.setRetryTimesWhenSendAsyncFailed(line.number("retries", 2));
        producer.setSendLatencyFaultEnable(line.flag("fault"));
        // By reflection: clients of 4.x have no such setting.
        if (line.flag("detector")) {
            DefaultMQProducer.class.getMethod("setStartDetectorEnable", boolean.class).invoke(producer, true);
        }
        producer.start();
        producers.put(line.text("name"), producer);
        return null;
    }

    private static Message message(Arguments line, int number) {
        String body = line.text("body") + "-" + number;
        Message message = new Message(line.text("topic"), body.getBytes(StandardCharsets.UTF_8));
        if (!line.text("wait", "").isEmpty()) message.setWaitStoreMsgOK(line.flag("wait"));
        return message;
    }

    private static Object many(DefaultMQProducer producer, Arguments line) {
        Tally tally = new Tally();
        for (int i = 0; i < line.number("count"); i++) {
            Message message = message(line, i);
            try {
                tally.stored(message, producer.send(message));
            } catch (Exception error) {
                tally.failed(error);
            }
        }
        return tally.told();
    }

    private static Object async(DefaultMQProducer producer, Arguments line) throws Exception {
        Tally tally = new Tally();
        CountDownLatch ends = new CountDownLatch(line.number("count"));
        for (int i = 0; i < line.number("count"); i++) {
            Message message = message(line, i);
            producer.send(message, new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    tally.stored(message, result);
                    ends.countDown();
                }

                @Override
                public void onException(Throwable error) {
                    tally.failed(error);
                    ends.countDown();
                }
            });
        }
        if (!ends.await(ASYNC_LIMIT_SECONDS, TimeUnit.SECONDS)) throw new IllegalStateException(ends.getCount() + " sends have no end");
        return tally.told();
    }

    private static final class Tally {
        private final List<String> stored = Collections.synchronizedList(new ArrayList<>());
        private final List<String> errors = Collections.synchronizedList(new ArrayList<>());
        private final Map<String, Integer> statuses = Collections.synchronizedMap(new TreeMap<>());
        private final Map<String, Integer> brokers = Collections.synchronizedMap(new TreeMap<>());

        void stored(Message message, SendResult result) {
            stored.add(new String(message.getBody(), StandardCharsets.UTF_8));
            statuses.merge(result.getSendStatus().name(), 1, Integer::sum);
            brokers.merge(result.getMessageQueue().getBrokerName(), 1, Integer::sum);
        }

        void failed(Throwable error) {
            errors.add(String.valueOf(error));
        }

        Object told() {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("stored", stored);
            fields.put("errors", errors);
            fields.put("brokers", brokers);
            fields.put("statuses", statuses);
            return fields;
        }
    }
}
