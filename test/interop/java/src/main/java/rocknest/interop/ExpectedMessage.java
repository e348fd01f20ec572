package rocknest.interop;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * What message number {@code index} of a seed contains. Sender and receiver compute it, so that a receiver compares every byte.
 * test/interop/support/expected-message.ts computes the same.
 */
final class ExpectedMessage {
    /** Every 500th body is above the client's compression threshold of 4,096 bytes. */
    private static final int LARGE_EVERY = 500;
    private static final int LARGE_BYTES = 8192;

    private static final Set<String> SYSTEM_PROPERTIES = Set.of(
        "KEYS", "TAGS", "UNIQ_KEY", "WAIT", "CLUSTER", "MIN_OFFSET", "MAX_OFFSET", "MSG_REGION", "TRACE_ON",
        "CONSUME_START_TIME", "RETRY_TOPIC", "REAL_TOPIC", "REAL_QID", "ORIGIN_MESSAGE_ID", "DELAY", "RECONSUME_TIME",
        "MAX_RECONSUME_TIMES", "INSTANCE_ID", "POP_CK", "1ST_POP_TIME");

    static String tagsOf(int index) {
        return "Tag" + index % 5;
    }

    static String keysOf(String seed, int index) {
        return index % 10 == 0 ? seed + "-" + index + " again-" + index : seed + "-" + index;
    }

    static byte[] bodyOf(int index) {
        if (index % LARGE_EVERY == LARGE_EVERY - 1) {
            byte[] body = new byte[LARGE_BYTES];
            for (int i = 0; i < body.length; i++) body[i] = (byte) (32 + (index + i) % 64);
            return body;
        }
        byte[] body = new byte[40 + index % 960 * 37 % 960];
        int state = index ^ 0x9E3779B9;
        for (int i = 0; i < body.length; i++) {
            state = state * 1664525 + 1013904223;
            body[i] = (byte) (state >>> 24);
        }
        return body;
    }

    static Map<String, String> propertiesOf(String seed, int index) {
        Map<String, String> properties = new HashMap<>();
        properties.put("seed", seed);
        properties.put("index", Integer.toString(index));
        properties.put("text", "gr\u00f6\u00dfe \u6f22\u5b57 \ud83d\ude80 \"" + index % 97 + "\" \\ {}");
        return properties;
    }

    static Message create(String topic, String seed, int index) {
        Message message = new Message(topic, tagsOf(index), keysOf(seed, index), index % 8, bodyOf(index), true);
        propertiesOf(seed, index).forEach(message::putUserProperty);
        return message;
    }

    /** @return the message's number, or -1 where it isn't one of this seed. */
    static int indexOf(MessageExt message, String seed) {
        if (!seed.equals(message.getUserProperty("seed"))) return -1;
        try {
            return Integer.parseInt(message.getUserProperty("index"));
        } catch (NumberFormatException error) {
            return -1;
        }
    }

    /** @return what differs, or null where nothing does. */
    static String difference(MessageExt message, String topic, String seed, int index) {
        if (!topic.equals(message.getTopic())) return "topic " + message.getTopic();
        if (!tagsOf(index).equals(message.getTags())) return "tags " + message.getTags();
        if (!keysOf(seed, index).equals(message.getKeys())) return "keys " + message.getKeys();
        if (message.getFlag() != index % 8) return "flag " + message.getFlag();
        if (!Arrays.equals(bodyOf(index), message.getBody())) return "body of " + message.getBody().length + " bytes";
        Map<String, String> properties = new HashMap<>(message.getProperties());
        properties.keySet().removeAll(SYSTEM_PROPERTIES);
        return properties.equals(propertiesOf(seed, index)) ? null : "properties " + properties;
    }

    private ExpectedMessage() {
    }
}
